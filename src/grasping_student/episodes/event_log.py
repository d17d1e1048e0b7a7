"""The event log of an evaluation: a line of JSON an attempt and one an episode's end; a line is whole or dropped."""

from __future__ import annotations

import enum
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from grasping_student.datasets.schema import Attempt
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import atomic_path

NO_GRASP = "no_grasp"
"""Outcome on file of an attempt without a grasp, in the one-shot test: the policy found nothing in a scene that holds
something, which counts as a failure."""

_ATTEMPT, _INTENT, _END = "attempt", "intent", "end"
_OLD_ATTEMPT = "try"  # the word in logs of earlier releases


class EndReason(enum.StrEnum):
    """Why an episode ended."""

    EMPTY = "empty"
    FAILURES = "failures_in_a_row"
    NOTHING_TO_GRASP = "nothing_to_grasp"
    ASK_A_PERSON = "ask_a_person"
    ATTEMPT_LIMIT = "attempt_limit"
    FAULT = "fault"


@dataclass(frozen=True)
class EpisodeEnd:
    """Written when an episode is over."""

    policy: str
    """Name of the model in the tables."""

    episode: int
    reason: str


Event = Attempt | EpisodeEnd
"""An attempt with a grasp and without an outcome is an intent: written before the grasp is executed where the
environment outlives the program, because a robot may have moved when the program was killed."""


def is_intent(event: Event) -> bool:
    """Whether an event is a grasp that was about to be executed."""
    return isinstance(event, Attempt) and event.grasp is not None and event.outcome is None


def outcome_name(attempt: Attempt) -> str:
    """How an attempt ended, in a word of ``Outcome`` or ``NO_GRASP``."""
    return NO_GRASP if attempt.outcome is None else attempt.outcome.value


class EventLog:
    """Appends events to a file; an append that returned is on the disk. Use as a context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab")

    def append(self, *events: Event) -> None:
        """Write the events as one piece and flush it to the disk."""
        self._file.write("".join(json.dumps(_to_json(event), allow_nan=False) + "\n" for event in events).encode())
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
    return [_from_json(line, f"{path}, line {number}") for number, line in enumerate(complete, start=1)]


def read_attempts(path: Path) -> list[Attempt]:
    """The attempts of a log, in order, without intents.

    Raises:
        UserError: as ``read_events``.
    """
    return attempts_in(read_events(path))


def attempts_in(events: Iterable[Event]) -> list[Attempt]:
    """The attempts among events, in order, without intents."""
    return [event for event in events if isinstance(event, Attempt) and not is_intent(event)]


def rewrite_events(path: Path, events: Iterable[Event]) -> None:
    """Replace a log, whole or not at all."""
    with atomic_path(path) as temporary, EventLog(temporary) as log:
        log.append(*events)


def settle_intents(events: Sequence[Event]) -> list[Event]:
    """The log without intents; a grasp that was begun and whose end nobody saw becomes a ``fault``, no success."""
    made = {(each.policy, each.episode, each.index) for each in attempts_in(events)}
    settled: list[Event] = []
    for event in events:
        if not isinstance(event, Attempt) or not is_intent(event):
            settled.append(event)
        elif (event.policy, event.episode, event.index) not in made:
            settled.append(replace(event, outcome=Outcome.FAULT))
    return settled


def _to_json(event: Event) -> dict[str, Any]:
    if isinstance(event, EpisodeEnd):
        return {"event": _END, "model": event.policy, "episode": event.episode, "reason": event.reason}
    intent, grasp = is_intent(event), event.grasp
    return {
        "event": _INTENT if intent else _ATTEMPT,
        "model": event.policy,
        "version": event.policy_version,
        "source": event.source,
        "environment": event.environment,
        "episode": event.episode,
        "index": event.index,
        "row": None if grasp is None else grasp.row,
        "col": None if grasp is None else grasp.col,
        "angle": None if grasp is None else grasp.angle,
        "score": event.score,
        **({} if intent else {"outcome": outcome_name(event)}),
    }


def _from_json(line: bytes, where: str) -> Event:
    try:
        values: dict[str, Any] = json.loads(line)
        kind = values["event"]
        if kind == _END:
            return EpisodeEnd(values["model"], int(values["episode"]), str(values["reason"]))
        if kind not in (_ATTEMPT, _OLD_ATTEMPT, _INTENT):
            raise ValueError(f"an event of kind {kind!r}")
        word = None if kind == _INTENT else values["outcome"]
        return Attempt(
            episode=int(values["episode"]),
            index=int(values["index"]),
            environment=values.get("environment", ""),
            source=values.get("source"),
            policy=values["model"],
            policy_version=values["version"],
            grasp=None if word == NO_GRASP else PlanarGrasp(values["row"], values["col"], values["angle"]),
            score=values["score"],
            outcome=None if word in (None, NO_GRASP) else Outcome(word),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError(
            f"{where} is no event of a picking run ({error!r}); the file was changed or is another"
        ) from None
