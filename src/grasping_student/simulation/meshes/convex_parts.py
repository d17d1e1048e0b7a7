"""Convex parts of a mesh: its own bodies where these are convex, else those of CoACD, kept beside the mesh."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import atomic_path
from grasping_student.pipeline.surroundings import home_folder
from grasping_student.simulation.solids import Hull

MOST_PARTS, MOST_CORNERS = 10, 24
"""Of one mesh, and of one part: the engine's time grows with both."""

CONVEX_SHARE = 0.95
"""A closed body that fills this share of the volume of its hull is taken as convex."""

OPEN_SHARE, OPEN_DEPTH = 0.9, 0.03
"""So is an open one (a scan without its bottom) that covers this share of its hull's area, with no corner deeper inside
the hull than this share of its size."""

SMALLEST_VOLUME = 1e-10
"""Parts of less are dropped, cubic metres."""

SETTINGS = {
    "threshold": 0.06,
    "max_convex_hull": MOST_PARTS,
    "max_ch_vertex": MOST_CORNERS,
    "decimate": True,
    "resolution": 500,
    "preprocess_resolution": 30,
    "mcts_nodes": 10,
    "mcts_iterations": 20,
    "mcts_max_depth": 2,
    "seed": 0,
}
"""Of CoACD: a third of its default effort."""

VERSION = 1
"""Raised when other parts come out of the same mesh."""

CACHE_SUFFIX = ".parts.npz"


def convex_parts(path: Path, mesh: Any) -> list[Hull]:
    """Convex parts of a mesh in its own frame, metres.

    They are kept in ``NAME.parts.npz`` beside the mesh, or in the user's cache where that folder cannot be written,
    with a hash of the mesh: a mesh that has changed gets new ones.

    Raises:
        UserError: the mesh has no part with a volume, or CoACD is not installed.
    """
    triangles = np.asarray(mesh.triangles, dtype=np.float64)
    key = hashlib.sha256(triangles.astype("<f8").tobytes() + repr((VERSION, SETTINGS)).encode()).hexdigest()
    places = (path.with_name(path.name + CACHE_SUFFIX), _cache_folder() / f"{key[:24]}{CACHE_SUFFIX}")
    for place in places:
        kept = _read(place, key)
        if kept:
            return kept
    parts = [part for part in _bodies(mesh) or _decomposed(mesh) if _volume(part) > SMALLEST_VOLUME]
    if not parts:
        raise UserError(f"{path} has no part with a volume; is it a closed body?")
    hulls = [Hull(part[ConvexHull(part).vertices]) for part in parts]
    for place in places:
        if _write(place, key, hulls):
            break
    return hulls


def _bodies(mesh: Any) -> list[NDArray[np.float64]]:
    """The connected bodies of a mesh if they are few and convex, else none."""
    bodies = mesh.split(only_watertight=False)
    if not 1 <= len(bodies) <= MOST_PARTS or not all(_is_convex(body) for body in bodies):
        return []
    return [np.asarray(body.vertices, dtype=np.float64) for body in bodies]


def _is_convex(body: Any) -> bool:
    points = np.asarray(body.vertices, dtype=np.float64)
    try:
        hull = ConvexHull(points)
    except QhullError:
        return False
    if body.is_watertight:
        return bool(abs(body.volume) > CONVEX_SHARE * hull.volume)
    depth = -(points @ hull.equations[:, :3].T + hull.equations[:, 3]).max(axis=1)
    return bool(
        OPEN_SHARE * hull.area < body.area < hull.area / OPEN_SHARE and depth.max() < OPEN_DEPTH * np.ptp(points)
    )


def _decomposed(mesh: Any) -> list[NDArray[np.float64]]:
    try:
        import coacd
    except ImportError as error:
        raise UserError("convex parts of meshes need CoACD: pip install 'grasping-student[meshes]'") from error
    coacd.set_log_level("error")
    parts = coacd.run_coacd(coacd.Mesh(np.asarray(mesh.vertices), np.asarray(mesh.faces)), **SETTINGS)
    return [np.asarray(vertices, dtype=np.float64) for vertices, _ in parts]


def _volume(points: NDArray[np.float64]) -> float:
    try:
        return float(ConvexHull(points).volume)
    except QhullError:  # flat, or fewer than four points
        return 0.0


def _cache_folder() -> Path:
    home = home_folder()
    below = os.environ.get("XDG_CACHE_HOME") or (str(home / ".cache") if home else tempfile.gettempdir())
    return Path(below) / "grasping-student" / "convex-parts"


def _read(place: Path, key: str) -> list[Hull]:
    """Parts of an earlier run; none where there are none, those of another mesh, or a damaged file."""
    try:
        with np.load(place, allow_pickle=False) as kept:
            if str(kept["hash"]) != key:
                return []
            return [Hull(part) for part in np.split(kept["corners"], kept["ends"][:-1])]
    except (OSError, ValueError, KeyError, EOFError):
        return []


def _write(place: Path, key: str, hulls: list[Hull]) -> bool:
    """Keep parts; False where the folder cannot be written."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(place) as temporary, temporary.open("wb") as file:
            ends = np.cumsum([len(hull.points) for hull in hulls])
            np.savez_compressed(file, hash=key, corners=np.concatenate([hull.points for hull in hulls]), ends=ends)
    except OSError:
        return False
    return True
