"""Mend a damaged dataset: every whole attempt is kept, what was damaged is set aside, never removed."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from grasping_student.datasets import segment_schema, segments
from grasping_student.datasets.checksum import WholeAttempt, ids_found, read_whole
from grasping_student.datasets.expected_count import DAMAGED, note_loss
from grasping_student.datasets.folder import (
    DELETED,
    MANIFEST,
    DatasetManifest,
    flush_folder,
    read_deleted,
    read_manifest,
    segment_paths,
    write_deleted,
    write_manifest,
    writer_lock,
)
from grasping_student.datasets.integrity import Inspection, check_dataset
from grasping_student.datasets.writer import DatasetWriter
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError


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
    foreign: Workspace | None = None
    """Workspace of a segment that belongs to another dataset: none of its attempts can be taken over."""


def repair_dataset(path: Path) -> tuple[Inspection, Repair]:
    """Check a dataset and mend what can be mended.

    A damaged segment is written anew from its whole attempts; a lost or wrong manifest is rebuilt from the segments.

    Returns:
        what was found before, and what was done.

    Raises:
        UserError: there is no dataset, a writer holds it, its segments do not tell one workspace, or nothing can be
            written there. Nothing is lost then.
    """
    with segment_schema.clear_errors(path):
        return _repair(path)


def _repair(path: Path) -> tuple[Inspection, Repair]:
    lock = writer_lock(path) if path.is_dir() and (segment_paths(path) or (path / MANIFEST).exists()) else None
    try:
        inspection, repair = check_dataset(path), Repair()
        if not inspection.damaged:
            return inspection, repair
        manifest = _manifest_or_new(path, inspection, repair)
        found = inspection
        if inspection.workspace not in (None, manifest.workspace):
            # the segments were held against a wrong manifest: with the right one they may all be whole
            _set_aside(path / MANIFEST, keep=True)
            write_manifest(path, manifest)
            found = check_dataset(path)
        # the damaged segments' hashes go first: a repair that is cut off must not leave them trusted
        present = {segment.name for segment in segment_paths(path)} - set(found.damaged_segments)
        trusted = {name: entry for name, entry in manifest.sealed.items() if name in present}
        write_manifest(path, DatasetManifest(manifest.workspace, trusted))
        for name in found.damaged_segments:
            _rebuild(path / name, manifest, repair)
        _mend_deleted(path, repair)
    finally:
        if lock is not None:
            lock.release()
    # opening the dataset for writing seals again what was sealed
    DatasetWriter(path).close()
    gone = note_loss(path)
    if gone:
        repair.actions.append(
            f"noted that {gone} attempts that were collected are no longer here; a lost segment that you still have "
            "elsewhere may be copied back in its place"
        )
    return inspection, repair


def _manifest_or_new(path: Path, inspection: Inspection, repair: Repair) -> DatasetManifest:
    """The manifest, or a new one: where the manifest is lost, or its workspace is that of no segment.

    A manifest that cannot be read is replaced by one that trusts no hash: what was sealed is sealed again.
    """
    manifest = None
    with suppress(UserError):  # rebuilt below, from the segments
        manifest = read_manifest(path)
    told = _told_workspaces(path)
    if len(told) > 1 and (manifest is None or manifest.workspace not in told):
        known = f"says {manifest.workspace}" if manifest else "is lost"
        others = "; ".join(f"{', '.join(names)}: {workspace}" for workspace, names in told.items())
        raise UserError(
            f"dataset {path} cannot be repaired: {MANIFEST} {known}, and its segments do not agree ({others}); nothing "
            "was changed. Move the segments that belong to another dataset to another folder and repair again"
        )
    if manifest is not None:
        if inspection.manifest_damaged:
            names = ", ".join(inspection.missing_segments)
            repair.actions.append(f"took missing segments off the manifest ({names}); their attempts are lost")
        if not told or manifest.workspace in told:
            return manifest
        (workspace,) = told
        repair.actions.append(
            f"put the workspace in {MANIFEST} right: it said {manifest.workspace}, "
            f"every whole attempt is of {workspace}"
        )
        return DatasetManifest(workspace, manifest.sealed)
    if not told:
        told = _told_workspaces(path, whole=False)
    if not told:
        raise UserError(f"dataset {path} cannot be repaired: no segment tells its workspace any more")
    if (path / MANIFEST).exists():
        _set_aside(path / MANIFEST)
    repair.actions.append("rebuilt the manifest")
    return DatasetManifest(next(iter(told)))


def _told_workspaces(path: Path, whole: bool = True) -> dict[Workspace, list[str]]:
    """Workspaces that segments say they were written for, with the names of these segments.

    With ``whole`` only segments count that hold an attempt which is whole in their own workspace.
    """
    told: dict[Workspace, list[str]] = {}
    for segment in segment_paths(path):
        try:
            with segment_schema.clear_errors(segment):
                connection = segments.open_for_reading(segment, sealed=False)
                try:
                    workspace, _ = segments.read_meta(connection, segment)
                    if not whole or _holds_whole(connection, workspace):
                        told.setdefault(workspace, []).append(segment.name)
                finally:
                    connection.close()
        except segment_schema.NotReachable:
            raise
        except UserError:
            continue
    return told


def _holds_whole(connection: sqlite3.Connection, workspace: Workspace) -> bool:
    """Whether any attempt of a segment is whole."""
    for attempt_id in sorted(ids_found(connection)):
        try:
            read_whole(connection, attempt_id, workspace)
            return True
        except ValueError:
            continue
    return False


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
        with segment_schema.clear_errors(fresh):
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
    if salvaged.foreign is not None:
        repair.actions.append(
            f"set {path.name} aside in {DAMAGED} as it was: it was written for {salvaged.foreign}, not for this dataset"
        )
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
        with segment_schema.clear_errors(segment):
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
    with segment_schema.clear_errors(copy):
        connection = segments.open_copy(copy)
        try:
            if not segment_schema.has_own_tables(connection):
                return salvaged  # under the names of our tables lies something else
            salvaged.ids = ids_found(connection)
            try:
                own_workspace, first_id = segments.read_meta(connection, copy)
                salvaged.first_id = first_id
            except segment_schema.NotReachable:
                raise
            except UserError:
                own_workspace = workspace  # unreadable, so the pictures' sizes and digests must tell
            if own_workspace != workspace and _holds_whole(connection, own_workspace):
                return _Salvaged(first_id=salvaged.first_id, foreign=own_workspace)
            for attempt_id in sorted(salvaged.ids):
                try:
                    salvaged.whole.append(read_whole(connection, attempt_id, workspace))
                except ValueError:
                    continue  # counted as lost by the caller: its id stays without a whole attempt
        finally:
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
