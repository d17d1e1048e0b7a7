"""Point clouds in a camera's frame (PLY, PCD), and the depth picture that a camera would have taken of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grasping_student.perception.frame import Intrinsics
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.safe_io import MOST_FILE_BYTES, MOST_PIXELS, Unusable

CLOUD_ENDINGS = (".ply", ".pcd")

_HEADER_BYTES = 20_000
"""A header of a point cloud is shorter than this."""


def read_cloud(path: Path) -> NDArray[np.float32]:
    """Points of a PLY or PCD file as they are stored, float32 ``(n, 3)``; points that are not finite are left out.

    Raises:
        Unusable: cut off, of another kind, too large, or without a point.
    """
    if path.stat().st_size > MOST_FILE_BYTES:
        raise Unusable(f"it has {path.stat().st_size} bytes; at most {MOST_FILE_BYTES} are read")
    points = read_pcd(path)[0] if path.suffix.lower() == ".pcd" else _read_ply(path)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        raise Unusable(f"{path.name} holds no finite point")
    return points


def read_pcd(path: Path) -> tuple[NDArray[np.float32], dict[str, NDArray]]:
    """Points ``(n, 3)`` of a PCD file (version 0.7, ``ascii`` or ``binary``), and its other fields by name.

    Raises:
        Unusable: no such file, compressed, or of other fields than x, y, z.
    """
    data = path.read_bytes()
    head, told = _pcd_header(path.name, data[:_HEADER_BYTES])
    names, sizes, kinds = told["FIELDS"], told["SIZE"], told["TYPE"]
    counts = [int(count) for count in told.get("COUNT", ["1"] * len(names))]
    total = int(told["POINTS"][0])
    if not {"x", "y", "z"} <= set(names) or set(counts) != {1} or len(names) != len(sizes) or len(names) != len(kinds):
        raise Unusable(f"{path.name} holds the fields {' '.join(names)}; expected x, y, z, one number each")
    if not 0 < total <= MOST_PIXELS:
        raise Unusable(f"{path.name} claims {total} points; 1 to {MOST_PIXELS} are read")
    letters = {"F": "f", "U": "u", "I": "i"}
    form = np.dtype([(name, f"<{letters[kind]}{size}") for name, size, kind in zip(names, sizes, kinds, strict=True)])
    how, body = told["DATA"][0], data[head:]
    if how == "ascii":
        table = np.array([line.split() for line in body.decode("ascii", "replace").splitlines() if line.strip()])
        if table.shape != (total, len(names)):
            raise Unusable(f"{path.name} is cut off: {len(table)} of {total} points")
        try:
            columns = {name: table[:, index].astype(np.float64) for index, name in enumerate(names)}
        except ValueError:
            raise Unusable(f"{path.name} holds something else than numbers") from None
    elif how == "binary":
        if len(body) < total * form.itemsize:
            raise Unusable(f"{path.name} is cut off: {len(body)} of {total * form.itemsize} bytes")
        stored = np.frombuffer(body, dtype=form, count=total)
        columns = {name: stored[name] for name in names}
    else:
        raise Unusable(f"{path.name} has data {how}; write it as ascii or binary")
    points = np.column_stack([columns.pop(axis) for axis in "xyz"]).astype(np.float32)
    return points, columns


def _pcd_header(name: str, start: bytes) -> tuple[int, dict[str, list[str]]]:
    """Where the data begin, and the words of each line of the header."""
    told: dict[str, list[str]] = {}
    position = 0
    for line in start.split(b"\n"):
        position += len(line) + 1
        words = line.decode("ascii", "replace").split()
        if words and not words[0].startswith("#"):
            told[words[0]] = words[1:]
        if words and words[0] == "DATA":
            break
    missing = [key for key in ("FIELDS", "SIZE", "TYPE", "POINTS", "DATA") if not told.get(key)]
    wrong = [each for each in told.get("TYPE", []) if each not in ("F", "U", "I")]
    wrong += [each for each in (*told.get("SIZE", []), *told.get("POINTS", [])) if not each.isdigit()]
    if missing or wrong:
        raise Unusable(f"{name} is no PCD file: its header lacks {', '.join(missing) or 'sense in ' + wrong[0]}")
    return position, told


def _read_ply(path: Path) -> NDArray[np.float32]:
    import trimesh

    with path.open("rb") as file:
        start = file.read(_HEADER_BYTES)
    claimed = [line.split()[-1] for line in start.split(b"\n") if line.startswith(b"element ")]
    if not start.startswith(b"ply") or not all(count.isdigit() and int(count) <= MOST_PIXELS for count in claimed):
        raise Unusable(f"{path.name} is no PLY file, or claims more than {MOST_PIXELS} points")
    try:
        loaded = trimesh.load(path, file_type="ply", process=False)
    except Exception as error:  # trimesh raises whatever its parser met
        raise Unusable(f"{path.name} is no whole PLY file: {error}") from None
    vertices = getattr(loaded, "vertices", None)
    if vertices is None or np.ndim(vertices) != 2:
        raise Unusable(f"{path.name} holds no points")
    return np.asarray(vertices, dtype=np.float32)


def depth_of_points(points: NDArray[np.float32], intrinsics: Intrinsics, name: str) -> NDArray[np.float32]:
    """Depth along the optical axis that a camera sees of points in its own frame, metres, ``(rows, cols)``; else NaN.

    Args:
        points: x right, y down, z forward, metres, ``(n, 3)``.
        intrinsics: of the depth picture.
        name: of the file, for messages.

    Raises:
        UserError: hardly any point lies in the picture: another frame or another unit.
    """
    forward = points[:, 2] > 0.0
    seen = points[forward]
    col = np.rint(intrinsics.fx * seen[:, 0] / seen[:, 2] + intrinsics.cx)
    row = np.rint(intrinsics.fy * seen[:, 1] / seen[:, 2] + intrinsics.cy)
    inside = (row >= 0) & (row < intrinsics.height) & (col >= 0) & (col < intrinsics.width)
    if inside.sum() < 0.05 * len(points):
        behind = f"{1.0 - forward.mean():.0%} of its points lie behind the camera; " if not forward.all() else ""
        raise UserError(
            f"{name}: {behind}only {inside.sum()} of {len(points)} points fall into the picture: give the cloud in the "
            "camera's optical frame (x right, y down, z forward), in metres"
        )
    depth = np.full(intrinsics.shape, np.inf, dtype=np.float32)
    np.minimum.at(depth, (row[inside].astype(np.int64), col[inside].astype(np.int64)), seen[inside, 2])
    depth[np.isinf(depth)] = np.nan
    return depth
