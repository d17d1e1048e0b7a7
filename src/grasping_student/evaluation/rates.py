"""Success rates by name, each with its denominator, from the tries of a run; definitions in docs/evaluation.md."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from grasping_student.episodes.attempt import End, EpisodeEnd, Event, Try
from grasping_student.evaluation.statistics import (
    Counts,
    bootstrap_interval,
    newcombe_difference,
    paired_difference,
    wilson_interval,
)
from grasping_student.geometry.grasp import REPEAT_ANGLE, REPEAT_DISTANCE, angle_distance
from grasping_student.geometry.workspace import Workspace


def counts_by_unit(tries: Sequence[Try], units: int) -> Counts:
    """Attempts and successes of one model by episode number (or scene), ``units`` of them."""
    successes, attempts = np.zeros(units, np.int64), np.zeros(units, np.int64)
    for each in tries:
        if each.is_attempt:
            attempts[each.episode] += 1
            successes[each.episode] += each.success
    return Counts(successes, attempts)


def is_repeat(tries: Sequence[Try], position: int, workspace: Workspace) -> bool:
    """Whether a try repeats a failed grasp of the same episode: within 10 mm and 15 degrees, with no success since.

    Args:
        tries: of one model in one episode, in order.
        position: which of them.
        workspace: what pixels mean in metres.
    """
    grasp = tries[position].grasp
    x, y = grasp.xy(workspace)
    for earlier in reversed(tries[:position]):
        if earlier.success:
            return False
        if not earlier.is_attempt:
            continue
        other_x, other_y = earlier.grasp.xy(workspace)
        near = math.hypot(x - other_x, y - other_y) <= REPEAT_DISTANCE + 1e-9
        if near and angle_distance(grasp.angle, earlier.angle) <= REPEAT_ANGLE + 1e-9:
            return True
    return False


def without_repeats(tries: Sequence[Try], workspace: Workspace) -> list[Try]:
    """Tries that are no repeats of a failed grasp, whatever came of them."""
    kept = []
    for _, group in itertools.groupby(tries, key=lambda each: each.episode):
        episode = list(group)
        kept += [each for position, each in enumerate(episode) if not is_repeat(episode, position, workspace)]
    return kept


def without_stop_failures(tries: Sequence[Try], ends: Mapping[int, str], failures_in_a_row: int) -> list[Try]:
    """Tries less the failures that ended an episode by the rule of failures in a row."""
    kept = []
    for number, group in itertools.groupby(tries, key=lambda each: each.episode):
        attempts = [each for each in group if each.is_attempt]
        stopped = ends.get(number) == EpisodeEnd.FAILURES
        kept += attempts[:-failures_in_a_row] if stopped else attempts
    return kept


def rate(counts: Counts, seed: int) -> dict[str, Any]:
    """Attempts, successes, rate and both intervals as plain JSON values; None where there are no attempts."""
    attempts, successes = int(counts.attempts.sum()), int(counts.successes.sum())
    return {
        "attempts": attempts,
        "successes": successes,
        "success_rate": successes / attempts if attempts else None,
        "wilson_95": list(wilson_interval(successes, attempts)) if attempts else None,
        "bootstrap_95": list(bootstrap_interval(counts, seed)) if attempts else None,
    }


def difference(first: Counts, second: Counts, seed: int) -> dict[str, Any] | None:
    """Second model's rate less the first's, over the same units; None if a model has no attempts.

    ``attempts`` counts both models' together, ``successes`` is the second's less the first's, ``wilson_95`` is
    Newcombe's interval (independent attempts), ``bootstrap_95`` resamples the paired units.
    """
    if not first.attempts.sum() or not second.attempts.sum():
        return None
    paired = paired_difference(first, second, seed)
    return {
        "units": paired.units,
        "attempts": int(first.attempts.sum() + second.attempts.sum()),
        "successes": int(second.successes.sum() - first.successes.sum()),
        "success_rate": paired.estimate,
        "wilson_95": list(newcombe_difference(first, second)),
        "bootstrap_95": list(paired.interval),
    }


def tries_of(events: Sequence[Event], model: str) -> list[Try]:
    """Tries of one model, by episode and then in order."""
    own = [event for event in events if isinstance(event, Try) and event.model == model]
    return sorted(own, key=lambda each: (each.episode, each.index))


def picking_counts(
    events: Sequence[Event], model: str, units: int, workspace: Workspace, failures_in_a_row: int
) -> dict[str, Counts]:
    """Counts by episode of one model under every named rate."""
    tries = tries_of(events, model)
    ends = {event.episode: event.reason for event in events if isinstance(event, End) and event.model == model}
    return {
        "all_picks": counts_by_unit(tries, units),
        "excluding_repeats": counts_by_unit(without_repeats(tries, workspace), units),
        "without_stop_failures": counts_by_unit(without_stop_failures(tries, ends, failures_in_a_row), units),
    }


def failures_by_outcome(tries: Sequence[Try]) -> dict[str, int]:
    """How many attempts failed in which way."""
    return dict(sorted(Counter(each.outcome for each in tries if each.is_attempt and not each.success).items()))


def summarise_picking(
    events: Sequence[Event], models: Sequence[str], units: int, workspace: Workspace, failures_in_a_row: int, seed: int
) -> dict[str, Any]:
    """All rates of a picking run by model, and the paired differences, as plain JSON values."""
    counts = {model: picking_counts(events, model, units, workspace, failures_in_a_row) for model in models}
    summary: dict[str, Any] = {}
    for model in models:
        tries = tries_of(events, model)
        ends = Counter(event.reason for event in events if isinstance(event, End) and event.model == model)
        summary[model] = {
            "version": tries[0].version if tries else None,
            **rate(counts[model]["all_picks"], seed),
            "excluding_repeats": rate(counts[model]["excluding_repeats"], seed),
            "without_stop_failures": rate(counts[model]["without_stop_failures"], seed),
            "failures": failures_by_outcome(tries),
            "faults": sum(not each.is_attempt for each in tries),
            "episodes": units,
            "episode_ends": dict(sorted(ends.items())),
        }
    return {"models": summary, "differences": _differences(counts, models, seed)}


def _differences(counts: Mapping[str, Mapping[str, Counts]], models: Sequence[str], seed: int) -> list[dict[str, Any]]:
    """Every later model less every earlier one, by named rate."""
    return [
        {
            "first": first,
            "second": second,
            **{name: difference(counts[first][name], counts[second][name], seed) for name in counts[first]},
        }
        for first, second in itertools.combinations(models, 2)
    ]


def one_shot_tries(events: Sequence[Event], models: Sequence[str]) -> dict[str, list[Try]]:
    """Tries by model, less every scene in which any model met a fault: such a scene compares nothing."""
    faulty = {event.episode for event in events if isinstance(event, Try) and not event.is_attempt}
    return {model: [each for each in tries_of(events, model) if each.episode not in faulty] for model in models}


def summarise_one_shot(events: Sequence[Event], models: Sequence[str], units: int, seed: int) -> dict[str, Any]:
    """One-shot rates by model and the paired differences, as plain JSON values."""
    fair = one_shot_tries(events, models)
    counts = {model: {"one_shot": counts_by_unit(fair[model], units)} for model in models}
    summary = {
        model: {
            "version": fair[model][0].version if fair[model] else None,
            **rate(counts[model]["one_shot"], seed),
            "failures": failures_by_outcome(fair[model]),
            "faults": sum(not each.is_attempt for each in tries_of(events, model)),
            "scenes": units,
        }
        for model in models
    }
    return {"models": summary, "differences": _differences(counts, models, seed)}
