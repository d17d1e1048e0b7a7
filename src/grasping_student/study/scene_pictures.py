"""Figures 1 and 7: labelled grasps of the data, and grasps of the default student in the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from grasping_student.datasets.store import Dataset
from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.episodes.policy_spec import make_policy
from grasping_student.evaluation.one_shot import prepare_scene
from grasping_student.plotting.scene_figures import WatchedGrasp, labelled_grasps_figure, watched_grasps_figure
from grasping_student.plotting.side_views import watch_grasp
from grasping_student.policies.base import NothingToGrasp
from grasping_student.study.conditions import DEFAULT_STUDENT
from grasping_student.study.figures import PICTURES, PREFERRED_SETTINGS, cell_title, save_both
from grasping_student.study.one_shot_log import EMPTIEST
from grasping_student.study.planning import Row
from grasping_student.study.stage_graph import Recipes, spec_under_rule
from grasping_student.study.stages import Stage

SHOWN_LABELS = 3
SHOWN_GRASPS = 2


def plot_labels(dataset: Path, path: Path) -> None:
    """The first labelled successes of different episodes, as PNG and SVG; nothing where there is none."""
    found = Dataset(dataset)
    firsts = {attempt.episode: attempt for attempt in reversed(found.attempts(success=True))}
    chosen = [firsts[episode] for episode in sorted(firsts)][:SHOWN_LABELS]
    examples = [(found.heightmap(each.id), each.grasp) for each in chosen if each.grasp is not None]
    if examples:
        save_both(labelled_grasps_figure(examples), path)


def plot_grasps(folder: Path, rows: Sequence[Row], recipes: Recipes) -> list[Path]:
    """For each regime, the default student's grasps in the first scenes of the one-shot test.

    Args:
        folder: the results folder of ``picking``.
        rows: its runs; nothing is drawn for a regime whose students are not in the cache, or find no grasp there.
        recipes: which scenes a draw is tested in.
    """
    drawn = []
    for regime in dict.fromkeys(row.cell.regime for row in rows):
        students = [row for row in rows if row.arm == DEFAULT_STUDENT and row.cell.regime == regime]
        ready = [row for row in students if isinstance(row.spec, Stage) and row.spec.done]
        if ready:
            row = min(ready, key=lambda each: (PREFERRED_SETTINGS.index(each.cell.setting), each.cell.draw))
            watched = _watched(row, recipes)
            if watched:
                path = folder / f"{PICTURES['picking'][0]}-{regime}"
                save_both(watched_grasps_figure(watched, cell_title(row)), path)
                drawn.append(path.with_suffix(".png"))
    return drawn


def _watched(row: Row, recipes: Recipes) -> list[WatchedGrasp]:
    assert isinstance(row.spec, Stage)
    seed, watched = recipes.test_seed(row.cell.draw), []
    with recipes.world(row.cell.regime).make() as environment:
        assert isinstance(environment, SimulationEnvironment)
        policy = make_policy(spec_under_rule(row.spec.out, row.rule), environment)
        for scene in range(SHOWN_GRASPS):
            prepare_scene(environment, scene, seed, EMPTIEST)
            seen = environment.observe()
            try:
                grasp, _ = policy(seen)
            except NothingToGrasp:
                continue
            views = watch_grasp(environment, grasp)
            watched.append(WatchedGrasp(seen.heightmap, grasp, views, environment.execute(grasp).value))
    return watched
