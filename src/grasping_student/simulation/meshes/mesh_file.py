"""One mesh file: read, checked, in metres, light enough for pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from grasping_student.pipeline.errors import UserError
from grasping_student.simulation.config import METRES, MeshUnit

SUFFIXES = (".obj", ".stl", ".ply", ".glb", ".gltf")
"""Formats that are read."""

LARGEST, SMALLEST = 0.4, 0.005
"""Longest side of a mesh that can be an item, metres: more does not fit into the bin, less is dust."""

THINNEST = 2e-4
"""A mesh that is thinner than this everywhere has no volume, metres."""

MOST_FACES, MOST_BYTES = 300_000, 300_000_000
"""Larger files are refused: a scene has dozens of items, and every picture draws them all."""

DRAWN_FACES = 2000
"""Meshes of more faces are simplified to so many."""


def read_mesh(path: Path, unit: MeshUnit) -> Any:
    """A ``trimesh.Trimesh`` in metres, of at most ``DRAWN_FACES`` faces.

    Raises:
        UserError: the file cannot be read, or is no body of the size of an item.
    """
    import trimesh

    if path.stat().st_size > MOST_BYTES:
        raise UserError(f"{path} is larger than {MOST_BYTES // 10**6} MB; simplify it to some thousand faces")
    try:
        mesh = trimesh.load_scene(path, process=False).to_mesh()
        vertices, faces = np.asarray(mesh.vertices, dtype=np.float64), np.asarray(mesh.faces)
    except Exception as error:  # readers of five formats fail in many ways on what is damaged
        raise UserError(f"{path} cannot be read as a mesh ({type(error).__name__}); is it damaged?") from error
    if not len(faces):
        raise UserError(f"{path} holds no faces; a mesh of triangles is wanted")
    if len(faces) > MOST_FACES:
        raise UserError(f"{path} has {len(faces)} faces; at most {MOST_FACES} are taken: simplify it to some thousand")
    if not np.isfinite(vertices[faces]).all():
        raise UserError(f"{path} has corners that are not numbers (NaN or infinite); export it again")
    mesh.apply_scale(METRES[unit])
    check_size(path, vertices[faces].reshape(-1, 3) * METRES[unit], unit)
    mesh.merge_vertices()
    mesh.update_faces(mesh.nondegenerate_faces())
    mesh.remove_unreferenced_vertices()
    return _simplified(mesh)


def check_size(path: Path, points: NDArray[np.float64], unit: MeshUnit) -> None:
    """Refuse what is too large or too small for a bin, or flat.

    Raises:
        UserError: it is one of these.
    """
    longest = float(np.ptp(points, axis=0).max())
    if longest > LARGEST:
        fits = [name for name, scale in METRES.items() if SMALLEST < longest / METRES[unit] * scale < LARGEST]
        hint = f"; were these millimetres? --mesh-unit {' or '.join(fits)}" if fits else ""
        raise UserError(f"{path} is {longest:.4g} m long; an item here has at most {LARGEST} m{hint}")
    if longest < SMALLEST:
        raise UserError(
            f"{path} is {1000 * longest:.3g} mm long; an item here has at least {1000 * SMALLEST:g} mm: which "
            f"--mesh-unit is it in? ({', '.join(METRES)})"
        )
    try:
        hull = ConvexHull(points)
    except QhullError:
        hull = None
    if hull is None or smallest_width(points[hull.vertices]) < THINNEST:
        raise UserError(f"{path} has no volume: it is flat; an item is a body")


def smallest_width(points: NDArray[np.float64]) -> float:
    """Least distance of two parallel planes with the points between them, one of which holds a face of their hull."""
    normals = ConvexHull(points).equations[:, :3]
    return float(np.ptp(points @ normals.T, axis=0).min())


def surface_triangles(mesh: Any) -> NDArray[np.float64]:
    """Triangles of a mesh, counter-clockwise from outside, metres; those of an open mesh look to both sides."""
    if mesh.is_watertight and mesh.is_winding_consistent:
        triangles = np.asarray(mesh.triangles)
        return triangles if mesh.volume > 0.0 else triangles[:, ::-1]
    triangles = np.asarray(mesh.triangles)
    return np.concatenate([triangles, triangles[:, ::-1]])


def _simplified(mesh: Any) -> Any:
    if len(mesh.faces) <= DRAWN_FACES:
        return mesh
    try:
        return mesh.simplify_quadric_decimation(face_count=DRAWN_FACES)
    except ImportError as error:
        raise UserError(
            "meshes of many faces need fast-simplification: pip install 'grasping-student[meshes]'"
        ) from error
