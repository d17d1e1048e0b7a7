"""The demo's pictures: labelled scenes, score maps, one episode, each made again from the files of the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grasping_student.environments.base import Environment, RestorableEnvironment
from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.episodes.event_log import outcome_name, read_events
from grasping_student.episodes.loop import scene_seed
from grasping_student.evaluation.one_shot import prepare_scene
from grasping_student.evaluation.picking_stage import ATTEMPTS, read_asked
from grasping_student.evaluation.rates import attempts_of, ends_of
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.pipeline.files import read_json
from grasping_student.plotting.panels import outcome_colour, scene_panel, score_panel
from grasping_student.plotting.png import png_address
from grasping_student.plotting.side_views import watch_grasp
from grasping_student.study.demo.report import CONDITION_NAMES, DemoRun

if TYPE_CHECKING:
    from grasping_student.models.grasp_model import GraspModel

SHOWN_LABELS = 4
SHOWN_SCENES = 3
SHOWN_ATTEMPTS = 18


@dataclass(frozen=True)
class Picture:
    """A picture of the page."""

    address: str
    """``data:`` address."""

    caption: str
    """Shown below, and read to those who do not see it."""

    below: str = ""
    """``data:`` address of a second picture under the first."""


@contextmanager
def opened(run: DemoRun) -> Iterator[DemoPictures]:
    """The run's pictures, its models loaded and its environment open."""
    from grasping_student.models.grasp_model import GraspModel

    models = {condition: GraspModel.load(path) for condition, path in run.checkpoints.items()}
    with run.environment.make() as environment:
        yield DemoPictures(run, environment, models)


class DemoPictures:
    """Draws what the report shows; the scenes are made anew from the seeds of the evaluations."""

    def __init__(self, run: DemoRun, environment: Environment, models: Mapping[str, GraspModel]) -> None:
        self._run = run
        self._environment = environment
        self._models = models
        self._scenes = self._test_scenes(SHOWN_SCENES)

    def _test_scenes(self, count: int) -> list[Heightmap]:
        """The first scenes of the one-shot test, as every model met them."""
        asked = read_asked(self._run.one_shot)
        scenes = []
        if isinstance(self._environment, RestorableEnvironment):
            for number in range(count):
                prepare_scene(self._environment, number, asked["seed"], asked["max_removed_fraction"])
                scenes.append(self._environment.observe().heightmap)
        return scenes

    def labelled_scenes(self) -> list[Picture]:
        """Heights above colours of the first labelled grasps of different episodes (paper, figure 1)."""
        from grasping_student.datasets.store import Dataset

        dataset = Dataset(self._run.dataset)
        by_episode: dict[int, Any] = {}
        for attempt in dataset.attempts(labelled=True):
            by_episode.setdefault(attempt.episode, attempt)
        pictures = []
        for attempt in list(by_episode.values())[:SHOWN_LABELS]:
            scene = dataset.heightmap(attempt.id)
            drawn = [(attempt.grasp, outcome_colour(bool(attempt.success)))]
            ending = "succeeded" if attempt.success else f"failed: {str(attempt.outcome).replace('_', ' ')}"
            degrees = np.degrees(attempt.grasp.angle)
            caption = f"{degrees:.0f} degrees; {ending}"
            colour = scene_panel(scene, drawn, colour=True)
            pictures.append(Picture(scene_panel(scene, drawn), caption, below=colour))
        dataset.close()
        return pictures

    def score_maps(self) -> list[tuple[int, list[Picture]]]:
        """For each shown scene: heights, then the map of every network's best angle with its best grasp."""
        rows = []
        for number, scene in enumerate(self._scenes):
            row = [Picture(scene_panel(scene), "height")]
            for condition in [condition for condition in CONDITION_NAMES if condition in self._models]:
                model = self._models[condition]
                grasp, _ = model.best_grasp(scene)
                scores = model.scores_at(scene, [grasp.angle])[0]
                best = f"{CONDITION_NAMES[condition]}: best grasp, {np.degrees(grasp.angle):.0f} degrees"
                row.append(Picture(score_panel(scores, scene.workspace, grasp), best))
            rows.append((number, row))
        return rows

    def learning_curves(self) -> dict[str, tuple[list[float], list[float]]]:
        """Step and loss of every training that left a curve."""
        curves = {}
        for condition in [condition for condition in CONDITION_NAMES if condition in self._run.checkpoints]:
            rows = _curve_rows(self._run.checkpoints[condition])
            if rows:
                curves[condition] = ([row["step"] for row in rows], [row["loss"] for row in rows])
        return curves

    def episode(self) -> tuple[list[Picture], list[Picture], str]:
        """The first episode of the student (or of the last model), replayed from its record.

        Returns:
            Every attempt from above, the first also from the side where the environment can show it, and a sentence.
        """
        asked = read_asked(self._run.picking)
        model = "student" if "student" in asked["models"] else list(asked["models"])[-1]
        events = [event for event in read_events(self._run.picking / ATTEMPTS) if event.episode == 0]
        attempts = attempts_of(events, model)
        grasps = [each.grasp for each in attempts if each.grasp is not None]
        reason = ends_of(events, model)[0]
        self._environment.reset(scene_seed(asked["seed"], 0))
        frames, side = [], []
        ceiling = float(np.nanmax(self._environment.observe().heightmap.height))
        if grasps and isinstance(self._environment, SimulationEnvironment):
            watched = watch_grasp(self._environment, grasps[0])
            side = [Picture(png_address(view.picture), view.moment) for view in watched]
        for number, (each, grasp) in enumerate(zip(attempts, grasps, strict=True), start=1):
            if number <= SHOWN_ATTEMPTS:
                drawn = [(grasp, outcome_colour(bool(each.success)))]
                picture = scene_panel(self._environment.observe().heightmap, drawn, ceiling=ceiling)
                frames.append(Picture(picture, f"{number}: {outcome_name(each).replace('_', ' ')}"))
            self._environment.execute(grasp)
        frames.append(Picture(scene_panel(self._environment.observe().heightmap, ceiling=ceiling), "the end"))
        successes = sum(bool(each.success) for each in attempts)
        shown = f"; the first {SHOWN_ATTEMPTS} are shown" if len(attempts) > SHOWN_ATTEMPTS else ""
        name, reason = CONDITION_NAMES.get(model, model), reason.replace("_", " ")
        summary = (
            f"Episode 0 of the {name}, not chosen: {successes} successes in {len(attempts)} attempts{shown}. It ended "
            f"with: {reason}. Green grippers succeeded, red ones failed."
        )
        return frames, side, summary


def _curve_rows(checkpoint: Path) -> list[dict[str, float]]:
    path = checkpoint / "metrics.json"
    return list(read_json(path).get("learning_curve", [])) if path.exists() else []
