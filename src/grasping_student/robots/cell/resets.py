"""Automatic reset: waypoints that a person teaches by hand, and that are checked and replayed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from grasping_student.pipeline.configuration import read_yaml, to_plain, to_yaml
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import write_text
from grasping_student.robots.arms.base import Arm
from grasping_student.robots.arms.safety import SafeBox
from grasping_student.robots.cell.cell_file import read_cell
from grasping_student.robots.cell.config import Waypoint
from grasping_student.robots.faults import UnsafeMotion
from grasping_student.robots.grippers.base import Gripper, check_stroke


def ask_at_terminal(text: str) -> str:
    """Show a text and return what a person typed.

    Raises:
        UserError: nobody can answer, because standard input is closed.
    """
    try:
        return input(text)
    except EOFError:
        raise UserError(f"nobody is there to answer, standard input is closed: {text.strip()}") from None


def check_waypoints(
    waypoints: Sequence[Waypoint], box: SafeBox, acceleration: float, longest_stroke_mm: float
) -> list[str]:
    """A sentence for each waypoint that the box or the gripper does not allow; empty when all are allowed."""
    wrong = []
    for number, waypoint in enumerate(waypoints, start=1):
        try:
            box.check_pose(waypoint.tool_pose)
            box.check_speed(waypoint.speed, acceleration, box.fastest)
            if waypoint.stroke_mm is not None:
                check_stroke(waypoint.stroke_mm, longest_stroke_mm)
        except (UnsafeMotion, ValueError) as error:
            wrong.append(f"waypoint {number} '{waypoint.name}': {error}")
    return wrong


def replay(arm: Arm, gripper: Gripper, waypoints: Sequence[Waypoint], box: SafeBox, acceleration: float) -> None:
    """Go through the waypoints in order.

    Raises:
        UserError: a waypoint is not allowed; nothing has moved.
    """
    wrong = check_waypoints(waypoints, box, acceleration, gripper.longest_stroke_mm)
    if wrong:
        raise UserError("the reset was not begun: " + "; ".join(wrong))
    for waypoint in waypoints:
        arm.move(waypoint.tool_pose, waypoint.speed, acceleration)
        if waypoint.stroke_mm is not None:
            gripper.move(waypoint.stroke_mm)
        if waypoint.pause > 0.0:
            time.sleep(waypoint.pause)


def teach(arm: Arm, gripper: Gripper, ask: Callable[[str], str], speed: float = 0.2) -> tuple[Waypoint, ...]:
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


def save_waypoints(path: Path, waypoints: Sequence[Waypoint]) -> None:
    """Put a reset into a cell's file; every other line stays as it is, comments too.

    Raises:
        UserError: the file is no cell's.
    """
    config = replace(read_cell(read_yaml(path, "--cell") or {}, path), reset=tuple(waypoints))
    block = yaml.safe_dump({"reset": to_plain(config.reset)}, sort_keys=False, default_flow_style=None)
    text = _with_block(path.read_text(encoding="utf-8"), "reset", block.rstrip("\n"))
    try:
        kept = read_cell(yaml.safe_load(text), path) == config
    except (yaml.YAMLError, UserError):
        kept = False  # a file of braces, for instance: it is written anew, without its comments
    write_text(path, text if kept else to_yaml(config))


def _with_block(text: str, key: str, block: str) -> str:
    """A YAML mapping with the value of one key replaced, or the key added at the end."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    for name, value in node.value if isinstance(node, yaml.MappingNode) else []:
        if name.value == key:
            return text[: name.start_mark.index] + block + text[_end(value) :]
    return text.rstrip("\n") + ("\n" if text.strip() else "") + block + "\n"


def _end(node: yaml.Node) -> int:
    """End of a node's own text: a block's end mark stands at the next key, behind the comments between."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)
