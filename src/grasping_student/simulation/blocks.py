"""Toy blocks: prisms of seven profiles, as convex parts that physics and heightmap share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from grasping_student.simulation.config import LARGEST_SIDE, SMALLEST_SIDE, ShapeName, SimulationConfig
from grasping_student.simulation.items import Item, ItemSet
from grasping_student.simulation.materials import Material
from grasping_student.simulation.solids import Box, ConvexPart, Cylinder, Prism, Solid

BASE_SIZES: dict[ShapeName, tuple[float, float, float]] = {
    "cube": (0.034, 0.034, 0.034),
    "cuboid": (0.058, 0.030, 0.030),
    "plank": (0.080, 0.036, 0.020),
    "cylinder": (0.034, 0.034, 0.048),
    "half_cylinder": (0.052, 0.026, 0.044),
    "arch": (0.068, 0.036, 0.030),
    "hexagonal_prism": (0.038, 0.034, 0.044),
}
"""Size at scale 1 along x, y and z of the block's own frame, metres."""

PALETTE = np.array(
    [(208, 52, 44), (232, 126, 36), (240, 196, 52), (84, 160, 70), (52, 110, 190), (128, 78, 158), (222, 184, 135)],
    dtype=np.float64,
)
"""Colours of painted and plain wood."""

CIRCLE_SIDES = 28
"""Sides of the polygon that stands for a circle: at most 0.3 mm off for a cylinder of 10 cm."""


BEECH = Material()

ROUND_SHAPES = ("cylinder", "half_cylinder")
"""What rolls."""


@dataclass(frozen=True, eq=False)
class Block(Item):
    """A block: a profile in the x-y plane of its own frame, extruded along z.

    ``size`` is its extent along x, y and z in metres, ``colour`` is RGB in [0, 255].
    """

    shape: ShapeName
    size: tuple[float, float, float]
    colour: tuple[int, int, int]
    material: Material = BEECH

    @property
    def name(self) -> str:
        return self.shape

    @cached_property
    def outline(self) -> NDArray[np.float64]:
        """Counter-clockwise outline of the profile, metres, shape ``(corners, 2)``; its centroid is the origin."""
        outline = _outline(self.shape, self.size[0], self.size[1])
        return outline - _centroid(outline)

    @cached_property
    def parts(self) -> tuple[NDArray[np.float64], ...]:
        """Convex counter-clockwise polygons whose union is the profile, metres, each ``(corners, 2)``."""
        if self.shape != "arch":
            return (self.outline,)
        width, height, _ = self.size
        shift = _centroid(_outline("arch", width, height))
        return tuple(part - shift for part in _arch_parts(width, height))

    @cached_property
    def _mean_squares(self) -> tuple[float, float]:
        """Means of x^2 and of y^2 over the profile, m^2."""
        outline, following = self.outline, np.roll(self.outline, -1, axis=0)
        cross = outline[:, 0] * following[:, 1] - following[:, 0] * outline[:, 1]
        squares = (outline**2 + outline * following + following**2) * cross[:, None]
        x, y = squares.sum(axis=0) / (6 * cross.sum())
        return float(x), float(y)

    @cached_property
    def volume(self) -> float:
        """Cubic metres."""
        return _area(self.outline) * self.size[2]

    @cached_property
    def convex_parts(self) -> tuple[ConvexPart, ...]:
        """Convex parts of its collision shape."""
        half = self.size[2] / 2
        if self.shape == "cylinder":
            return (Cylinder(self.size[0] / 2, half),)
        if self.shape == "arch":
            return tuple(_box_of(part, half) for part in self.parts)
        if self.shape in ("half_cylinder", "hexagonal_prism"):
            return (Prism(self.outline, half),)
        return (Box((self.size[0] / 2, self.size[1] / 2, half)),)

    @cached_property
    def solid(self) -> Solid:
        mass = self.volume * self.material.density
        along, across = self._mean_squares
        length = self.size[2] ** 2 / 12
        inertia = (mass * (across + length), mass * (along + length), mass * (along + across))
        return Solid(self.convex_parts, mass, inertia, self.material.friction, rolls=self.shape in ROUND_SHAPES)

    @cached_property
    def triangles(self) -> NDArray[np.float64]:
        return np.concatenate([_prism(part, self.size[2] / 2) for part in self.parts])

    @cached_property
    def colours(self) -> NDArray[np.float64]:
        return np.tile(np.array(self.colour, dtype=np.float64), (len(self.triangles), 1))

    @cached_property
    def grip_axes(self) -> NDArray[np.float64]:
        """Directions across two opposite faces, in the block's frame, unit length, shape ``(count, 3)``."""
        if self.shape in ("cylinder", "hexagonal_prism"):
            turns = np.arange(8) * np.pi / 8 if self.shape == "cylinder" else _flat_directions(self.outline)
            around = np.stack([np.cos(turns), np.sin(turns), np.zeros(len(turns))], axis=1)
            return np.concatenate([around, [(0.0, 0.0, 1.0)]])
        return np.eye(3)

    @cached_property
    def reach(self) -> float:
        return float(np.hypot(np.linalg.norm(self.outline, axis=1).max(), self.size[2] / 2))


class BlockSet(ItemSet):
    """The paper's toy blocks, of the shapes and scales of a config."""

    def __init__(self, config: SimulationConfig) -> None:
        self._config = config

    def sample(self, random: np.random.Generator) -> Block:
        return sample_block(self._config, random)


def sample_block(config: SimulationConfig, random: np.random.Generator) -> Block:
    """A block of random shape, scale and colour; every side between 2 and 10 cm."""
    shape = config.shapes[int(random.integers(len(config.shapes)))]
    scale = random.uniform(*config.scale)
    stretch = random.uniform(1.0 - config.stretch, 1.0 + config.stretch, size=3)
    size = np.array(BASE_SIZES[shape]) * scale * stretch
    if shape == "cube":
        size[:] = size[0]
    if shape == "cylinder":
        size[1] = size[0]
    size = np.clip(size, SMALLEST_SIDE, LARGEST_SIDE)
    if shape == "half_cylinder":
        size[0] = max(size[0], 2 * SMALLEST_SIDE)
        size[1] = size[0] / 2
    colour = np.clip(PALETTE[int(random.integers(len(PALETTE)))] + random.normal(0.0, 8.0, size=3), 0, 255)
    x, y, z = (float(side) for side in size)
    red, green, blue = (int(channel) for channel in colour)
    return Block(shape, (x, y, z), (red, green, blue), Material(config.block_friction, config.density))


def _outline(shape: ShapeName, width: float, height: float) -> NDArray[np.float64]:
    if shape == "cylinder":
        return _arc(width / 2, 0.0, 2 * math.pi, CIRCLE_SIDES)[:-1]
    if shape == "half_cylinder":
        return _arc(width / 2, 0.0, math.pi, CIRCLE_SIDES // 2)
    if shape == "hexagonal_prism":  # corners at +-x, flats across y
        corner, x, y = width / 2, width / 4, height / 2
        return np.array([(corner, 0), (x, y), (-x, y), (-corner, 0), (-x, -y), (x, -y)])
    if shape == "arch":
        opening, post, chamfer = _arch_measures(width, height)
        top, foot, half = height / 2, -height / 2, width / 2
        ceiling = top - post
        return np.array(
            [
                (-half, foot),
                (-opening, foot),
                (-opening, ceiling - chamfer),
                (-opening + chamfer, ceiling),
                (opening - chamfer, ceiling),
                (opening, ceiling - chamfer),
                (opening, foot),
                (half, foot),
                (half, top),
                (-half, top),
            ]
        )
    return _rectangle(-width / 2, width / 2, -height / 2, height / 2)


def _flat_directions(outline: NDArray[np.float64]) -> NDArray[np.float64]:
    """Directions of the normals of three neighbouring sides, radians, shape ``(3,)``."""
    along = (np.roll(outline, -1, axis=0) - outline)[:3]
    return np.arctan2(-along[:, 0], along[:, 1])


def _arch_measures(width: float, height: float) -> tuple[float, float, float]:
    """Half the opening, thickness of posts and lintel, leg of the chamfer that rounds the opening, metres."""
    post = min(0.2 * width, 0.4 * height)
    opening = width / 2 - post
    return opening, post, min(0.586 * opening, 0.9 * post, 0.7 * (height - post))


def _arch_parts(width: float, height: float) -> list[NDArray[np.float64]]:
    opening, post, chamfer = _arch_measures(width, height)
    top, foot, half = height / 2, -height / 2, width / 2
    ceiling = top - post
    diamond = np.array([(chamfer, 0.0), (0.0, chamfer), (-chamfer, 0.0), (0.0, -chamfer)])
    return [
        _rectangle(-half, -opening, foot, top),
        _rectangle(opening, half, foot, top),
        _rectangle(-opening, opening, ceiling, top),
        diamond
        + np.array([-opening, ceiling]),  # a box on its corner: its lower half is the chamfer, the rest lies inside
        diamond + np.array([opening, ceiling]),
    ]


def _rectangle(left: float, right: float, low: float, high: float) -> NDArray[np.float64]:
    return np.array([(left, low), (right, low), (right, high), (left, high)])


def _arc(radius: float, start: float, end: float, sides: int) -> NDArray[np.float64]:
    angle = np.linspace(start, end, sides + 1)
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _area(outline: NDArray[np.float64]) -> float:
    x, y = outline.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2)


def _centroid(outline: NDArray[np.float64]) -> NDArray[np.float64]:
    following = np.roll(outline, -1, axis=0)
    cross = outline[:, 0] * following[:, 1] - following[:, 0] * outline[:, 1]
    return ((outline + following) * cross[:, None]).sum(axis=0) / (3 * cross.sum())


def _box_of(part: NDArray[np.float64], half_length: float) -> Box:
    """The box that a rectangle, given by its corners, becomes when it is extruded."""
    centre = part.mean(axis=0)
    along, up = part[1] - part[0], part[2] - part[1]
    half_sides = (float(np.linalg.norm(along)) / 2, float(np.linalg.norm(up)) / 2, half_length)
    turn = float(np.arctan2(along[1], along[0]))
    return Box(
        half_sides,
        (float(centre[0]), float(centre[1]), 0.0),
        (0.0, 0.0, float(np.sin(turn / 2)), float(np.cos(turn / 2))),
    )


def _prism(part: NDArray[np.float64], half_length: float) -> NDArray[np.float64]:
    """Triangles of a convex polygon extruded along z, shape ``(count, 3, 3)``."""
    count = len(part)
    low = np.column_stack([part, np.full(count, -half_length)])
    high = np.column_stack([part, np.full(count, half_length)])
    triangles = []
    for i in range(count):
        j = (i + 1) % count
        triangles += [(low[i], low[j], high[j]), (low[i], high[j], high[i])]
    for i in range(1, count - 1):
        triangles += [(high[0], high[i], high[i + 1]), (low[0], low[i + 1], low[i])]
    return np.array(triangles)


def rotation_of(quaternion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation matrices block to world of quaternions (x, y, z, w), shape ``(..., 3, 3)``."""
    x, y, z, w = np.moveaxis(np.asarray(quaternion) / np.linalg.norm(quaternion, axis=-1, keepdims=True), -1, 0)
    rows = (
        np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)], axis=-1),
        np.stack([2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)], axis=-1),
        np.stack([2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)], axis=-1),
    )
    return np.stack(rows, axis=-2)
