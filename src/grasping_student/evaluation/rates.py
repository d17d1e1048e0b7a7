"""Success rates by name, each with its denominator, from the attempts of a run; definitions in docs/evaluation.md."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from grasping_student.datasets.schema import Attempt
from grasping_student.episodes.event_log import EndReason, EpisodeEnd, Event, attempts_in, outcome_name
from grasping_student.evaluation.statistics import (
    Counts,
    bootstrap_interval,
    newcombe_difference,
    paired_difference,
    wilson_interval,
)
from grasping_student.geometry.grasp import REPEAT_ANGLE, REPEAT_DISTANCE, PlanarGrasp, angle_distance
from grasping_student.geometry.workspace import Workspace


def counts_by_unit(attempts: Sequence[Attempt], units: int) -> Counts:
    """Attempts and successes of one model by episode number (or scene), ``units`` of them; faults count not."""
    counted = [each for each in attempts if each.counted]
    episodes = np.array([each.episode for each in counted], np.int64)
    successes = episodes[[bool(each.success) for each in counted]]
    return Counts(np.bincount(successes, minlength=units), np.bincount(episodes, minlength=units))


def is_repeat(attempts: Sequence[Attempt], position: int, workspace: Workspace) -> bool:
    """Whether an attempt repeats a failed grasp of its episode: within 10 mm and 15 degrees, with no success since.

    Args:
        attempts: of one model in one episode, in order.
        position: which of them.
        workspace: what pixels mean in metres.
    """
    grasp = attempts[position].grasp
    for earlier in reversed(attempts[:position]):
        if earlier.success:
            return False
        if earlier.counted and _near(grasp, earlier.grasp, workspace):
            return True
    return False


def _near(grasp: PlanarGrasp | None, other: PlanarGrasp | None, workspace: Workspace) -> bool:
    if grasp is None or other is None:
        return False
    distance = math.dist(grasp.xy(workspace), other.xy(workspace))
    turn = angle_distance(grasp.angle, other.angle)
    return bool(distance <= REPEAT_DISTANCE + 1e-9 and turn <= REPEAT_ANGLE + 1e-9)


def without_repeats(attempts: Sequence[Attempt], workspace: Workspace) -> list[Attempt]:
    """Attempts that do not repeat a failed grasp, whatever came of them."""
    kept = []
    for _, group in itertools.groupby(attempts, key=lambda each: each.episode):
        episode = list(group)
        kept += [each for position, each in enumerate(episode) if not is_repeat(episode, position, workspace)]
    return kept


def without_stop_failures(
    attempts: Sequence[Attempt], ends: Mapping[int, str], failures_in_a_row: int
) -> list[Attempt]:
    """Attempts less the failures that ended an episode by the rule of failures in a row."""
    kept = []
    for number, group in itertools.groupby(attempts, key=lambda each: each.episode):
        counted = [each for each in group if each.counted]
        stopped = ends.get(number) == EndReason.FAILURES
        kept += counted[:-failures_in_a_row] if stopped else counted
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


def attempts_of(events: Sequence[Event], model: str) -> list[Attempt]:
    """Attempts of one model, by episode and then in order."""
    own = [each for each in attempts_in(events) if each.policy == model]
    return sorted(own, key=lambda each: (each.episode, each.index))


def ends_of(events: Sequence[Event], model: str) -> dict[int, str]:
    """Episode -> why it ended, of one model."""
    return {each.episode: each.reason for each in events if isinstance(each, EpisodeEnd) and each.policy == model}


def picking_counts(
    events: Sequence[Event], model: str, units: int, workspace: Workspace, failures_in_a_row: int
) -> dict[str, Counts]:
    """Counts by episode of one model under every named rate."""
    attempts = attempts_of(events, model)
    fewer = without_stop_failures(attempts, ends_of(events, model), failures_in_a_row)
    return {
        "all_picks": counts_by_unit(attempts, units),
        "excluding_repeats": counts_by_unit(without_repeats(attempts, workspace), units),
        "without_stop_failures": counts_by_unit(fewer, units),
    }


def failures_by_outcome(attempts: Sequence[Attempt]) -> dict[str, int]:
    """How many attempts failed in which way."""
    return dict(sorted(Counter(outcome_name(each) for each in attempts if each.counted and not each.success).items()))


def summarise_picking(
    events: Sequence[Event], models: Sequence[str], units: int, workspace: Workspace, failures_in_a_row: int, seed: int
) -> dict[str, Any]:
    """All rates of a picking run by model, and the paired differences, as plain JSON values."""
    counts = {model: picking_counts(events, model, units, workspace, failures_in_a_row) for model in models}
    summary: dict[str, Any] = {}
    for model in models:
        attempts = attempts_of(events, model)
        rates = {name: rate(each, seed) for name, each in counts[model].items()}
        summary[model] = {
            "version": attempts[0].policy_version if attempts else None,
            **rates.pop("all_picks"),
            **rates,
            "failures": failures_by_outcome(attempts),
            "faults": sum(not each.counted for each in attempts),
            "episodes": units,
            "episode_ends": dict(sorted(Counter(ends_of(events, model).values()).items())),
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


def one_shot_attempts(events: Sequence[Event], models: Sequence[str]) -> dict[str, list[Attempt]]:
    """Attempts by model, less every scene in which any model met a fault: such a scene compares nothing."""
    faulty = {each.episode for each in attempts_in(events) if not each.counted}
    return {model: [each for each in attempts_of(events, model) if each.episode not in faulty] for model in models}


def summarise_one_shot(events: Sequence[Event], models: Sequence[str], units: int, seed: int) -> dict[str, Any]:
    """One-shot rates by model and the paired differences, as plain JSON values."""
    fair = one_shot_attempts(events, models)
    counts = {model: {"one_shot": counts_by_unit(fair[model], units)} for model in models}
    summary = {
        model: {
            "version": fair[model][0].policy_version if fair[model] else None,
            **rate(counts[model]["one_shot"], seed),
            "failures": failures_by_outcome(fair[model]),
            "faults": sum(not each.counted for each in attempts_of(events, model)),
            "scenes": units,
        }
        for model in models
    }
    return {"models": summary, "differences": _differences(counts, models, seed)}
