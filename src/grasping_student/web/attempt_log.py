"""The dataset as a labelling session uses it: human labels in, counts and the last few out, deletes and restores."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import grasping_student
from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.environments.base import Environment
from grasping_student.environments.recorded import RecordedEnvironment
from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace

POLICY = "person"
"""Name of the policy of every label given at the page."""

RECENT = 20
"""Attempts that the session panel shows."""

Verdict = Literal["good", "bad", "nothing"]
"""What a person said of a recorded scene: a good or a bad grasp, or that nothing can be grasped."""

LONGEST_PAUSE = 60.0
"""A longer gap between two labels is a pause and counts as this many seconds."""


class Judgement(NamedTuple):
    """What a person last said of a recorded scene."""

    origin: str
    position: int
    verdict: Verdict
    grasp: PlanarGrasp | None


@dataclass(frozen=True)
class Progress:
    """Counts for the session panel; faults and deleted attempts count nowhere."""

    session_labels: int
    session_successes: int
    total_labels: int
    total_successes: int
    labels_per_minute: float | None
    """Over this session, pauses cut short; None before the second label."""


class AttemptLog:
    """Appends human attempts to a dataset; an append that returned is durable. Belongs to one thread."""

    def __init__(self, path: Path, workspace: Workspace, clock: Callable[[], float] = time.monotonic) -> None:
        """Open or make the dataset and take its lock.

        Raises:
            UserError: another process writes it, or it keeps another workspace.
        """
        self.path = path
        self._clock = clock
        self._writer = DatasetWriter(path, workspace)
        self._session: dict[int, Attempt] = {}
        self._times: list[float] = []
        dataset = Dataset(path)
        before = dataset.attempts(source="human", labelled=True)
        self._before = {attempt.id: bool(attempt.success) for attempt in before}
        self._recent = deque(before[-RECENT:], maxlen=RECENT)
        everything = dataset.attempts(source="human")
        self._recorded = _recorded_places(everything)
        self._judgements = {attempt.id: said for attempt in everything if (said := _judgement(attempt))}

    @property
    def next_episode(self) -> int:
        """A number that no episode has yet."""
        return self._writer.next_episode

    @property
    def recent(self) -> list[Attempt]:
        """The last labels, newest first, deleted ones among them."""
        return list(reversed(self._recent))

    def is_deleted(self, attempt_id: int) -> bool:
        return attempt_id in self._writer.deleted

    def append(self, heightmap: Heightmap, attempt: Attempt) -> Attempt:
        """Keep an attempt as a person's, or without a grasp a scene that a person judged; returns what is kept.

        Raises:
            UserError: the dataset cannot take it (a full disk, say); what was there stays.
        """
        version = grasping_student.__version__
        person = replace(attempt, source="human", policy=POLICY, policy_version=version)
        attempt = self._writer.append(heightmap, person)
        place = _recorded_place(attempt)
        if place is not None:
            self._recorded[place] = (attempt.episode, attempt.index + 1)
        said = _judgement(attempt)
        if said is not None:
            self._judgements[attempt.id] = said
        if attempt.grasp is not None:
            self._recent.append(attempt)
            self._session[attempt.id] = attempt
            self._times.append(self._clock())
        return attempt

    def delete(self, attempt_id: int) -> None:
        """Hide an attempt; ``restore`` brings it back."""
        self._writer.delete(attempt_id)

    def restore(self, attempt_id: int) -> None:
        """Bring a deleted attempt back."""
        self._writer.undelete(attempt_id)

    def place_of_recorded(self, group: int, origin: str) -> tuple[int, int]:
        """Episode and next index for a recorded scene: one group of one source stays one episode over all sessions."""
        return self._recorded.get((origin, group), (self.next_episode, 0))

    def judgements(self, origin: str) -> dict[int, Judgement]:
        """Position of a recorded scene -> what a person last said of it; deleted judgements do not count."""
        return {
            said.position: said
            for number, said in sorted(self._judgements.items())
            if said.origin == origin and not self.is_deleted(number)
        }

    def judged(self, origin: str) -> set[int]:
        """Positions of the recorded scenes from a source that a person has judged."""
        return set(self.judgements(origin))

    def scenes_left(self, environment: Environment) -> int | None:
        """How many recorded scenes nobody has judged yet; None where scenes never end."""
        if not isinstance(environment, RecordedEnvironment):
            return None
        return environment.scene_count - len(self.judged(environment.origin))

    def progress(self) -> Progress:
        """Counts as they are now."""
        session = [a for a in self._session.values() if a.success is not None and not self.is_deleted(a.id)]
        earlier = [success for number, success in self._before.items() if not self.is_deleted(number)]
        successes = sum(bool(attempt.success) for attempt in session)
        gaps = [min(b - a, LONGEST_PAUSE) for a, b in zip(self._times, self._times[1:], strict=False)]
        rate = 60.0 * len(gaps) / sum(gaps) if gaps and sum(gaps) > 0 else None
        return Progress(len(session), successes, len(session) + len(earlier), successes + sum(earlier), rate)

    def close(self) -> None:
        """Give the dataset's lock back."""
        self._writer.close()


def scene_facts(environment: Environment, seed: int) -> dict[str, Any]:
    """What ``extra`` keeps of where the scene came from: enough to find it again."""
    if isinstance(environment, RecordedEnvironment):
        return {
            "recorded_from": environment.origin,
            "recorded_scene": environment.position,
            "recorded_group": environment.group,
        }
    return {"scene_seed": seed}


def _recorded_place(attempt: Attempt) -> tuple[str, int] | None:
    extra = attempt.extra or {}
    origin, group = extra.get("recorded_from"), extra.get("recorded_group")
    return (origin, group) if isinstance(origin, str) and isinstance(group, int) else None


def _recorded_places(attempts: list[Attempt]) -> dict[tuple[str, int], tuple[int, int]]:
    """Source and group of recorded scenes -> their episode and its next index."""
    places: dict[tuple[str, int], tuple[int, int]] = {}
    for attempt in attempts:
        place = _recorded_place(attempt)
        if place is not None:
            index = max(attempt.index + 1, places.get(place, (0, 0))[1])
            places[place] = (attempt.episode, index)
    return places


def _judgement(attempt: Attempt) -> Judgement | None:
    extra = attempt.extra or {}
    origin, position = extra.get("recorded_from"), extra.get("recorded_scene")
    if not isinstance(origin, str) or not isinstance(position, int):
        return None
    verdict: Verdict = "nothing" if attempt.grasp is None else "good" if attempt.success else "bad"
    return Judgement(origin, position, verdict, attempt.grasp)
