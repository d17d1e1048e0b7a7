"""Heightmaps as colours, the gripper drawn on them, and pictures small enough to sit inside a page."""

from __future__ import annotations

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.web.footprint import finger_rectangles

UNMEASURED_COLOUR = (92, 92, 92)
"""Grey: no height has it."""

SMALLEST_RANGE = 0.04
"""Top of the colour scale is never lower, metres: noise on an empty table stays dark."""


@functools.cache
def palette() -> NDArray[np.uint8]:
    """Colours of heights from low to high, uint8 ``(256, 3)``: ordered by lightness, so any colour vision reads it."""
    import matplotlib

    from grasping_student.plotting.style import HEIGHT_MAP

    colours = matplotlib.colormaps[HEIGHT_MAP](np.arange(256))
    return np.round(colours[:, :3] * 255).astype(np.uint8)


def top_of_scale(heightmap: Heightmap) -> float:
    """Height that gets the brightest colour, metres."""
    measured = heightmap.height[np.isfinite(heightmap.height)]
    if not measured.size:
        return SMALLEST_RANGE
    return max(float(np.quantile(measured, 0.998)), SMALLEST_RANGE)


def height_colours(heightmap: Heightmap, top: float | None = None) -> NDArray[np.uint8]:
    """The heightmap in the colour map, uint8 ``(pixels, pixels, 3)``; unmeasured pixels are grey."""
    top = top_of_scale(heightmap) if top is None else top
    height = np.nan_to_num(heightmap.height, nan=0.0)
    index = np.clip(height / top * 255.0, 0, 255).astype(np.uint8)
    colours = palette()[index]
    colours[heightmap.unmeasured] = UNMEASURED_COLOUR
    return colours


def draw_gripper(
    picture: NDArray[np.uint8], grasp: PlanarGrasp, shape: GripperGeometry, workspace: Workspace, line_width: int = 2
) -> NDArray[np.uint8]:
    """A copy of a square picture of the workspace with both fingers and the line between them drawn to scale."""
    drawn = np.ascontiguousarray(picture).copy()
    scale = picture.shape[0] / workspace.extent
    finger_a, finger_b, opening = (
        np.round((rectangle * (1, -1) + workspace.extent / 2) * scale * 16 - 8).astype(np.int32)
        for rectangle in finger_rectangles(grasp, shape, workspace)
    )
    line = {"lineType": cv2.LINE_AA, "shift": 4}
    for rectangle in (finger_a, finger_b):
        cv2.fillConvexPoly(drawn, rectangle, (255, 255, 255), **line)
        cv2.polylines(drawn, [rectangle], True, (0, 0, 0), line_width, **line)
    ends = [(opening[0] + opening[3]) // 2, (opening[1] + opening[2]) // 2]
    cv2.line(drawn, ends[0].tolist(), ends[1].tolist(), (0, 0, 0), line_width + 2, **line)
    cv2.line(drawn, ends[0].tolist(), ends[1].tolist(), (255, 255, 255), line_width, **line)
    return drawn


def enlarge(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A square picture at ``side`` pixels, smooth when it grows."""
    shrinks = side < picture.shape[0]
    resized = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8)


def around(picture: NDArray[np.uint8], grasp: PlanarGrasp, metres: float, workspace: Workspace) -> NDArray[np.uint8]:
    """The square of a picture of the workspace around a grasp, black beyond the border."""
    scale = picture.shape[0] / workspace.pixels
    half = max(1, round(metres / workspace.pixel_size * scale / 2))
    row, col = int((grasp.row + 0.5) * scale), int((grasp.col + 0.5) * scale)
    padded = np.pad(picture, ((half, half), (half, half), (0, 0)))
    return padded[row : row + 2 * half, col : col + 2 * half]
