"""Mend a damaged dataset: every whole attempt is kept, what was damaged is set aside, never removed."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from grasping_student.datasets import segments
from grasping_student.datasets.folder import (
    DELETED,
    MANIFEST,
    DatasetManifest,
    WriterLock,
    flush_folder,
    read_deleted,
    read_manifest,
    segment_paths,
    write_deleted,
    write_manifest,
)
from grasping_student.datasets.integrity import Inspection, check_dataset
from grasping_student.datasets.verification import WholeAttempt, ids_found, read_whole
from grasping_student.datasets.writer import DatasetWriter
from grasping_student.errors import UserError
from grasping_student.workspace import Workspace

DAMAGED = "damaged"
"""Subfolder of the dataset for files set aside."""


@dataclass
class Repair:
    """What ``repair_dataset`` did."""

    actions: list[str] = field(default_factory=list)
    kept: int = 0
    """Whole attempts saved from damaged segments."""

    lost: list[int] = field(default_factory=list)
    """Ids of attempts that were no longer whole."""


@dataclass
class _Salvaged:
    """What is left of a damaged segment."""

    whole: list[WholeAttempt] = field(default_factory=list)
    ids: set[int] = field(default_factory=set)
    first_id: int | None = None


def repair_dataset(path: Path) -> tuple[Inspection, Repair]:
    """Check a dataset and mend what can be mended.

    A damaged segment is written anew from its whole attempts; a lost or wrong manifest is rebuilt from the segments.

    Returns:
        what was found before, and what was done.

    Raises:
        UserError: there is no dataset, a writer holds it, or no segment tells its workspace.
    """
    lock = WriterLock(path) if path.is_dir() and (segment_paths(path) or (path / MANIFEST).exists()) else None
    try:
        inspection, repair = check_dataset(path), Repair()
        if not inspection.damaged:
            return inspection, repair
        manifest = _manifest_or_new(path, inspection, repair)
        # the damaged segments' hashes go first: a repair that is cut off must not leave them trusted
        present = {segment.name for segment in segment_paths(path)} - set(inspection.damaged_segments)
        trusted = {name: entry for name, entry in manifest.sealed.items() if name in present}
        write_manifest(path, DatasetManifest(manifest.workspace, trusted))
        for name in inspection.damaged_segments:
            _rebuild(path / name, manifest, repair)
        _mend_deleted(path, repair)
    finally:
        if lock is not None:
            lock.release()
    # opening the dataset for writing seals again what was sealed
    DatasetWriter(path).close()
    return inspection, repair


def _manifest_or_new(path: Path, inspection: Inspection, repair: Repair) -> DatasetManifest:
    """The manifest, or a new one that trusts no hash: what was sealed is sealed again."""
    if not inspection.manifest_damaged:
        return read_manifest(path)
    try:
        manifest = read_manifest(path)
        repair.actions.append("took missing segments off the manifest")
        return manifest
    except UserError:
        pass  # rebuilt below, from the segments
    if (path / MANIFEST).exists():
        _set_aside(path / MANIFEST)
    for segment in segment_paths(path):
        try:
            connection = segments.open_for_reading(segment, sealed=False)
            workspace, _ = segments.read_meta(connection, segment)
            connection.close()
        except UserError:
            continue
        repair.actions.append("rebuilt the manifest")
        return DatasetManifest(workspace)
    raise UserError(f"dataset {path} cannot be repaired: no segment tells its workspace any more")


def _rebuild(path: Path, manifest: DatasetManifest, repair: Repair) -> None:
    """Write a segment anew from its whole attempts and set the damaged file aside."""
    working = path.parent / "repairing"
    shutil.rmtree(working, ignore_errors=True)
    working.mkdir()
    try:
        salvaged = _salvage(_padded_copy(path, working / "damaged.sqlite"), manifest.workspace)
        entry = manifest.sealed.get(path.name)
        if entry is not None:
            salvaged.first_id = entry.first_id
            salvaged.ids |= set(range(entry.first_id, entry.first_id + entry.attempts))
        if salvaged.first_id is None:
            salvaged.first_id = _free_id_before(path)
        fresh = working / path.name
        connection = segments.create_segment(fresh, manifest.workspace, salvaged.first_id)
        with segments.clear_errors(fresh):
            connection.execute("BEGIN IMMEDIATE")
            for each in salvaged.whole:
                segments.insert(connection, each.attempt, each.pictures, each.digest)
            connection.execute("COMMIT")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
        # the old log must be gone before the new file has its name: SQLite would play it into the new file
        _set_aside(path, keep=True)
        for suffix in ("-wal", "-shm"):
            if path.with_name(path.name + suffix).exists():
                _set_aside(path.with_name(path.name + suffix))
        fresh.replace(path)
        flush_folder(path.parent)
    finally:
        shutil.rmtree(working)
    lost = sorted(salvaged.ids - {each.attempt.id for each in salvaged.whole})
    repair.kept += len(salvaged.whole)
    repair.lost += lost
    ending = f"; {len(lost)} were no longer whole" if lost else ""
    repair.actions.append(f"wrote {path.name} anew with {len(salvaged.whole)} whole attempts{ending}")


def _free_id_before(path: Path) -> int:
    """First id that no earlier segment uses: readers need segments in the order of their ids."""
    free = 0
    for segment in segment_paths(path.parent):
        if segment == path:
            break
        connection = segments.open_for_reading(segment, sealed=False)
        free = max(free, segments.read_meta(connection, segment)[1], 1 + max(ids_found(connection), default=-1))
        connection.close()
    return free


def _padded_copy(path: Path, copy: Path) -> Path:
    """A copy to read from, as long as its header claims: SQLite opens no file that was cut short."""
    shutil.copyfile(path, copy)
    wal = path.with_name(path.name + "-wal")
    if wal.exists():
        shutil.copyfile(wal, copy.with_name(copy.name + "-wal"))
    with copy.open("r+b") as file:
        header = file.read(32)
        if len(header) == 32:
            page_size = int.from_bytes(header[16:18], "big")
            claimed = (65536 if page_size == 1 else page_size) * int.from_bytes(header[28:32], "big")
            size = copy.stat().st_size
            # a damaged header may claim anything; a segment is never that much longer than what is left of it
            if size < claimed <= max(64 * size, 1 << 30):
                file.truncate(claimed)
    return copy


def _salvage(copy: Path, workspace: Workspace) -> _Salvaged:
    """What is still whole in a copy of a damaged segment; nothing if it belongs to another workspace."""
    salvaged = _Salvaged()
    try:
        connection = sqlite3.connect(copy, isolation_level=None)
        salvaged.ids = ids_found(connection)
        own_workspace, salvaged.first_id = segments.read_meta(connection, copy)
    except sqlite3.DatabaseError:
        return salvaged
    except UserError:
        own_workspace = workspace  # unreadable, so the pictures' sizes and digests must tell
    for attempt_id in sorted(salvaged.ids) if own_workspace == workspace else ():
        try:
            salvaged.whole.append(read_whole(connection, attempt_id, workspace))
        except ValueError:
            continue  # counted as lost by the caller: its id stays without a whole attempt
    connection.close()
    return salvaged


def _set_aside(path: Path, keep: bool = False) -> None:
    """Move a file to the folder of damaged files; with ``keep`` it stays in its place as well."""
    folder = path.parent / DAMAGED
    folder.mkdir(exist_ok=True)
    number = 0
    while (target := folder / f"{path.name}.{number}").exists():
        number += 1
    if keep:
        shutil.copy2(path, target)
    else:
        path.rename(target)


def _mend_deleted(path: Path, repair: Repair) -> None:
    """A damaged list of deletions is set aside: better an attempt too many than one lost."""
    try:
        read_deleted(path)
    except UserError:
        _set_aside(path / DELETED)
        write_deleted(path, frozenset())
        repair.actions.append("set the damaged list of deletions aside: every attempt shows again")
