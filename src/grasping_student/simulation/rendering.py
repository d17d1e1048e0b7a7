"""What the camera over the workspace sees of items at known poses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.simulation.blocks import rotation_of
from grasping_student.simulation.items import Item
from grasping_student.simulation.rasteriser import NOTHING, rasterise
from grasping_student.simulation.solids import Poses

TABLE_COLOUR = (86, 90, 96)
"""RGB of the table."""

LIGHT = np.array([0.32, 0.24, 0.92])
"""Direction to the lamp, world frame."""


class Picture(NamedTuple):
    """A perfect heightmap and which item each pixel shows (int32, ``NOTHING`` for the table)."""

    heightmap: Heightmap
    item: NDArray[np.int32]


def take_picture(items: Sequence[Item], poses: Poses, workspace: Workspace) -> Picture:
    """The scene from above, without noise."""
    if not items:
        height = np.zeros(workspace.shape, dtype=np.float32)
        rgb = np.full((*workspace.shape, 3), TABLE_COLOUR, dtype=np.uint8)
        return Picture(Heightmap(height, rgb, workspace), np.full(workspace.shape, NOTHING, dtype=np.int32))
    triangles, owner = surface_of(items, poses)
    height, seen = rasterise(triangles, workspace)
    shade = 0.45 + 0.55 * np.clip(normals_of(triangles) @ LIGHT, 0.0, 1.0)
    paint = np.concatenate([item.colours for item in items]) * shade[:, None]
    # the last entries are what NOTHING (-1) points to
    colours = np.concatenate([np.clip(paint, 0, 255), [TABLE_COLOUR]]).astype(np.uint8)
    owners = np.append(owner, NOTHING).astype(np.int32)
    return Picture(Heightmap(height, colours[seen], workspace), owners[seen])


def surface_of(items: Sequence[Item], poses: Poses) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Triangles of all items in the world frame, ``(count, 3, 3)``, and the item that each belongs to."""
    counts = [len(item.triangles) for item in items]
    turn = np.repeat(rotation_of(poses[:, 3:]), counts, axis=0)
    triangles = np.concatenate([item.triangles for item in items]) @ turn.transpose(0, 2, 1)
    triangles += np.repeat(poses[:, :3], counts, axis=0)[:, None, :]
    return triangles, np.repeat(np.arange(len(items)), counts)


def normals_of(triangles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Outward unit normals, shape ``(count, 3)``."""
    normal = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    return normal / np.linalg.norm(normal, axis=1, keepdims=True)
