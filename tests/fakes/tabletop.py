"""Known scenes on a table, for cameras to look at."""

import numpy as np

from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace

BOXES = ((0.00, 0.00, 0.04, 0.06, 0.03), (0.08, 0.05, 0.05, 0.03, 0.05), (-0.09, -0.07, 0.03, 0.08, 0.02))
"""Centre x, centre y, size in x, size in y, height, metres."""


def boxes_on_table(workspace: Workspace, boxes=BOXES) -> Heightmap:
    """Boxes parallel to the axes; every box has its own colour, the table is grey."""
    every = np.arange(workspace.pixels)
    x, y = workspace.xy_from_pixel(every, every)
    height = np.zeros(workspace.shape, dtype=np.float32)
    rgb = np.full((*workspace.shape, 3), 120, dtype=np.uint8)
    for index, (cx, cy, sx, sy, top) in enumerate(boxes):
        inside = (np.abs(y - cy) <= sy / 2)[:, None] & (np.abs(x - cx) <= sx / 2)[None, :]
        height[inside] = np.maximum(height[inside], top)
        rgb[inside] = (30 + 40 * (index % 5), 200, 250 - 60 * (index % 4))
    return Heightmap(height, rgb, workspace)
