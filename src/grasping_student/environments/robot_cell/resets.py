"""Automatic reset: a recorded list of waypoints, taught by hand, checked before it moves, replayed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from grasping_student.configuration import load_yaml, to_yaml
from grasping_student.environments.robot_cell.arm import Arm
from grasping_student.environments.robot_cell.config import CellConfig, Waypoint
from grasping_student.environments.robot_cell.faults import UnsafeMotion
from grasping_student.environments.robot_cell.gripper import Gripper
from grasping_student.environments.robot_cell.safety import SafeBox
from grasping_student.errors import UserError
from grasping_student.files import write_text


def check_waypoints(waypoints: Sequence[Waypoint], box: SafeBox, acceleration: float) -> list[str]:
    """What is wrong with each waypoint that the safe box does not allow, in words; empty when all are allowed."""
    wrong = []
    for number, waypoint in enumerate(waypoints, start=1):
        try:
            box.check_pose(waypoint.tool_pose)
            box.check_speed(waypoint.speed, acceleration, box.fastest)
        except UnsafeMotion as error:
            wrong.append(f"waypoint {number} '{waypoint.name}': {error}")
    return wrong


def replay(arm: Arm, gripper: Gripper, waypoints: Sequence[Waypoint], box: SafeBox, acceleration: float) -> None:
    """Go through the waypoints in order.

    Raises:
        UserError: a waypoint is not allowed; nothing has moved.
    """
    wrong = check_waypoints(waypoints, box, acceleration)
    if wrong:
        raise UserError("the reset was not begun: " + "; ".join(wrong))
    for waypoint in waypoints:
        arm.move(waypoint.tool_pose, waypoint.speed, acceleration)
        if waypoint.stroke_mm is not None:
            gripper.move(waypoint.stroke_mm)
        if waypoint.pause > 0.0:
            time.sleep(waypoint.pause)


def teach(
    arm: Arm, gripper: Gripper, ask: Callable[[str], str], speed: float = 0.2
) -> tuple[Waypoint, ...]:  # fmt: skip
    """Record waypoints while a person leads the arm by hand.

    Args:
        arm: connected; it is let free and held again at the end.
        gripper: connected; ``open`` and ``close`` move it and make it part of the waypoint.
        ask: shows a prompt and returns what the person typed: a name records the pose, ``open`` or ``close`` after the
            name moves the fingers there, an empty line ends.
        speed: of the moves between waypoints, metres a second.
    """
    waypoints: list[Waypoint] = []
    arm.free(True)
    try:
        while words := ask(f"waypoint {len(waypoints) + 1} (NAME [open|close], empty line ends): ").split():
            stroke = {"open": gripper.longest_stroke_mm, "close": 0.0}.get(words[-1]) if len(words) > 1 else None
            if stroke is not None:
                gripper.move(stroke)
            name = " ".join(words[:-1] if stroke is not None else words)
            waypoints.append(Waypoint(name, arm.state().pose.values, speed, stroke))
    finally:
        arm.free(False)
    return tuple(waypoints)


def save_waypoints(path: Path, waypoints: Sequence[Waypoint]) -> CellConfig:
    """Put a reset into a cell's file and leave the rest as it is; returns the new cell."""
    config = replace(load_yaml(path, CellConfig()), reset=tuple(waypoints))
    write_text(path, to_yaml(config))
    return config
