"""Poses of the tool and of the workspace in the robot's base frame."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.grasp import wrap_angle


@dataclass(frozen=True)
class ToolPose:
    """Tool centre point in the base frame: metres, and a rotation vector in radians (the UR convention)."""

    x: float
    y: float
    z: float
    rx: float = math.pi
    ry: float = 0.0
    rz: float = 0.0

    @classmethod
    def from_values(cls, values: Iterable[float]) -> ToolPose:
        """The pose of six numbers."""
        return cls(*(float(value) for value in values))

    @property
    def values(self) -> tuple[float, float, float, float, float, float]:
        return (self.x, self.y, self.z, self.rx, self.ry, self.rz)

    @property
    def position(self) -> NDArray[np.float64]:
        """Shape ``(3,)``, metres."""
        return np.array([self.x, self.y, self.z])

    @property
    def finite(self) -> bool:
        """Whether all six numbers are finite."""
        return all(map(math.isfinite, self.values))

    @property
    def tilt(self) -> float:
        """Angle between the tool's axis and straight down, radians."""
        # z component of R's third column; Rodrigues' formula, so that no matrix is made
        angle = math.sqrt(self.rx**2 + self.ry**2 + self.rz**2)
        if angle < 1e-12:
            return math.pi
        cosine = math.cos(angle) + (self.rz / angle) ** 2 * (1.0 - math.cos(angle))
        return math.acos(max(-1.0, min(1.0, -cosine)))

    def at_height(self, z: float) -> ToolPose:
        """The same pose at another height, metres in the base frame."""
        return ToolPose(self.x, self.y, z, self.rx, self.ry, self.rz)

    def is_at(self, other: ToolPose) -> bool:
        """Whether both are the same to half a millimetre and a thousandth of a radian."""
        turned = max(abs(a - b) for a, b in zip(self.values[3:], other.values[3:], strict=True))
        return self.distance(other) < 5e-4 and turned < 1e-3

    def distance(self, other: ToolPose) -> float:
        """Distance of the two points, metres."""
        return float(np.linalg.norm(self.position - other.position))


def tool_down(x: float, y: float, z: float, finger_angle: float) -> ToolPose:
    """The tool pointing straight down with its fingers closing along ``finger_angle``.

    A half-turn about the horizontal axis at half that angle turns the tool over and its x axis to the angle.

    Args:
        x: metres, base frame.
        y: metres, base frame.
        z: metres, base frame.
        finger_angle: direction in which the fingers close, counter-clockwise from the base's x axis, radians.
    """
    half = finger_angle / 2.0
    return ToolPose(x, y, z, math.pi * math.cos(half), math.pi * math.sin(half), 0.0)


def finger_angle(pose: ToolPose) -> float:
    """Inverse of ``tool_down``: direction in which the fingers close, radians in [0, pi)."""
    return wrap_angle(2.0 * math.atan2(pose.ry, pose.rx))


@dataclass(frozen=True)
class WorkspaceInBase:
    """Pose of the workspace's world frame in the robot's base frame; the table may be turned, not tilted."""

    x: float = 0.0
    """Base x of the workspace's centre, metres."""

    y: float = -0.45
    """Base y of the workspace's centre, metres."""

    z: float = 0.0
    """Base z of the table's surface, metres."""

    yaw: float = 0.0
    """Direction of the world's x axis, counter-clockwise from the base's, radians."""

    @property
    def world_to_base(self) -> NDArray[np.float64]:
        """Homogeneous transform, shape ``(4, 4)``."""
        cos, sin = math.cos(self.yaw), math.sin(self.yaw)
        return np.array([[cos, -sin, 0, self.x], [sin, cos, 0, self.y], [0, 0, 1, self.z], [0, 0, 0, 1.0]])

    def tool_pose(self, x: float, y: float, z: float, angle: float) -> ToolPose:
        """The tool pointing down at a world point (metres) with the fingers along a world angle (radians)."""
        base = self.world_to_base @ np.array([x, y, z, 1.0])
        # The gripper is symmetric: of the two turns the one nearer to zero keeps the wrist from winding up.
        turned = wrap_angle(angle + self.yaw)
        turned = turned - math.pi if turned > math.pi / 2 else turned
        return tool_down(float(base[0]), float(base[1]), float(base[2]), turned)

    def world_point(self, pose: ToolPose) -> tuple[float, float, float, float]:
        """World x, y, z (metres) and finger angle (radians in [0, pi)) of a tool that points down."""
        x, y, z, _ = np.linalg.inv(self.world_to_base) @ np.array([pose.x, pose.y, pose.z, 1.0])
        return float(x), float(y), float(z), wrap_angle(finger_angle(pose) - self.yaw)
