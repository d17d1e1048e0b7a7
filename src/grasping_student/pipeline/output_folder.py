"""The output folder of a stage: made, gone on with or replaced, and never somebody else's."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple

from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json
from grasping_student.pipeline.folder_lock import PAGE_LOCK, STAGE_LOCK, WRITER_LOCK, FolderLock
from grasping_student.pipeline.surroundings import home_folder

DATASET = "dataset.json"
"""Marks a folder as a dataset."""

KeepDataset = Callable[[Path], str | None]
"""Says why the dataset of a folder must not be deleted; None if it may be."""

_WRITTEN = ("out", "print_board", "page")
"""Fields of stages' configs that name what is written."""

_SHARDS = "data/*attempts-*-of-*.parquet"
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.\d+\.tmp(\..+)?")
"""Names that ``atomic_path`` gives; a killed program leaves one behind."""


class _Marker(NamedTuple):
    """A file that tells who made a folder: the keys of which one must be in it, and the stages that write it.

    Keys tell files of common names from those of other programs (a key that none has: only a half-made file is ours).
    Without stages any of ours may have written it.
    """

    keys: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()


_EVALUATIONS = ("evaluate picking", "evaluate one-shot")
MARKERS: dict[str, _Marker] = {
    "manifest.json": _Marker(("stage",)),
    "started.json": _Marker(),
    "collect.json": _Marker(("per_episode",), ("collect",)),
    "demo.json": _Marker(("labels",), ("demo",)),
    "run.json": _Marker(("versions",), _EVALUATIONS),
    "pseudo_labels.parquet": _Marker((), ("pseudo-label",)),
    "metrics.json": _Marker(("learning_curve", "schema_version")),
    "config.json": _Marker(("angles",)),
    "grasp.json": _Marker(("grasp",), ("predict",)),
    "export.json": _Marker(("exported_from",), ("export",)),
    "check.json": _Marker(("findings",), ("cell check",)),
    "calibration.json": _Marker(("camera_to_base",), ("cell calibrate",)),
    "motions.txt": _Marker((), ("evaluate picking",)),
    "model.onnx": _Marker(("",), ("export",)),
    "model.safetensors": _Marker(("",)),
    DATASET: _Marker(("sealed",), ("label", "dataset import", "dataset merge", "dataset filter", "dataset split")),
}
"""Files that our stages write into ``--out``, finished or half-made; the first that names a stage tells the maker."""


def paths_of(config: Any) -> Iterator[Path]:
    """Files and folders that a stage's config names, at any depth, but for those that it writes."""
    for each in fields(config):
        value = getattr(config, each.name)
        if each.name in _WRITTEN:
            continue
        if is_dataclass(value):
            yield from paths_of(value)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, Path):
                yield one
            elif each.name in ("models", "policy") and isinstance(one, str):
                yield Path(one.partition("=")[2].rpartition(":")[2] or one)  # NAME=CONSTRAINT:FOLDER


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
    out: Path,
    stage: str,
    resume: bool | None = None,
    overwrite: bool = False,
    inputs: Iterable[Path | None] = (),
    keep_dataset: KeepDataset | None = None,
) -> FolderLock:
    """Make the output folder of a stage and take its lock; what it held is gone if it was to be overwritten.

    Args:
        out: the folder.
        stage: command words; what another command made is never replaced.
        resume: whether to go on with what it holds; None for a command that has no ``--resume``.
        overwrite: replace what it holds.
        inputs: files and folders that the stage reads, None for those that were not given; none may be ``out`` or lie
            inside it, for then to overwrite would be to delete what is read.
        keep_dataset: decides which datasets inside the folder may be replaced; without it none may.

    Returns:
        The lock, held: nobody else prepares the folder until it is released.

    Raises:
        UserError: the folder exists and is not empty, and neither resume nor overwrite was asked for; it holds an
            input; somebody writes it; or overwrite was asked for, and it holds what must not be deleted (``why_kept``).
    """
    if resume and overwrite:
        raise UserError("--resume and --overwrite exclude each other: choose one")
    check_inputs_outside(out, inputs)
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file; give the name of a folder")
    if out.is_dir() and not resume:
        filled = _filled(out)
        why = why_kept(out, stage, keep_dataset) if filled or overwrite else None
        if why is not None:
            raise UserError(f"--out {out} exists and {why}")
        if filled and not overwrite:
            ways = "" if resume is None else "--resume to go on with it, "
            raise UserError(f"--out {out} exists; add {ways}--overwrite to replace it, or name another")
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = FolderLock(out / STAGE_LOCK, f"--out {out}", vanishes=True)
    except OSError as error:
        raise UserError(f"--out {out} cannot be made: {error.strerror}") from None
    try:
        if not resume and _filled(out):
            if not overwrite:
                raise UserError(f"--out {out} was filled by another command just now; name another")
            _empty(out)
    except BaseException:
        lock.release()
        raise
    return lock


def _filled(out: Path) -> bool:
    return any(path.name != STAGE_LOCK for path in out.iterdir())


def why_kept(out: Path, stage: str, keep_dataset: KeepDataset | None = None) -> str | None:
    """Why ``--overwrite`` must not delete an existing folder, and what to do instead; None if it may."""
    place, home = out.resolve(), home_folder()
    if Path.cwd().is_relative_to(place):
        return "is or holds the current folder, which is never deleted; name another --out"
    if home is not None and home.resolve().is_relative_to(place):
        return "is or holds the home folder, which is never deleted; name another --out"
    if not _filled(out):
        return None
    instead = "remove it yourself or name another --out"
    makers = makers_of(out)
    if makers is None:
        return f"holds nothing that this program wrote, so --overwrite does not delete it; {instead}"
    if makers and stage not in makers:
        words = " or ".join(f"'{each}'" for each in makers)
        return f"holds the output of {words}, which '{stage}' --overwrite does not delete; {instead}"
    for marker in sorted(out.rglob(DATASET)):
        why = "this command did not make it" if keep_dataset is None else keep_dataset(marker.parent)
        if why is not None:
            return f"holds the dataset {marker.parent}, which --overwrite does not delete: {why}; {instead}"
    return None


def makers_of(folder: Path) -> tuple[str, ...] | None:
    """The stages of which one made a folder, as the files in it tell.

    Returns:
        None if no file in there is ours; no stage if one of ours wrote it and nothing says which.
    """
    if any(folder.glob(_SHARDS)):
        return ("dataset export",)
    names = {path.name for path in folder.iterdir() if path.is_file()}
    halves = {half["name"] for name in names if (half := _TEMPORARY.fullmatch(name))}
    ours = False
    for name, (keys, stages) in MARKERS.items():
        values = _values(folder / name) if name in names else {}
        if name in halves or (name in names and (not keys or any(key in values for key in keys))):
            ours = True
            stage = values.get("stage")
            if isinstance(stage, str) or stages:
                return (stage,) if isinstance(stage, str) else stages
    return () if ours else None


def _values(path: Path) -> dict[str, Any]:
    """What a JSON file holds; nothing if it is damaged or of another kind."""
    try:
        values = read_json(path) if path.suffix == ".json" else {}
    except UserError:
        return {}
    return values if isinstance(values, dict) else {}


def _empty(folder: Path) -> None:
    """Delete what a folder holds; the folder itself stays, which may be a link to another place.

    Raises:
        UserError: somebody writes it or a folder inside, or something cannot be deleted.
    """
    try:
        with ExitStack() as locks:
            for file in [path for name in (WRITER_LOCK, STAGE_LOCK, PAGE_LOCK) for path in folder.rglob(name)]:
                if file != folder / STAGE_LOCK:
                    locks.enter_context(FolderLock(file, f"--out {folder} cannot be replaced: {file.parent}"))
            for path in folder.iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                elif path.name != STAGE_LOCK:
                    path.unlink()
    except OSError as error:
        raise UserError(
            f"--out {folder} cannot be replaced: {error.filename}: {error.strerror}; remove it yourself or name "
            "another --out"
        ) from None
