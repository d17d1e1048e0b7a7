"""Heightmap of known meshes: every triangle into an orthographic z-buffer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.surroundings import compiled

NOTHING = -1
"""Triangle of a pixel that shows the table."""


def rasterise(triangles: NDArray[np.float64], workspace: Workspace) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Height and topmost triangle at every pixel centre.

    Args:
        triangles: world frame, metres, counter-clockwise from outside, shape ``(count, 3, 3)``.
        workspace: the pixels.

    Returns:
        height float32 ``(pixels, pixels)`` in metres, 0 where the table is seen; index int32 of the triangle seen,
        ``NOTHING`` where the table is.
    """
    height = np.zeros(workspace.shape, dtype=np.float32)
    seen = np.full(workspace.shape, NOTHING, dtype=np.int32)
    _fill(np.ascontiguousarray(triangles, dtype=np.float64), workspace.extent / 2, workspace.pixel_size, height, seen)
    return height, seen


@compiled(nogil=True)
def _fill(
    triangles: NDArray[np.float64], half: float, size: float, height: NDArray[np.float32], seen: NDArray[np.int32]
) -> None:
    rows, cols = height.shape
    for index in range(triangles.shape[0]):
        # column and row of the corners, so that pixel (r, c) has its centre at exactly (r, c)
        c0 = (triangles[index, 0, 0] + half) / size - 0.5
        c1 = (triangles[index, 1, 0] + half) / size - 0.5
        c2 = (triangles[index, 2, 0] + half) / size - 0.5
        r0 = (half - triangles[index, 0, 1]) / size - 0.5
        r1 = (half - triangles[index, 1, 1]) / size - 0.5
        r2 = (half - triangles[index, 2, 1]) / size - 0.5
        z0, z1, z2 = triangles[index, 0, 2], triangles[index, 1, 2], triangles[index, 2, 2]
        # twice the signed area; rows point down, so a face that looks up is negative
        area = (c1 - c0) * (r2 - r0) - (c2 - c0) * (r1 - r0)
        if area >= -1e-12:
            continue
        first_row = max(int(np.ceil(min(r0, r1, r2))), 0)
        last_row = min(int(np.floor(max(r0, r1, r2))), rows - 1)
        first_col = max(int(np.ceil(min(c0, c1, c2))), 0)
        last_col = min(int(np.floor(max(c0, c1, c2))), cols - 1)
        for row in range(first_row, last_row + 1):
            for col in range(first_col, last_col + 1):
                w0 = ((c1 - col) * (r2 - row) - (c2 - col) * (r1 - row)) / area
                w1 = ((c2 - col) * (r0 - row) - (c0 - col) * (r2 - row)) / area
                w2 = 1.0 - w0 - w1
                if w0 >= -1e-9 and w1 >= -1e-9 and w2 >= -1e-9:
                    z = np.float32(w0 * z0 + w1 * z1 + w2 * z2)
                    if z > height[row, col]:
                        height[row, col] = z
                        seen[row, col] = index
