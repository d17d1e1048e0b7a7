"""Point clouds in a camera's frame (PLY, PCD), and the depth picture that a camera would have taken of them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from grasping_student.perception.frame import Intrinsics
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.safe_io import MOST_PIXELS, Unusable, open_regular

CLOUD_ENDINGS = (".ply", ".pcd")

MOST_TEXT = 150_000_000
"""A cloud written as text with more bytes takes too long to read."""

_HEADER_BYTES = 20_000
"""A header of a point cloud is shorter than this."""

_PCD_KINDS = {"F": "f", "U": "u", "I": "i"}

_PLY_KINDS = {
    "char": "i1",
    "uchar": "u1",
    "short": "i2",
    "ushort": "u2",
    "int": "i4",
    "uint": "u4",
    "float": "f4",
    "int8": "i1",
    "uint8": "u1",
    "int16": "i2",
    "uint16": "u2",
    "int32": "i4",
    "uint32": "u4",
    "float32": "f4",
    "double": "f8",
    "float64": "f8",
}
"""Name of a number in a PLY file -> numpy's."""


@dataclass(frozen=True)
class CloudHeader:
    """What the head of a point cloud says of the numbers behind it.

    Attributes:
        begin: where the numbers begin, bytes.
        count: how many points.
        form: fields of one point, in order.
        text: whether they are written as text.
    """

    begin: int
    count: int
    form: np.dtype
    text: bool


def read_cloud(path: Path) -> NDArray[np.float32]:
    """Points of a PLY or PCD file as they are stored, float32 ``(n, 3)``; points that are not finite are left out.

    Raises:
        Unusable: as of :func:`read_fields`, or without a point.
    """
    fields = read_fields(path, ("x", "y", "z"))
    points = np.column_stack([fields[axis].astype(np.float32) for axis in "xyz"])
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        raise Unusable(f"{path.name} holds no finite point")
    return points


def read_fields(path: Path, names: tuple[str, ...], counted: bool = True) -> NDArray:
    """Some fields of every point of a PLY or PCD file, a structured array ``(n,)``; numbers of a text are float64.

    Args:
        path: of the file.
        names: of the fields.
        counted: a text must hold as many points as its header says; else all that it holds are read.

    Raises:
        Unusable: cut off, compressed, of another kind or without these fields, or too large.
    """
    with open_regular(path) as file:
        start = file.read(_HEADER_BYTES)
        header = _ply_header(path.name, start) if start.startswith(b"ply") else _pcd_header(path.name, start)
        missing = [name for name in names if name not in (header.form.names or ())]
        if missing:
            raise Unusable(f"{path.name} is no point cloud with the fields {', '.join(names)}: it lacks {missing[0]}")
        if not 0 < header.count <= MOST_PIXELS:
            raise Unusable(f"{path.name} claims {header.count} points; 1 to {MOST_PIXELS} are read")
        size = os.fstat(file.fileno()).st_size - header.begin
        file.seek(header.begin)
        if not header.text:
            if size < header.count * header.form.itemsize:
                raise Unusable(f"{path.name} is cut off: {size} of {header.count * header.form.itemsize} bytes")
            stored = np.frombuffer(file.read(header.count * header.form.itemsize), dtype=header.form)
            return stored[list(names)]
        if size > MOST_TEXT:
            raise Unusable(f"{path.name} has {size} bytes of text; at most {MOST_TEXT} are read: write it as binary")
        return _read_text(path.name, file, header, names, counted)


def _read_text(name: str, file: BinaryIO, header: CloudHeader, names: tuple[str, ...], counted: bool) -> NDArray:
    fields = list(header.form.names or ())
    try:
        table = np.loadtxt(
            TextIOWrapper(file, encoding="ascii", errors="replace"),
            dtype=[(field, np.float64) for field in names],
            usecols=[fields.index(field) for field in names],
            max_rows=header.count if counted else None,
            comments=None,
            ndmin=1,
        )
    except (ValueError, OverflowError) as error:
        raise Unusable(f"{name} holds something else than {len(fields)} numbers a line: {error}") from None
    if counted and len(table) != header.count:
        raise Unusable(f"{name} is cut off: {len(table)} of {header.count} points")
    return table


def _header_lines(start: bytes, last: str) -> tuple[int, list[list[str]]]:
    """Where the header ends, and the words of its lines, up to the one that begins with ``last``."""
    lines: list[list[str]] = []
    position = 0
    for line in start.split(b"\n"):
        position += len(line) + 1
        words = line.decode("ascii", "replace").split()
        if words and not words[0].startswith("#"):
            lines.append(words)
            if words[0] == last:
                break
    return position, lines


def _pcd_header(name: str, start: bytes) -> CloudHeader:
    """The header of a PCD file (version 0.7, ``ascii`` or ``binary``)."""
    begin, lines = _header_lines(start, "DATA")
    told = {words[0]: words[1:] for words in lines}
    missing = [key for key in ("FIELDS", "SIZE", "TYPE", "POINTS", "DATA") if not told.get(key)]
    if missing:
        raise Unusable(f"{name} is no PCD file: its header lacks {', '.join(missing)}")
    names, sizes, kinds = told["FIELDS"], told["SIZE"], told["TYPE"]
    how, ones = told["DATA"][0], set(told.get("COUNT", ["1"])) == {"1"}
    if how not in ("ascii", "binary"):
        raise Unusable(f"{name} has data {how}; write it as ascii or binary")
    try:
        codes = [f"<{_PCD_KINDS[kind]}{int(size)}" for kind, size in zip(kinds, sizes, strict=True)]
        form = np.dtype(list(zip(names, codes, strict=True)))
        count = int(told["POINTS"][0])
    except (KeyError, ValueError, TypeError):
        ones = False
    if not ones:
        raise Unusable(f"{name} is no PCD file with one number of 1 to 8 bytes in each field")
    return CloudHeader(begin, count, form, how == "ascii")


def _ply_header(name: str, start: bytes) -> CloudHeader:
    """The header of a PLY file whose first element are its points."""
    begin, lines = _header_lines(start, "end_header")
    formats = {"ascii": "<", "binary_little_endian": "<", "binary_big_endian": ">"}
    how = next((words[1] for words in lines if words[0] == "format" and len(words) > 1), "")
    elements = [index for index, words in enumerate(lines) if words[0] == "element"]
    if how not in formats or not elements or lines[-1] != ["end_header"]:
        raise Unusable(f"{name} is no whole PLY file, or of another format than {', '.join(formats)}")
    first, last = elements[0], (*elements[1:], len(lines) - 1)[0]
    fields = [words[1:] for words in lines[first + 1 : last] if words[0] == "property"]
    try:
        form = np.dtype([(field, formats[how] + _PLY_KINDS[kind]) for kind, field in fields])
        kind, count = lines[first][1], int(lines[first][2])
    except (KeyError, ValueError, IndexError):
        kind, count = "", 0
    if kind != "vertex":
        raise Unusable(f"{name} is no PLY file that begins with points of one number a property")
    return CloudHeader(begin, count, form, how == "ascii")


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
