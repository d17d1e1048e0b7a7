"""A planar grasp, the grid of its angles, and how it can end."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grasping_student.geometry.workspace import Workspace

ANGLE_TOLERANCE = 1e-9
"""Radians within which two angles are one: far above rounding, far below any robot."""


class Outcome(enum.StrEnum):
    """How an attempt ended; ``fault`` is a device's failure, not a grasp's, and never counts as an attempt."""

    SUCCESS = "success"
    MISSED = "missed"
    DROPPED = "dropped"
    COLLISION = "collision"
    OUT_OF_REACH = "out_of_reach"
    FAULT = "fault"

    @property
    def success(self) -> bool:
        return self is Outcome.SUCCESS


def wrap_angle(angle: float) -> float:
    """The same finger line as an angle in [0, pi), radians."""
    wrapped = math.fmod(angle, math.pi)
    if wrapped < 0.0:
        wrapped += math.pi
    return 0.0 if wrapped >= math.pi else wrapped


REPEAT_DISTANCE = 0.010
REPEAT_ANGLE = math.radians(15.0)
"""Nearer than both to a failed grasp, metres and radians, a grasp is a repeat of it (docs/evaluation.md)."""


def angle_distance(a: ArrayLike, b: ArrayLike) -> Any:
    """Smallest turn between two finger lines, radians in [0, pi/2]: angles count modulo pi."""
    difference = np.abs(np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)) % np.pi
    return np.minimum(difference, np.pi - difference)


@dataclass(frozen=True, eq=False)
class PlanarGrasp:
    """Where the gripper closes, seen from above: a pixel and the direction of the line through both finger tips.

    ``angle`` is counter-clockwise from +x in radians and kept in [0, pi): a grasp and its half-turn are equal.
    """

    row: int
    col: int
    angle: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.angle):
            raise ValueError(f"angle is {self.angle}; it must be a finite number of radians")
        object.__setattr__(self, "row", int(self.row))
        object.__setattr__(self, "col", int(self.col))
        object.__setattr__(self, "angle", wrap_angle(float(self.angle)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PlanarGrasp):
            return NotImplemented
        same_pixel = (self.row, self.col) == (other.row, other.col)
        return same_pixel and bool(angle_distance(self.angle, other.angle) <= ANGLE_TOLERANCE)

    def __hash__(self) -> int:
        return hash((self.row, self.col))

    def xy(self, workspace: Workspace) -> tuple[float, float]:
        """World x and y of the grasp, metres."""
        x, y = workspace.xy_from_pixel(self.row, self.col)
        return float(x), float(y)

    @classmethod
    def from_xy(cls, x: float, y: float, angle: float, workspace: Workspace) -> PlanarGrasp:
        """The grasp at the pixel that holds a world point (metres)."""
        row, col = workspace.pixel_from_xy(x, y)
        return cls(int(row), int(col), angle)


def turn_grasp(grasp: PlanarGrasp, phi: float, workspace: Workspace) -> PlanarGrasp:
    """The label of a scene turned counter-clockwise by ``phi`` radians about the centre of the workspace."""
    x, y = grasp.xy(workspace)
    cos, sin = math.cos(phi), math.sin(phi)
    return PlanarGrasp.from_xy(cos * x - sin * y, sin * x + cos * y, grasp.angle + phi, workspace)


@dataclass(frozen=True)
class AngleGrid:
    """``count`` equal bins over [0, pi); bin k stands for the angle k pi / count."""

    count: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"an angle grid has {self.count} bins; it needs at least 1")

    @property
    def angles(self) -> NDArray[np.float64]:
        """Angles of all bins, radians, shape ``(count,)``."""
        return np.linspace(0.0, np.pi, self.count, endpoint=False)

    def angle(self, index: int) -> float:
        """Angle of one bin, radians in [0, pi)."""
        return (index % self.count) * math.pi / self.count

    def index(self, angle: float) -> int:
        """The nearest bin, modulo pi."""
        return round(wrap_angle(angle) * self.count / math.pi) % self.count

    def indices_in(self, finer: AngleGrid) -> NDArray[np.int64]:
        """Where this grid's bins lie in a finer grid, shape ``(count,)``.

        Raises:
            ValueError: the finer grid's count is no multiple of this one's.
        """
        if finer.count % self.count:
            raise ValueError(f"a grid of {finer.count} bins holds no grid of {self.count}: it must be a multiple")
        return np.arange(self.count) * (finer.count // self.count)


TRAINING_ANGLES = AngleGrid(64)
"""The grid of labels and pseudo-labels (paper, section IV-D)."""

DEPLOYMENT_ANGLES = AngleGrid(16)
"""The grid searched when picking (paper, section VI-D)."""
