"""Placement of the fingers for a grasp: height of the tips and opening, from one surface for everybody."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry, tip_height
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.observation import Observation

SIDE_CLEARANCE = 0.008
"""Room between a finger and the item on the way down, metres."""


class Placement(NamedTuple):
    """Position, height and opening of the fingers for one grasp."""

    x: float
    """World x of the grasp's centre, metres."""

    y: float
    """World y of the grasp's centre, metres."""

    tip: float
    """Height of the finger tips above the floor, metres."""

    floor: float
    """World z of the floor under the grasp, metres."""

    opening: float
    """Gap between the fingers on the way down, metres."""

    @property
    def z(self) -> float:
        """World z of the finger tips, metres."""
        return self.tip + self.floor


def place_grasp(observation: Observation, grasp: PlanarGrasp, gripper: GripperGeometry) -> Placement:
    """Position, height and opening of the fingers; ``predict``, the pages and the robot cell all call this.

    Args:
        observation: the one that the grasp was chosen on.
        grasp: pixel and angle.
        gripper: how deep its tips go, and how wide it opens.

    Raises:
        ValueError: the grasp lies outside the picture.
    """
    x, y = grasp.xy(observation.workspace)
    tip = tip_height(observation.surface, grasp.row, grasp.col, gripper)
    opening = gripper.opening
    if not observation.heightmap.unmeasured.all():
        height = observation.filled_height
        below_the_highest = min(tip, float(height.max()) - 1e-4)
        opening = finger_opening(height, grasp, below_the_highest, gripper, observation.workspace)
    return Placement(x, y, tip, float(observation.floor.z(x, y)), opening)


def finger_opening(
    height: NDArray[np.float32], grasp: PlanarGrasp, tip: float, gripper: GripperGeometry, workspace: Workspace
) -> float:
    """How far to open the fingers before going down, metres, at most as wide as the gripper opens.

    Material higher than the tips is followed from the grasp outwards along the closing direction; both sides get the
    room that the wider one needs.

    Args:
        height: filled heightmap, metres, shape ``(pixels, pixels)``.
        grasp: the grasp.
        tip: height of the finger tips, metres.
        gripper: how wide it opens.
        workspace: the pixel size.
    """
    x, y = grasp.xy(workspace)
    reach = np.arange(0.0, gripper.opening / 2 + 1e-9, workspace.pixel_size / 2)
    widest = 0.0
    for side in (-1.0, 1.0):
        row, col = workspace.pixel_from_xy(
            x + side * reach * math.cos(grasp.angle), y + side * reach * math.sin(grasp.angle)
        )
        last = workspace.pixels - 1
        free = height[np.clip(row, 0, last), np.clip(col, 0, last)] <= tip
        widest = max(widest, float(reach[np.argmax(free)]) if free.any() else gripper.opening / 2)
    return float(min(2.0 * (widest + SIDE_CLEARANCE), gripper.opening))
