"""Rigid bodies as a physics engine needs them: convex parts, mass, inertia and friction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Poses = NDArray[np.float64]
"""Position (metres) and quaternion (x, y, z, w) of each body in the world frame, shape ``(count, 7)``."""


@dataclass(frozen=True)
class Box:
    """A box whose centre lies at ``position`` in the body's frame, turned about z by ``turn`` radians; metres."""

    half_sides: tuple[float, float, float]
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turn: float = 0.0


@dataclass(frozen=True)
class Cylinder:
    """A cylinder around the z axis of the body's frame, metres."""

    radius: float
    half_length: float


@dataclass(frozen=True, eq=False)
class Prism:
    """A convex polygon (counter-clockwise, metres, shape ``(corners, 2)``) extruded along z to both sides."""

    outline: NDArray[np.float64]
    half_length: float

    def corners(self, margin: float = 0.0) -> NDArray[np.float64]:
        """All corners with every side moved inwards by ``margin`` metres, shape ``(2 * corners, 3)``."""
        half = self.half_length - margin
        return np.array([(x, y, z) for x, y in inset(self.outline, margin).tolist() for z in (-half, half)])


ConvexPart = Box | Cylinder | Prism


@dataclass(frozen=True, eq=False)
class Solid:
    """A rigid body. Its origin is its centre of mass, its axes are its principal axes."""

    parts: tuple[ConvexPart, ...]

    mass: float
    """Kilograms."""

    inertia: tuple[float, float, float]
    """Moments of inertia about x, y and z, kg m^2."""

    friction: float
    """Sliding friction of the surface."""

    rolls: bool
    """Whether it has a round side, which needs rolling friction to come to rest."""


def inset(outline: NDArray[np.float64], distance: float) -> NDArray[np.float64]:
    """A convex counter-clockwise polygon with every side moved inwards, metres, shape ``(corners, 2)``."""
    along = np.roll(outline, -1, axis=0) - outline
    inwards = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.linalg.norm(along, axis=1, keepdims=True)
    before, after = np.roll(inwards, 1, axis=0), inwards
    # a corner moves along the bisector of its two sides
    return outline + distance * (before + after) / (1.0 + np.sum(before * after, axis=1, keepdims=True))
