"""Rules on grasps by name: what the heightmap alone says may be grasped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from grasping_student.antipodal_grip import AntipodalGrip
from grasping_student.gripper_geometry import FingerRoom, GraspRule, GripperShape

RuleName = Literal["none", "room", "grip"]
"""``room``: both open fingers stay clear. ``grip``: besides, material between them with sides that friction holds."""

RULES: tuple[RuleName, ...] = get_args(RuleName)


def make_rule(
    name: RuleName,
    gripper: GripperShape | None = None,
    least_room: float = FingerRoom.least,
    least_grip: float = AntipodalGrip.least_grip,
    friction: float = AntipodalGrip.friction,
) -> GraspRule | None:
    """The rule of a name, or None for ``none``.

    Raises:
        ValueError: a number that no rule can mean.
    """
    shape = gripper or GripperShape()
    if name == "room":
        return FingerRoom(shape, least_room)
    if name == "grip":
        return AntipodalGrip(shape, least_room, least_grip, friction)
    return None


def rule_of_plain(values: Mapping[str, Any]) -> GraspRule:
    """A rule from the plain values that a table of pseudo-labels keeps of it, with its ``name``."""
    kinds = {"room": FingerRoom, "grip": AntipodalGrip}
    numbers = {key: value for key, value in values.items() if key not in ("name", "shape")}
    return kinds[values["name"]](shape=GripperShape(**values["shape"]), **numbers)
