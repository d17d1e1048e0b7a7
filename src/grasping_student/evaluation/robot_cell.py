"""The robot cell as a world of the picking stage, and its rehearsal without a robot."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from grasping_student.environments.base import Environment
from grasping_student.episodes.attempt import End, Event
from grasping_student.episodes.loop import pick_episode
from grasping_student.episodes.open_environments import MakePolicy
from grasping_student.episodes.policy_spec import make_policy as policy_of_spec
from grasping_student.evaluation.configuration import PickingConfig, parse_models
from grasping_student.pipeline.files import write_text
from grasping_student.pipeline.stage import StageRun
from grasping_student.robots.cell.resets import ask_at_terminal

REHEARSED_ATTEMPTS = 3
"""Grasps of each model in a rehearsal, where the stop rule sets no number."""


@dataclass(frozen=True)
class RobotCellSpec:
    """A robot cell by its file."""

    cell: Path
    outlives_program: bool = True

    def make(self, ask_person: Callable[[str], object] = ask_at_terminal) -> Environment:
        """The cell; ``ask_person`` shows what it asks of a person, and waits.

        Raises:
            UserError: the cell's file is wrong, or lacks what no arm is driven without.
        """
        from grasping_student.environments.robot_cell import RobotCell
        from grasping_student.robots.cell.cell_file import load_cell

        config = load_cell(self.cell, to_move=True)
        return RobotCell.of(config, ask_person)


def rehearse(
    config: PickingConfig, make_policy: MakePolicy = policy_of_spec, say: Callable[[str], object] = print
) -> Path:
    """A reset and a few grasps of every model on a simulated scene, each motion said and drawn, none made.

    Writes ``motions.txt`` and ``motions.png``; returns the picture's path.

    Raises:
        UserError: the cell's file is wrong, a waypoint leaves the safe box, or a model does not fit.
    """
    from grasping_student.environments.robot_cell import RobotCell
    from grasping_student.robots.cell.cell_file import load_cell
    from grasping_student.robots.cell.devices import check_devices
    from grasping_student.robots.cell.dry_run import DryRunArm, DryRunGripper, MotionLog, plot_motions
    from grasping_student.robots.cell.simulated_view import SimulatedView

    assert config.cell is not None
    cell = replace(load_cell(config.cell, to_move=True), telemetry=None)
    check_devices(cell)
    lines: list[str] = []

    def note(line: str) -> None:
        lines.append(line)
        say(line)

    notes = MotionLog(cell.drop_pose(), note)
    view = SimulatedView(cell.workspace, config.family)
    rule = replace(config.stop, attempts=config.stop.attempts or REHEARSED_ATTEMPTS)
    stage = StageRun("evaluate picking", config)
    robot = RobotCell(cell, DryRunArm(notes), DryRunGripper(notes), view, say)
    with stage.output_folder("motions.txt"), robot as world:
        for name, spec in parse_models(config.models).items():
            note(f"# {name}: reset")
            pick_episode(
                world,
                make_policy(spec, world),
                model=name,
                episode=0,
                seed=config.seed,
                rule=rule,
                record=lambda event: note(f"# {_words(event)}"),
            )
        write_text(config.out / "motions.txt", "".join(line + "\n" for line in lines))
        plot_motions(notes.motions, cell, config.out / "motions.png")
        stage.finish()
    return config.out / "motions.png"


def _words(event: Event) -> str:
    """An event of the rehearsal; outcomes are left out, because nothing was grasped."""
    if isinstance(event, End):
        return f"end of the rehearsal ({event.reason})"
    return f"the grasp above was at row {event.row}, column {event.col}, {math.degrees(event.angle):.0f} degrees"
