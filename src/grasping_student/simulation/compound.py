"""Items of several convex parts: mass, centre and principal axes from the parts' volumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from grasping_student.simulation.items import Item
from grasping_student.simulation.materials import Material
from grasping_student.simulation.solids import Box, ConvexPart, Hull, Prism, Solid, Vector

CIRCLE_SIDES = 20
"""Sides of the polygon that stands for a cylinder in pictures and for its volume."""

Colour = tuple[int, int, int]
"""RGB in [0, 255]."""


class MassProperties(NamedTuple):
    """Of a closed surface that is filled with one density: volume (m^3), centre (m), second moments (m^5, 3 x 3)."""

    volume: float
    centre: NDArray[np.float64]
    moments: NDArray[np.float64]
    """Integral of ``p p^T`` over the volume, about the centre."""

    def inertia(self, mass: float) -> NDArray[np.float64]:
        """Inertia tensor of a mass about the centre, kg m^2, shape ``(3, 3)``."""
        spread = self.moments * mass / self.volume
        return np.trace(spread) * np.eye(3) - spread


class Shell(NamedTuple):
    """What a camera sees of an item: triangles ``(count, 3, 3)``, and a colour for each, ``(count, 3)``."""

    triangles: NDArray[np.float64]
    colours: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CompoundItem(Item):
    """An item of convex parts; make it by ``compound``, which finds its principal frame."""

    category: str
    material: Material
    body: Solid
    shell: Shell

    @property
    def name(self) -> str:
        return self.category

    @property
    def solid(self) -> Solid:
        return self.body

    @property
    def triangles(self) -> NDArray[np.float64]:
        return self.shell.triangles

    @property
    def colours(self) -> NDArray[np.float64]:
        return self.shell.colours

    @cached_property
    def reach(self) -> float:
        return float(np.linalg.norm(self.triangles, axis=2).max())


def compound(
    category: str,
    parts: Sequence[tuple[ConvexPart, Colour]],
    material: Material,
    shell: Shell | None = None,
    rolls: bool = False,
) -> CompoundItem:
    """An item of parts in any frame, filled evenly with its material.

    Args:
        category: its name.
        parts: convex parts with their colours, metres. Where two overlap, the overlap has twice the mass.
        material: of all parts.
        shell: surface for the cameras in the same frame; None: that of the parts.
        rolls: whether it is round and needs rolling friction to come to rest.
    """
    surfaces = [triangles_of(part) for part, _ in parts]
    if shell is None:
        counts = [len(surface) for surface in surfaces]
        paint = np.array([colour for _, colour in parts], dtype=np.float64)
        shell = Shell(np.concatenate(surfaces), np.repeat(paint, counts, axis=0))
    whole = mass_properties(np.concatenate(surfaces))
    mass = whole.volume * material.density
    inertia, axes = np.linalg.eigh(whole.inertia(mass))
    if np.linalg.det(axes) < 0.0:
        axes[:, 2] *= -1.0
    turn = Rotation.from_matrix(axes.T)
    moved = tuple(_moved(part, axes, whole.centre, turn) for part, _ in parts)
    a, b, c = (float(moment) for moment in inertia)
    body = Solid(moved, mass, (a, b, c), material.friction, rolls)
    return CompoundItem(category, material, body, Shell((shell.triangles - whole.centre) @ axes, shell.colours))


def scaled(part: ConvexPart, factor: float) -> ConvexPart:
    """A part that is so many times as large in every direction, as seen from the origin."""
    if isinstance(part, Hull):
        return Hull(part.points * factor)
    if isinstance(part, Prism):
        return Prism(part.outline * factor, part.half_length * factor)
    place = vector(np.array(part.position) * factor)
    if isinstance(part, Box):
        return replace(part, half_sides=vector(np.array(part.half_sides) * factor), position=place)
    return replace(part, radius=part.radius * factor, half_length=part.half_length * factor, position=place)


def mass_properties(triangles: NDArray[np.float64]) -> MassProperties:
    """Of what closed surfaces enclose, counter-clockwise from outside, shape ``(count, 3, 3)``, metres."""
    a, b, c = np.moveaxis(triangles, 1, 0)
    volumes = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6.0  # of the tetrahedra with the origin
    volume = float(volumes.sum())
    corners = a + b + c
    centre = (volumes[:, None] * corners).sum(axis=0) / (4.0 * volume)
    moments = np.einsum("n,ni,nj->ij", volumes, corners, corners)
    for corner in (a, b, c):
        moments += np.einsum("n,ni,nj->ij", volumes, corner, corner)
    return MassProperties(volume, centre, moments / 20.0 - volume * np.outer(centre, centre))


def triangles_of(part: ConvexPart) -> NDArray[np.float64]:
    """Surface of a part in the body's frame, counter-clockwise from outside, metres, shape ``(count, 3, 3)``."""
    if isinstance(part, (Hull, Prism)):
        return hull_triangles(part.corners())
    if isinstance(part, Box):
        shape, size = box_surface(), part.half_sides
    else:
        shape, size = cylinder_surface(), (part.radius, part.radius, part.half_length)
    points = (shape * size).reshape(-1, 3)
    return (Rotation.from_quat(part.quaternion).apply(points) + part.position).reshape(-1, 3, 3)


@cache
def box_surface() -> NDArray[np.float64]:
    """Triangles of the box of half sides 1."""
    return hull_triangles(np.array([(x, y, z) for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)]))


@cache
def cylinder_surface() -> NDArray[np.float64]:
    """Triangles of the cylinder of radius and half length 1."""
    turn = np.arange(CIRCLE_SIDES) * 2.0 * np.pi / CIRCLE_SIDES
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return hull_triangles(np.array([(x, y, z) for x, y in ring.tolist() for z in (-1.0, 1.0)]))


def hull_triangles(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Surface of the convex hull of some points, counter-clockwise from outside, shape ``(count, 3, 3)``."""
    hull = ConvexHull(points)
    triangles = points[hull.simplices]
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    inwards = np.einsum("ij,ij->i", normals, hull.equations[:, :3]) < 0.0
    triangles[inwards] = triangles[inwards][:, ::-1]
    return triangles


def _moved(part: ConvexPart, axes: NDArray[np.float64], centre: NDArray[np.float64], turn: Rotation) -> ConvexPart:
    """A part in the frame of origin ``centre`` whose axes are the columns of ``axes``; ``turn`` is their inverse."""
    if isinstance(part, (Hull, Prism)):
        return Hull((part.corners() - centre) @ axes)
    turned = turn * Rotation.from_quat(part.quaternion)
    x, y, z, w = (float(value) for value in turned.as_quat())
    return replace(part, position=vector((np.array(part.position) - centre) @ axes), quaternion=(x, y, z, w))


def vector(values: NDArray[np.float64]) -> Vector:
    """Three coordinates as plain numbers."""
    x, y, z = (float(value) for value in values)
    return x, y, z
