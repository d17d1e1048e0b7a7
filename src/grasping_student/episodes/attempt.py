"""What the picking loop writes down: a line of JSON a try and one an episode; a line is whole or dropped."""

from __future__ import annotations

import enum
import json
import math
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import atomic_path

NO_GRASP = "no_grasp"
"""One-shot only: the policy found nothing in a scene that holds something; it counts as a failure."""


class EpisodeEnd(enum.StrEnum):
    """Why an episode ended."""

    EMPTY = "empty"
    FAILURES = "failures_in_a_row"
    NOTHING_TO_GRASP = "nothing_to_grasp"
    ATTEMPT_LIMIT = "attempt_limit"
    FAULT = "fault"


@dataclass(frozen=True)
class Try:
    """One execution of a grasp; a ``fault`` is kept but is no attempt."""

    model: str
    """Name of the arm in the tables."""

    version: str
    """Content hash of what decided."""

    episode: int
    """Number of the scene that all models share: episode of picking or scene of the one-shot test."""

    index: int
    """Position among the tries of this model in this episode."""

    row: int
    col: int
    angle: float
    score: float | None
    outcome: str

    @property
    def is_attempt(self) -> bool:
        return self.outcome != Outcome.FAULT

    @property
    def success(self) -> bool:
        return self.outcome == Outcome.SUCCESS

    @property
    def grasp(self) -> PlanarGrasp:
        return PlanarGrasp(self.row, self.col, self.angle)


@dataclass(frozen=True)
class Intent:
    """Written before a grasp is executed where the world outlives the program: a robot may have moved."""

    model: str
    version: str
    episode: int
    index: int
    row: int
    col: int
    angle: float
    score: float | None


@dataclass(frozen=True)
class End:
    """Written when an episode is over."""

    model: str
    episode: int
    reason: str


Event = Try | Intent | End
_KINDS: dict[str, type[Event]] = {"try": Try, "intent": Intent, "end": End}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def finite_or_none(score: float) -> float | None:
    """A score as JSON can hold it."""
    return float(score) if math.isfinite(score) else None


class EventLog:
    """Appends events to a file; an append that returned is on the disk. Use as a context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab")

    def append(self, *events: Event) -> None:
        """Write the events as one piece and flush it to the disk."""
        lines = [json.dumps({"event": _NAMES[type(event)], **asdict(event)}, allow_nan=False) for event in events]
        self._file.write("".join(line + "\n" for line in lines).encode())
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def read_events(path: Path) -> list[Event]:
    """All events of a log; a last line that a kill cut short is left out.

    Raises:
        UserError: a line that is no event, other than the last.
    """
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    complete = lines[:-1]  # what follows the last newline was never acknowledged
    return [_event(line, f"{path}, line {number}") for number, line in enumerate(complete, start=1)]


def _event(line: bytes, where: str) -> Event:
    try:
        values: dict[str, Any] = json.loads(line)
        return _KINDS[values.pop("event")](**values)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError(
            f"{where} is no event of a picking run ({error!r}); the file was changed or is another"
        ) from None


def rewrite_events(path: Path, events: Iterable[Event]) -> None:
    """Replace a log, whole or not at all."""
    with atomic_path(path) as temporary, EventLog(temporary) as log:
        log.append(*events)
