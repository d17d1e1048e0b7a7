"""Depth pictures of heights on a table: exact ray casting, then the faults of a stereo depth camera."""

from __future__ import annotations

import math

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from grasping_student.perception.frame import Intrinsics

BLOCK = 16
"""Cells a side of the blocks that rays skip."""


def cast(
    height: NDArray[np.float32],
    extent: float,
    matrix: NDArray[np.float64],
    pose: NDArray[np.float64],
    rows: int,
    cols: int,
) -> NDArray[np.float32]:
    """Depth of every pixel; bare table at the height of the border's lowest cell lies around the drawing."""
    border = min(float(edge.min()) for edge in (height[0], height[-1], height[:, 0], height[:, -1]))
    side = -(-height.shape[0] // BLOCK) * BLOCK
    padded = np.full((side, side), border, np.float32)
    padded[: height.shape[0], : height.shape[1]] = height
    highest = padded.reshape(side // BLOCK, BLOCK, side // BLOCK, BLOCK).max(axis=(1, 3))
    return np.asarray(_march(padded, highest, extent, extent / height.shape[0], border, matrix, pose, rows, cols))


@numba.njit(cache=False, nogil=True)
def _march(padded, highest, extent, size, border, matrix, pose, rows, cols):
    depth = np.full((rows, cols), np.nan, dtype=np.float32)
    x0, y0, z0 = pose[0, 3], pose[1, 3], pose[2, 3]
    top = max(padded.max(), border) + 1e-6
    for v in range(rows):
        for u in range(cols):
            a, b = (u - matrix[0, 2]) / matrix[0, 0], (v - matrix[1, 2]) / matrix[1, 1]
            dx = pose[0, 0] * a + pose[0, 1] * b + pose[0, 2]
            dy = pose[1, 0] * a + pose[1, 1] * b + pose[1, 2]
            dz = pose[2, 0] * a + pose[2, 1] * b + pose[2, 2]
            if dz > -1e-3:
                continue
            t, step = (top - z0) / dz, 0.5 * size / max(abs(dx), abs(dy), -dz)
            end = (border - 0.2 - z0) / dz
            while t < end:
                col, row = math.floor((x0 + t * dx + extent / 2) / size), math.floor((extent / 2 - y0 - t * dy) / size)
                z = z0 + t * dz
                if row < 0 or col < 0 or row >= padded.shape[0] or col >= padded.shape[1]:
                    if z <= border:
                        break
                    t += max(step, min((border - z) / dz, 8 * step))
                    continue
                if z <= padded[row, col]:
                    break
                above = z - highest[row // 16, col // 16]
                if above > 0.0:  # as far as this block goes, or down to its highest cell
                    to_x = (16 - col % 16 if dx > 0 else col % 16 + 1) * size / max(abs(dx), 1e-12)
                    to_y = (16 - row % 16 if dy < 0 else row % 16 + 1) * size / max(abs(dy), 1e-12)
                    t += max(step, min(above / -dz, to_x - size, to_y - size))
                else:
                    t += step
            depth[v, u] = t
    return depth


def as_seen(depth: NDArray[np.float32], camera: Intrinsics, random: np.random.Generator) -> NDArray[np.float32]:
    """A perfect depth picture as a stereo camera measures it."""
    level = random.uniform(0.2, 1.0)
    baseline = 0.055
    disparity = camera.fx * baseline / depth
    rough = cv2.GaussianBlur(random.normal(0.0, 1.0, depth.shape).astype(np.float32), (0, 0), 1.5)
    disparity = disparity + rough / float(rough.std()) * 0.08 * level
    disparity = np.round(disparity * 32.0) / 32.0
    seen = (camera.fx * baseline / disparity).astype(np.float32)
    # what the other eye does not see, to the left of near things
    reach = int(0.12 * camera.fx * baseline / 0.5) + 2
    there = np.arange(depth.shape[1])[None, :] - camera.fx * baseline / np.nan_to_num(depth, nan=10.0)
    highest = np.full(depth.shape, -np.inf)
    for step in range(1, reach):
        highest[:, :-step] = np.maximum(highest[:, :-step], -there[:, step:])
    seen[-highest < there - 1.0] = np.nan
    finite = np.nan_to_num(depth, nan=5.0)
    jump = cv2.dilate(finite, np.ones((3, 3))) - cv2.erode(finite, np.ones((3, 3))) > 0.01
    seen[jump & (random.random(depth.shape) < 0.4 * level)] = np.nan
    soft = cv2.GaussianBlur(finite, (0, 0), 1.0)
    seen = np.where(jump & (random.random(depth.shape) < 0.3), soft, seen)
    seen[random.random(depth.shape) < 0.01 * level] = np.nan
    spots = cv2.GaussianBlur(random.normal(0.0, 1.0, depth.shape).astype(np.float32), (0, 0), 6.0)
    seen[spots > np.quantile(spots, 1.0 - 0.01 * level)] = np.nan
    return np.asarray(seen, dtype=np.float32)
