"""``grasping-student cell recover``: on the operator's word, clear a stop; nothing moves."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from grasping_student.pipeline.errors import UserError

QUESTION = "Is the cell clear, and nobody's hand in it? Type yes: "


def main(argv: Sequence[str]) -> None:
    """Ask, clear the stop, take the arm once and look at the gripper to see that they are well, and let go."""
    parser = argparse.ArgumentParser(prog="grasping-student cell recover", description=__doc__)
    parser.add_argument("--cell", type=Path, required=True, help="the robot cell's file")
    parser.add_argument("--yes", action="store_true", help="do not ask: you have looked into the cell")
    options = parser.parse_args(list(argv))
    from grasping_student.robots.cell.config import load_cell
    from grasping_student.robots.cell.devices import gripper_config, make_arm
    from grasping_student.robots.cell.resets import ask_at_terminal
    from grasping_student.robots.cell.telemetry import TelemetryFolder
    from grasping_student.robots.faults import DeviceFault

    cell = load_cell(options.cell, to_move=True)
    if not options.yes and ask_at_terminal(QUESTION).strip().lower() != "yes":
        raise UserError("nothing was recovered: look into the cell first, then answer yes")
    arm = make_arm(cell)
    try:
        arm.recover()
        print(f"arm {arm.state().mode}; {gripper_config(cell).status()}; nothing moved")
    except DeviceFault as fault:
        raise UserError(str(fault)) from None
    finally:
        arm.close()
    TelemetryFolder(cell.telemetry).clear_stop()
