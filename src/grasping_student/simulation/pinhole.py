"""Pinhole pictures of known meshes: every triangle into a perspective z-buffer."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from grasping_student.perception.frame import Intrinsics
from grasping_student.pipeline.surroundings import compiled
from grasping_student.simulation.rasteriser import NOTHING

TOLERANCE = 1e-9
"""A weight of a corner may be negative by so much: no pixel on a common edge is missed by both triangles."""

NEAREST = 0.05
"""Triangles with a corner nearer to the camera than this are left out, metres."""


def project(
    triangles: NDArray[np.float64], intrinsics: Intrinsics, camera_to_world: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Depth and nearest triangle at every pixel centre of a pinhole camera above an endless table.

    Args:
        triangles: world frame, metres, counter-clockwise from outside, shape ``(count, 3, 3)``.
        intrinsics: of the picture.
        camera_to_world: where the camera stands, 4 x 4.

    Returns:
        depth float32 ``(height, width)``, metres along the optical axis, infinite where a ray meets nothing; index
        int32 of the triangle seen, ``NOTHING`` where the table or nothing is.
    """
    rotation, place = camera_to_world[:3, :3], camera_to_world[:3, 3]
    corners = (triangles.reshape(-1, 3) - place) @ rotation
    nearness = _table(intrinsics, rotation[2], float(place[2]))
    seen = np.full(intrinsics.shape, NOTHING, dtype=np.int32)
    _fill(
        np.ascontiguousarray(corners.reshape(-1, 3, 3)),
        (intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy),
        nearness,
        seen,
    )
    with np.errstate(divide="ignore"):
        return np.float32(1.0) / nearness, seen


def _table(intrinsics: Intrinsics, world_z: NDArray[np.float64], height: float) -> NDArray[np.float32]:
    """One over the depth at which each pixel's ray meets the plane z = 0, 1/m; 0 where it does not.

    Args:
        intrinsics: of the picture.
        world_z: the world's z axis in the camera's frame, shape ``(3,)``.
        height: of the camera above the plane, metres.
    """
    right = (np.arange(intrinsics.width) - intrinsics.cx) / intrinsics.fx * (-world_z[0] / height)
    down = ((np.arange(intrinsics.height) - intrinsics.cy) / intrinsics.fy * world_z[1] + world_z[2]) / -height
    nearness = right.astype(np.float32)[None, :] + down.astype(np.float32)[:, None]
    return np.maximum(nearness, np.float32(0.0), out=nearness)


@compiled(nogil=True)
def _inside(start: float, slope: float, low: float, high: float) -> tuple[float, float]:
    """The part of a range in which ``start + slope * col`` is not negative, as good as."""
    if slope > 0.0:
        return max(low, (-TOLERANCE - start) / slope), high
    if slope < 0.0:
        return low, min(high, (-TOLERANCE - start) / slope)
    return low, high if start >= -TOLERANCE else low - 1.0


@compiled(nogil=True)
def _fill(
    corners: NDArray[np.float64],
    lens: tuple[float, float, float, float],
    nearness: NDArray[np.float32],
    seen: NDArray[np.int32],
) -> None:
    """Put triangles of the camera's frame into the buffer; one over the depth is linear in the picture."""
    fx, fy, cx, cy = lens
    rows, cols = nearness.shape
    for index in range(corners.shape[0]):
        d0, d1, d2 = corners[index, 0, 2], corners[index, 1, 2], corners[index, 2, 2]
        if min(d0, d1, d2) < NEAREST:
            continue
        n0, n1, n2 = 1.0 / d0, 1.0 / d1, 1.0 / d2
        c0, r0 = fx * corners[index, 0, 0] * n0 + cx, fy * corners[index, 0, 1] * n0 + cy
        c1, r1 = fx * corners[index, 1, 0] * n1 + cx, fy * corners[index, 1, 1] * n1 + cy
        c2, r2 = fx * corners[index, 2, 0] * n2 + cx, fy * corners[index, 2, 1] * n2 + cy
        # twice the signed area; rows point down, so a face that looks at the camera is negative
        area = (c1 - c0) * (r2 - r0) - (c2 - c0) * (r1 - r0)
        if area >= -1e-12:
            continue
        # weights of the corners, each linear in column and row
        w0_col, w0_row, w0_start = (r1 - r2) / area, (c2 - c1) / area, (c1 * r2 - c2 * r1) / area
        w1_col, w1_row, w1_start = (r2 - r0) / area, (c0 - c2) / area, (c2 * r0 - c0 * r2) / area
        w2_col, w2_row, w2_start = -w0_col - w1_col, -w0_row - w1_row, 1.0 - w0_start - w1_start
        first_row = max(math.ceil(min(r0, r1, r2)), 0)
        last_row = min(math.floor(max(r0, r1, r2)), rows - 1)
        left, right = max(min(c0, c1, c2), 0.0), min(max(c0, c1, c2), cols - 1.0)
        slope = w0_col * (n0 - n2) + w1_col * (n1 - n2)
        for row in range(first_row, last_row + 1):
            w0, w1, w2 = w0_start + w0_row * row, w1_start + w1_row * row, w2_start + w2_row * row
            low, high = _inside(w0, w0_col, left, right)
            low, high = _inside(w1, w1_col, low, high)
            low, high = _inside(w2, w2_col, low, high)
            near = n2 + w0 * (n0 - n2) + w1 * (n1 - n2)
            for col in range(math.ceil(low), math.floor(high) + 1):
                here = np.float32(near + slope * col)
                if here > nearness[row, col]:
                    nearness[row, col] = here
                    seen[row, col] = index
