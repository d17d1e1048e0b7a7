"""Antipodal contacts in a heightmap: clear fingers, material between them, sides that friction holds.

The textbook condition on a parallel gripper is that both contacts are antipodal: the line of closing lies inside the
friction cone of either side (Nguyen 1988; Mahler et al., Dex-Net 2.0, 2017, use it to label grasps). Seen from above a
cone of coefficient ``mu`` allows a side to be turned against the finger by at most ``atan(mu)``.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.gripper import GripperGeometry, finger_clearance
from grasping_student.geometry.workspace import Workspace

ALONG_STEP = 0.002
"""Spacing of the samples along the line of closing, metres."""

LINES = 7
"""Lines of samples across the width of a finger."""

FEWEST_LINES = 4
"""With material on fewer lines the slope of its sides is unknown."""

OVER_TIPS = 0.004
"""Surface that rises over the finger tips by less than this is not gripped, metres."""

AT_ONCE = 2000
"""Grasps looked at in one go; bounds the memory."""


@dataclass(frozen=True)
class AntipodalContacts:
    """Open fingers stay clear, material reaches up between them, and its sides face the fingers."""

    gripper: GripperGeometry = field(default_factory=GripperGeometry)

    min_clearance: float = 0.005
    """Smallest clearance under the open fingers, metres."""

    min_contact_height: float = 0.9
    """Smallest mean height of the material between the fingers over their tips, a share of how deep the tips reach."""

    friction: float = 0.6
    """Sides are turned against the fingers by at most the angle with this tangent."""

    def __post_init__(self) -> None:
        if not -0.1 < self.min_clearance < 0.1:
            raise ValueError(f"min_clearance is {self.min_clearance} m; it must lie within 0.1; millimetres?")
        if not 0.0 < self.min_contact_height <= 1.0:
            raise ValueError(f"min_contact_height is {self.min_contact_height}; it is a share of the reach, in (0, 1]")
        if self.friction <= 0.0:
            raise ValueError(f"friction is {self.friction}; it must be above 0")

    def allows(
        self, height: NDArray[np.float32], angles: NDArray[np.float64], workspace: Workspace
    ) -> NDArray[np.bool_]:
        """As of ``GraspConstraint``; nothing outside the margin.

        Raises:
            ValueError: the heights hold NaN.
        """
        allowed = np.zeros((len(angles), *height.shape), dtype=bool)
        inside = workspace.graspable_slice
        clearance = finger_clearance(height, angles, self.gripper, workspace)
        allowed[(slice(None), *inside)] = (clearance >= self.min_clearance)[(slice(None), *inside)]
        allowed &= height > self.gripper.clearance + OVER_TIPS
        for index, angle in enumerate(angles):
            row, col = np.nonzero(allowed[index])
            for first in range(0, len(row), AT_ONCE):
                part = slice(first, first + AT_ONCE)
                reach, skew = contact_quality(height, float(angle), row[part], col[part], self.gripper, workspace)
                allowed[index, row[part], col[part]] = (reach >= self.min_contact_height) & (skew <= self.friction)
        return allowed


def contact_quality(
    height: NDArray[np.float32],
    angle: float,
    row: NDArray[np.integer],
    col: NDArray[np.integer],
    gripper: GripperGeometry,
    workspace: Workspace,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How grasps at one angle would hold what lies between the fingers.

    Args:
        height: filled heightmap, metres, shape ``(pixels, pixels)``.
        angle: radians.
        row: rows, shape ``(n,)``.
        col: columns, shape ``(n,)``.
        gripper: the gripper.
        workspace: the pixel size.

    Returns:
        Mean height of the material between the fingers over their tips, as a share of how deep the tips reach below
        the surface, 0 where there is none; and the tangent of the largest angle between a finger and the side that it
        will meet, or half of that side, infinite where there is too little to tell. Both float32 ``(n,)``.
    """
    import cv2

    surface = cv2.blur(height, (3, 3), borderType=cv2.BORDER_REPLICATE)[row, col]
    tips = np.maximum(surface - gripper.finger_depth, gripper.clearance)
    reach = np.maximum(surface - tips, OVER_TIPS)
    along, across, u, v = _samples(gripper)
    x, y = math.cos(angle) * u - math.sin(angle) * v, math.sin(angle) * u + math.cos(angle) * v
    cols = (col[:, None] + x.ravel() / workspace.pixel_size).astype(np.float32)
    rows = (row[:, None] - y.ravel() / workspace.pixel_size).astype(np.float32)
    over = cv2.remap(height, cols, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) - tips[:, None]
    over = over.reshape(len(row), *u.shape)
    material = over > OVER_TIPS
    count = material.sum(axis=(1, 2))
    contact = np.where(material, over, 0.0).sum(axis=(1, 2)) / np.maximum(count, 1) / reach
    lines = material.any(axis=2)
    left = along[material.argmax(axis=2)]
    right = along[len(along) - 1 - material[:, :, ::-1].argmax(axis=2)]
    skew = np.maximum(_skew(across, left, lines), _skew(across, right, lines))
    return contact.astype(np.float32), skew.astype(np.float32)


@functools.lru_cache(maxsize=16)
def _samples(gripper: GripperGeometry) -> tuple[NDArray[np.floating], ...]:
    """Offsets along the line of closing inside the opening, and across it inside the width of a finger, metres; and
    both at every sample, ``(across, along)``; kept."""
    half = math.floor(gripper.opening / 2 / ALONG_STEP)
    across = np.linspace(-gripper.finger_width / 2, gripper.finger_width / 2, LINES)
    along = np.arange(-half, half + 1) * ALONG_STEP
    found = (along, across, *np.meshgrid(along, across))
    for each in found:
        each.flags.writeable = False
    return found


def _skew(across: NDArray[np.floating], edge: NDArray[np.floating], lines: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Largest slope of a side and of each half of it: a corner between the fingers leans one way and then the other."""
    half = LINES // 2
    whole = _slope(across, edge, lines, FEWEST_LINES, np.inf)
    first = _slope(across[: half + 1], edge[:, : half + 1], lines[:, : half + 1], FEWEST_LINES - 1, 0.0)
    last = _slope(across[half:], edge[:, half:], lines[:, half:], FEWEST_LINES - 1, 0.0)
    return np.maximum(whole, np.maximum(first, last))


def _slope(
    across: NDArray[np.floating], edge: NDArray[np.floating], lines: NDArray[np.bool_], fewest: int, otherwise: float
) -> NDArray[np.float64]:
    """Absolute slope of straight lines through the edges, over the lines of samples that have material, ``(n,)``.

    With fewer lines than ``fewest`` it is ``otherwise``.
    """
    count = lines.sum(axis=1)
    mean = (lines * across).sum(axis=1, keepdims=True) / np.maximum(count, 1)[:, None]
    v = np.where(lines, across - mean, 0.0)
    enough = count >= fewest
    slope = np.abs((v * edge).sum(axis=1)) / np.where(enough, (v * v).sum(axis=1), 1.0)
    return np.where(enough, slope, otherwise)
