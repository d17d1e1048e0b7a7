"""``grasping-student cell teach-reset``: record the waypoints of the automatic reset while leading the arm by hand."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from grasping_student.pipeline.errors import UserError


def main(argv: Sequence[str]) -> None:
    """Record waypoints and put them into the cell's file."""
    parser = argparse.ArgumentParser(prog="grasping-student cell teach-reset", description=__doc__)
    parser.add_argument("--cell", type=Path, required=True, help="the robot cell's file; its `reset` is replaced")
    parser.add_argument("--speed", type=float, default=0.2, help="of the moves between waypoints, metres a second")
    options = parser.parse_args(list(argv))
    from grasping_student.robots.cell.config import load_cell
    from grasping_student.robots.cell.devices import make_arm, make_gripper
    from grasping_student.robots.cell.resets import ask_at_terminal, check_waypoints, save_waypoints, teach
    from grasping_student.robots.cell.telemetry import TelemetryFolder
    from grasping_student.robots.faults import DeviceFault

    cell = load_cell(options.cell, to_move=True)
    if TelemetryFolder(cell.telemetry).stop_requested:
        raise UserError(
            "the stop button was pressed and holds for this program too; when the cause is mended, "
            f"`grasping-student cell recover --cell {options.cell}` clears it"
        )
    cell.safe_box.check_speed(options.speed, cell.pick.acceleration, cell.safe_box.fastest)
    try:
        with make_arm(cell) as arm, make_gripper(cell) as gripper:
            waypoints = teach(arm, gripper, ask_at_terminal, options.speed)
            longest = gripper.longest_stroke_mm
    except DeviceFault as fault:
        raise UserError(f"{fault}. {options.cell} is as it was") from None
    if not waypoints:
        raise UserError(f"no waypoint was recorded; {options.cell} is as it was")
    for line in check_waypoints(waypoints, cell.safe_box, cell.pick.acceleration, longest):
        print(f"warning: {line}")
    save_waypoints(options.cell, waypoints)
    print(f"{len(waypoints)} waypoints in {options.cell}; see them with `evaluate picking --dry-run`")
