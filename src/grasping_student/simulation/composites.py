"""Items put together by chance from a few convex parts: shapes of no category, so that a model learns no categories."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from grasping_student.simulation.compound import Colour, CompoundItem, compound, scaled, triangles_of, vector
from grasping_student.simulation.household.finishes import BRIGHT, FINISHES, Range, sample_colour, sample_material
from grasping_student.simulation.items import ItemSet
from grasping_student.simulation.solids import Box, ConvexPart, Cylinder, Hull, Quaternion

FEWEST_PARTS, MOST_PARTS = 1, 5

LENGTH: Range = (0.05, 0.125)
"""Longest extent of an item, metres."""

SLENDERNESS: Range = (0.08, 1.0)
"""Thickness of a part over its length; thin ones are as frequent as thick ones."""

FRICTION: Range = (0.21, 0.7)
DENSITY: Range = (250.0, 7500.0)
"""Kilograms a cubic metre; light ones are as frequent as heavy ones."""

LEAST_THICKNESS = 0.004
"""Of a part, metres: thinner ones fall through each other."""

RIGHT_ANGLES = 0.6
"""Share of the parts that stand at right angles to those before, as in most things that people make."""


class CompositeSet(ItemSet):
    """Unions of boxes, cylinders and polyhedra of all sizes, materials and finishes."""

    def __init__(self, scale: Range) -> None:
        self._scale = scale

    def sample(self, random: np.random.Generator) -> CompoundItem:
        return sample_composite(random, random.uniform(*self._scale))


def sample_composite(random: np.random.Generator, scale: float = 1.0) -> CompoundItem:
    """One item by chance, so many times its size."""
    parts = [_sample_part(random, np.zeros(3))]
    for _ in range(int(random.integers(FEWEST_PARTS, MOST_PARTS + 1)) - 1):
        parts.append(_sample_part(random, _point_in(parts[int(random.integers(len(parts)))], random)))
    corners = np.concatenate([triangles_of(part).reshape(-1, 3) for part in parts])
    longest = float(np.linalg.norm(np.ptp(corners, axis=0)))
    factor = random.uniform(*LENGTH) / longest
    finish = FINISHES[int(random.integers(len(FINISHES)))]
    density = math.exp(random.uniform(math.log(DENSITY[0]), math.log(DENSITY[1])))
    material = sample_material(finish, FRICTION, (density, density), random)
    paint: Colour = sample_colour(finish, BRIGHT, random)
    painted = [(_thick(scaled(part, factor * scale)), paint) for part in parts]
    return compound("composite", painted, material, rolls=any(isinstance(part, Cylinder) for part in parts))


def _sample_part(random: np.random.Generator, place: NDArray[np.float64]) -> ConvexPart:
    """A part of length 0.5 to 1 about a place."""
    length = random.uniform(0.5, 1.0)
    low, high = (math.log(each) for each in SLENDERNESS)
    wide, thick = sorted(length * np.exp(random.uniform(low, high, size=2)))[::-1]
    turn = _sample_turn(random)
    position, quaternion = vector(place + turn.apply((0.0, 0.0, random.uniform(-0.5, 0.5) * length))), _turned(turn)
    kind = random.choice(["box", "cylinder", "polyhedron"], p=[0.45, 0.35, 0.2])
    if kind == "box":
        return Box((wide / 2, thick / 2, length / 2), position, quaternion)
    if kind == "cylinder":
        return Cylinder(wide / 2, length / 2, position, quaternion)
    points = random.normal(size=(int(random.integers(6, 13)), 3))
    points *= np.array((wide, max(thick, 0.2 * wide), length)) / 2 / np.linalg.norm(points, axis=1, keepdims=True)
    return Hull(turn.apply(points) + position)


def _sample_turn(random: np.random.Generator) -> Rotation:
    if random.random() > RIGHT_ANGLES:
        return Rotation.random(random_state=random)
    quarters = Rotation.create_group("O")
    return quarters[int(random.integers(len(quarters)))]


def _point_in(part: ConvexPart, random: np.random.Generator) -> NDArray[np.float64]:
    """A point of a part by chance: a mean of its corners."""
    corners = triangles_of(part).reshape(-1, 3)
    return random.dirichlet(np.full(len(corners), 0.1)) @ corners


def _thick(part: ConvexPart) -> ConvexPart:
    """A part that is nowhere too thin; polyhedra are left as they are."""
    if isinstance(part, Box):
        x, y, z = (max(half, LEAST_THICKNESS / 2) for half in part.half_sides)
        return Box((x, y, z), part.position, part.quaternion)
    if isinstance(part, Cylinder):
        radius, half = (max(each, LEAST_THICKNESS / 2) for each in (part.radius, part.half_length))
        return Cylinder(radius, half, part.position, part.quaternion)
    return part


def _turned(turn: Rotation) -> Quaternion:
    x, y, z, w = (float(value) for value in turn.as_quat())
    return x, y, z, w
