"""Whether one stored attempt is whole: its row, its pictures and the digest over both."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass

from grasping_student.datasets.pictures import StoredPictures, decompress, metres_from_steps, steps_from_planes
from grasping_student.datasets.schema import Attempt, check_attempt, content_digest
from grasping_student.datasets.segment_schema import UNREADABLE, obstacle
from grasping_student.datasets.segments import COLUMNS, attempt_from_row
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError

TALLEST_SCENE = 1.0
"""Heights above this are no table-top scene in metres."""


@dataclass(frozen=True)
class WholeAttempt:
    """An attempt with its pictures, just as a segment keeps them."""

    attempt: Attempt
    pictures: StoredPictures
    digest: bytes

    @property
    def scene_digest(self) -> bytes:
        """Hash of the pictures alone: equal for scenes that are equal in every pixel."""
        return hashlib.sha256(self.pictures.raw_height + self.pictures.raw_rgb).digest()

    @property
    def complaint(self) -> str | None:
        """What makes the scene useless although it is whole, or None."""
        height = metres_from_steps(steps_from_planes(self.pictures.raw_height))
        measured = height[height == height]
        if not measured.size:
            return "no pixel of its heightmap is measured"
        if measured.max() > TALLEST_SCENE:
            return f"its heightmap reaches {measured.max():.2f} m above the table: were the heights in metres?"
        if self.attempt.z is not None and abs(self.attempt.z) > TALLEST_SCENE:
            return f"its grasp is {self.attempt.z:g} m above the table: was z in metres?"
        return None


def read_whole(connection: sqlite3.Connection, attempt_id: int, workspace: Workspace) -> WholeAttempt:
    """One attempt of a segment, every byte of it verified.

    Raises:
        ValueError: it is not whole; the message says why.
        sqlite3.DatabaseError: the disk or the rights stand in the way.
    """
    try:
        row = connection.execute(
            f"SELECT {COLUMNS}, success, digest FROM attempt WHERE id = ?", (attempt_id,)
        ).fetchone()
        stored = connection.execute("SELECT height, rgb FROM picture WHERE id = ?", (attempt_id,)).fetchone()
    except UNREADABLE as error:
        if obstacle(error) is not None:
            raise
        raise ValueError(f"cannot be read: {error}") from None
    if row is None or stored is None:
        raise ValueError("has no pictures" if stored is None else "has pictures but no values")
    *values, success, digest = row
    try:
        attempt = attempt_from_row(tuple(values))
        check_attempt(attempt, workspace)
    except (ValueError, TypeError, UserError) as error:
        raise ValueError(f"holds an impossible value: {error}") from None
    if not all(isinstance(each, bytes) for each in (*stored, digest)):
        raise ValueError("has pictures or a digest that are no bytes")
    if success != (None if attempt.success is None else int(attempt.success)):
        raise ValueError(f"says success {success} beside outcome {attempt.outcome}")
    pixels = workspace.pixels**2
    raw_height, raw_rgb = decompress(stored[0], 2 * pixels), decompress(stored[1], 3 * pixels)
    if content_digest(attempt, raw_height, raw_rgb) != digest:
        raise ValueError("differs from its digest: a value or a picture was changed")
    return WholeAttempt(attempt, StoredPictures(stored[0], stored[1], raw_height, raw_rgb), digest)


def ids_found(connection: sqlite3.Connection) -> set[int]:
    """Every id that a segment still shows anywhere, however damaged it is.

    Raises:
        sqlite3.DatabaseError: the disk or the rights stand in the way.
    """
    queries = [
        f"SELECT id FROM {table} ORDER BY id {order}" for table in ("attempt", "picture") for order in ("ASC", "DESC")
    ]
    queries += [f"SELECT id FROM attempt INDEXED BY {index}" for index in ("attempt_episode", "attempt_source")]
    found: set[int] = set()
    for query in queries:
        # a damaged page ends one scan; another scan, or the same from the other end, still gets behind it
        try:
            for (attempt_id,) in connection.execute(query):
                if isinstance(attempt_id, int):
                    found.add(attempt_id)
        except UNREADABLE as error:
            if obstacle(error) is not None:
                raise
            continue
    return found
