"""Rules on grasps by name: what the heightmap alone says may be grasped."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from grasping_student.geometry.antipodal import AntipodalContacts
from grasping_student.geometry.gripper import FingerClearance, GraspConstraint, GripperGeometry

RuleName = Literal["none", "room", "grip"]
"""``room``: both open fingers stay clear. ``grip``: besides, material between them with sides that friction holds."""

RULES: tuple[RuleName, ...] = get_args(RuleName)


@dataclass(frozen=True)
class GraspConstraintConfig:
    """A rule in plain values: in options, in tables of pseudo-labels, beside a model's weights."""

    name: RuleName = "none"
    """``room`` wants both open fingers clear, ``grip`` besides material between them with sides that friction holds."""

    least_room: float = 0.005
    """Smallest clearance under the open fingers, metres."""

    least_grip: float = 0.9
    """``grip``: smallest mean height of the material between the fingers, a share of their reach."""

    friction: float = 0.6
    """``grip``: sides may be turned against the fingers by the angle with this tangent."""

    gripper: GripperGeometry = field(default_factory=GripperGeometry)
    """Whose fingers."""

    def __post_init__(self) -> None:
        if self.name not in RULES:
            raise ValueError(f"rule name is {self.name}; there are {', '.join(RULES)}")
        AntipodalContacts(self.gripper, self.least_room, self.least_grip, self.friction)  # refuses senseless numbers

    def make(self) -> GraspConstraint | None:
        """The rule, or None for ``none``."""
        if self.name == "room":
            return FingerClearance(self.gripper, self.least_room)
        if self.name == "grip":
            return AntipodalContacts(self.gripper, self.least_room, self.least_grip, self.friction)
        return None
