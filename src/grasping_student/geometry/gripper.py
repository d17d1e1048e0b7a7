"""What everybody knows of his own gripper: its footprint, and whether both open fingers find room at a grasp."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.workspace import Workspace

_MEASURES = {
    "opening": (0.005, 0.3),
    "finger_thickness": (0.001, 0.05),
    "finger_width": (0.001, 0.1),
    "finger_depth": (0.0, 0.2),
    "clearance": (0.0, 0.2),
}
"""Least and most of every measure, metres: outside of it, somebody wrote millimetres or mistyped."""


@dataclass(frozen=True)
class GripperGeometry:
    """The open gripper seen from above, and how deep it reaches."""

    opening: float = 0.085
    """Gap between the open fingers, metres (Robotiq 2F-85)."""

    finger_thickness: float = 0.012
    """Size of a finger along the line in which it closes, metres."""

    finger_width: float = 0.022
    """Size of a finger across that line, metres."""

    finger_depth: float = 0.015
    """How far the tips go below the surface at the grasp, metres."""

    clearance: float = 0.007
    """Lowest height of the tips above the table, metres."""

    def __post_init__(self) -> None:
        for name, (least, most) in _MEASURES.items():
            value = getattr(self, name)
            if not least <= value <= most:  # NaN fails too
                raise ValueError(f"gripper {name} is {value} m; a gripper here has {least:g} to {most:g} m")


class GraspConstraint(Protocol):
    """What may be grasped, by the heightmap alone."""

    def allows(
        self, height: NDArray[np.float32], angles: NDArray[np.float64], workspace: Workspace
    ) -> NDArray[np.bool_]:
        """Which grasps it lets pass, shape ``(n, pixels, pixels)``.

        Args:
            height: filled heightmap, metres, shape ``(pixels, pixels)``, without NaN.
            angles: grasp angles, radians, shape ``(n,)``.
            workspace: pixel size and margin.
        """


@dataclass(frozen=True)
class FingerClearance:
    """A rule on grasps: both open fingers must stay clear of everything on the way down."""

    shape: GripperGeometry = field(default_factory=GripperGeometry)

    least: float = 0.005
    """Smallest clearance under the fingers, metres; less than zero forgives a noisy heightmap."""

    def allows(
        self, height: NDArray[np.float32], angles: NDArray[np.float64], workspace: Workspace
    ) -> NDArray[np.bool_]:
        """Which grasps it lets pass, shape ``(n, pixels, pixels)``; arguments as of ``finger_clearance``."""
        return finger_clearance(height, angles, self.shape, workspace) >= self.least


def finger_clearance(
    height: NDArray[np.float32], angles: NDArray[np.float64], shape: GripperGeometry, workspace: Workspace
) -> NDArray[np.float32]:
    """How far the tips stay above whatever lies under the two open fingers, for every pixel and angle.

    Negative where a finger would meet something before it is down. The footprint is moved over the picture, not the
    picture turned, so nothing is resampled.

    Args:
        height: filled heightmap, metres, shape ``(pixels, pixels)``, without NaN.
        angles: grasp angles, radians, shape ``(n,)``.
        shape: the gripper.
        workspace: the pixel size.

    Returns:
        Metres, float32, shape ``(n, pixels, pixels)``.

    Raises:
        ValueError: the heights hold NaN.
    """
    import cv2

    if not np.isfinite(height).all():
        raise ValueError("finger_clearance needs a filled heightmap: call heightmap.fill_holes first")
    surface = cv2.blur(height, (3, 3), borderType=cv2.BORDER_REPLICATE)
    tips = np.maximum(surface - shape.finger_depth, shape.clearance)
    room = np.empty((len(angles), *height.shape), dtype=np.float32)
    for index, angle in enumerate(angles):
        kernel, anchor = fingers_kernel(float(angle), shape, workspace.pixel_size)
        highest = cv2.dilate(height, kernel, anchor=anchor, borderType=cv2.BORDER_CONSTANT, borderValue=0.0)
        room[index] = tips - highest
    return room


def fingers_kernel(
    angle: float, shape: GripperGeometry, pixel_size: float
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Pixels under both fingers around a grasp in the middle of a pixel, and that pixel as ``(col, row)``."""
    away = (shape.opening + shape.finger_thickness) / 2
    u, v = np.meshgrid(
        _samples(shape.finger_thickness, pixel_size), _samples(shape.finger_width, pixel_size), indexing="ij"
    )
    u = np.concatenate([u.ravel() - away, u.ravel() + away])
    v = np.concatenate([v.ravel(), v.ravel()])
    x, y = math.cos(angle) * u - math.sin(angle) * v, math.sin(angle) * u + math.cos(angle) * v
    col, row = np.floor(x / pixel_size + 0.5).astype(int), np.floor(-y / pixel_size + 0.5).astype(int)
    reach_col, reach_row = int(np.abs(col).max()), int(np.abs(row).max())
    kernel = np.zeros((2 * reach_row + 1, 2 * reach_col + 1), dtype=np.uint8)
    kernel[row + reach_row, col + reach_col] = 1
    return kernel, (reach_col, reach_row)


def _samples(size: float, pixel_size: float) -> NDArray[np.float64]:
    """Offsets across a length, borders included, at most half a pixel apart: no pixel in it is missed."""
    return np.linspace(-size / 2, size / 2, math.ceil(size / (pixel_size / 2)) + 1)
