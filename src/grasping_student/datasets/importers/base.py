"""One way in for all foreign data: read entry by entry, written to a new dataset that appears whole or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from grasping_student.datasets.create import new_dataset
from grasping_student.datasets.schema import Attempt, NotStorable
from grasping_student.datasets.store import Dataset
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import write_json

REPORT = "import.json"

MOST_SKIPPED_KEPT = 10_000
"""Skipped entries that the report names one by one; all are counted."""


class ImportedEntry(NamedTuple):
    """One entry of a foreign data set, as ``DatasetWriter.append`` takes it."""

    heightmap: Heightmap
    attempt: Attempt


@dataclass(frozen=True)
class Skipped:
    """An entry that was left out, and why."""

    name: str
    reason: str


@dataclass
class ImportReport:
    """What an import took over and what it left out."""

    layout: str
    source: str
    imported: int = 0
    labelled: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    skipped_count: int = 0
    notes: list[str] = field(default_factory=list)
    """Sentences on the whole data set that a person should know."""

    def skip(self, entry: Skipped) -> None:
        """Count an entry that was left out."""
        self.skipped_count += 1
        if len(self.skipped) < MOST_SKIPPED_KEPT:
            self.skipped.append(entry)

    def lines(self) -> list[str]:
        """The report in words: counts, then the first entries left out."""
        scenes = self.imported - self.labelled
        lines = [f"imported {self.imported} entries ({self.labelled} labelled, {scenes} scenes) from {self.source}"]
        lines += [f"note: {note}" for note in self.notes]
        if self.skipped_count:
            lines.append(f"skipped {self.skipped_count}:")
            lines += [f"  {entry.name}: {entry.reason}" for entry in self.skipped[:20]]
            if self.skipped_count > 20:
                lines.append(f"  ... all of them in {REPORT}")
        return lines

    def save(self, path: Path) -> None:
        """Write the report as JSON."""
        reasons = Counter(entry.reason for entry in self.skipped)
        write_json(
            path,
            {
                "layout": self.layout,
                "source": self.source,
                "imported": self.imported,
                "labelled": self.labelled,
                "skipped": self.skipped_count,
                "notes": self.notes,
                "reasons": dict(reasons.most_common()),
                "entries_skipped": [[entry.name, entry.reason] for entry in self.skipped],
            },
        )


def require_folder(folder: Path) -> None:
    """Refuse what is no folder.

    Raises:
        UserError: it does not exist, or is a file.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} does not exist or is no folder")


def import_workspace(extent: float, pixels: int, margin: float) -> Workspace:
    """The workspace that an import's options describe.

    Raises:
        UserError: they are impossible.
    """
    try:
        return Workspace(extent, pixels, margin)
    except ValueError as error:
        raise UserError(f"import: {error}") from None


def write_import(
    out: Path,
    workspace: Workspace,
    entries: Iterable[ImportedEntry | Skipped],
    layout: str,
    source: Path,
    version: str | None = None,
    notes: Sequence[str] = (),
) -> ImportReport:
    """Write a new dataset from foreign entries, one at a time.

    Args:
        out: folder of the new dataset; it must not exist or be empty.
        workspace: of every entry.
        entries: read lazily; one is held in memory at a time.
        layout: name of the foreign layout.
        source: the foreign folder.
        version: content hash that the dataset must have unless entries were left out, which the report tells.
        notes: sentences for the report.

    Returns:
        what was taken over and what was left out; also written beside the dataset.

    Raises:
        UserError: ``out`` exists, nothing could be imported, the content has another hash, or the disk is full. No
            dataset is left then.
    """
    report = ImportReport(layout, str(source), notes=list(notes))
    with new_dataset(out, workspace) as writer:
        for entry in entries:
            if isinstance(entry, Skipped):
                report.skip(entry)
                continue
            heightmap, attempt = entry
            try:
                writer.append(heightmap, attempt)
            except NotStorable as error:
                report.skip(Skipped(f"episode {attempt.episode}, entry {attempt.index}", str(error)))
                continue
            report.imported += 1
            report.labelled += attempt.outcome is not None
        if not report.imported:
            raise UserError("\n".join([f"nothing in {source} could be imported as {layout}", *report.lines()[1:]]))
        if version is not None and not report.skipped_count:
            writer.flush()
            _check_version(Dataset(writer.path), version, source)
        report.save(writer.path / REPORT)
    return report


def _check_version(dataset: Dataset, version: str, source: Path) -> None:
    found = dataset.version
    dataset.close()
    if found != version:
        raise UserError(
            f"the content of {source} has the hash {found[:16]}, it was exported with {version[:16]}: attempts were "
            "added, lost or changed since; export the dataset again. Nothing was written"
        )
