"""From the command's options to a running labelling page."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from grasping_student.environments.base import Environment
from grasping_student.environments.recorded import RecordedEnvironment
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.perception.frame_files import FrameFormat
from grasping_student.perception.grasp_limits import GraspLimits
from grasping_student.pipeline.errors import UserError
from grasping_student.web.attempt_log import AttemptLog
from grasping_student.web.labelling_config import LabelConfig
from grasping_student.web.labelling_session import LabellingSession
from grasping_student.web.operator import Operator
from grasping_student.web.scene_queue import MostUncertainFirst, SceneQueue, in_order, recorded_rounds

if TYPE_CHECKING:
    from grasping_student.web.suggestions import Suggester

HELD_OUT_SIDE = "held_out"
"""Folder that ``dataset split --copy`` gives the scenes kept for measuring."""


def check_label_config(config: LabelConfig) -> None:
    """Refuse options that contradict each other.

    Raises:
        UserError: recorded without scenes, the cell without its file, an uncertain queue without a model or with a
            robot.
    """
    if config.env == "recorded" and config.scenes is None:
        raise UserError("--env recorded needs scenes; give '--env recorded DIR', a dataset or a folder of frames")
    if config.env == "robot-cell" and config.cell is None:
        raise UserError("--env robot-cell needs --cell FILE.yaml, the description of the cell")
    if config.queue == "uncertain" and config.model is None:
        raise UserError("--queue uncertain orders scenes by a model's uncertainty; add --model DIR")
    if config.queue == "uncertain" and config.env == "robot-cell":
        raise UserError(
            "--queue uncertain looks at --pool scenes before it shows one, and the robot cell has one scene at a time; "
            "use it with --env simulation or recorded"
        )


def make_environment(config: LabelConfig, operator: Operator) -> Environment:
    """The environment that the options name. Called on the thread that will use it.

    Args:
        config: the options.
        operator: answers what the robot cell asks, where no waypoints are taught for a reset.

    Raises:
        UserError: what the environment refuses.
    """
    if config.env == "simulation":
        from grasping_student.environments.simulated import SimulationEnvironment
        from grasping_student.simulation.families import simulation

        return SimulationEnvironment(
            simulation(
                config.family,
                config.engine,
                config.workspace,
                config.sensor,
                config.items,
                config.mesh_unit,
                config.walls,
            )
        )
    if config.env == "recorded":
        from grasping_student.web.recorded_scenes import open_recorded_scenes

        assert config.scenes is not None
        scenes = open_recorded_scenes(config.scenes, config.workspace, FrameFormat.of(config))
        return RecordedEnvironment(scenes, gripper=config.gripper)
    from grasping_student.episodes.configuration import RobotCellSpec

    assert config.cell is not None
    return RobotCellSpec(config.cell).make(operator.ask)


def make_gripper(config: LabelConfig) -> GripperGeometry:
    """The gripper as the page draws and checks it, with the depth that the environment goes to.

    Raises:
        UserError: the cell's file is wrong.
    """
    if config.env == "robot-cell":
        from grasping_student.robots.cell.cell_file import load_cell

        assert config.cell is not None
        return load_cell(config.cell).gripper_geometry
    if config.env == "recorded":
        return config.gripper
    from grasping_student.simulation.families import simulation

    return simulation(config.family).gripper.geometry


def make_suggester(config: LabelConfig) -> Suggester | None:
    """What proposes grasps, or None without a model.

    Raises:
        UserError: no checkpoint there.
    """
    if config.model is None:
        return None
    from grasping_student.models.grasp_model import GraspModel
    from grasping_student.web.suggestions import Suggester

    return Suggester(GraspModel.load(Path(config.model)), config.suggestions, limits=GraspLimits.of(config))


def make_session(
    config: LabelConfig, suggester: Suggester | None, operator: Operator | None = None
) -> LabellingSession:
    """World, dataset and queue put together.

    Raises:
        UserError: what the environment, the dataset or the model refuses.
    """
    environment = make_environment(config, operator or Operator())
    try:
        if suggester is not None and suggester.workspace != environment.workspace:
            raise UserError(
                f"--model {config.model} was trained on {suggester.workspace}, the scenes are of "
                f"{environment.workspace}; choose a model of the same workspace, or another --preset"
            )
        if suggester is not None and suggester.limits is not None:
            suggester.limits.check(environment.workspace)
        log = AttemptLog(config.dataset, environment.workspace)
        queue = make_queue(config, environment, log, suggester)
    except BaseException:
        environment.close()
        raise
    return LabellingSession(environment, log, queue, make_gripper(config), config.labels_per_scene)


def make_queue(
    config: LabelConfig, environment: Environment, log: AttemptLog, suggester: Suggester | None
) -> SceneQueue:
    """In which order scenes come: recorded ones without a label first, simulated ones never twice in one dataset."""
    rounds: Iterator[Iterable[int]]
    if isinstance(environment, RecordedEnvironment):
        origin = environment.origin
        rounds = recorded_rounds(environment.scene_count, lambda: log.judged(origin), config.seed)
    else:
        rounds = iter([count(config.seed + log.next_episode)])
    if config.queue == "in-order" or suggester is None:
        return in_order(rounds)

    def uncertainty(seed: int) -> float:
        environment.reset(seed)
        return suggester.uncertainty(environment.observe())

    return MostUncertainFirst(rounds, uncertainty, config.pool)


def run(config: LabelConfig) -> None:
    """Serve the labelling page until Ctrl-C.

    Raises:
        UserError: options that contradict each other, a dataset that another process writes, a port that is taken.
    """
    from grasping_student.serving.access import checked_binding
    from grasping_student.web.labelling_page import PageOptions, build_labelling_page
    from grasping_student.web.labelling_service import LabellingService
    from grasping_student.web.server import serve

    check_label_config(config)
    binding = checked_binding(config.host, config.port, config.token, moves_robot=config.env == "robot-cell")
    suggester = make_suggester(config)
    operator = Operator()
    service = LabellingService(lambda: make_session(config, suggester, operator), suggester, operator)
    try:
        service.open()
        options = PageOptions(config.dataset, make_gripper(config), config.model is not None)
        serve(
            binding, "Labelling page", lambda: build_labelling_page(service, options), service.start, service.interrupt
        )
    finally:
        service.close()
    print(farewell(config, service.progress.total_labels), file=sys.stderr)


def farewell(config: LabelConfig, labels: int) -> str:
    """What is kept, and what to do with it."""
    if not labels:
        return f"No label yet in {config.dataset}; the same command goes on with it."
    if config.scenes is not None and config.scenes.name == HELD_OUT_SIDE:
        return (
            f"{labels} labels on held-out scenes in {config.dataset}. They measure a model and must teach none; the "
            f"share of good grasps:\n  grasping-student dataset info {config.dataset}"
        )
    return (
        f"{labels} labels in {config.dataset}. The same command goes on with them; to learn from them:\n"
        f"  grasping-student train teacher --preset light-augmented --dataset {config.dataset} --out runs/teacher"
    )
