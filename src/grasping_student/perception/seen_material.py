"""Material that a camera saw between the fingers: the check on a grasp where the picture is real.

A network trained on toy blocks has seen no bin, no robot arm and no hidden floor. Before a grasp is believed, the
camera itself must have seen material at its centre, at the height of the surface and at that of the finger tips.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.frame import RgbdFrame, pixels_of_world_points, world_points
from grasping_student.perception.observation import Observation

LOWEST_ITEM = 0.010
"""Material lower than this stays under the finger tips, metres."""

INSIDE = 0.005
"""The centre of a grasp lies at least this far inside what was seen of the item, metres."""

FLANK = 0.004
"""A surface that rises by more than this within as much is a flank, metres: fingers would slide off it."""

MEASURED = 0.9
"""Share of the pixels around the centre of a grasp that must have been measured."""


@dataclass(frozen=True, eq=False)
class SeenMaterial:
    """A grasp constraint: centres on foreground, high enough to grip, where the camera's own pixels show material.

    The points at the surface and at the finger tips are projected back into the depth picture; both must fall on pixels
    whose whole neighbourhood was measured above the floor. An observation without a camera's frame is believed.
    """

    observation: Observation

    gripper: GripperGeometry = field(default_factory=GripperGeometry)

    inside: float = INSIDE
    """How far inside an item the point must lie, metres, and not on a flank of it; 0 asks for one pixel and allows
    flanks: for items that are nothing but thin."""

    def allows(
        self, height: NDArray[np.float32], angles: NDArray[np.float64], workspace: Workspace
    ) -> NDArray[np.bool_]:
        """As of ``GraspConstraint``; the heights are those of the observation."""
        return np.broadcast_to(self.cells(), (len(angles), *workspace.shape))

    def cells(self) -> NDArray[np.bool_]:
        """Cells in which a grasp may be centred, shape ``(pixels, pixels)``."""
        observation, frame = self.observation, self.observation.frame
        seen = observation.graspable_foreground()
        if frame is None:
            return seen
        seen &= np.isfinite(observation.surface) & (observation.surface >= LOWEST_ITEM)
        if self.inside > 0.0:
            seen &= ~_flanks(observation.heightmap)
        row, col = np.nonzero(seen)
        if row.size == 0:
            return seen
        x, y = observation.workspace.xy_from_pixel(row, col)
        floor, surface = observation.floor.z(x, y), observation.surface[row, col]
        above = _above_floor(frame, observation, self.inside)
        good = np.ones(row.size, dtype=bool)
        for height in (surface, np.maximum(surface - self.gripper.finger_depth, self.gripper.clearance)):
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


def _above_floor(frame: RgbdFrame, observation: Observation, inside: float) -> NDArray[np.bool_]:
    """Pixels with nothing but material around within ``inside`` metres, hardly any unmeasured and none next to it."""
    x, y, z = world_points(frame)
    with np.errstate(invalid="ignore"):
        floor = z - observation.floor.z(x, y) <= max(observation.threshold, LOWEST_ITEM / 2)
    radius = max(1, round(inside * frame.intrinsics.fx / float(np.nanmedian(frame.depth))))
    side = (2 * radius + 1, 2 * radius + 1)
    measured = cv2.boxFilter(frame.measured.astype(np.float32), -1, side) >= MEASURED
    measured &= cv2.erode(frame.measured.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return measured & (cv2.dilate(floor.astype(np.uint8), np.ones(side, np.uint8)) == 0)
