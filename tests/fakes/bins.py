"""Random bins on a table as surfaces with known walls: turned, round, sloped, thin, thick, on a stand, half in view."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from grasping_student.cameras.simulated import looking_down, render
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.frame import Intrinsics

TABLE = Workspace(extent=1.1, pixels=550, margin=0.0)
CAMERA = Intrinsics(600.0, 600.0, 319.5, 239.5, 640, 480)


@dataclass(frozen=True)
class BinScene:
    """What stands on the table, at 2 mm: heights, and which cells are wall and which are items."""

    height: np.ndarray
    wall: np.ndarray
    items: np.ndarray

    def frame(self, camera_height=0.85, tilt=0.0, noise=0.0005, seed=0):
        """The picture of a camera above the table, with a camera's noise."""
        surface = Heightmap(self.height.astype(np.float32), np.zeros((*self.height.shape, 3), np.uint8), TABLE)
        seen = render(surface, CAMERA, looking_down(camera_height, tilt))
        random = np.random.default_rng(seed)
        depth = seen.depth + random.normal(0.0, noise, seen.depth.shape).astype(np.float32)
        return replace(seen, depth=depth.astype(np.float32), rgb=None)


def random_bin(seed, items=0, shape=None, stand=0.0, away=0.0):
    """A bin of random measures; its inside floor is the world's zero, the table around it lies ``stand`` lower."""
    random = np.random.default_rng(seed)
    shape = shape or str(random.choice(["rectangle", "round", "sloped"]))
    half = random.uniform(0.09, 0.2, 2)
    tall, thick = random.uniform(0.045, 0.12), random.uniform(0.004, 0.02)
    turn = random.uniform(0.0, np.pi / 2)
    slope = random.uniform(0.01, 0.03) if shape == "sloped" else 0.0
    x, y = TABLE.xy_from_pixel(*np.mgrid[: TABLE.pixels, : TABLE.pixels])
    x = x - away
    u, v = np.cos(turn) * x + np.sin(turn) * y, -np.sin(turn) * x + np.cos(turn) * y
    if shape == "round":
        inwards = half.min() + 0.02 - np.hypot(u, v)
    else:
        inwards = np.minimum(half[0] - np.abs(u), half[1] - np.abs(v))  # from the inside of the rim, metres
    height = np.where(inwards < -thick, -stand, 0.0)
    rising = np.clip(1.0 - inwards / slope, 0.0, 1.0) * tall if slope else np.where(inwards <= 0.0, tall, 0.0)
    wall = (inwards >= -thick) & (rising > 0.0)
    height = np.where(wall, rising, height)
    taken = np.zeros_like(wall)
    for _ in range(items):
        size, spin = random.uniform((0.012, 0.02), (0.02, 0.035)), random.uniform(0.0, np.pi)
        centre = random.uniform(-0.5, 0.5, 2) * (half - 0.03)
        a, b = u - centre[0], v - centre[1]
        inside = (np.abs(np.cos(spin) * a + np.sin(spin) * b) < size[0]) & (
            np.abs(-np.sin(spin) * a + np.cos(spin) * b) < size[1]
        )
        inside &= inwards > slope + 0.012
        height = np.where(inside, random.uniform(0.02, 0.04), height)
        taken |= inside
    return BinScene(height, wall, taken)


def cells_of(mask, workspace):
    """A mask of the table at 2 mm as cells of a workspace: any fine cell in it counts."""
    row, col = np.nonzero(mask)
    x, y = TABLE.xy_from_pixel(row, col)
    row, col = workspace.pixel_from_xy(x, y)
    inside = (np.minimum(row, col) >= 0) & (np.maximum(row, col) < workspace.pixels)
    cells = np.zeros(workspace.shape, dtype=bool)
    cells[row[inside], col[inside]] = True
    return cells
