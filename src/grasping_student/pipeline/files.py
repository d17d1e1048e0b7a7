"""Files that are either whole or not there: temporary name, flush to disk, rename."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grasping_student.pipeline.errors import UserError

MOST_TEXT_BYTES = 20_000_000
"""Longer text files are refused: no file of ours comes near it, and parsed JSON takes twenty times its bytes."""

MOST_DIGITS = 25
"""A JSON number with more digits before its point stands for nothing that is measured or counted."""

OUTPUTS: dict[str, tuple[str, ...]] = {
    "manifest.json": ("stage",),
    "started.json": (),
    "dataset.json": ("sealed",),
    "collect.json": ("per_episode",),
    "pseudo_labels.parquet": (),
    "run.json": ("versions",),
    "metrics.json": ("learning_curve", "schema_version"),
    "config.json": ("angles",),
    "grasp.json": ("grasp",),
    "export.json": ("exported_from",),
    "check.json": ("findings",),
    "calibration.json": ("camera_to_base",),
    "demo.json": ("labels",),
    "motions.txt": (),
}
"""Files that our stages write into ``--out``, finished or half-made -> keys of which one must be in there.

The keys tell files of common names from those of other programs; without any, the name alone tells enough.
"""

_SHARDS = "data/*attempts-*-of-*.parquet"
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.\d+\.tmp(\..+)?")
"""Names that ``atomic_path`` gives; a killed program leaves one behind."""


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
    finally:
        temporary.unlink(missing_ok=True)


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


def check_inputs_outside(out: Path, inputs: Iterable[Path | None]) -> None:
    """Make sure that a command does not replace what it reads.

    Raises:
        UserError: one of the inputs is ``out`` or lies inside it.
    """
    place = out.resolve()
    for path in inputs:
        if path is not None and path.resolve().is_relative_to(place):
            raise UserError(f"--out {out} holds {path}, which is read and must not be replaced; name another folder")


def prepare_output(
    out: Path, resume: bool | None = None, overwrite: bool = False, inputs: Iterable[Path | None] = ()
) -> None:
    """Make the output folder of a stage.

    Args:
        out: the folder.
        resume: whether to go on with what it holds; None for a command that has no ``--resume``.
        overwrite: replace what it holds.
        inputs: files and folders that the stage reads, None for those that were not given; none may be ``out`` or lie
            inside it, for then to overwrite would be to delete what is read.

    Raises:
        UserError: it exists and is not empty, and neither resume nor overwrite was asked for; it holds an input; or
            overwrite was asked for, and it is no folder that may be deleted (``why_kept``).
    """
    if resume and overwrite:
        raise UserError("--resume and --overwrite exclude each other: choose one")
    check_inputs_outside(out, inputs)
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file; give the name of a folder")
    if out.is_dir() and not resume:
        filled = any(out.iterdir())
        why = why_kept(out) if filled or overwrite else None
        if why is not None:
            raise UserError(f"--out {out} exists and {why}")
        if filled and not overwrite:
            ways = "" if resume is None else "--resume to go on with it, "
            raise UserError(f"--out {out} exists; add {ways}--overwrite to replace it, or name another")
        if filled:
            _empty(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {out} cannot be made: {error.strerror}") from None


def why_kept(out: Path) -> str | None:
    """Why ``--overwrite`` must not delete an existing folder, and what to do instead; None if it may."""
    place, home = out.resolve(), Path("~").expanduser().resolve()
    if Path.cwd().is_relative_to(place):
        return "is or holds the current folder, which is never deleted; name another --out"
    if home.is_relative_to(place):
        return "is or holds the home folder, which is never deleted; name another --out"
    if any(out.iterdir()) and not _is_ours(out):
        return (
            "holds nothing that this program wrote, so --overwrite does not delete it; remove it yourself or name "
            "another --out"
        )
    return None


def _is_ours(folder: Path) -> bool:
    """Whether a folder holds at least one file that a stage of ours wrote, or was writing when it was killed."""
    if any(folder.glob(_SHARDS)):
        return True
    for path in folder.iterdir():
        half = _TEMPORARY.fullmatch(path.name)
        if half is not None and (half["name"] in OUTPUTS or half["name"] in ("model.onnx", "model.safetensors")):
            return True
        if path.name in OUTPUTS and path.is_file():
            keys = OUTPUTS[path.name]
            if not keys:
                return True
            try:
                values = read_json(path)
            except UserError:
                continue
            if isinstance(values, dict) and any(key in values for key in keys):
                return True
    return False


def _empty(folder: Path) -> None:
    """Delete what a folder holds; the folder itself stays, which may be a link to another place."""
    try:
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    except OSError as error:
        raise UserError(
            f"--out {folder} cannot be replaced: {error.filename}: {error.strerror}; remove it yourself or name "
            "another --out"
        ) from None
