"""Whether there is something between the fingers: the check on a network's choice when the picture is real.

A network trained on toy blocks has seen no bin, no robot arm and no hidden floor. Before a grasp is believed, the
camera itself must have seen material at its centre, at the height of the surface and at that of the finger tips.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.perception.frame import RgbdFrame, pixels_of_world_points, world_points
from grasping_student.perception.observation import Observation

STANDARD_GRIPPER = GripperGeometry()
"""Depth and clearance are the authors' constants, the opening is that of the paper, section VI-D."""

LOWEST_ITEM = 0.010
"""Material lower than this stays under the finger tips, metres."""

INSIDE = 0.005
"""The centre of a grasp lies at least this far inside what was seen of the item, metres."""

FLANK = 0.004
"""A surface that rises by more than this within as much is a flank, metres: fingers would slide off it."""

MEASURED = 0.9
"""Share of the pixels around the centre of a grasp that must have been measured."""

SIDE_CLEARANCE = 0.008
"""Room between a finger and the item on the way down, metres."""


def foreground(mended: Observation) -> NDArray[np.bool_]:
    """Cells inside the margin that are neither floor nor wall nor shadow, shape ``(pixels, pixels)``."""
    heightmap = mended.heightmap
    return heightmap.graspable_foreground() & (heightmap.height > mended.threshold) & ~mended.excluded


def seen_material(
    frame: RgbdFrame, mended: Observation, inside: float = INSIDE, gripper: GripperGeometry = STANDARD_GRIPPER
) -> NDArray[np.bool_]:
    """Cells of the foreground, high enough to grip, where the camera's own pixels show material.

    The points at the surface and at the finger tips are projected back into the depth picture; both must fall on pixels
    whose whole neighbourhood was measured above the floor.

    Args:
        frame: the picture that the heightmap was made from.
        mended: the heightmap.
        inside: how far inside an item the point must lie, metres, and not on a flank of it; 0 asks for one pixel and
            allows flanks: for items that are nothing but thin.
        gripper: how deep its tips go.

    Returns:
        Shape ``(pixels, pixels)``.
    """
    workspace = mended.heightmap.workspace
    seen = foreground(mended) & np.isfinite(mended.surface) & (mended.surface >= LOWEST_ITEM)
    if inside > 0.0:
        seen &= ~_flanks(mended.heightmap)
    row, col = np.nonzero(seen)
    if row.size == 0:
        return seen
    x, y = workspace.xy_from_pixel(row, col)
    floor, surface = mended.floor.z(x, y), mended.surface[row, col]
    above = _above_floor(frame, mended, inside)
    good = np.ones(row.size, dtype=bool)
    for height in (surface, np.maximum(surface - gripper.finger_depth, gripper.clearance)):
        points = np.column_stack([x, y, floor + height])
        v, u, in_picture = pixels_of_world_points(points, frame.intrinsics, frame.camera_to_world)
        good &= in_picture & above[v, u]
    seen[row, col] = good
    return seen


def _flanks(heightmap: Heightmap) -> NDArray[np.bool_]:
    """Cells from which the surface rises steeply: the side of an item, or the ramp that a camera smears to its edge."""
    reach = max(1, round(FLANK / heightmap.workspace.pixel_size))
    highest = cv2.dilate(heightmap.height, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    return highest - heightmap.height > max(FLANK, reach * heightmap.workspace.pixel_size)


def _above_floor(frame: RgbdFrame, mended: Observation, inside: float) -> NDArray[np.bool_]:
    """Pixels with nothing but material around within ``inside`` metres, hardly any unmeasured and none next to it."""
    x, y, z = world_points(frame)
    plane = mended.floor
    with np.errstate(invalid="ignore"):
        floor = z - (plane.slope_x * x + plane.slope_y * y + plane.offset) <= max(mended.threshold, LOWEST_ITEM / 2)
    radius = max(1, round(inside * frame.intrinsics.fx / float(np.nanmedian(frame.depth))))
    side = (2 * radius + 1, 2 * radius + 1)
    measured = cv2.boxFilter(frame.measured.astype(np.float32), -1, side) >= MEASURED
    measured &= cv2.erode(frame.measured.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return measured & (cv2.dilate(floor.astype(np.uint8), np.ones(side, np.uint8)) == 0)


def finger_opening(
    heightmap: Heightmap, grasp: PlanarGrasp, tip_height: float, gripper: GripperGeometry = STANDARD_GRIPPER
) -> float:
    """How far to open the fingers before going down, metres, at most the gripper's stroke.

    Material higher than the tips is followed from the grasp outwards along the closing direction; both sides get the
    room that the wider one needs.

    Args:
        heightmap: without holes.
        grasp: the grasp.
        tip_height: of the finger tips, in the heightmap's heights, metres.
        gripper: how wide it opens.
    """
    workspace = heightmap.workspace
    x, y = grasp.xy(workspace)
    stroke = gripper.opening
    reach = np.arange(0.0, stroke / 2 + 1e-9, workspace.pixel_size / 2)
    widest = 0.0
    for side in (-1.0, 1.0):
        row, col = workspace.pixel_from_xy(
            x + side * reach * math.cos(grasp.angle), y + side * reach * math.sin(grasp.angle)
        )
        last = workspace.pixels - 1
        free = heightmap.height[np.clip(row, 0, last), np.clip(col, 0, last)] <= tip_height
        widest = max(widest, float(reach[np.argmax(free)]) if free.any() else stroke / 2)
    return float(min(2.0 * (widest + SIDE_CLEARANCE), stroke))
