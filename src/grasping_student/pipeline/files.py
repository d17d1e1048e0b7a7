"""Files that are either whole or not there: temporary name, flush to disk, rename."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grasping_student.pipeline.errors import UserError

MOST_TEXT_BYTES = 20_000_000
"""Longer text files are refused: no file of ours comes near it, and parsed JSON takes twenty times its bytes."""

MOST_DIGITS = 25
"""A JSON number with more digits before its point stands for nothing that is measured or counted."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; on success it is flushed and renamed to ``path``, else removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except Exception as error:
        if no_space_left(error):  # of the file that was asked for: nobody knows the temporary one
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def no_space_left(error: BaseException) -> bool:
    """Whether an error, also one that a library made of it, says that a disk or a quota is full."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return full or "no space left on device" in str(error).lower()


def write_text(path: Path, text: str) -> None:
    """Write a whole text file or nothing."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a whole JSON file or nothing; NaN and infinity are refused."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_text(path: Path, kind: str = "UTF-8 text") -> str:
    """Read a UTF-8 text file; ``kind`` is what messages call it.

    Raises:
        UserError: it is missing, no plain file, longer than ``MOST_TEXT_BYTES``, or of another encoding.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist")
    if not path.is_file():
        raise UserError(f"{path} is no plain file")
    size = path.stat().st_size
    if size > MOST_TEXT_BYTES:
        raise UserError(f"{path} has {size} bytes; at most {MOST_TEXT_BYTES} are read as text")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no {kind} file ({error}); it may be cut off or of another kind") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        UserError: the file cannot be read as text, or is no JSON.
    """
    try:
        return parse_json(read_text(path, "JSON"))
    except ValueError as error:
        raise UserError(f"{path} is no JSON file ({error}); it may be cut off or of another kind") from None


def parse_json(text: str) -> Any:
    """The value of a JSON text whose numbers are all finite and of at most ``MOST_DIGITS`` digits before the point.

    Raises:
        ValueError: no JSON, nested too deep to be read, NaN or infinite numbers, or longer ones.
    """
    try:
        return json.loads(text, parse_constant=_refused_number, parse_int=_short_integer, parse_float=_finite_number)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _refused_number(text: str) -> Any:
    shown = text if len(text) <= 30 else f"{text[:30]}... of {len(text)} characters"
    raise ValueError(f"{shown} is no number that JSON holds")


def _short_integer(text: str) -> int:
    return int(text) if len(text) <= MOST_DIGITS else _refused_number(text)


def _finite_number(text: str) -> float:
    value = float(text)
    return value if abs(value) < math.inf else _refused_number(text)


def read_object(path: Path, **kinds: type | tuple[type, ...]) -> dict[str, Any]:
    """Read a JSON file that holds an object with certain fields.

    Args:
        path: the file.
        **kinds: name of a field -> type of its value.

    Raises:
        UserError: the file cannot be read, holds no object, or a field is missing or of another type.
    """
    values = read_json(path)
    for name, kind in kinds.items():
        if not isinstance(values, dict) or not isinstance(values.get(name), kind):
            raise UserError(f"{path} is damaged: it holds no {name}; remove it, or take it from a copy")
    return dict(values)


def sha256_of_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
