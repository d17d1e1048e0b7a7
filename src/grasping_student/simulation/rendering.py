"""What the camera over the workspace sees of items at known poses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.simulation.blocks import rotation_of
from grasping_student.simulation.config import NO_BIN, BinWalls
from grasping_student.simulation.items import Item
from grasping_student.simulation.rasteriser import NOTHING, rasterise
from grasping_student.simulation.solids import Poses
from grasping_student.simulation.walls import COLOUR, outside_cells, wall_triangles

TABLE_COLOUR = (86, 90, 96)
"""RGB of the table."""

LIGHT = np.array([0.32, 0.24, 0.92])
"""Direction to the lamp, world frame."""


class Picture(NamedTuple):
    """A perfect heightmap and which item each pixel shows (int32, ``NOTHING`` for table and walls)."""

    heightmap: Heightmap
    item: NDArray[np.int32]


class Surface(NamedTuple):
    """The faces of a scene's items.

    Attributes:
        triangles: world frame, metres, counter-clockwise from outside, float64 ``(faces, 3, 3)``.
        owner: item of each face, ``NOTHING`` for a wall of the bin, int64 ``(faces,)``.
        normal: outward unit normals, float64 ``(faces, 3)``.
        colour: of each face under the lamp and, last, of the table, uint8 ``(faces + 1, 3)``.
    """

    triangles: NDArray[np.float64]
    owner: NDArray[np.int64]
    normal: NDArray[np.float64]
    colour: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class StillScene:
    """Items at rest on a table, in a bin or without one, and what was computed of them."""

    items: Sequence[Item]
    poses: Poses
    workspace: Workspace
    walls: BinWalls = NO_BIN

    @cached_property
    def surface(self) -> Surface:
        """The faces of all items, then those of the bin's walls."""
        table = np.array([TABLE_COLOUR], dtype=np.uint8)
        triangles, owner, paint = np.empty((0, 3, 3)), np.empty(0, dtype=np.int64), np.empty((0, 3))
        if self.items:
            triangles, owner = surface_of(self.items, self.poses)
            paint = np.concatenate([item.colours for item in self.items])
        if self.walls.height > 0.0:
            faces = wall_triangles(self.walls)
            triangles = np.concatenate([triangles, faces])
            owner = np.append(owner, np.full(len(faces), NOTHING))
            paint = np.concatenate([paint, np.tile(np.array(COLOUR, dtype=np.float64), (len(faces), 1))])
        normal = normals_of(triangles)
        shade = 0.45 + 0.55 * np.clip(normal @ LIGHT, 0.0, 1.0)
        colour = np.concatenate([np.clip(paint * shade[:, None], 0, 255).astype(np.uint8), table])
        return Surface(triangles, owner, normal, colour)

    @cached_property
    def picture(self) -> Picture:
        """The scene from above, without noise."""
        height, seen = self._seen
        # the last entries are what NOTHING (-1) points to
        owner = np.append(self.surface.owner, NOTHING).astype(np.int32)
        return Picture(Heightmap(height, self.surface.colour[seen], self.workspace), owner[seen])

    @cached_property
    def bin_cells(self) -> NDArray[np.bool_]:
        """Cells that show a wall of the bin, and all outside of its rim, bool ``(pixels, pixels)``."""
        if self.walls.height == 0.0:
            return np.zeros(self.workspace.shape, dtype=bool)
        _, seen = self._seen
        shows_wall = (seen != NOTHING) & (self.surface.owner[seen] == NOTHING)
        return shows_wall | outside_cells(self.walls, self.workspace)

    @cached_property
    def _seen(self) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Height and face of every cell."""
        return rasterise(self.surface.triangles, self.workspace)


def take_picture(items: Sequence[Item], poses: Poses, workspace: Workspace, walls: BinWalls = NO_BIN) -> Picture:
    """The scene from above, without noise."""
    return StillScene(items, poses, workspace, walls).picture


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
