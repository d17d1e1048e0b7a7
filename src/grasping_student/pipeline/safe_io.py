"""Foreign files, read without trust: sizes are looked at before anything is unpacked, links may not lead outside."""

from __future__ import annotations

import math
import os
import re
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.pipeline.files import parse_json

MOST_PIXELS = 32_000_000
"""Larger pictures are refused before they are unpacked."""

MOST_TEXT_BYTES = 4_000_000
"""Longer text and JSON files are refused."""

MOST_FILE_BYTES = 400_000_000
"""Longer binary files are refused."""

_PNG, _JPEG, _TIFF, _BMP = b"\x89PNG\r\n\x1a\n", b"\xff\xd8", (b"II*\0", b"MM\0*"), b"BM"

_USUAL_JPEG_TABLE = bytes.fromhex("0002010303020403050504040000017d0102030004110512")
"""Huffman table for the brightness of blocks that nearly all programs write (JPEG standard, table K.5)."""

_ZEROS = bytes(64)
"""With the usual tables 512 zero bits in a row are two blocks of which every coefficient is -1: no picture has them."""


class Unusable(ValueError):
    """One foreign file or entry cannot be used; the message is the reason that the report gives."""


def checked_path(folder: Path, path: Path) -> Path:
    """``path`` if it is a file inside ``folder``, links followed.

    Raises:
        Unusable: it is missing, no plain file, or a link that leads outside the folder.
    """
    try:
        resolved = path.resolve()
        leads_nowhere = resolved.is_symlink()  # a circle of links, from Python 3.13 on
    except (OSError, RuntimeError):
        leads_nowhere = True
    if leads_nowhere:
        raise Unusable(f"{path.name} is a link that leads nowhere")
    if not resolved.is_relative_to(folder.resolve()):
        raise Unusable(f"{path.name} leads outside the folder")
    if not resolved.exists():
        raise Unusable(f"{path.name} is missing")
    if not resolved.is_file():
        raise Unusable(f"{path.name} is no plain file")
    return resolved


def open_regular(path: Path, most: int = MOST_FILE_BYTES) -> BinaryIO:
    """A file opened to read, after a look at its kind and size: a pipe or a device never makes the reader wait.

    Raises:
        Unusable: it cannot be opened, is no plain file, or has more than ``most`` bytes.
    """
    try:
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except OSError as error:
        raise Unusable(f"{path.name} cannot be read: {error.strerror}") from None
    found = os.fstat(file.fileno())
    if stat.S_ISREG(found.st_mode) and found.st_size <= most:
        return file
    file.close()
    if not stat.S_ISREG(found.st_mode):
        raise Unusable(f"{path.name} is no plain file")
    raise Unusable(f"{path.name} has {found.st_size} bytes; at most {most} are read")


def read_bytes(path: Path, most: int = MOST_FILE_BYTES) -> bytes:
    """All bytes of a plain file.

    Raises:
        Unusable: it cannot be read, is no plain file, or has more than ``most`` bytes.
    """
    with open_regular(path, most) as file:
        try:
            return file.read(most)
        except OSError as error:
            raise Unusable(f"{path.name} cannot be read: {error.strerror}") from None


def read_text(path: Path) -> str:
    """A short UTF-8 text file; a byte-order mark is left out.

    Raises:
        Unusable: too long or of another encoding.
    """
    try:
        return read_bytes(path, MOST_TEXT_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unusable(f"{path.name} is no UTF-8 text") from None


def read_json(path: Path) -> dict[str, Any]:
    """A short JSON object.

    Raises:
        Unusable: it cannot be read as one.
    """
    text = read_text(path)
    try:
        values = parse_json(text)
    except ValueError as error:
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
    stored = read_npy_array(path)
    if stored.ndim != 2:
        raise Unusable(f"{path.name} holds {stored.dtype} of shape {stored.shape}; expected one number a pixel")
    return stored


def read_npy_array(path: Path) -> NDArray:
    """An array of numbers from a ``.npy`` file; the header is looked at before memory is taken for it.

    Raises:
        Unusable: cut off, pickled, no numbers, or larger than ``MOST_PIXELS``.
    """
    with open_regular(path) as file:
        return _read_array(path.name, file, os.fstat(file.fileno()).st_size)


def read_npz(path: Path, names: Sequence[str]) -> NDArray:
    """One array of numbers from a ``.npz`` file: its only one, or the first of ``names`` that it holds.

    Raises:
        Unusable: no such file or array, pickled, no numbers, or larger than ``MOST_PIXELS``.
    """
    try:
        with open_regular(path) as whole, zipfile.ZipFile(whole) as archive:
            held = [name.removesuffix(".npy") for name in archive.namelist()]
            wanted = held if len(held) == 1 else [name for name in names if name in held]
            if not wanted:
                named = ", ".join(held[:8]) or "nothing"
                raise Unusable(f"{path.name} holds {named}; one of {', '.join(names)} is read")
            size = archive.getinfo(f"{wanted[0]}.npy").file_size
            if size > MOST_FILE_BYTES:
                raise Unusable(f"{path.name} unpacks to {size} bytes; at most {MOST_FILE_BYTES} are read")
            with archive.open(f"{wanted[0]}.npy") as file:
                return _read_array(path.name, file, size)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, OSError, EOFError, zlib.error) as error:
        raise Unusable(f"{path.name} is no whole .npz file: {error}") from None


def _read_array(name: str, file: IO[bytes], size: int) -> NDArray:
    """The array of an open ``.npy`` file of so many bytes."""
    try:
        version = np.lib.format.read_magic(file)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, column_major, dtype = header(file)
        if dtype.kind not in "fiub" or not 1 <= len(shape) <= 3:
            raise Unusable(f"{name} holds {dtype} of shape {shape}; expected one number a pixel")
        if not all(type(side) is int and 0 < side <= MOST_PIXELS for side in shape):
            raise ValueError(f"its shape is {shape}")
        count = math.prod(shape)
        if count > MOST_PIXELS:
            raise Unusable(f"{name} has {' x '.join(map(str, shape))} pixels; at most {MOST_PIXELS} are read")
        if count * dtype.itemsize > size - file.tell():
            raise ValueError(f"it claims {count * dtype.itemsize} bytes and holds {size - file.tell()}")
        stored = np.frombuffer(file.read(count * dtype.itemsize), dtype=dtype, count=count)
        return stored.reshape(shape, order="F" if column_major else "C").copy()
    except Unusable:
        raise
    except (OSError, ValueError, EOFError, SyntaxError, TypeError, OverflowError, TokenError) as error:
        # all of these come out of numpy for one damaged header or another
        raise Unusable(f"{name} is no whole .npy file: {error}") from None


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """A colour picture, uint8 ``(rows, cols, 3)``.

    Raises:
        Unusable: cut off, of another kind, or larger than ``MOST_PIXELS``.
    """
    picture = read_picture(path, cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def read_depth_picture(path: Path) -> NDArray:
    """A one-channel PNG or TIFF as it is stored, ``(rows, cols)``.

    Raises:
        Unusable: cut off, with colours, of 8 bits, or larger than ``MOST_PIXELS``.
    """
    picture = read_picture(path)
    if picture.ndim != 2 or picture.dtype.kind not in "fu" or picture.dtype == np.uint8:
        raise Unusable(f"{path.name} has {picture.dtype} pixels of shape {picture.shape}; expected one depth a pixel")
    return picture


def read_picture(path: Path, flags: int = cv2.IMREAD_UNCHANGED) -> NDArray:
    """A picture as OpenCV gives it, by default as it is stored.

    Raises:
        Unusable: cut off, of another kind, or larger than ``MOST_PIXELS``.
    """
    data = read_bytes(path)
    cols, rows = picture_size(path.name, data)
    if rows * cols > MOST_PIXELS:
        raise Unusable(f"{path.name} claims {cols} x {rows} pixels; at most {MOST_PIXELS} are read")
    if (data.startswith(_PNG) and b"IEND" not in data[-16:]) or (data.startswith(_JPEG) and not _is_whole_jpeg(data)):
        # OpenCV may fill the missing rows of a picture that was cut off and say nothing
        raise Unusable(f"{path.name} is cut off or damaged")
    try:
        picture = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    except cv2.error as error:
        raise Unusable(f"{path.name} cannot be read as a picture: {error.err}") from None
    if picture is None or picture.shape[:2] != (rows, cols):
        raise Unusable(f"{path.name} cannot be read as a picture; it may be cut off or of another kind")
    return picture


def _is_whole_jpeg(data: bytes) -> bool:
    """Whether a JPEG ends where it must and no part of it was overwritten with zeros."""
    if not data.rstrip(b"\0").endswith(b"\xff\xd9"):
        return False
    scan = data.rfind(b"\xff\xda")
    return _USUAL_JPEG_TABLE not in data[:scan] or _ZEROS not in data[scan:].rstrip(b"\0")


def picture_size(name: str, data: bytes) -> tuple[int, int]:
    """Columns and rows that the header of a PNG, JPEG, TIFF or BMP claims; nothing is unpacked.

    Raises:
        Unusable: it is none of these, or its header is damaged.
    """
    if data.startswith(_PNG) and len(data) >= 33:
        cols, rows = struct.unpack(">II", data[16:24])
        return cols, rows
    if not data.startswith((_PNG, _JPEG, *_TIFF, _BMP)):
        raise Unusable(f"{name} cannot be read as a picture: it is no PNG, JPEG, TIFF or BMP, or is cut off")
    from PIL import Image

    try:
        with warnings.catch_warnings():  # of damaged headers; what matters becomes an error below
            warnings.simplefilter("ignore")
            # PIL reads the header only; its own limit on pixels is above ours
            with Image.open(BytesIO(data), formats=("PNG", "JPEG", "TIFF", "BMP")) as picture:
                return picture.size
    except Exception as error:  # damaged headers end in a dozen kinds of errors
        words = "it may be cut off or of another kind" if "BytesIO" in str(error) else str(error)
        raise Unusable(f"{name} cannot be read as a picture: {words}") from None


def in_natural_order(paths: list[Path]) -> list[Path]:
    """Paths as a person counts: 2 before 10; hidden files, such as the ``._*`` that a Mac leaves behind, left out."""

    def key(path: Path) -> tuple[list[tuple[int, int, str]], str]:
        parts = re.findall(r"\d+|\D+", path.name)
        return [
            (0, int(part), "") if part.isdecimal() and len(part) < 100 else (1, 0, part) for part in parts
        ], path.name

    return sorted((path for path in paths if not path.name.startswith(".")), key=key)
