"""Orthographic top-down pictures of the workspace, and how they are made from points."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.workspace import Workspace

BACKGROUND_HEIGHT = 0.002
"""Heights below this are table, metres (the authors' constant)."""

POINTS_AT_A_TIME = 2**14
"""So many points of a cloud stay in the processor's cache, and their arrays need no fresh pages of memory."""

EMPTY_SHARE = 0.02
"""A graspable area with less foreground than this share is empty (paper, section VI-B)."""


@dataclass(frozen=True, eq=False)
class Heightmap:
    """One observed scene.

    Attributes:
        height: float32 ``(pixels, pixels)``, metres above the table; NaN where nothing was measured.
        rgb: uint8 ``(pixels, pixels, 3)``.
        workspace: what the pixels mean in metres.
    """

    height: NDArray[np.float32]
    rgb: NDArray[np.uint8]
    workspace: Workspace

    def __post_init__(self) -> None:
        if self.height.shape != self.workspace.shape:
            raise ValueError(f"height has shape {self.height.shape}; the workspace says {self.workspace.shape}")
        if self.rgb.shape != (*self.workspace.shape, 3):
            raise ValueError(f"rgb has shape {self.rgb.shape}; the workspace says {(*self.workspace.shape, 3)}")
        if self.height.dtype != np.float32 or self.rgb.dtype != np.uint8:
            raise ValueError(f"height is {self.height.dtype}, rgb {self.rgb.dtype}; they must be float32 and uint8")

    @property
    def unmeasured(self) -> NDArray[np.bool_]:
        """Pixels without a measurement, shape ``(pixels, pixels)``."""
        return ~np.isfinite(self.height)

    def foreground(self) -> NDArray[np.bool_]:
        """Pixels that hold something higher than the table, shape ``(pixels, pixels)``."""
        with np.errstate(invalid="ignore"):
            return self.height > BACKGROUND_HEIGHT

    def graspable_foreground(self) -> NDArray[np.bool_]:
        """Foreground inside the margin, shape ``(pixels, pixels)``."""
        return self.foreground() & self.workspace.graspable_mask()

    def is_empty(self) -> bool:
        """Whether at least 98 % of the graspable area is table (paper, section VI-B)."""
        inside = self.foreground()[self.workspace.graspable_slice]
        return bool(inside.mean() < EMPTY_SHARE)


def heightmap_from_points(
    points: NDArray[np.floating],
    rgb: NDArray[np.uint8] | None,
    workspace: Workspace,
    lowest: float = -0.05,
    highest: float = 1.0,
) -> Heightmap:
    """Z-buffer of a point cloud: each cell keeps its highest point, cells without points stay NaN.

    Args:
        points: world frame, metres, shape ``(n, 3)``; points that are not finite are left out.
        rgb: colours of the points, shape ``(n, 3)``, or None for black.
        workspace: the cells.
        lowest: points below are left out, metres.
        highest: points above are left out, metres.
    """
    # One integer orders points by height and then remembers which point it was, so that one pass finds the highest.
    top = np.full(workspace.pixels**2, -1, dtype=np.int64)
    for start in range(0, len(points), POINTS_AT_A_TIME):
        x, y, z = points[start : start + POINTS_AT_A_TIME].T
        with np.errstate(invalid="ignore"):
            usable = np.flatnonzero(np.isfinite(x) & np.isfinite(y) & (z >= lowest) & (z <= highest))
        row, col = workspace.pixel_from_xy(x[usable], y[usable])
        inside = (row >= 0) & (row < workspace.pixels) & (col >= 0) & (col < workspace.pixels)
        usable, cell = usable[inside], (row * workspace.pixels + col)[inside]
        np.maximum.at(top, cell, (_ordered_bits(z[usable]) << 31) | (usable + start))
    measured = np.flatnonzero(top >= 0)
    highest_point = top[measured] & 0x7FFFFFFF
    height = np.full(workspace.pixels**2, np.nan, dtype=np.float32)
    height[measured] = points[highest_point, 2]
    colour = np.zeros((workspace.pixels**2, 3), dtype=np.uint8)
    if rgb is not None:
        colour[measured] = rgb[highest_point]
    return Heightmap(height.reshape(workspace.shape), colour.reshape(*workspace.shape, 3), workspace)


def _ordered_bits(z: NDArray[np.floating]) -> NDArray[np.int64]:
    """Whole numbers in [0, 2^32) in the order of the float32 heights, which sort by their bits but for the sign."""
    bits = np.ascontiguousarray(z, dtype=np.float32).view(np.int32)
    signed = np.where(bits >= 0, bits, np.int32(-(2**31)) - bits)
    return signed.astype(np.int64) + 2**31


def fill_holes(heightmap: Heightmap) -> Heightmap:
    """Every unmeasured pixel takes height and colour of the nearest measured one.

    Raises:
        ValueError: nothing at all was measured.
    """
    holes = heightmap.unmeasured
    if not holes.any():
        return heightmap
    if holes.all():
        raise ValueError("the heightmap has no measured pixel: does the camera see the workspace?")
    nearest = _nearest_measured(holes)
    height = heightmap.height.ravel()[nearest]
    rgb = heightmap.rgb.reshape(-1, 3)[nearest]
    return replace(heightmap, height=height, rgb=rgb)


def _nearest_measured(holes: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Flat index of the nearest pixel that is no hole, for each pixel."""
    import cv2  # late: configurations import this file, and the command line must start quickly

    _, label = cv2.distanceTransformWithLabels(
        holes.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    measured = np.flatnonzero(~holes)
    index_of_label = np.zeros(label.max() + 1, dtype=np.int64)
    index_of_label[label.ravel()[measured]] = measured
    return index_of_label[label]


def turn_heightmap(heightmap: Heightmap, phi: float, outside: float = 0.0) -> Heightmap:
    """The scene turned counter-clockwise by ``phi`` radians about the centre of the workspace, nearest pixel.

    ``Rot_phi`` of the paper, which lays a grasp at angle phi horizontal, is ``turn_heightmap(heightmap, -phi)``.

    Args:
        heightmap: the scene.
        phi: radians, counter-clockwise seen from above.
        outside: height that comes in over the border, metres.
    """
    import cv2

    pixels = heightmap.workspace.pixels
    centre = (pixels - 1) / 2
    matrix = cv2.getRotationMatrix2D((centre, centre), np.degrees(phi), 1.0)
    size, nearest = (pixels, pixels), cv2.INTER_NEAREST
    height = cv2.warpAffine(heightmap.height, matrix, size, flags=nearest, borderValue=outside)
    rgb = cv2.warpAffine(heightmap.rgb, matrix, size, flags=nearest)
    return replace(heightmap, height=np.asarray(height, np.float32), rgb=np.asarray(rgb, np.uint8))
