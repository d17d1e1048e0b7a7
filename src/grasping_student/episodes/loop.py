"""The picking loop, once for simulator, robot cell and recording: reset, observe, choose, execute, until an end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from grasping_student.environments.base import Environment
from grasping_student.episodes.attempt import End, EpisodeEnd, Event, Intent, Try, finite_or_none
from grasping_student.evaluation.configuration import StopRule
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.perception.observation import Observation
from grasping_student.policies.base import NothingToGrasp, OutcomeObserver, Policy

_EVALUATION_SCENES = 0x5CE4E  # keeps the scenes of an evaluation apart from any training data of the same seed
_POLICY_DRAWS = 0xD4A35

PAPER_RULE = StopRule()
"""Empty, or five failures in a row."""


def scene_seed(seed: int, episode: int) -> int:
    """Seed of the scene that every model meets in this episode, from the run's seed."""
    return int(np.random.SeedSequence([_EVALUATION_SCENES, seed, episode]).generate_state(1)[0])


def policy_seed(seed: int, episode: int, tries: int) -> int:
    """Seed of a policy's own draws from a point in an episode on; the same for every model."""
    return int(np.random.SeedSequence([_POLICY_DRAWS, seed, episode, tries]).generate_state(1)[0])


def pick_episode(
    environment: Environment,
    policy: Policy,
    *,
    model: str,
    episode: int,
    seed: int,
    record: Callable[[Event], None],
    rule: StopRule = PAPER_RULE,
    earlier: Sequence[Try] = (),
    write_intents: bool = False,
    watch: Callable[[Observation, PlanarGrasp, Outcome], None] | None = None,
) -> EpisodeEnd:
    """Pick until the episode ends; the reason is recorded and returned.

    Args:
        environment: what is driven; reset here, unless ``earlier`` says that the episode has begun.
        policy: what chooses.
        model: name under which the tries are recorded.
        episode: number of the scene.
        seed: of the run; scene and policy draws follow from it and ``episode``.
        record: is given each event before anything else happens; where it returns, the event is safe.
        rule: when to stop.
        earlier: tries of this episode before an interruption, in a world that is still as they left it.
        write_intents: record each grasp before it is executed, where a killed program cannot be replayed.
        watch: is shown each observation with its grasp and outcome.
    """
    if not earlier:
        environment.reset(scene_seed(seed, episode))
    policy.begin_episode(policy_seed(seed, episode, len(earlier)))
    tries = list(earlier)
    observe_outcome = policy.observe_outcome if isinstance(policy, OutcomeObserver) else _deaf
    for each in tries:
        observe_outcome(each.grasp, Outcome(each.outcome))
    while True:
        observation = environment.observe()
        reason = _end_before_a_try(observation, tries, rule)
        if reason is None:
            try:
                grasp, score = policy(observation)
            except NothingToGrasp:
                reason = EpisodeEnd.NOTHING_TO_GRASP
        if reason is not None:
            record(End(model, episode, reason.value))
            return reason
        intent = Intent(
            model, policy.version, episode, len(tries), grasp.row, grasp.col, grasp.angle, finite_or_none(score)
        )
        if write_intents:
            record(intent)
        outcome = environment.execute(grasp)
        tries.append(Try(**vars(intent), outcome=outcome.value))
        record(tries[-1])
        observe_outcome(grasp, outcome)
        if watch is not None:
            watch(observation, grasp, outcome)


def _deaf(grasp: PlanarGrasp, outcome: Outcome) -> None:
    """Most policies do not ask how a grasp ended."""


def _end_before_a_try(observation: Observation, tries: Sequence[Try], rule: StopRule) -> EpisodeEnd | None:
    """The reason to end here, or None; an empty workspace comes first, so a last failure cannot hide it."""
    if observation.heightmap.is_empty():
        return EpisodeEnd.EMPTY
    attempts = [each for each in tries if each.is_attempt]
    if _run_at_end([not each.success for each in attempts]) >= rule.failures_in_a_row:
        return EpisodeEnd.FAILURES
    if rule.attempts is not None and len(attempts) >= rule.attempts:
        return EpisodeEnd.ATTEMPT_LIMIT
    if _run_at_end([not each.is_attempt for each in tries]) >= rule.faults_in_a_row:
        return EpisodeEnd.FAULT
    return None


def _run_at_end(flags: Sequence[bool]) -> int:
    """How many flags at the end are all true."""
    count = 0
    for flag in reversed(flags):
        if not flag:
            break
        count += 1
    return count
