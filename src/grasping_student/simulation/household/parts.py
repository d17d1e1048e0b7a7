"""Convex parts that household items are put together from, in any frame; metres."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from grasping_student.simulation.solids import ORIGIN, UNTURNED, Box, Cylinder, Hull, Quaternion, Vector

Axis = Literal["x", "y", "z"]

_ALONG: dict[Axis, Quaternion] = {
    "x": (0.0, float(np.sqrt(0.5)), 0.0, float(np.sqrt(0.5))),
    "y": (float(np.sqrt(0.5)), 0.0, 0.0, float(np.sqrt(0.5))),
    "z": UNTURNED,
}
"""Rotations that carry z to an axis."""


def turned(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Quaternion:
    """The quaternion of turns about x, then y, then z, radians."""
    a, b, c, w = (float(value) for value in Rotation.from_euler("xyz", (x, y, z)).as_quat())
    return a, b, c, w


def brick(size: Vector, centre: Vector = ORIGIN, quaternion: Quaternion = UNTURNED) -> Box:
    """A box by its whole sides."""
    return Box((size[0] / 2, size[1] / 2, size[2] / 2), centre, quaternion)


def rod(radius: float, length: float, centre: Vector = ORIGIN, axis: Axis = "z") -> Cylinder:
    """A cylinder by its whole length."""
    return Cylinder(radius, length / 2, centre, _ALONG[axis])


def frustum(
    low: tuple[float, float],
    high: tuple[float, float],
    bottom: float,
    top: float,
    sides: int = 8,
    centre: tuple[float, float] = (0.0, 0.0),
) -> Hull:
    """A body along z between two regular polygons, which may be squashed; half sizes along x and y of each."""
    ring = circle(sides)
    points = [np.column_stack([ring * half + centre, np.full(sides, z)]) for half, z in ((low, bottom), (high, top))]
    return Hull(np.concatenate(points))


def cushion(size: Vector, rounding: float, centre: Vector = ORIGIN) -> Hull:
    """A box whose edges are rounded off by so many metres, in two bevels."""
    x, y, z = (side / 2 for side in size)
    points = []
    for inset, height in ((0.0, z - rounding), (0.3 * rounding, z - 0.3 * rounding), (rounding, z)):
        a, b, cut = x - inset, y - inset, rounding * 0.6
        outline = [(a, b - cut), (a - cut, b)]
        outline = [(i * u, j * v) for u, v in outline for i in (-1, 1) for j in (-1, 1)]
        points += [(u, v, k * height) for u, v in outline for k in (-1, 1)]
    return Hull(np.array(points) + centre)


def wall_ring(radius: float, height: float, thickness: float, sides: int, bottom: float = 0.0) -> list[Box]:
    """Upright walls around z, flat, one a side, whose inner faces stand ``radius`` from it."""
    width = float(2.0 * (radius + thickness) * np.tan(np.pi / sides))
    away, up = radius + thickness / 2, bottom + height / 2
    walls = []
    for turn in np.arange(sides) * 2.0 * np.pi / sides:
        place = (float(away * np.cos(turn)), float(away * np.sin(turn)), up)
        walls.append(brick((thickness, width, height), place, turned(z=float(turn))))
    return walls


def flared_ring(low: float, high: float, height: float, thickness: float, sides: int) -> list[Hull]:
    """Walls around z that lean outwards, one a side: their inner faces stand ``low`` from it below, ``high`` above."""
    half = np.tan(np.pi / sides)
    corners = np.array(
        [
            (away, i * away * half, z)
            for inner, z in ((low, 0.0), (high, height))
            for away in (inner, inner + thickness)
            for i in (-1, 1)
        ]
    )
    turns = np.arange(sides) * 2.0 * np.pi / sides
    return [Hull(Rotation.from_quat(turned(z=float(turn))).apply(corners)) for turn in turns]


def circle(sides: int) -> NDArray[np.float64]:
    """Corners of a regular polygon of radius 1 with a flat side towards x, shape ``(sides, 2)``."""
    turn = (np.arange(sides) + 0.5) * 2.0 * np.pi / sides
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)
