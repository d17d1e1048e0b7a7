"""The affordance network, relabelling and precision, which compare no checkpoints; and the values of all measures."""

from __future__ import annotations

from typing import Any

from grasping_student.episodes.event_log import read_events
from grasping_student.evaluation.picking_stage import ATTEMPTS, read_metrics
from grasping_student.evaluation.rates import picking_counts
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.files import read_json
from grasping_student.study.configuration import ExperimentConfig
from grasping_student.study.designs import DESIGNS, REGIMES, Design
from grasping_student.study.planning import Row, scenes_of
from grasping_student.study.precision import PrecisionConfig
from grasping_student.study.relabelling import RelabellingConfig
from grasping_student.study.stage_graph import Recipes
from grasping_student.study.stages import Stage, make_stage
from grasping_student.study.trial import Cell

RELABELLED = {"scripted": "scripted", "nearby": "nearby", "teacher_augmented": "best"}
"""Arm of the experiment -> kind of grasp in its log."""


def rows_of(config: ExperimentConfig, design: Design, recipes: Recipes, cell: Cell) -> list[Row]:
    """The runs of one cell of ``affordance``, ``relabelling`` or ``precision``."""
    if config.name == "affordance":
        if cell.draw:
            return []
        stage = recipes.affordance(REGIMES[cell.regime].target)
        return [Row(cell, "affordance", stage, {"affordance": stage})]
    arms = [arm for arm in design.arms(cell.setting, cell.regime) if not config.arms or arm in config.arms]
    if config.name == "precision":
        teachers = [(arm, recipes.model(arm, cell)) for arm in arms]
        return [
            Row(cell, arm, model, {"precision": _precision(config, recipes, cell, model)}) for arm, model in teachers
        ]
    teacher = recipes.model("teacher_augmented", cell)
    relabelling = RelabellingConfig(
        teacher=teacher.out,
        scenes=_scenes(config),
        family=REGIMES[cell.regime].target,
        pixels=config.sizes.pixels,
        seed=recipes.test_seed(cell.draw),
        workers=config.workers,
    )
    stage = _graspings("relabelling", relabelling, config, teacher)
    return [Row(cell, arm, teacher, {"one_shot": stage}) for arm in arms]


def _precision(config: ExperimentConfig, recipes: Recipes, cell: Cell, teacher: Stage) -> Stage:
    precision = PrecisionConfig(
        teacher=teacher.out,
        scenes=_scenes(config),
        family=REGIMES[cell.regime].target,
        pixels=config.sizes.pixels,
        seed=recipes.test_seed(cell.draw),
        workers=config.workers,
        foreground_only=config.sizes.training == "light",
    )
    return _graspings("precision", precision, config, teacher)


def _graspings(kind: str, stage: Any, config: ExperimentConfig, teacher: Stage) -> Stage:
    return make_stage(kind, stage, config.cache, (teacher,), _scenes(config), str(config.sizes.pixels))


def _scenes(config: ExperimentConfig) -> int:
    return scenes_of(config, DESIGNS[config.name])


def read_measure(measure: str, stage: Stage, row: Row) -> dict[str, Any]:
    """What a run keeps of a measure's stage."""
    if measure == "one_shot":
        return dict(read_json(stage.out / "metrics.json")[RELABELLED[row.arm]])
    if measure == "affordance":
        return dict(read_json(stage.out / "held_out.json"))
    if measure in ("entropy", "precision"):
        return dict(read_json(stage.out / "metrics.json"))
    if measure == "proxy":
        metrics = read_json(stage.out / "metrics.json")
        model = metrics["models"]["model"]
        return {
            "outcomes": model["hits"],
            "rounds": model["rounds"],
            "average": model["average"],
            "affordance": metrics["affordance"],
            "alpha": metrics["alpha"],
        }
    assert measure == "picking", measure
    return _picking(stage, row.arm)


def _picking(stage: Stage, arm: str) -> dict[str, Any]:
    """Attempts and successes episode by episode under every named rate, and why episodes ended."""
    metrics = read_metrics(stage.out)
    model, episodes = metrics["models"][arm], stage.config.episodes
    workspace = Workspace(**metrics["workspace"])
    events = [event for event in read_events(stage.out / ATTEMPTS) if event.episode < episodes]
    counts = picking_counts(events, arm, episodes, workspace, stage.config.stop.failures_in_a_row)
    values: dict[str, Any] = {
        name: {"successes": each.successes.tolist(), "attempts": each.attempts.tolist()}
        for name, each in counts.items()
    }
    return {**values, "episode_ends": model["episode_ends"], "failures": model["failures"], "version": model["version"]}
