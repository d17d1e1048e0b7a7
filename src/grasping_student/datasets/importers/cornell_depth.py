"""Cornell's distances as depth along the optical axis: measured from the robot's base, not from the lens.

The archive's point clouds are in the frame of the robot that carried the camera, and the usual ``pcdNNNNd.tiff`` holds
the length of each point in it: taken as depth, a flat table becomes a bowl 5 cm deep. In all pictures of a session the
base lies at one place in the camera's frame. Where it lies is found from the table, which must come out flat.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from grasping_student.perception.frame import Intrinsics
from grasping_student.perception.tabletop import MIDDLE, rays
from grasping_student.pipeline.safe_io import Unusable

FLAT = 0.002
"""Half of the picture's middle lies within this distance of a plane where the depth is right, metres."""

FARTHEST_BASE = 2.0
"""Metres from the lens."""

GRID = 40
"""Rows and columns of the picture's middle from which the base is found."""


def axis_depth_of_table(distance: NDArray[np.float32], intrinsics: Intrinsics) -> NDArray[np.float32]:
    """Depth along the optical axis of a picture of a table.

    Args:
        distance: of the points from the lens, along its axis or the ray, or from the robot's base: whichever makes the
            table flat; metres, NaN where unmeasured, shape of the intrinsics.
        intrinsics: of the picture.

    Returns:
        Metres, NaN where unmeasured, same shape.

    Raises:
        Unusable: too little is measured, or no reading of the numbers makes the table flat.
    """
    rows, cols = (
        np.unique(np.linspace(n * (1 - MIDDLE) / 2, n * (1 + MIDDLE) / 2, GRID).astype(int)) for n in distance.shape
    )
    row, col = (each.ravel() for each in np.meshgrid(rows, cols, indexing="ij"))
    measured = np.isfinite(distance[row, col])
    row, col = row[measured], col[measured]
    if len(row) < 100:
        raise Unusable("too little of the depth is measured to find the table")
    ray, some = rays(row, col, intrinsics), distance[row, col].astype(np.float64)
    if _roughness(ray * some[:, None]) < FLAT:
        return distance
    base = _find_base(ray, some)
    flatness = _roughness(ray * _depth(ray, some, base)[:, None])
    if flatness > FLAT:
        raise Unusable(f"the table is not flat within {flatness * 1000:.0f} mm: the depth is none of a camera we know")
    every = np.indices(distance.shape).reshape(2, -1)
    depth = _depth(rays(every[0], every[1], intrinsics), distance.ravel().astype(np.float64), base)
    return depth.reshape(distance.shape).astype(np.float32)


def _depth(ray: NDArray[np.float64], distance: NDArray[np.float64], base: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far along rays (z = 1) the points lie that have these distances from a base in the camera's frame."""
    length = np.linalg.norm(ray, axis=1)
    along = ray @ base / length
    root = along**2 - base @ base + distance**2
    with np.errstate(invalid="ignore"):  # no point of the ray is so near
        return (along + np.sqrt(root)) / length


def _find_base(ray: NDArray[np.float64], distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The base, in the camera's frame (metres), from which the distances make a plane, begun at the lens itself."""

    def above_table(unknown: NDArray[np.float64]) -> NDArray[np.float64]:
        plane = unknown[3:]
        points = ray * np.nan_to_num(_depth(ray, distance, unknown[:3]))[:, None]
        return (points @ plane - 1.0) / np.linalg.norm(plane) * 1000.0

    first = ray * _depth(ray, distance, np.zeros(3))[:, None]
    start = np.concatenate([np.zeros(3), np.linalg.lstsq(first, np.ones(len(first)), rcond=None)[0]])
    bounds = np.repeat([FARTHEST_BASE, np.inf], 3)
    # an item on the table must not pull the plane up
    found = least_squares(above_table, start, loss="soft_l1", f_scale=2.0, bounds=(-bounds, bounds), max_nfev=200)
    return np.asarray(found.x[:3])


def _roughness(points: NDArray[np.float64]) -> float:
    """Median distance of points from the plane through most of them, metres."""
    points = points[np.isfinite(points).all(axis=1)]
    near = points
    for _ in range(5):
        centre = near.mean(axis=0)
        normal = np.linalg.svd(near - centre, full_matrices=False)[2][2]
        off = np.abs((points - centre) @ normal)
        near = points[off <= max(2.5 * float(np.median(off)), 1e-6)]
    return float(np.median(off))
