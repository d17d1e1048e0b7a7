"""Table and walls of a simulated workspace: as bodies for an engine, as faces for a camera, as cells of a heightmap."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.workspace import Workspace
from grasping_student.simulation.compound import hull_triangles
from grasping_student.simulation.config import BinWalls, SimulationConfig
from grasping_student.simulation.solids import Box, Hull

WALL_HEIGHT, WALL_THICKNESS = 0.6, 0.1
"""Of the walls that no camera sees, metres: higher than any pile before it settles."""

COLOUR = (150, 152, 158)
"""RGB of a bin's walls: grey plastic."""

_SIDES = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""Outward directions of the four walls."""


def fixed_parts(config: SimulationConfig) -> list[Box | Hull]:
    """Table and walls that stop items and gripper alike, in the world frame."""
    half, thick = config.workspace.extent / 2, WALL_THICKNESS
    table = Box((half + thick, half + thick, thick / 2), (0.0, 0.0, -thick / 2))
    if config.walls.height > 0.0:
        return [table, *(Hull(corners) for corners in _wall_corners(config.walls))]
    return [table, *_unseen_walls(half, 0.0)]


def guards(config: SimulationConfig) -> list[Box]:
    """Walls above the rim of a bin that stop items and let the gripper pass, so that nothing leaves the bin."""
    walls = config.walls
    return _unseen_walls(walls.top, walls.height) if walls.height > 0.0 else []


def wall_triangles(walls: BinWalls) -> NDArray[np.float64]:
    """Faces of a bin's walls, world frame, metres, counter-clockwise from outside, shape ``(count, 3, 3)``."""
    return np.concatenate([hull_triangles(corners) for corners in _wall_corners(walls)])


def far_wall_triangles(walls: BinWalls, towards: tuple[float, float]) -> NDArray[np.float64]:
    """As ``wall_triangles``, without the walls that stand on the side of ``towards`` (x, y): who looks from there sees
    over them. Shape ``(0, 3, 3)`` without a bin."""
    far = [
        hull_triangles(corners)
        for (x, y), corners in zip(_SIDES, _wall_corners(walls), strict=True)
        if walls.height > 0.0 and x * towards[0] + y * towards[1] <= 0.0
    ]
    return np.concatenate([np.empty((0, 3, 3)), *far])


def outside_cells(walls: BinWalls, workspace: Workspace) -> NDArray[np.bool_]:
    """Cells whose centre lies beyond the inner edge of a bin's rim, bool ``(pixels, pixels)``."""
    index = np.arange(workspace.pixels)
    x, y = workspace.xy_from_pixel(index, index)
    beyond_x, beyond_y = np.abs(x) > walls.top, np.abs(y) > walls.top
    return np.asarray(beyond_y[:, None] | beyond_x[None, :])


def _unseen_walls(inside: float, bottom: float) -> list[Box]:
    """Four tall walls whose inner faces lie ``inside`` metres from the middle."""
    thick, high = WALL_THICKNESS, (WALL_HEIGHT - bottom) / 2
    boxes = []
    for sign in (-1.0, 1.0):
        across = sign * (inside + thick / 2)
        boxes.append(Box((thick / 2, inside + thick, high), (across, 0.0, bottom + high)))
        boxes.append(Box((inside + thick, thick / 2, high), (0.0, across, bottom + high)))
    return boxes


def _wall_corners(walls: BinWalls) -> list[NDArray[np.float64]]:
    """Corners of each of the four walls, world frame, metres, shape ``(8, 3)``."""
    found = []
    for out_x, out_y in _SIDES:
        corners = []
        for (inner, z), deep, side in product(((walls.inside / 2, 0.0), (walls.top, walls.height)), (0, 1), (-1, 1)):
            out, along = inner + deep * walls.thickness, side * (inner + walls.thickness)
            corners.append((out * out_x - along * out_y, out * out_y + along * out_x, z))
        found.append(np.array(corners))
    return found
