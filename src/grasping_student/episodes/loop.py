"""The episode loop, once for every environment: reset, observe, choose, execute, until an end; observers look on."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from grasping_student.datasets.schema import Attempt
from grasping_student.environments.base import Environment
from grasping_student.episodes.configuration import StopRule
from grasping_student.episodes.event_log import EndReason, EpisodeEnd, Event
from grasping_student.perception.observation import Observation
from grasping_student.policies.base import NothingPromising, NothingToGrasp, OutcomeObserver, Policy

_EVALUATION_SCENES = 0x5CE4E  # keeps the scenes of an evaluation apart from any training data of the same seed
_POLICY_DRAWS = 0xD4A35


def scene_seed(seed: int, episode: int) -> int:
    """Seed of the scene that every model meets in this episode, from the run's seed."""
    return int(np.random.SeedSequence([_EVALUATION_SCENES, seed, episode]).generate_state(1)[0])


def policy_seed(seed: int, episode: int, attempts: int) -> int:
    """Seed of a policy's own draws from a point in an episode on; the same for every model."""
    return int(np.random.SeedSequence([_POLICY_DRAWS, seed, episode, attempts]).generate_state(1)[0])


class EpisodeObserver(ABC):
    """Looks on as episodes are run: records, shows, collects. Observers are told in the order in which they are given;
    where a method returns, its observer has done all that it has to do before anything else happens."""

    @abstractmethod
    def on_choice(self, observation: Observation, attempt: Attempt) -> None:
        """A grasp was chosen in this observation; it is executed next, so it has no outcome yet."""

    @abstractmethod
    def on_attempt(self, observation: Observation, attempt: Attempt) -> None:
        """The grasp that was chosen in this observation was executed."""

    @abstractmethod
    def on_end(self, end: EpisodeEnd) -> None:
        """The episode is over."""


class EventRecorder(EpisodeObserver):
    """Hands every attempt and end to a writer, such as ``EventLog.append`` or ``list.append``.

    Args:
        write: where it returns, the event is safe.
        intents: write each grasp before it is executed too, where a killed program cannot be replayed.
    """

    def __init__(self, write: Callable[[Event], object], intents: bool = False) -> None:
        self._write, self._intents = write, intents

    def on_choice(self, observation: Observation, attempt: Attempt) -> None:
        if self._intents:
            self._write(attempt)

    def on_attempt(self, observation: Observation, attempt: Attempt) -> None:
        self._write(attempt)

    def on_end(self, end: EpisodeEnd) -> None:
        self._write(end)


@dataclass(frozen=True)
class Episode:
    """One episode: everything that decides what happens in it, besides environment and policy."""

    model: str
    """Name under which the policy's attempts are kept."""

    number: int
    scene_seed: int
    policy_seed: int
    """Of the policy's draws from here on."""

    stop: StopRule = field(default_factory=StopRule)
    earlier: tuple[Attempt, ...] = ()
    """Attempts of this episode before an interruption, in a workspace that is still as they left it."""

    @classmethod
    def of_run(
        cls, model: str, number: int, seed: int, stop: StopRule | None = None, earlier: Sequence[Attempt] = ()
    ) -> Episode:
        """An episode of an evaluation: every model meets the same scene, seeds follow from the run's seed."""
        seeds = scene_seed(seed, number), policy_seed(seed, number, len(earlier))
        return cls(model, number, *seeds, stop or StopRule(), tuple(earlier))


def run_episode(
    environment: Environment, policy: Policy, episode: Episode, observers: Sequence[EpisodeObserver] = ()
) -> EndReason:
    """Let a policy grasp until the episode ends; returns why it did.

    Args:
        environment: reset here, unless the episode has begun before.
        policy: what chooses.
        episode: which episode, and when it ends.
        observers: are told of every choice, attempt and end.
    """
    if not episode.earlier:
        environment.reset(episode.scene_seed)
    policy.begin_episode(episode.policy_seed)
    attempts = list(episode.earlier)
    for each in attempts:
        _tell_policy(policy, each)
    while True:
        observation = environment.observe()
        reason = _reason_to_end(observation, attempts, episode.stop)
        if reason is None:
            try:
                chosen = choose(environment, policy, observation, episode.model, episode.number, len(attempts))
            except NothingPromising:
                reason = EndReason.ASK_A_PERSON
            except NothingToGrasp:
                reason = EndReason.NOTHING_TO_GRASP
        if reason is not None:
            for observer in observers:
                observer.on_end(EpisodeEnd(episode.model, episode.number, reason.value))
            return reason
        attempts.append(execute(environment, observation, chosen, observers))
        _tell_policy(policy, attempts[-1])


def choose(
    environment: Environment, policy: Policy, observation: Observation, model: str, episode: int, index: int
) -> Attempt:
    """The attempt that a policy wants to make, without an outcome yet.

    Raises:
        NothingToGrasp: the policy finds nothing.
    """
    grasp, score = policy(observation)
    return Attempt(
        episode=episode,
        index=index,
        environment=environment.name,
        source=policy.source,
        policy=model,
        policy_version=policy.version,
        grasp=grasp,
        score=float(score) if math.isfinite(score) else None,
    )


def execute(
    environment: Environment, observation: Observation, chosen: Attempt, observers: Sequence[EpisodeObserver] = ()
) -> Attempt:
    """Execute a chosen grasp, whoever chose it, and return the attempt with its outcome.

    Args:
        environment: as it was observed.
        observation: in which the grasp was chosen.
        chosen: the attempt, without an outcome.
        observers: are told before and after.
    """
    assert chosen.grasp is not None
    for observer in observers:
        observer.on_choice(observation, chosen)
    attempt = replace(chosen, outcome=environment.execute(chosen.grasp))
    for observer in observers:
        observer.on_attempt(observation, attempt)
    return attempt


def _tell_policy(policy: Policy, attempt: Attempt) -> None:
    if isinstance(policy, OutcomeObserver):
        assert attempt.grasp is not None and attempt.outcome is not None
        policy.observe_outcome(attempt.grasp, attempt.outcome)


def _reason_to_end(observation: Observation, attempts: Sequence[Attempt], stop: StopRule) -> EndReason | None:
    """The reason to end here, or None; an empty workspace comes first, so a last failure cannot hide it."""
    if observation.heightmap.is_empty():
        return EndReason.EMPTY
    counted = [each for each in attempts if each.counted]
    if _run_at_end([not each.success for each in counted]) >= stop.failures_in_a_row:
        return EndReason.FAILURES
    if stop.attempts is not None and len(counted) >= stop.attempts:
        return EndReason.ATTEMPT_LIMIT
    if _run_at_end([not each.counted for each in attempts]) >= stop.faults_in_a_row:
        return EndReason.FAULT
    return None


def _run_at_end(flags: Sequence[bool]) -> int:
    """How many flags at the end are all true."""
    return next((count for count, flag in enumerate(reversed(flags)) if not flag), len(flags))
