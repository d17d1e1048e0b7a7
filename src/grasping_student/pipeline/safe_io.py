"""Foreign files, read without trust: sizes are looked at before anything is unpacked, links may not lead outside."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from tokenize import TokenError
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

MOST_PIXELS = 32_000_000
"""Larger pictures are refused before they are unpacked."""

MOST_TEXT_BYTES = 4_000_000
"""Longer text and JSON files are refused."""

MOST_FILE_BYTES = 400_000_000
"""Longer binary files are refused."""

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"


class Unusable(ValueError):
    """One foreign file or entry cannot be used; the message is the reason that the report gives."""


def checked_path(folder: Path, path: Path) -> Path:
    """``path`` if it is a file inside ``folder``, links followed.

    Raises:
        Unusable: it is missing, no plain file, or a link that leads outside the folder.
    """
    try:
        resolved = path.resolve()
    except (OSError, RuntimeError):
        raise Unusable(f"{path.name} is a link that leads nowhere") from None
    if not resolved.is_relative_to(folder.resolve()):
        raise Unusable(f"{path.name} leads outside the folder")
    if not resolved.exists():
        raise Unusable(f"{path.name} is missing")
    if not resolved.is_file():
        raise Unusable(f"{path.name} is no plain file")
    return resolved


def read_text(path: Path) -> str:
    """A short UTF-8 text file.

    Raises:
        Unusable: too long or of another encoding.
    """
    size = path.stat().st_size
    if size > MOST_TEXT_BYTES:
        raise Unusable(f"{path.name} has {size} bytes; at most {MOST_TEXT_BYTES} are read")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Unusable(f"{path.name} is no UTF-8 text") from None


def read_json(path: Path) -> dict[str, Any]:
    """A short JSON object.

    Raises:
        Unusable: it cannot be read as one.
    """
    text = read_text(path)
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"{path.name} is no JSON: {error}") from None
    if not isinstance(values, dict):
        raise Unusable(f"{path.name} holds a {type(values).__name__}, expected an object")
    return values


def read_table(path: Path, columns: int) -> NDArray[np.float64]:
    """Numbers as text, one row a line, shape ``(n, columns)``; values may be NaN.

    Raises:
        Unusable: no numbers, or another number of columns.
    """
    rows = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = [float(word) for word in line.split()]
        except ValueError:
            raise Unusable(f"{path.name} line {number} holds something else than numbers") from None
        if len(row) != columns:
            raise Unusable(f"{path.name} line {number} has {len(row)} numbers, expected {columns}")
        rows.append(row)
    return np.array(rows, dtype=np.float64).reshape(-1, columns)


def read_npy(path: Path) -> NDArray:
    """A 2-D array of numbers from a ``.npy`` file.

    Raises:
        Unusable: cut off, pickled, of another shape, or larger than ``MOST_PIXELS``.
    """
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = header(file)
        if len(shape) != 2 or dtype.kind not in "fiu":
            raise Unusable(f"{path.name} holds {dtype} of shape {shape}; expected one number a pixel")
        if shape[0] * shape[1] > MOST_PIXELS:
            raise Unusable(f"{path.name} has {shape[0]} x {shape[1]} pixels; at most {MOST_PIXELS} are read")
        return np.load(path, allow_pickle=False)
    except Unusable:
        raise
    except (OSError, ValueError, EOFError, SyntaxError, TypeError, OverflowError, TokenError) as error:
        # all of these come out of numpy for one damaged header or another
        raise Unusable(f"{path.name} is no whole .npy file: {error}") from None


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """A colour picture, uint8 ``(rows, cols, 3)``.

    Raises:
        Unusable: cut off, of another kind, or larger than ``MOST_PIXELS``.
    """
    picture = _read_picture(path, cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def read_depth_picture(path: Path) -> NDArray:
    """A one-channel PNG or TIFF as it is stored, ``(rows, cols)``.

    Raises:
        Unusable: cut off, with colours, of 8 bits, or larger than ``MOST_PIXELS``.
    """
    picture = _read_picture(path, cv2.IMREAD_UNCHANGED)
    if picture.ndim != 2 or picture.dtype.kind not in "fu" or picture.dtype == np.uint8:
        raise Unusable(f"{path.name} has {picture.dtype} pixels of shape {picture.shape}; expected one depth a pixel")
    return picture


def _read_picture(path: Path, flags: int) -> NDArray:
    size = path.stat().st_size
    if size > MOST_FILE_BYTES:
        raise Unusable(f"{path.name} has {size} bytes; at most {MOST_FILE_BYTES} are read")
    data = path.read_bytes()
    cols, rows = _picture_size(path.name, data)
    if rows * cols > MOST_PIXELS:
        raise Unusable(f"{path.name} claims {cols} x {rows} pixels; at most {MOST_PIXELS} are read")
    if (data.startswith(_PNG) and b"IEND" not in data[-16:]) or (
        data.startswith(_JPEG) and not data.rstrip(b"\0").endswith(b"\xff\xd9")
    ):
        # OpenCV may fill the missing rows of a picture that was cut off and say nothing
        raise Unusable(f"{path.name} is cut off")
    try:
        picture = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    except cv2.error as error:
        raise Unusable(f"{path.name} cannot be read as a picture: {error.err}") from None
    if picture is None or picture.shape[:2] != (rows, cols):
        raise Unusable(f"{path.name} cannot be read as a picture; it may be cut off or of another kind")
    return picture


def _picture_size(name: str, data: bytes) -> tuple[int, int]:
    """Columns and rows that a picture's header claims, without unpacking it."""
    if data.startswith(_PNG) and len(data) >= 33:
        cols, rows = struct.unpack(">II", data[16:24])
        return cols, rows
    from io import BytesIO

    from PIL import Image, UnidentifiedImageError

    try:
        # PIL reads the header only; its own limit on pixels is above ours and raises or warns
        with Image.open(BytesIO(data)) as picture:
            return picture.size
    except UnidentifiedImageError:
        raise Unusable(f"{name} cannot be read as a picture; it may be cut off or of another kind") from None
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise Unusable(f"{name} cannot be read as a picture: {error}") from None
