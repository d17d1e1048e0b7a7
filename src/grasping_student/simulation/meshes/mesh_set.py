"""Items from a folder of meshes, each as likely; what they are made of is drawn anew for every scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from grasping_student.pipeline.errors import UserError
from grasping_student.simulation.compound import CompoundItem, Shell, compound
from grasping_student.simulation.config import MeshUnit
from grasping_student.simulation.household.finishes import BRIGHT, FINISHES, sample_colour, sample_material
from grasping_student.simulation.items import ItemSet
from grasping_student.simulation.materials import Material
from grasping_student.simulation.meshes.convex_parts import convex_parts
from grasping_student.simulation.meshes.mesh_file import SUFFIXES, read_mesh, smallest_width, surface_triangles
from grasping_student.simulation.solids import Hull

FRICTION, DENSITY = (0.25, 0.7), (300.0, 1500.0)
"""Ranges of what a mesh does not tell: sliding friction, kilograms a cubic metre."""

SPARE_OPENING = 0.005
"""An item with no part narrower than the open gripper by this can be taken nowhere, metres."""


class MeshSet(ItemSet):
    """The meshes of a folder as items."""

    def __init__(self, items: Sequence[CompoundItem], painted: Sequence[bool]) -> None:
        self._items, self._painted = tuple(items), tuple(painted)

    def sample(self, random: np.random.Generator) -> CompoundItem:
        index = int(random.integers(len(self._items)))
        finish = FINISHES[int(random.integers(len(FINISHES)))]
        material = sample_material(finish, FRICTION, DENSITY, random)
        colour = sample_colour(finish, BRIGHT, random)
        item = self._items[index]
        a, b, c = (moment * material.density for moment in item.body.inertia)
        mass = item.body.mass * material.density
        body = replace(item.body, mass=mass, inertia=(a, b, c), friction=material.friction)
        colours = item.colours if self._painted[index] else np.tile(np.array(colour, float), (len(item.triangles), 1))
        return replace(item, material=material, body=body, shell=Shell(item.triangles, colours))


@cache
def open_mesh_folder(folder: Path, unit: MeshUnit, opening: float) -> MeshSet:
    """The meshes of a folder, or, where it has none itself, those of its subfolders.

    Args:
        folder: with OBJ, STL, PLY or glTF files.
        unit: of their lengths.
        opening: of the gripper, metres.

    Raises:
        UserError: there are none, one is no item, or a gripper could take none of them.
    """
    paths = mesh_files(folder)
    items, painted = [], []
    for path in tqdm(paths, desc=f"convex parts of {folder}", unit="mesh", delay=2.0, disable=None):
        mesh = read_mesh(path, unit)
        parts = convex_parts(path, mesh)
        colours = _colours(mesh)
        triangles = surface_triangles(mesh)
        repeats = len(triangles) // len(mesh.faces)
        shell = Shell(triangles, np.tile(colours, (repeats, 1)))
        items.append(compound(path.stem, [(part, (0, 0, 0)) for part in parts], Material(density=1.0), shell))
        painted.append(mesh.visual.defined)
    if not any(can_be_taken(item, opening) for item in items):
        raise UserError(
            f"no gripper that opens to {opening:g} m could take any of the {len(items)} meshes in {folder}; "
            "is --mesh-unit right?"
        )
    return MeshSet(items, painted)


def mesh_files(folder: Path) -> list[Path]:
    """Mesh files of a folder, or, where it has none itself, of its subfolders.

    Raises:
        UserError: it is no folder or there are none.
    """
    if not folder.is_dir():
        raise UserError(f"there is no item set '{folder}'; choose blocks, household, or a folder of meshes")
    for pattern in ("*", "*/*"):
        found = sorted(path for path in folder.glob(pattern) if path.suffix.lower() in SUFFIXES and path.is_file())
        if found:
            return found
    raise UserError(f"{folder} holds no mesh; one is a file that ends with {', '.join(SUFFIXES)}")


def can_be_taken(item: CompoundItem, opening: float) -> bool:
    """Whether some part of an item is narrower than the open gripper."""
    hulls = [part for part in item.body.parts if isinstance(part, Hull)]
    return any(smallest_width(part.points) < opening - SPARE_OPENING for part in hulls)


def _colours(mesh: Any) -> np.ndarray:
    """RGB of every face, black where the file gives none."""
    if not mesh.visual.defined:
        return np.zeros((len(mesh.faces), 3))
    visual = mesh.visual.to_color() if hasattr(mesh.visual, "to_color") else mesh.visual
    return np.asarray(visual.face_colors, dtype=np.float64)[:, :3]
