"""Several evaluations of one kind: replicates, each with its own labels and training seed, models of the same names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grasping_student.episodes.event_log import Event, read_events
from grasping_student.evaluation.picking_stage import ASKED, ATTEMPTS, METRICS, read_asked
from grasping_student.evaluation.rates import counts_by_unit, one_shot_attempts, picking_counts
from grasping_student.evaluation.statistics import (
    Counts,
    Interval,
    hierarchical_difference,
    replicates_interval,
    with_width,
)
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json

KINDS = ("one-shot", "picking")
_AGAIN = "give the folder as the evaluation wrote it, or evaluate again"


@dataclass(frozen=True, eq=False)
class Replicate:
    """One evaluation, unit by unit."""

    folder: Path
    kind: str
    """``one-shot`` or ``picking``."""

    counts: dict[str, dict[str, Counts]]
    """Model -> rate (a key of ``table.RATE_NAMES``) -> counts by scene or episode, in the order of the evaluation."""

    scenes: tuple[Any, ...]
    """What the scenes follow from: environment, seed, removed fraction; equal for replicates on the same scenes."""

    units: int
    """Scenes or episodes."""


@dataclass(frozen=True)
class Mean:
    """Mean over replicates of a rate, or of a paired difference of rates."""

    value: float
    replicates: int
    """Replicates that have it: in the others a model has no attempts under this rate."""

    bootstrap: Interval
    """95 %: replicates resampled, and scenes or episodes inside each."""

    over_replicates: Interval | None
    """95 %, Student's t over the replicates' own values; None with a single one, or where all are equal."""


def read_replicates(paths: Sequence[Path]) -> list[Replicate]:
    """Evaluations that are replicates of the same models.

    Args:
        paths: output folders of ``evaluate one-shot`` or ``evaluate picking``, or their ``metrics.json``.

    Raises:
        UserError: one given twice, unfinished or damaged, or they differ in kind or in the models' names.
    """
    folders: dict[Path, Path] = {}
    for path in paths:
        folder = path.parent if path.name == METRICS else path
        if folder.resolve() in folders:
            raise UserError(f"{path} is given twice; every replicate counts once")
        folders[folder.resolve()] = folder
    replicates = [_read_replicate(folder) for folder in folders.values()]
    first = replicates[0]
    for each in replicates[1:]:
        if each.kind != first.kind:
            raise UserError(
                f"{each.folder} is of 'evaluate {each.kind}', {first.folder} of 'evaluate {first.kind}'; give "
                "replicates of one kind"
            )
        if each.counts.keys() != first.counts.keys():
            raise UserError(
                f"{each.folder} has the models {', '.join(each.counts)}, {first.folder} {', '.join(first.counts)}; "
                "replicates have models of the same names"
            )
    return replicates


def on_same_scenes(replicates: Sequence[Replicate]) -> bool:
    """Whether all were measured on the same scenes: what these have in common is then resampled once for all."""
    return len({(each.scenes, each.units) for each in replicates}) == 1


def share_scenes(replicates: Sequence[Replicate]) -> bool:
    """Whether some, not all, have scenes in common, which an interval over replicates takes for different ones."""
    return len({each.scenes for each in replicates}) < len(replicates) and not on_same_scenes(replicates)


def mean_rate(replicates: Sequence[Replicate], model: str, rate: str) -> Mean | None:
    """Mean of a model's rates over the replicates in which it has attempts; None if there are none."""
    return _mean(replicates, None, model, rate)


def mean_difference(replicates: Sequence[Replicate], first: str, second: str, rate: str) -> Mean | None:
    """Mean of the paired differences, second model less first, over the replicates in which both have attempts."""
    return _mean(replicates, first, second, rate)


def _mean(replicates: Sequence[Replicate], first: str | None, second: str, rate: str) -> Mean | None:
    models = (second,) if first is None else (first, second)
    chosen = [run for run in replicates if all(run.counts[model][rate].attempts.sum() for model in models)]
    if not chosen:
        return None
    b = [run.counts[second][rate] for run in chosen]
    if first is None:  # a rate is its difference to a model that never succeeds
        a, lowest = [Counts(np.zeros(len(each), np.int64), np.ones(len(each), np.int64)) for each in b], 0.0
    else:
        a, lowest = [run.counts[first][rate] for run in chosen], -1.0
    found = hierarchical_difference(a, b, seed=0, same_units=on_same_scenes(chosen))
    bounds = Interval(max(lowest, found.interval.low), found.interval.high)
    bounds = with_width(bounds, found.estimate, sum(int((each.attempts > 0).sum()) for each in b), lowest)
    own = [y.rate - x.rate for x, y in zip(a, b, strict=True)]
    over = replicates_interval(own) if len(own) > 1 and np.ptp(own) > 0.0 else None
    return Mean(found.estimate, len(chosen), bounds, over)


def _read_replicate(folder: Path) -> Replicate:
    """One evaluation.

    Raises:
        UserError: it is none, is not finished, or its files do not fit each other.
    """
    for name in (METRICS, ATTEMPTS, ASKED):
        if not (folder / name).is_file():
            raise UserError(
                f"{folder} holds no {name}; replicates are read scene by scene from the folders that 'evaluate "
                "one-shot' or 'evaluate picking' wrote"
            )
    metrics = read_json(folder / METRICS)
    if not isinstance(metrics, dict) or metrics.get("kind") not in KINDS:
        raise UserError(f"{folder} holds no metrics of 'evaluate picking' or 'evaluate one-shot'")
    try:
        asked = read_asked(folder)
        counts = _counts(metrics, asked, read_events(folder / ATTEMPTS))
        scenes = (repr(asked["environment"]), asked["seed"], asked.get("max_removed_fraction"))
        written = {name: (row["successes"], row["attempts"]) for name, row in metrics["models"].items()}
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{folder}: its files are damaged or do not fit each other ({error!r}); {_AGAIN}") from None
    for name, rates in counts.items():
        main = next(iter(rates.values()))
        if (int(main.successes.sum()), int(main.attempts.sum())) != written[name]:
            raise UserError(f"{folder}: {ATTEMPTS} holds other attempts of {name} than {METRICS}; {_AGAIN}")
    return Replicate(folder, metrics["kind"], counts, scenes, _units(metrics))


def _counts(
    metrics: Mapping[str, Any], asked: Mapping[str, Any], events: Sequence[Event]
) -> dict[str, dict[str, Counts]]:
    models, units = list(metrics["models"]), _units(metrics)
    events = [event for event in events if event.episode < units]
    if metrics["kind"] == "one-shot":
        fair = one_shot_attempts(events, models)
        return {model: {"one_shot": counts_by_unit(fair[model], units)} for model in models}
    workspace, failures = Workspace(**metrics["workspace"]), int(asked["stop"]["failures_in_a_row"])
    return {model: picking_counts(events, model, units, workspace, failures) for model in models}


def _units(metrics: Mapping[str, Any]) -> int:
    """Scenes or episodes of an evaluation."""
    name = "scenes" if metrics["kind"] == "one-shot" else "episodes"
    return int(next(iter(metrics["models"].values()))[name])
