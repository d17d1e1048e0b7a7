"""A pose for pictures that come without one: the table in the picture tells where the camera stands over it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grasping_student.perception.frame import Intrinsics

BAND = 0.006
"""A point within this distance of a plane supports it, metres: consumer cameras see tables bulge by as much."""

SMALLEST_SUPPORT = 0.2
"""Share of the measured points that a table holds, at least."""

MIDDLE = 0.6
"""The table is looked for in this share of rows and columns around the picture's middle: the border shows the room."""

TRIALS, MOST_POINTS = 300, 20_000


class NoTable(ValueError):
    """No plane in the picture can be the table."""


def pose_over_table(depth: NDArray[np.float32], intrinsics: Intrinsics) -> NDArray[np.float64]:
    """Where a camera stands over the table that it sees.

    The table is the plane with most of the picture in it and hardly anything behind it (random sample consensus with a
    fixed seed, then least squares). The world's origin is where the ray through the picture's middle meets the table, x
    runs to the right in the picture and z up from the table.

    Args:
        depth: metres along the optical axis, NaN where unmeasured, shape of the intrinsics.
        intrinsics: of the picture.

    Returns:
        ``camera_to_world``, 4 x 4, metres.

    Raises:
        NoTable: too little is measured, or no plane holds a fifth of it.
    """
    points = camera_points(_middle(depth), intrinsics)
    points = points[:: max(1, len(points) // MOST_POINTS)]
    if len(points) < 200:
        raise NoTable("too little of the depth is measured to find the table")
    random = np.random.default_rng(0)
    candidates = [_through(points[random.choice(len(points), 3, replace=False)]) for _ in range(TRIALS)]
    few = points[:: max(1, len(points) // 2000)]
    normal, offset = max(filter(None, candidates), key=lambda plane: _support(plane[0], plane[1], few))
    for band in (3 * BAND, 2 * BAND, BAND, BAND):
        near = points[np.abs(points @ normal + offset) < band]
        if len(near) < 100:
            raise NoTable("no plane in the picture can be the table")
        centre = near.mean(axis=0)
        normal = _towards_camera(np.linalg.svd(near - centre, full_matrices=False)[2][2], centre)
        offset = -float(normal @ centre)
    if _support(normal, offset, points) < SMALLEST_SUPPORT:
        raise NoTable(f"no plane holds {SMALLEST_SUPPORT:.0%} of the picture: no table can be told")
    return _pose(normal, offset, intrinsics)


def _middle(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """The depth with all but the middle unmeasured, same shape."""
    inside = np.full_like(depth, np.nan)
    rows, cols = (slice(round(n * (1 - MIDDLE) / 2), round(n * (1 + MIDDLE) / 2)) for n in depth.shape)
    inside[rows, cols] = depth[rows, cols]
    return inside


def camera_points(depth: NDArray[np.float32], intrinsics: Intrinsics) -> NDArray[np.float64]:
    """Measured points in the camera's frame, metres, shape ``(n, 3)``."""
    row, col = np.nonzero(np.isfinite(depth))
    return rays(row, col, intrinsics) * depth[row, col].astype(np.float64)[:, None]


def rays(row: NDArray[np.generic], col: NDArray[np.generic], intrinsics: Intrinsics) -> NDArray[np.float64]:
    """Directions of pixels in the camera's frame with z = 1, shape ``(n, 3)``."""
    x, y = (np.asarray(col) - intrinsics.cx) / intrinsics.fx, (np.asarray(row) - intrinsics.cy) / intrinsics.fy
    return np.stack([x, y, np.ones_like(x, dtype=np.float64)], axis=-1)


def _through(three: NDArray[np.float64]) -> tuple[NDArray[np.float64], float] | None:
    """Normal towards the camera and offset of the plane through three points; None if they are in line."""
    normal = np.cross(three[1] - three[0], three[2] - three[0])
    length = float(np.linalg.norm(normal))
    if length < 1e-6:
        return None
    normal = _towards_camera(normal / length, three[0])
    return normal, -float(normal @ three[0])


def _towards_camera(normal: NDArray[np.float64], point: NDArray[np.float64]) -> NDArray[np.float64]:
    return -normal if normal @ point > 0.0 else normal


def _support(normal: NDArray[np.float64], offset: float, points: NDArray[np.float64]) -> float:
    """Share of the points within the band of a plane, less the share well behind it, which a table hides."""
    above = points @ normal + offset
    return float((np.abs(above) < BAND).mean() - (above < -3 * BAND).mean())


def _pose(normal: NDArray[np.float64], offset: float, intrinsics: Intrinsics) -> NDArray[np.float64]:
    middle = rays(np.array([(intrinsics.height - 1) / 2]), np.array([(intrinsics.width - 1) / 2]), intrinsics)[0]
    along = float(normal @ middle)
    if along > -0.1:
        raise NoTable("the table in the picture is seen edge-on")
    origin = middle * (-offset / along)
    right = np.array([1.0, 0.0, 0.0]) - normal[0] * normal
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(normal, right), normal])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation, -rotation @ origin
    return pose
