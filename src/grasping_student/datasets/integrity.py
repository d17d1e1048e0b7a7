"""Everything that can be wrong with a dataset on disk, found and named."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from grasping_student.datasets import segment_schema, segments
from grasping_student.datasets.checksum import ids_found, read_whole
from grasping_student.datasets.expected_count import collected_attempts, missing_segments
from grasping_student.datasets.folder import (
    DELETED,
    DatasetManifest,
    OtherVersion,
    SealedSegment,
    read_deleted,
    read_manifest,
    require_own_files,
    segment_paths,
)
from grasping_student.datasets.splits import Split
from grasping_student.datasets.store import Dataset
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import sha256_of_file

MOST_NAMED = 5
"""Damaged attempts named one by one for each segment."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or that looks wrong."""

    kind: Literal["damage", "warning"]
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}: {self.what}"


@dataclass
class Inspection:
    """What ``check_dataset`` found."""

    findings: list[Finding] = field(default_factory=list)
    attempts: int = 0
    """Whole attempts, deleted ones included."""

    damaged_segments: list[str] = field(default_factory=list)
    missing_segments: list[str] = field(default_factory=list)
    manifest_damaged: bool = False
    workspace: Workspace | None = None
    """What the manifest says, or None if it cannot be read."""

    @property
    def damaged(self) -> bool:
        """Whether anything is broken; warnings do not count."""
        return any(finding.kind == "damage" for finding in self.findings)

    def damage(self, where: str, what: str) -> None:
        """Add something broken."""
        self.findings.append(Finding("damage", where, what))

    def warn(self, where: str, what: str) -> None:
        """Add something that looks wrong."""
        self.findings.append(Finding("warning", where, what))


def check_dataset(path: Path, split: Path | None = None) -> Inspection:
    """Verify every hash, row and picture of a dataset, its units, and that no scene lies on both sides of a split.

    Args:
        path: the dataset's folder; it is only read.
        split: a stored split to check against it.

    Raises:
        UserError: there is no dataset, another version of this program wrote it, or the split cannot be read.
        NotReachable: the disk, the rights or another process stand in the way: whether it is whole is not known.
    """
    require_own_files(path)
    inspection = Inspection()
    found = segment_paths(path) if path.is_dir() else []
    try:
        manifest: DatasetManifest | None = read_manifest(path)
    except OtherVersion:
        raise
    except UserError as error:
        if not found:
            raise
        manifest, inspection.manifest_damaged = None, True
        inspection.damage("dataset.json", str(error))
    sealed = manifest.sealed if manifest else {}
    inspection.workspace = manifest.workspace if manifest else None
    for name, why in missing_segments(path, manifest).items() if manifest else ():
        inspection.damage(name, f"is missing; {why}; copy it back if you still have it elsewhere")
        inspection.missing_segments.append(name)
        inspection.manifest_damaged |= name in sealed
    seen: dict[bytes, tuple[int, int]] = {}
    twins: list[tuple[tuple[int, int], tuple[int, int]]] = []
    all_ids: set[int] = set()
    for segment in found:
        all_ids |= _check_segment(segment, manifest, sealed.get(segment.name), inspection, seen, twins)
    _check_count(path, len(all_ids), inspection)
    _check_deleted(path, all_ids, inspection)
    for (first, first_episode), (second, second_episode) in twins:
        inspection.warn(
            f"attempts {first} and {second}", f"show the same scene in episodes {first_episode} and {second_episode}"
        )
    if split is not None:
        _check_split(path, split, twins, inspection)
    return inspection


def _check_segment(
    path: Path,
    manifest: DatasetManifest | None,
    entry: SealedSegment | None,
    inspection: Inspection,
    seen: dict[bytes, tuple[int, int]],
    twins: list[tuple[tuple[int, int], tuple[int, int]]],
) -> set[int]:
    """Verify one segment; returns the ids in it."""
    problems: list[str] = []
    if entry is not None and path.stat().st_size != entry.bytes:
        problems.append(f"has {path.stat().st_size} bytes, the manifest says {entry.bytes}")
    elif entry is not None and sha256_of_file(path) != entry.sha256:
        problems.append("differs from the SHA-256 in the manifest: a byte was changed after it was sealed")
    ids: set[int] = set()
    try:
        with segment_schema.clear_errors(path):
            connection = segments.open_for_reading(path, entry is not None)
            try:
                workspace, first_id = segments.read_meta(connection, path)
                if manifest is not None and workspace != manifest.workspace:
                    problems.append(f"was written for {workspace}, the manifest says {manifest.workspace}")
                problems += _sqlite_problems(connection)
                ids = ids_found(connection)
                broken: list[str] = []
                for attempt_id in sorted(ids):
                    try:
                        whole = read_whole(connection, attempt_id, workspace)
                    except ValueError as error:
                        broken.append(f"attempt {attempt_id} {error}")
                        continue
                    inspection.attempts += 1
                    here = (attempt_id, whole.attempt.episode)
                    if whole.complaint:
                        inspection.warn(f"attempt {attempt_id}", whole.complaint)
                    first = seen.setdefault(whole.scene_digest, here)
                    if first[1] != here[1]:
                        twins.append((first, here))
                problems += broken[:MOST_NAMED]
                if len(broken) > MOST_NAMED:
                    problems.append(f"{len(broken) - MOST_NAMED} further attempts are damaged")
                if entry is not None and not broken and len(ids) != entry.attempts:
                    problems.append(f"holds {len(ids)} attempts, the manifest says {entry.attempts}")
                if ids and min(ids) < first_id:
                    problems.append(f"holds attempt {min(ids)}, but begins at {first_id}")
            finally:
                connection.close()
    except segment_schema.NotReachable:
        raise
    except UserError as error:
        problems.append(str(error))
    for problem in problems:
        inspection.damage(path.name, problem)
    if problems:
        inspection.damaged_segments.append(path.name)
    return ids


def _sqlite_problems(connection: sqlite3.Connection) -> list[str]:
    """What SQLite itself finds wrong with the file's structure."""
    try:
        answers = [str(row[0]) for row in connection.execute(f"PRAGMA quick_check({MOST_NAMED})")]
    except segment_schema.UNREADABLE as error:
        if segment_schema.obstacle(error) is not None:
            raise
        return [f"cannot be read: {error}"]
    return [] if answers == ["ok"] else answers


def _check_count(path: Path, stored: int, inspection: Inspection) -> None:
    """Whether a finished collection is all there; what a damaged segment lacks is told of with that segment."""
    collected = collected_attempts(path)
    if collected is None or stored >= collected or inspection.damaged_segments:
        return
    where = ", ".join(inspection.missing_segments) or "segments"
    inspection.damage(
        where,
        f"{collected - stored} attempts are missing: manifest.json says that {collected} were collected, {stored} are "
        "here; copy the missing segments and their -wal files back if you still have them elsewhere",
    )


def _check_deleted(path: Path, all_ids: set[int], inspection: Inspection) -> None:
    try:
        unknown = read_deleted(path) - all_ids
    except UserError as error:
        inspection.damage(DELETED, str(error))
        return
    if unknown:
        inspection.warn(DELETED, f"names attempts that do not exist: {sorted(unknown)[:MOST_NAMED]}")


def _check_split(
    path: Path, split_path: Path, twins: list[tuple[tuple[int, int], tuple[int, int]]], inspection: Inspection
) -> None:
    """Whether a split belongs to the dataset and keeps equal scenes on one side."""
    split = Split.load(split_path)
    held_out, train = set(split.held_out), set(split.train)
    for (first, first_episode), (second, second_episode) in twins:
        pair = {first_episode, second_episode}
        if pair & held_out and pair & train:
            inspection.damage(str(split_path), f"attempts {first} and {second} show one scene on both sides")
    if inspection.damaged:
        return
    dataset = Dataset(path)
    unknown = (train | held_out) - set(dataset.episodes().tolist())
    if unknown:
        inspection.damage(str(split_path), f"names episodes that the dataset lacks: {sorted(unknown)[:MOST_NAMED]}")
    if split.dataset_version != dataset.version:
        inspection.warn(str(split_path), "was made for another version of the dataset")
    dataset.close()
