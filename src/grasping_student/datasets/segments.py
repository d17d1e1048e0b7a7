"""One SQLite file of a dataset: attempts in one table, their pictures in another."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from grasping_student.datasets.folder import SealedSegment, flush_folder
from grasping_student.datasets.pictures import StoredPictures
from grasping_student.datasets.schema import (
    LARGEST_NUMBER,
    SCHEMA_VERSION,
    Attempt,
    decode_extra,
    encode_extra,
    workspace_from_json,
    workspace_to_json,
)
from grasping_student.datasets.segment_schema import TABLES, check_schema, clear_errors
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import parse_json, sha256_of_file

BUSY_SECONDS = 20.0
"""How long a reader waits for the writer's checkpoint and the writer for readers."""

MAPPED_BYTES = 1 << 30
"""Of a segment, at most, that a reader maps into memory: all of it."""

LARGEST_VALUE = 1 << 27
"""Bytes of one value or row that SQLite reads: more than a picture of the largest workspace has."""

COLUMNS = (
    "id, episode, position, created_at, environment, source, policy, policy_version, grasp_row, grasp_col, angle, z, "
    "outcome, extra"
)
"""What ``attempt_from_row`` takes, in order."""


def create_segment(path: Path, workspace: Workspace, first_id: int) -> sqlite3.Connection:
    """Begin an empty segment and open it for writing; it appears under its name once it is whole."""
    fresh = path.with_name(f".{path.name}.new")
    for suffix in ("", "-wal", "-shm"):
        fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)
    with clear_errors(path):
        connection = _connect(fresh, "rwc")
        try:
            # large pages: a picture is one blob of some 100 KB, read as a chain of pages
            connection.execute("PRAGMA page_size = 16384")
            _make_durable(connection)
            connection.execute("BEGIN IMMEDIATE")
            for statement in filter(str.strip, TABLES.split(";")):
                connection.execute(statement)
            values = {
                "schema_version": str(SCHEMA_VERSION),
                "workspace": json.dumps(workspace_to_json(workspace)),
                "first_id": str(first_id),
            }
            connection.executemany("INSERT INTO meta VALUES (?, ?)", values.items())
            connection.execute("COMMIT")
        finally:
            # the last connection to close writes everything into the one file
            connection.close()
        fresh.rename(path)
        flush_folder(path.parent)
    return open_for_writing(path)


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open the last segment to append to it; SQLite rolls an unfinished append back."""
    with clear_errors(path), _closed_on_error(_connect(path, "rw")) as connection:
        check_schema(connection, path)
        _make_durable(connection)
        return connection


def open_for_reading(path: Path, sealed: bool) -> sqlite3.Connection:
    """Open a segment that another process may be writing; a sealed one is read without locks."""
    wal = path.with_name(path.name + "-wal")
    # a write-ahead log needs files beside the segment; where none can be made, none is needed if all is written back
    frozen = sealed or (not os.access(path.parent, os.W_OK) and not (wal.exists() and wal.stat().st_size))
    with clear_errors(path), _closed_on_error(_connect(path, "ro&immutable=1" if frozen else "ro")) as connection:
        check_schema(connection, path)
        # pictures are copied once, out of the page cache of the system
        connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
        return connection


@contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    try:
        yield connection
    except BaseException:
        connection.close()
        raise


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection to a file that may come from strangers: its schema is not trusted, and no statement is endless."""
    location = f"file:{quote(str(path.absolute()))}?mode={mode}"
    # isolation_level None: transactions begin where we say so. One connection belongs to one thread at a time,
    # which the store sees to; closing from the garbage collector's thread must not raise.
    connection = sqlite3.connect(
        location, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_VALUE)
    # damaged pages may lead in circles; a whole scan takes a step or two for each byte, and a segment is below 1 GB
    steps = 50_000_000 + 4 * (path.stat().st_size if path.exists() else 0)
    connection.set_progress_handler(lambda: 1, min(steps, 2**31 - 1))
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    return connection


def open_copy(path: Path) -> sqlite3.Connection:
    """Open a copy of a damaged segment that is used by nobody else, with whatever schema it has."""
    return _connect(path, "rw")


def _make_durable(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def read_meta(connection: sqlite3.Connection, path: Path) -> tuple[Workspace, int]:
    """Workspace and first id that a segment was begun with.

    Raises:
        UserError: the segment is damaged or of another version.
    """
    with clear_errors(path):
        meta = {str(key): str(value) for key, value in connection.execute("SELECT key, value FROM meta LIMIT 100")}
    version = meta.get("schema_version")
    if version != str(SCHEMA_VERSION):
        raise UserError(f"{path} has schema version {version!s:.40}; this program reads {SCHEMA_VERSION}")
    try:
        first_id = parse_json(meta["first_id"])
        if type(first_id) is not int or not 0 <= first_id < LARGEST_NUMBER:
            raise ValueError(f"first_id is {first_id!r}")
        return workspace_from_json(parse_json(meta["workspace"]), str(path)), first_id
    except (KeyError, ValueError) as error:
        raise UserError(f"{path} is damaged: its description cannot be read ({error})") from None


def insert(connection: sqlite3.Connection, attempt: Attempt, pictures: StoredPictures, digest: bytes) -> None:
    """Put one attempt and its pictures into the running transaction."""
    grasp, success = attempt.grasp, attempt.success
    where = (None, None, None) if grasp is None else (grasp.row, grasp.col, grasp.angle)
    connection.execute("INSERT INTO picture VALUES (?, ?, ?)", (attempt.id, pictures.height, pictures.rgb))
    connection.execute(
        f"INSERT INTO attempt ({COLUMNS}, success, digest) VALUES ({', '.join('?' * 16)})",
        (
            attempt.id,
            attempt.episode,
            attempt.index,
            attempt.created_at,
            attempt.environment,
            attempt.source,
            attempt.policy,
            attempt.policy_version,
            *where,
            attempt.z,
            None if attempt.outcome is None else attempt.outcome.value,
            encode_extra(attempt.extra),
            None if success is None else int(success),
            digest,
        ),
    )


def attempt_from_row(row: tuple) -> Attempt:
    """The attempt in one row of ``COLUMNS``.

    Raises:
        ValueError: a value is of another kind than ``insert`` writes.
    """
    (attempt_id, episode, index, created_at, environment, source, policy, policy_version, *where) = row[:11]
    z, outcome, extra = row[11:]
    return Attempt(
        id=attempt_id,
        episode=episode,
        index=index,
        created_at=created_at,
        environment=environment,
        source=source,
        policy=policy,
        policy_version=policy_version,
        grasp=None if where[0] is None else PlanarGrasp(*where),
        z=z,
        outcome=None if outcome is None else Outcome(outcome),
        extra=decode_extra(extra),
    )


def seal(path: Path) -> SealedSegment | None:
    """Close a full segment for ever: everything into the one file, flushed and hashed.

    Returns:
        what the manifest keeps of it, or None while a reader is in the middle of it.
    """
    with clear_errors(path):
        connection = open_for_writing(path)
        connection.execute("PRAGMA busy_timeout = 1000")
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        attempts = connection.execute("SELECT count(*) FROM attempt").fetchone()[0]
        _, first_id = read_meta(connection, path)
        connection.close()
    if busy:
        return None
    return SealedSegment(path.name, sha256_of_file(path), path.stat().st_size, attempts, first_id)
