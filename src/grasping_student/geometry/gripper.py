"""The two-finger gripper seen from above: its measures, the height of its tips at a grasp, and room for its fingers."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

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
    """The open gripper seen from above, and how deep it reaches: simulator, robot cell, pages and constraints share it.

    The defaults are a Robotiq 2F-85 with the authors' depth and clearance (paper, section VI-D).
    """

    opening: float = 0.085
    """Gap between the open fingers, metres."""

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
                hint = ": were these millimetres?" if value > most else ""
                raise ValueError(f"gripper {name} is {value} m; a gripper here has {least:g} to {most:g} m{hint}")


def tip_height(surface: NDArray[np.float32], row: int, col: int, gripper: GripperGeometry) -> float:
    """Height of the finger tips at a grasp, metres above the table.

    The mean of the 3 x 3 pixels around the grasp (paper, section VI-D), cut at the border and without the unmeasured
    ones, less the depth to which the fingers reach below the surface, never below the table clearance.

    Args:
        surface: heights, shape ``(rows, cols)``, metres; NaN where unmeasured.
        row: row of the grasp.
        col: column of the grasp.
        gripper: its depth and its clearance.

    Raises:
        ValueError: the grasp lies outside the picture.
    """
    rows, cols = surface.shape
    if not (0 <= row < rows and 0 <= col < cols):
        raise ValueError(f"grasp at row {row}, column {col} lies outside the {rows} x {cols} heightmap")
    patch = surface[max(row - 1, 0) : row + 2, max(col - 1, 0) : col + 2]
    measured = patch[np.isfinite(patch)]
    mean = float(measured.mean(dtype=np.float64)) if measured.size else 0.0
    return max(mean - gripper.finger_depth, gripper.clearance)


def finger_clearance(
    height: NDArray[np.float32], angles: NDArray[np.float64], gripper: GripperGeometry, workspace: Workspace
) -> NDArray[np.float32]:
    """How far the tips stay above whatever lies under the two open fingers, for every pixel and angle.

    Negative where a finger would meet something before it is down. The footprint is moved over the picture, not the
    picture turned, so nothing is resampled.

    Args:
        height: filled heightmap, metres, shape ``(pixels, pixels)``, without NaN.
        angles: grasp angles, radians, shape ``(n,)``.
        gripper: the gripper.
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
    tips = np.maximum(surface - gripper.finger_depth, gripper.clearance)
    clearance = np.empty((len(angles), *height.shape), dtype=np.float32)
    for index, angle in enumerate(angles):
        kernel, anchor = fingers_kernel(float(angle), gripper, workspace.pixel_size)
        highest = cv2.dilate(height, kernel, anchor=anchor, borderType=cv2.BORDER_CONSTANT, borderValue=0.0)
        clearance[index] = tips - highest
    return clearance


@functools.lru_cache(maxsize=512)
def fingers_kernel(
    angle: float, gripper: GripperGeometry, pixel_size: float
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Pixels under both fingers around a grasp in the middle of a pixel, and that pixel as ``(col, row)``; kept."""
    away = (gripper.opening + gripper.finger_thickness) / 2
    u, v = np.meshgrid(
        _samples(gripper.finger_thickness, pixel_size), _samples(gripper.finger_width, pixel_size), indexing="ij"
    )
    u = np.concatenate([u.ravel() - away, u.ravel() + away])
    v = np.concatenate([v.ravel(), v.ravel()])
    x, y = math.cos(angle) * u - math.sin(angle) * v, math.sin(angle) * u + math.cos(angle) * v
    col, row = np.floor(x / pixel_size + 0.5).astype(int), np.floor(-y / pixel_size + 0.5).astype(int)
    reach_col, reach_row = int(np.abs(col).max()), int(np.abs(row).max())
    kernel = np.zeros((2 * reach_row + 1, 2 * reach_col + 1), dtype=np.uint8)
    kernel[row + reach_row, col + reach_col] = 1
    kernel.flags.writeable = False
    return kernel, (reach_col, reach_row)


def _samples(size: float, pixel_size: float) -> NDArray[np.float64]:
    """Offsets across a length, borders included, at most half a pixel apart: no pixel in it is missed."""
    return np.linspace(-size / 2, size / 2, math.ceil(size / (pixel_size / 2)) + 1)
