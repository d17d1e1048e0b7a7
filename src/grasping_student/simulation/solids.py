"""Rigid bodies as a physics engine needs them: convex parts, mass, inertia and friction."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, HalfspaceIntersection

Poses = NDArray[np.float64]
"""Position (metres) and quaternion (x, y, z, w) of each body in the world frame, shape ``(count, 7)``."""


Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]
"""(x, y, z, w)."""

ORIGIN: Vector = (0.0, 0.0, 0.0)
UNTURNED: Quaternion = (0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Box:
    """A box whose centre lies at ``position`` in the body's frame, turned by ``quaternion``; metres."""

    half_sides: Vector
    position: Vector = ORIGIN
    quaternion: Quaternion = UNTURNED


@dataclass(frozen=True)
class Cylinder:
    """A cylinder whose axis is z before it is turned by ``quaternion`` and moved to ``position``; metres."""

    radius: float
    half_length: float
    position: Vector = ORIGIN
    quaternion: Quaternion = UNTURNED


@dataclass(frozen=True, eq=False)
class Prism:
    """A convex polygon (counter-clockwise, metres, shape ``(corners, 2)``) extruded along z to both sides."""

    outline: NDArray[np.float64]
    half_length: float

    def corners(self, margin: float = 0.0) -> NDArray[np.float64]:
        """All corners with every side moved inwards by ``margin`` metres, shape ``(2 * corners, 3)``."""
        half = self.half_length - margin
        return np.array([(x, y, z) for x, y in inset(self.outline, margin).tolist() for z in (-half, half)])


@dataclass(frozen=True, eq=False)
class Hull:
    """The convex hull of some points in the body's frame, metres, shape ``(count, 3)``."""

    points: NDArray[np.float64]

    @cached_property
    def vertices(self) -> NDArray[np.float64]:
        """The points that are its corners, shape ``(corners, 3)``."""
        return self.points[ConvexHull(self.points).vertices]

    def corners(self, margin: float = 0.0) -> NDArray[np.float64]:
        """Its corners with every side moved inwards by ``margin`` metres, or by what a thin hull allows."""
        if margin == 0.0:
            return self.vertices
        middle = self.vertices.mean(axis=0)
        planes = ConvexHull(self.points).equations.copy()
        depth = -(planes[:, :3] @ middle + planes[:, 3])
        planes[:, 3] += min(margin, 0.5 * float(depth.min()))
        return HalfspaceIntersection(planes, middle).intersections


ConvexPart = Box | Cylinder | Prism | Hull


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
