"""One SQLite file of a dataset: attempts in one table, their pictures in another."""

from __future__ import annotations

import errno
import functools
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
    EXTRA_BYTES,
    LARGEST_NUMBER,
    NAME_BYTES,
    SCHEMA_VERSION,
    SOURCES,
    Attempt,
    decode_extra,
    encode_extra,
    workspace_from_json,
    workspace_to_json,
)
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

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE attempt (
  id INTEGER PRIMARY KEY, episode INTEGER NOT NULL, position INTEGER NOT NULL, created_at TEXT NOT NULL,
  environment TEXT NOT NULL, source TEXT, policy TEXT, policy_version TEXT, grasp_row INTEGER, grasp_col INTEGER,
  angle REAL, z REAL, outcome TEXT, success INTEGER, extra TEXT, digest BLOB NOT NULL
);
CREATE INDEX attempt_episode ON attempt (episode);
CREATE INDEX attempt_source ON attempt (source, success);
CREATE TABLE picture (id INTEGER PRIMARY KEY, height BLOB NOT NULL, rgb BLOB NOT NULL);
"""

COLUMNS = (
    "id, episode, position, created_at, environment, source, policy, policy_version, grasp_row, grasp_col, angle, z, "
    "outcome, extra"
)
"""What ``attempt_from_row`` takes, in order."""


_VALID = {
    "id": "typeof(id) = 'integer' AND id BETWEEN 0 AND {most}",
    "episode": "typeof(episode) = 'integer' AND episode BETWEEN 0 AND {most}",
    "position": "typeof(position) = 'integer' AND position BETWEEN 0 AND {most}",
    "created_at": "typeof(created_at) = 'text' AND length(created_at) <= {name}",
    "environment": "typeof(environment) = 'text' AND length(environment) BETWEEN 1 AND {name}",
    "source": "source IS NULL OR source IN ({sources})",
    "policy": "policy IS NULL OR (typeof(policy) = 'text' AND length(policy) <= {name})",
    "policy_version": "policy_version IS NULL OR (typeof(policy_version) = 'text' "
    "AND length(policy_version) <= {name})",
    "grasp": "(grasp_row IS NULL AND grasp_col IS NULL AND angle IS NULL AND outcome IS NULL) OR (typeof(grasp_row) = "
    "'integer' AND typeof(grasp_col) = 'integer' AND grasp_row BETWEEN 0 AND {last} AND grasp_col BETWEEN 0 AND {last} "
    "AND typeof(angle) = 'real' AND angle BETWEEN 0 AND 3.1416 AND source IS NOT NULL)",
    "z": "z IS NULL OR (typeof(z) = 'real' AND z BETWEEN -1.7e308 AND 1.7e308)",
    "outcome": "outcome IS NULL OR outcome IN ({outcomes})",
    "success": "success IS CASE WHEN outcome IS NULL OR outcome = 'fault' THEN NULL ELSE outcome = 'success' END",
    "extra": "extra IS NULL OR (typeof(extra) = 'text' AND length(extra) <= {extra} AND json_valid(extra))",
    "digest": "typeof(digest) = 'blob' AND length(digest) = 32",
}
"""What every row of ``attempt`` meets, in SQL: types and ranges of ``schema.check_attempt``."""


UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
"""Errors of a statement on a damaged file; the second is what becomes of a message that quotes damaged text."""


class NotReachable(UserError):
    """The disk, the rights or another process stand in the way: this says nothing about the dataset itself."""


_OBSTACLES = {
    "SQLITE_READONLY": "it, its folder or its disk can only be read; make them writable, or copy the dataset to a "
    "folder that you may write in: every attempt acknowledged before is kept",
    "SQLITE_PERM": "you have no right to do that; every attempt acknowledged before is kept",
    "SQLITE_FULL": "the disk is full; free some space and go on: every attempt acknowledged before is kept",
    "SQLITE_IOERR": "the disk is full or failed; free some space and go on: every attempt acknowledged before is kept",
    "SQLITE_CANTOPEN": "is it there, may you write in its folder, and is there space on its disk? SQLite needs a small "
    "file beside a segment that may still grow",
    "SQLITE_BUSY": "another process holds it; try again",
    "SQLITE_LOCKED": "another process holds it; try again",
}
"""What to do about SQLite's result codes that tell of no damage."""

_SYSTEM_ADVICE = dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "free some space and go on: ")
_SYSTEM_ADVICE |= dict.fromkeys(
    (errno.EROFS, errno.EACCES, errno.EPERM),
    "make the dataset writable, or copy it to a folder that you may write in: ",
)
"""The same for errors of the system, by number."""

_CUT_OFF = "SQLITE_IOERR_SHORT_READ"
"""Among the failures of the disk the one of a file that ends too early: that is damage."""


def obstacle(error: Exception) -> str | None:
    """What to do about an error that has a cause outside the file, or None if the file itself is damaged."""
    code = getattr(error, "sqlite_errorname", "") or ""
    if code == _CUT_OFF:
        return None
    return next((advice for name, advice in _OBSTACLES.items() if code.startswith(name)), None)


@contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's complaints about one segment into a UserError that names it.

    Raises:
        NotReachable: the cause lies outside the file, which is as good as before.
        UserError: the file is damaged.
    """
    try:
        yield
    except OSError as error:
        mend = _SYSTEM_ADVICE.get(error.errno or 0, "")
        raise NotReachable(f"{path}: {error.strerror}; {mend}every attempt acknowledged before is kept") from None
    except UNREADABLE as error:
        if (advice := obstacle(error)) is not None:
            raise NotReachable(f"{path}: {error}; {advice}") from None
        advice = f"it is damaged or cut off; 'grasping-student dataset check {path.parent} --repair' saves the rest"
        raise UserError(f"{path}: {error}; {advice}") from None


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
            for statement in filter(str.strip, _TABLES.split(";")):
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


@functools.cache
def _own_schema() -> frozenset[tuple[str, str, str]]:
    """Kind, name and definition of the objects of a segment."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(_TABLES)
        return frozenset(_schema(connection))
    finally:
        connection.close()


def _schema(connection: sqlite3.Connection) -> list[tuple[str, str, str]]:
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master LIMIT 1000")
    return [(str(kind), str(name), " ".join(str(sql).split())) for kind, name, sql in rows]


def has_own_tables(connection: sqlite3.Connection) -> bool:
    """Whether ``attempt``, ``picture`` and ``meta`` are the tables of this program, so that reading them is safe."""
    tables = {each for each in _own_schema() if each[0] == "table"}
    try:
        return tables <= set(_schema(connection))
    except UNREADABLE as error:
        if obstacle(error) is not None:
            raise
        return False


def check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a segment with a table, view, trigger or index that is not exactly one of ours.

    A trigger may delete what is appended, a view may never end: both act when a segment is used.

    Raises:
        UserError: there is one, or one of ours is missing.
    """
    found = set(_schema(connection))
    foreign, lacking = sorted(found - _own_schema()), sorted(_own_schema() - found)
    if foreign or lacking:
        kind, name, _ = (foreign or lacking)[0]
        what = "which this program did not put there" if foreign else "as this program makes it, is missing"
        raise UserError(
            f"{path}: the {kind} '{name:.60}', {what}; its attempts are not read. "
            f"'grasping-student dataset check {path.parent} --repair' takes them into a clean file"
        )


def check_rows(connection: sqlite3.Connection, path: Path, workspace: Workspace) -> None:
    """Refuse a segment in which an attempt holds a value of another type or beyond its range.

    Raises:
        UserError: one does; the message names attempt and column.
    """
    limits = {
        "most": LARGEST_NUMBER - 1,
        "name": NAME_BYTES,
        "last": workspace.pixels - 1,
        "extra": EXTRA_BYTES,
        "sources": ", ".join(f"'{name}'" for name in SOURCES),
        "outcomes": ", ".join(f"'{outcome.value}'" for outcome in Outcome),
    }
    valid = {name: f"({condition.format(**limits)})" for name, condition in _VALID.items()}
    with clear_errors(path):
        wrong = connection.execute(
            f"SELECT id FROM attempt WHERE NOT ({' AND '.join(valid.values())}) LIMIT 1"
        ).fetchone()
        if wrong is None:
            return
        columns = [f"NOT {condition}" for condition in valid.values()]
        flags = connection.execute(f"SELECT {', '.join(columns)} FROM attempt WHERE id = ?", wrong).fetchone()
    names = [name for name, flag in zip(valid, flags or (), strict=False) if flag]
    raise UserError(
        f"{path}: attempt {wrong[0]!s:.40} holds an impossible {' and '.join(names) or 'value'}; "
        f"'grasping-student dataset check {path.parent} --repair' saves the rest"
    )


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
