"""Appending to a dataset: an append that returned has survived a killed process and a power cut."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from grasping_student.datasets import segment_schema, segments
from grasping_student.datasets.folder import (
    DELETED,
    MANIFEST,
    DatasetManifest,
    is_dataset,
    read_deleted,
    read_manifest,
    segment_name,
    segment_paths,
    write_deleted,
    write_manifest,
    writer_lock,
)
from grasping_student.datasets.pictures import encode_pictures
from grasping_student.datasets.schema import UNSTORED, Attempt, NotStorable, check_attempt, content_digest
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError

SEGMENT_BYTES = 256 * 1024 * 1024
"""Size at which a segment is sealed and the next begun."""


class DatasetWriter:
    """Makes a dataset or goes on with one. Use as a context manager; at most one writer at a time."""

    def __init__(
        self, path: Path, workspace: Workspace | None = None, *, segment_bytes: int = SEGMENT_BYTES, batch: int = 1
    ) -> None:
        """Take the dataset's lock and open its last segment; an append cut off by a crash is rolled back.

        Args:
            path: the dataset's folder, made if it is missing.
            workspace: of every heightmap to come; None takes the dataset's own.
            segment_bytes: size at which a segment is sealed.
            batch: appends per flush to the disk. Above 1 an append may be lost with its batch in a crash (still never
                in part): for imports, which begin again anyway.

        Raises:
            UserError: another writer holds it, the workspace differs, it is damaged, or nothing can be written there.
        """
        if segment_bytes < 1 or batch < 1:
            raise ValueError(f"segment_bytes is {segment_bytes}, batch {batch}; both must be at least 1")
        self.path = Path(path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = writer_lock(self.path)
        except OSError as error:
            raise UserError(f"dataset {path} cannot be written: {error.strerror}") from None
        self._segment_bytes, self._batch, self._pending = segment_bytes, batch, 0
        self._next_id = self._committed_id = self._filled = 0
        self._highest_episode = self._number = -1
        self._segment = self.path / segment_name(0)
        self._connection: sqlite3.Connection | None = None
        try:
            self._manifest = self._begin(workspace)
            self.deleted = read_deleted(self.path)
            self._open_last()
        except BaseException:
            self.close()
            raise

    @property
    def workspace(self) -> Workspace:
        """Of every heightmap in the dataset."""
        return self._manifest.workspace

    @property
    def next_id(self) -> int:
        """The id that the next attempt gets."""
        return self._next_id

    @property
    def next_episode(self) -> int:
        """A number that no episode has yet."""
        return self._highest_episode + 1

    def append(self, heightmap: Heightmap, attempt: Attempt) -> Attempt:
        """Keep one attempt or, without a grasp, one scene.

        Args:
            heightmap: the scene before the attempt.
            attempt: an ``id`` that it has is kept and must be at least the next free one; ``UNSTORED`` takes that.

        Returns:
            the attempt with its id and the time of the append.

        Raises:
            UserError: another workspace, values that ``check_attempt`` or ``encode_pictures`` refuses, or a full disk.
                Nothing of the attempt is stored then, and all attempts before it are.
        """
        if heightmap.workspace != self.workspace:
            raise UserError(f"heightmap of {heightmap.workspace}; dataset {self.path} keeps {self.workspace}")
        if attempt.id == UNSTORED:
            attempt = replace(attempt, id=self._next_id)
        attempt = replace(attempt, created_at=attempt.created_at or _now())
        check_attempt(attempt, self.workspace)
        if attempt.id < self._next_id:
            raise NotStorable(f"id {attempt.id} is taken or out of order; the next free one is {self._next_id}")
        pictures = encode_pictures(heightmap)
        digest = content_digest(attempt, pictures.raw_height, pictures.raw_rgb)
        if self._filled >= self._segment_bytes and not self._pending:
            self._begin_next_segment()
        connection = self._open_connection()
        try:
            with segment_schema.clear_errors(self._segment):
                if not connection.in_transaction:
                    connection.execute("BEGIN IMMEDIATE")
                segments.insert(connection, attempt, pictures, digest)
                if self._pending + 1 >= self._batch:
                    connection.execute("COMMIT")
        except BaseException:
            self._roll_back(connection)
            raise
        self._pending = (self._pending + 1) % self._batch
        self._next_id = attempt.id + 1
        if not self._pending:
            self._committed_id = self._next_id
        self._highest_episode = max(self._highest_episode, attempt.episode)
        self._filled += len(pictures.height) + len(pictures.rgb) + 512
        return attempt

    def delete(self, attempt_id: int) -> None:
        """Hide an attempt from readers; ``undelete`` brings it back.

        Raises:
            UserError: there is no such attempt.
        """
        if not 0 <= attempt_id < self._next_id:
            raise UserError(f"dataset {self.path} has no attempt {attempt_id}; ids go from 0 to {self._next_id - 1}")
        self._set_deleted(self.deleted | {attempt_id})

    def undelete(self, attempt_id: int) -> None:
        """Bring a deleted attempt back.

        Raises:
            UserError: it is not deleted.
        """
        if attempt_id not in self.deleted:
            raise UserError(f"attempt {attempt_id} of dataset {self.path} is not deleted")
        self._set_deleted(self.deleted - {attempt_id})

    def flush(self) -> None:
        """End the running batch; what was appended is on the disk then."""
        connection = self._open_connection()
        if connection.in_transaction:
            with segment_schema.clear_errors(self._segment):
                connection.execute("COMMIT")
        self._pending, self._committed_id = 0, self._next_id

    def close(self) -> None:
        """Flush and give the lock back; calling it twice does no harm."""
        try:
            if self._connection is not None:
                self.flush()
        finally:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self, workspace: Workspace | None) -> DatasetManifest:
        if is_dataset(self.path) or segment_paths(self.path):
            manifest = read_manifest(self.path)
            if workspace is not None and workspace != manifest.workspace:
                raise UserError(
                    f"dataset {self.path} keeps {manifest.workspace}, given was {workspace}; use the same workspace or "
                    "another dataset"
                )
            return manifest
        if workspace is None:
            raise UserError(f"{self.path} holds no dataset yet: a new one needs a workspace")
        manifest = DatasetManifest(workspace)
        with segment_schema.clear_errors(self.path / MANIFEST):
            write_manifest(self.path, manifest)
        return manifest

    def _open_last(self) -> None:
        """Open the last segment, or the first of a new dataset, and find the next free id.

        An id on the list of deletions is not free, even where damage took its attempt: readers would skip the new one.
        """
        self._next_id = max({-1, *self.deleted}) + 1
        paths = segment_paths(self.path)
        for path in paths:
            connection = segments.open_for_reading(path, path.name in self._manifest.sealed)
            with segment_schema.clear_errors(path):
                self._number = int(path.stem.removeprefix("segment-"))
                workspace, first_id = segments.read_meta(connection, path)
                segment_schema.check_rows(connection, path, workspace)
                row = connection.execute("SELECT max(id), max(episode) FROM attempt").fetchone()
                connection.close()
            self._next_id = max(self._next_id, first_id, -1 if row[0] is None else row[0] + 1)
            self._highest_episode = max(self._highest_episode, -1 if row[1] is None else row[1])
        self._committed_id = self._next_id
        self._seal_finished()
        if not paths or paths[-1].name in self._manifest.sealed:
            self._create_segment()
            return
        self._segment = paths[-1]
        self._connection = segments.open_for_writing(self._segment)
        self._filled = self._segment.stat().st_size

    def _create_segment(self) -> None:
        path = self.path / segment_name(self._number + 1)
        self._connection = segments.create_segment(path, self.workspace, self._next_id)
        self._segment, self._filled, self._number = path, 0, self._number + 1

    def _begin_next_segment(self) -> None:
        full = self._open_connection()
        self._create_segment()
        full.close()
        self._seal_finished()

    def _seal_finished(self) -> None:
        """Seal every segment but the last; one that a reader holds just now waits for the next time."""
        for path in segment_paths(self.path)[:-1]:
            if path.name not in self._manifest.sealed and (entry := segments.seal(path)) is not None:
                manifest = replace(self._manifest, sealed={**self._manifest.sealed, path.name: entry})
                with segment_schema.clear_errors(self.path / MANIFEST):
                    write_manifest(self.path, manifest)
                self._manifest = manifest

    def _set_deleted(self, deleted: frozenset[int]) -> None:
        with segment_schema.clear_errors(self.path / DELETED):
            write_deleted(self.path, deleted)
        self.deleted = deleted

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise UserError(f"dataset {self.path} is closed; open it again to append")
        return self._connection

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        """Undo the running batch: ids given out in it are free again."""
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        self._next_id, self._pending = self._committed_id, 0


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
