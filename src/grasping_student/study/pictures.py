"""Pictures of trained models at work (figures 1, 2, 4 and 7 of the paper), drawn while the models are in the cache."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from grasping_student.datasets.store import Dataset
from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.episodes.policy_spec import make_policy
from grasping_student.evaluation.one_shot import prepare_scene
from grasping_student.evaluation.proxy import success_map
from grasping_student.geometry.grasp import AngleGrid
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.inference import torch_threads
from grasping_student.plotting.map_figures import SceneMaps, angle_maps_figure, model_maps_figure
from grasping_student.plotting.scene_figures import WatchedGrasp, labelled_grasps_figure, watched_grasps_figure
from grasping_student.plotting.side_views import watch_grasp
from grasping_student.plotting.style import save_figure
from grasping_student.policies.base import NothingToGrasp
from grasping_student.study.conditions import DEFAULT_STUDENT, condition_title
from grasping_student.study.designs import domain_title
from grasping_student.study.one_shot_log import MAX_REMOVED_FRACTION
from grasping_student.study.planning import PlannedRun
from grasping_student.study.stage_graph import StageGraph
from grasping_student.training.affordance import held_out_attempts

LABELS, MAPS, GRASPS = "labels", "maps", "grasps"
"""Starts of the names of pictures; of labels, in the results folder itself."""

PREFERRED_LEVELS = ("20 %", "5 %", "10 %", "100 %")
"""Whose models such pictures show, the first of which there are any."""

SHOWN_ANGLES = AngleGrid(8)
SHOWN_LABELS = 3
SHOWN_SCENES = 2
_LOOKED_AT = 24


def plot_labels(dataset: Path, path: Path) -> None:
    """The first labelled successes of different episodes; nothing where there is none."""
    found = Dataset(dataset)
    firsts = {attempt.episode: attempt for attempt in reversed(found.attempts(success=True))}
    chosen = [firsts[episode] for episode in sorted(firsts)][:SHOWN_LABELS]
    examples = [(found.heightmap(each.id), each.grasp) for each in chosen if each.grasp is not None]
    if examples:
        save_figure(labelled_grasps_figure(examples), path)


def plot_maps(folder: Path, runs: Sequence[PlannedRun]) -> list[Path]:
    """Draw the maps of an experiment's models; returns the pictures, none where a model is not there.

    Args:
        folder: the experiment's results folder.
        runs: its runs with their stages; those of ``affordance`` give figure 2, those of ``entropy`` figure 4.
    """
    drawn = []
    with torch_threads(1):
        for run in runs:
            if "affordance" in run.measures and run.measures["affordance"].done:
                domain = run.trial.domain
                path = folder / f"{MAPS}-{domain}.png"
                _plot_affordance(run.measures["affordance"].out, domain_title(domain), path)
                drawn.append(path)
        chosen = _trial_to_show([run for run in runs if "entropy" in run.measures])
        if chosen:
            path = folder / f"{MAPS}-{chosen[0].trial.domain}.png"
            _plot_models(chosen, path)
            drawn.append(path)
    return drawn


def _plot_affordance(checkpoint: Path, title: str, path: Path) -> None:
    model = GraspModel.load(checkpoint)
    dataset, attempts = held_out_attempts(checkpoint)[0]
    scene = _fullest([dataset.heightmap(each.id) for each in attempts[:_LOOKED_AT]])[0]
    angles = [float(angle) for angle in SHOWN_ANGLES.angles]
    maps = np.stack([success_map(model, scene, angle) for angle in angles])
    save_figure(angle_maps_figure(scene, maps, angles, title), path)


def _trial_to_show(runs: Sequence[PlannedRun]) -> list[PlannedRun]:
    """The runs of the trial with most models at hand, of those the preferred level, of those the first replicate."""
    trials: dict[tuple[str, str, int], list[PlannedRun]] = {}
    for run in runs:
        if run.checkpoint is not None:
            trials.setdefault((run.trial.domain, run.trial.level, run.trial.replicate), []).append(run)

    def rank(key: tuple[str, str, int]) -> tuple[int, int, int]:
        order = (*PREFERRED_LEVELS, key[1])
        return (-len(trials[key]), order.index(key[1]), key[2])

    return trials[min(trials, key=rank)] if trials else []


def _plot_models(runs: Sequence[PlannedRun], path: Path) -> None:
    dataset = Dataset(runs[0].measures["entropy"].config.dataset)
    firsts = {attempt.episode: attempt.id for attempt in reversed(list(dataset.attempts()))}  # one of every episode
    ids = sorted(firsts.values())[:_LOOKED_AT]
    scenes = _fullest([dataset.heightmap(each) for each in ids])[:SHOWN_SCENES]
    models = [GraspModel.load(run.checkpoint) for run in runs if run.checkpoint is not None]
    maps = [SceneMaps(scene, tuple(model.scores_at(scene, [0.0])[0] for model in models)) for scene in scenes]
    titles = [condition_title(run.condition) for run in runs]
    save_figure(model_maps_figure(maps, titles, title=_title(runs[0])), path)


def _fullest(scenes: Sequence[Heightmap]) -> list[Heightmap]:
    """Scenes by how much lies in the graspable area, most first."""
    return sorted(scenes, key=lambda scene: -int(scene.graspable_foreground().sum()))


def plot_grasps(folder: Path, runs: Sequence[PlannedRun], graph: StageGraph) -> list[Path]:
    """For each domain, the default student's grasps in the first scenes of the one-shot test.

    Args:
        folder: the results folder of ``picking``.
        runs: its runs; nothing is drawn for a domain whose students are not in the cache, or find no grasp there.
        graph: which scenes a replicate is tested in.
    """
    drawn = []
    for domain in dict.fromkeys(run.trial.domain for run in runs):
        students = [run for run in runs if run.condition == DEFAULT_STUDENT and run.trial.domain == domain]
        ready = [run for run in students if run.checkpoint is not None]
        if ready:
            run = min(ready, key=lambda each: (PREFERRED_LEVELS.index(each.trial.level), each.trial.replicate))
            watched = _watched(run, graph)
            if watched:
                path = folder / f"{GRASPS}-{domain}.png"
                save_figure(watched_grasps_figure(watched, _title(run)), path)
                drawn.append(path)
    return drawn


def _watched(run: PlannedRun, graph: StageGraph) -> list[WatchedGrasp]:
    seed, watched = graph.test_seed(run.trial.replicate), []
    with graph.environment(run.trial.domain).make() as environment:
        assert isinstance(environment, SimulationEnvironment)
        policy = make_policy(run.policy_spec, environment)
        for scene in range(SHOWN_SCENES):
            prepare_scene(environment, scene, seed, MAX_REMOVED_FRACTION)
            seen = environment.observe()
            try:
                grasp, _ = policy(seen)
            except NothingToGrasp:
                continue
            views = watch_grasp(environment, grasp)
            watched.append(WatchedGrasp(seen.heightmap, grasp, views, environment.execute(grasp).value))
    return watched


def _title(run: PlannedRun) -> str:
    """Whose models a picture shows."""
    return f"{domain_title(run.trial.domain)}, {run.trial.level} of the labels, replicate {run.trial.replicate}"
