"""Reading a dataset, also while it is written: whole attempts only. The writer is ``DatasetWriter``."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grasping_student.datasets import segment_schema, segments
from grasping_student.datasets.folder import read_deleted, read_manifest, segment_paths
from grasping_student.datasets.pictures import decode_pictures
from grasping_student.datasets.schema import SOURCES, Attempt, workspace_to_json
from grasping_student.datasets.writer import DatasetWriter
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.configuration import choice
from grasping_student.pipeline.errors import UserError

__all__ = ["Dataset", "DatasetWriter"]


@dataclass
class _OpenSegment:
    path: Path
    first_id: int
    connection: sqlite3.Connection


@dataclass
class _Opened(threading.local):
    """What one thread of one process has open."""

    process: int = -1
    segments: list[_OpenSegment] = field(default_factory=list)


class Dataset:
    """Read access to a dataset folder: picklable, opened anew in every process and thread that uses it."""

    def __init__(self, path: Path) -> None:
        """Name a dataset; nothing but its manifest is read yet.

        Raises:
            UserError: there is no dataset, or its manifest is damaged.
        """
        self.path = Path(path)
        self.workspace: Workspace = read_manifest(self.path).workspace
        self._opened = _Opened()

    def __len__(self) -> int:
        """Number of attempts and scenes that are not deleted."""
        self._refresh()
        deleted, total = json.dumps(sorted(read_deleted(self.path))), 0
        for segment in self._opened.segments:
            with segment_schema.clear_errors(segment.path):
                counts = segment.connection.execute(
                    "SELECT (SELECT count(*) FROM attempt) - "
                    "(SELECT count(*) FROM attempt WHERE id IN (SELECT value FROM json_each(?)))",
                    (deleted,),
                )
                total += counts.fetchone()[0]
        return total

    def ids(
        self,
        source: str | None = None,
        success: bool | None = None,
        labelled: bool | None = None,
        episodes: Collection[int] | None = None,
        outcome: str | None = None,
    ) -> NDArray[np.int64]:
        """Ids of the attempts that meet every condition given, ascending, shape ``(n,)``.

        Raises:
            UserError: an unknown source, or a damaged segment.
        """
        conditions = _conditions(source, success, labelled, episodes, outcome)
        return np.array([row[0] for row in self._select("id", conditions)], dtype=np.int64)

    def attempts(
        self,
        source: str | None = None,
        success: bool | None = None,
        labelled: bool | None = None,
        episodes: Collection[int] | None = None,
        outcome: str | None = None,
    ) -> list[Attempt]:
        """The attempts that meet every condition given, by id. Without pictures: ``heightmap`` reads those.

        Args:
            source: who chose the grasp.
            success: how it ended; a fault of a device is neither.
            labelled: whether it has a grasp with an outcome.
            episodes: numbers of episodes.
            outcome: name of an outcome.

        Raises:
            UserError: an unknown source, or a damaged segment.
        """
        conditions = _conditions(source, success, labelled, episodes, outcome)
        return [self._attempt(row) for row in self._select(segments.COLUMNS, conditions)]

    def attempt(self, attempt_id: int) -> Attempt:
        """One attempt, deleted or not.

        Raises:
            UserError: there is no such attempt, or its segment is damaged.
        """
        return self._attempt(self._fetch(f"SELECT {segments.COLUMNS} FROM attempt WHERE id = ?", attempt_id)[1])

    def _attempt(self, row: tuple) -> Attempt:
        try:
            return segments.attempt_from_row(row)
        except (ValueError, TypeError) as error:
            raise UserError(
                f"dataset {self.path}: attempt {row[0]} holds an impossible value ({error}); "
                f"'grasping-student dataset check {self.path} --repair' saves the rest"
            ) from None

    def heightmap(self, attempt_id: int) -> Heightmap:
        """The scene of one attempt as it was before the grasp; the arrays are the caller's own.

        Raises:
            UserError: there is no such attempt, or its pictures are damaged; the message names the segment.
        """
        path, row = self._fetch("SELECT height, rgb FROM picture WHERE id = ?", attempt_id)
        try:
            return decode_pictures(row[0], row[1], self.workspace)
        except ValueError as error:
            raise UserError(
                f"{path}: picture of attempt {attempt_id} {error}; "
                f"'grasping-student dataset check {self.path} --repair' saves the rest"
            ) from None

    def episodes(self) -> NDArray[np.int64]:
        """Numbers of the episodes that have attempts, ascending, shape ``(n,)``."""
        return np.unique(np.array([row[1] for row in self._select("id, episode")], dtype=np.int64))

    @property
    def version(self) -> str:
        """SHA-256 of workspace and content: the same however segments are packed and whenever it was collected."""
        hasher = hashlib.sha256(json.dumps(workspace_to_json(self.workspace), sort_keys=True).encode())
        for attempt_id, digest in self._select("id, digest"):
            hasher.update(int(attempt_id).to_bytes(8, "little"))
            hasher.update(digest)
        return hasher.hexdigest()

    def require(self, labelled: bool = False, success: bool = False) -> None:
        """Make sure that there is something to work on.

        Args:
            labelled: at least one attempt must have an outcome.
            success: at least one attempt must have succeeded.

        Raises:
            UserError: there is none.
        """
        if not len(self):
            raise UserError(f"dataset {self.path} is empty; collect or import some attempts first")
        if (labelled or success) and not len(self.ids(labelled=True)):
            raise UserError(f"dataset {self.path} has no labelled attempt; 'collect' or 'label' makes some")
        if success and not len(self.ids(success=True)):
            raise UserError(f"dataset {self.path} has no successful grasp to learn from; collect more labels")

    def close(self) -> None:
        """Close what this thread has open; the next read opens it again."""
        for segment in self._opened.segments:
            segment.connection.close()
        self._opened.segments = []

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "workspace": self.workspace}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._opened = _Opened()

    def _select(self, columns: str, conditions: dict[str, list[Any]] | None = None) -> Iterator[tuple]:
        """Rows of the attempts that are not deleted and meet all conditions, by id; the first column must be the id."""
        where = " WHERE " + " AND ".join(conditions) if conditions else ""
        values = [value for each in (conditions or {}).values() for value in each]
        self._refresh()
        deleted = read_deleted(self.path)
        for segment in self._opened.segments:
            with segment_schema.clear_errors(segment.path):
                # all at once: a transaction left open would keep the writer from sealing the segment
                rows = segment.connection.execute(f"SELECT {columns} FROM attempt{where} ORDER BY id", values)
                found = rows.fetchall()
            yield from (row for row in found if row[0] not in deleted)

    def _fetch(self, query: str, attempt_id: int) -> tuple[Path, tuple]:
        """The one row of an attempt, and its segment; looks for new segments before giving up."""
        self._forget_other_process()
        for look_again in (False, True):
            if look_again:
                self._refresh()
            position = bisect_right(self._opened.segments, attempt_id, key=lambda segment: segment.first_id) - 1
            if position >= 0:
                segment = self._opened.segments[position]
                with segment_schema.clear_errors(segment.path):
                    row = segment.connection.execute(query, (int(attempt_id),)).fetchone()
                if row is not None:
                    return segment.path, row
        raise UserError(f"dataset {self.path} has no attempt {attempt_id}")

    def _forget_other_process(self) -> None:
        """After a fork: an SQLite connection must not be used, or even closed, in another process."""
        if self._opened.process != os.getpid():
            _abandoned.extend(segment.connection for segment in self._opened.segments)
            self._opened.segments = []
            self._opened.process = os.getpid()

    def _refresh(self) -> None:
        """Open the segments that have been begun since."""
        self._forget_other_process()
        known = {segment.path for segment in self._opened.segments}
        fresh = [path for path in segment_paths(self.path) if path not in known]
        if not fresh:
            return
        sealed = read_manifest(self.path).sealed
        for path in fresh:
            entry = sealed.get(path.name)
            if entry is not None and path.stat().st_size != entry.bytes:
                raise UserError(
                    f"{path} has {path.stat().st_size} bytes, the manifest says {entry.bytes}: it is damaged or cut "
                    f"off; 'grasping-student dataset check {self.path} --repair' saves the rest"
                )
            connection = segments.open_for_reading(path, entry is not None)
            workspace, first_id = segments.read_meta(connection, path)
            if workspace != self.workspace:
                raise UserError(f"{path} was written for {workspace}; the dataset's is {self.workspace}")
            segment_schema.check_rows(connection, path, workspace)
            self._opened.segments.append(_OpenSegment(path, first_id, connection))


def _conditions(
    source: str | None,
    success: bool | None,
    labelled: bool | None,
    episodes: Collection[int] | None,
    outcome: str | None,
) -> dict[str, list[Any]]:
    """Conditions in SQL with the values of their question marks; None asks nothing.

    Raises:
        UserError: unknown source.
    """
    found: dict[str, list[Any]] = {}
    if source is not None:
        found["source = ?"] = [choice(source, SOURCES, "source")]
    if success is not None:
        found["success = ?"] = [int(success)]
    if labelled is not None:
        found["success IS NOT NULL" if labelled else "success IS NULL"] = []
    if episodes is not None:
        found["episode IN (SELECT value FROM json_each(?))"] = [json.dumps([int(episode) for episode in episodes])]
    if outcome is not None:
        found["outcome = ?"] = [outcome]
    return found


_abandoned: list[sqlite3.Connection] = []
"""Connections inherited through a fork, kept from the garbage collector, which would close them."""
