"""The files of a dataset folder: its manifest, its segments, the list of deleted attempts, the writer's lock."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grasping_student.datasets.schema import LARGEST_NUMBER, SCHEMA_VERSION, workspace_from_json, workspace_to_json
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.pipeline.folder_lock import WRITER_LOCK, FolderLock

MANIFEST = "dataset.json"
DELETED = "deleted.json"
KIND = "grasping-student dataset"

_SEGMENT = re.compile(r"segment-(\d{4,9})\.sqlite")


class OtherVersion(UserError):
    """Another version of this program wrote the dataset: it is not damaged, and must not be mended."""


@dataclass(frozen=True)
class SealedSegment:
    """What the manifest keeps of a segment that will never change again."""

    name: str
    sha256: str
    bytes: int
    attempts: int
    first_id: int

    def __post_init__(self) -> None:
        if not _SEGMENT.fullmatch(self.name):
            raise ValueError(f"it lists {self.name!r}, which is no name of a segment")
        if not isinstance(self.sha256, str) or not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise ValueError(f"the SHA-256 of {self.name} is {self.sha256!r}")
        for name in ("bytes", "attempts", "first_id"):
            value = getattr(self, name)
            if type(value) is not int or not 0 <= value < LARGEST_NUMBER:
                raise ValueError(f"{name} of {self.name} is {value!r}")


@dataclass(frozen=True)
class DatasetManifest:
    """What ``dataset.json`` says: the workspace and the sealed segments, by name."""

    workspace: Workspace
    sealed: dict[str, SealedSegment] = field(default_factory=dict)


def segment_name(number: int) -> str:
    """File name of the segment with this number."""
    return f"segment-{number:04d}.sqlite"


def segment_paths(folder: Path) -> list[Path]:
    """All segments in the order in which they were begun."""
    found = [(int(match[1]), path) for path in folder.iterdir() if (match := _SEGMENT.fullmatch(path.name))]
    return [path for _, path in sorted(found)]


def require_own_files(folder: Path) -> None:
    """Make sure that the dataset's files are plain files inside its folder: no link, pipe or device under their names.

    Whoever sent the folder could otherwise have other files read, or written to, in their place. A rollback journal is
    refused, too: this program writes none, and it may name a file elsewhere that SQLite then deletes.

    Raises:
        UserError: one is something else; the message names it.
    """
    for path in folder.iterdir() if folder.is_dir() else ():
        name = re.sub(r"-(wal|shm|journal)$", "", path.name)
        if name not in (MANIFEST, DELETED, WRITER_LOCK) and not _SEGMENT.fullmatch(name):
            continue
        try:
            plain = stat.S_ISREG(path.lstat().st_mode)
        except FileNotFoundError:  # a log that its writer has just removed
            continue
        if not plain:
            raise UserError(
                f"{path} is no plain file of its folder; a dataset is read only from such: copy the file here"
            )
        if path.name.endswith("-journal"):
            raise UserError(f"{path} was not written by this program, and SQLite would act on it; remove it first")


def is_dataset(folder: Path) -> bool:
    """Whether the folder holds a dataset's manifest."""
    return (folder / MANIFEST).is_file()


def read_manifest(folder: Path) -> DatasetManifest:
    """The manifest of a dataset folder.

    Raises:
        UserError: there is no dataset, or its manifest is lost or damaged.
        OtherVersion: another version of this program wrote it.
    """
    path = folder / MANIFEST
    if not folder.is_dir():
        raise UserError(f"dataset {folder} does not exist; 'grasping-student collect --out {folder}' makes one")
    require_own_files(folder)
    mend = f"'grasping-student dataset check {folder} --repair' rebuilds it"
    if not path.is_file():
        if segment_paths(folder):
            raise UserError(f"dataset {folder} has segments but no {MANIFEST}; {mend}")
        raise UserError(f"{folder} holds no dataset (no {MANIFEST}); give the folder that 'collect' or 'import' wrote")
    try:
        values = read_json(path)
        if not isinstance(values, dict) or values.get("kind") != KIND:
            raise UserError(f"{path} is no manifest of a dataset")
        if values.get("schema_version") != SCHEMA_VERSION:
            version = values.get("schema_version")
            raise OtherVersion(
                f"{path} has schema version {version!s:.40}; this program reads version {SCHEMA_VERSION}"
            )
        sealed = {name: SealedSegment(name=name, **entry) for name, entry in values["sealed"].items()}
        return DatasetManifest(workspace_from_json(values["workspace"], str(path)), sealed)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{path} is damaged ({error}); {mend}") from None
    except OtherVersion:
        raise
    except UserError as error:
        raise UserError(f"{error}; if it is damaged, {mend}") from None


def write_manifest(folder: Path, manifest: DatasetManifest) -> None:
    """Replace the manifest, whole or not at all, and flush the folder."""
    sealed = {
        name: {"sha256": entry.sha256, "bytes": entry.bytes, "attempts": entry.attempts, "first_id": entry.first_id}
        for name, entry in sorted(manifest.sealed.items())
    }
    values: dict[str, Any] = {
        "kind": KIND,
        "schema_version": SCHEMA_VERSION,
        "workspace": workspace_to_json(manifest.workspace),
        "sealed": sealed,
    }
    write_json(folder / MANIFEST, values)
    flush_folder(folder)


def read_deleted(folder: Path) -> frozenset[int]:
    """Ids of the deleted attempts.

    Raises:
        UserError: the list is damaged.
    """
    path = folder / DELETED
    if not path.exists():
        return frozenset()
    values = read_json(path)
    if not isinstance(values, list) or not all(type(each) is int and 0 <= each < LARGEST_NUMBER for each in values):
        raise UserError(f"{path} is damaged: it must be a list of ids; remove it to undelete all attempts")
    return frozenset(values)


def write_deleted(folder: Path, deleted: frozenset[int]) -> None:
    """Replace the list of deleted attempts and flush the folder."""
    write_json(folder / DELETED, sorted(deleted))
    flush_folder(folder)


def flush_folder(folder: Path) -> None:
    """Make new names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def writer_lock(folder: Path) -> FolderLock:
    """The right to write a dataset: held by at most one writer of all processes, gone when its process dies.

    Raises:
        UserError: another writer holds it; the message says which.
    """
    require_own_files(folder)
    return FolderLock(folder / WRITER_LOCK, f"dataset {folder}")
