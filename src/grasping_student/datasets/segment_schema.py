"""Tables of a segment, what each of their values may be, and what an error of SQLite says about the file."""

from __future__ import annotations

import errno
import functools
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grasping_student.datasets.schema import EXTRA_BYTES, LARGEST_NUMBER, NAME_BYTES, SOURCES
from grasping_student.geometry.grasp import Outcome
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError

TABLES = """
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


@functools.cache
def _own_schema() -> frozenset[tuple[str, str, str]]:
    """Kind, name and definition of the objects of a segment."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(TABLES)
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
