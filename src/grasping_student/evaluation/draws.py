"""Several evaluations of one kind, each a draw of labels and training seed with models of the same names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grasping_student.episodes.attempt import Event, read_events
from grasping_student.evaluation.picking_stage import ATTEMPTS, METRICS
from grasping_student.evaluation.rates import counts_by_unit, one_shot_tries, picking_counts
from grasping_student.evaluation.statistics import Counts, Interval, draws_interval, hierarchical_difference, with_width
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json

KINDS = ("one-shot", "picking")
_AGAIN = "give the folder as the evaluation wrote it, or evaluate again"


@dataclass(frozen=True, eq=False)
class Draw:
    """One evaluation, unit by unit."""

    folder: Path
    kind: str
    """``one-shot`` or ``picking``."""

    counts: dict[str, dict[str, Counts]]
    """Model -> rate (a key of ``table.RATE_NAMES``) -> counts by scene or episode, in the order of the evaluation."""

    scenes: tuple[Any, ...]
    """What the scenes follow from: world, seed and emptiest bin; equal for draws on the same scenes."""

    units: int
    """Scenes or episodes."""


@dataclass(frozen=True)
class Mean:
    """Mean over draws of a rate, or of a paired difference of rates."""

    value: float
    draws: int
    """Draws that have it: in the others a model has no attempts under this rate."""

    bootstrap: Interval
    """95 %: draws resampled, and scenes or episodes inside each."""

    over_draws: Interval | None
    """95 %, Student's t over the draws' own values; None with a single draw, or where all are equal."""


def read_draws(paths: Sequence[Path]) -> list[Draw]:
    """Evaluations that are draws of the same models.

    Args:
        paths: output folders of ``evaluate one-shot`` or ``evaluate picking``, or their ``metrics.json``.

    Raises:
        UserError: one given twice, unfinished or damaged, or they differ in kind or in the models' names.
    """
    folders: dict[Path, Path] = {}
    for path in paths:
        folder = path.parent if path.name == METRICS else path
        if folder.resolve() in folders:
            raise UserError(f"{path} is given twice; every draw counts once")
        folders[folder.resolve()] = folder
    draws = [_read_draw(folder) for folder in folders.values()]
    first = draws[0]
    for draw in draws[1:]:
        if draw.kind != first.kind:
            raise UserError(
                f"{draw.folder} is of 'evaluate {draw.kind}', {first.folder} of 'evaluate {first.kind}'; give draws of "
                "one kind"
            )
        if draw.counts.keys() != first.counts.keys():
            raise UserError(
                f"{draw.folder} has the models {', '.join(draw.counts)}, {first.folder} {', '.join(first.counts)}; "
                "draws have models of the same names"
            )
    return draws


def on_same_scenes(draws: Sequence[Draw]) -> bool:
    """Whether all draws were measured on the same scenes: what these have in common is then drawn once for all."""
    return len({(draw.scenes, draw.units) for draw in draws}) == 1


def share_scenes(draws: Sequence[Draw]) -> bool:
    """Whether some draws, not all, have scenes in common, which an interval over draws takes for different ones."""
    return len({draw.scenes for draw in draws}) < len(draws) and not on_same_scenes(draws)


def rate_over_draws(draws: Sequence[Draw], model: str, rate: str) -> Mean | None:
    """Mean of a model's rates over the draws in which it has attempts; None if there are none."""
    return _mean(draws, None, model, rate)


def difference_over_draws(draws: Sequence[Draw], first: str, second: str, rate: str) -> Mean | None:
    """Mean of the paired differences, second model less first, over the draws in which both have attempts."""
    return _mean(draws, first, second, rate)


def _mean(draws: Sequence[Draw], first: str | None, second: str, rate: str) -> Mean | None:
    models = (second,) if first is None else (first, second)
    chosen = [draw for draw in draws if all(draw.counts[model][rate].attempts.sum() for model in models)]
    if not chosen:
        return None
    b = [draw.counts[second][rate] for draw in chosen]
    if first is None:  # a rate is its difference to a model that never succeeds
        a, lowest = [Counts(np.zeros(len(each), np.int64), np.ones(len(each), np.int64)) for each in b], 0.0
    else:
        a, lowest = [draw.counts[first][rate] for draw in chosen], -1.0
    found = hierarchical_difference(a, b, seed=0, same_units=on_same_scenes(chosen))
    bounds = Interval(max(lowest, found.interval.low), found.interval.high)
    bounds = with_width(bounds, found.estimate, sum(int((each.attempts > 0).sum()) for each in b), lowest)
    own = [y.rate - x.rate for x, y in zip(a, b, strict=True)]
    over = draws_interval(own) if len(own) > 1 and np.ptp(own) > 0.0 else None
    return Mean(found.estimate, len(chosen), bounds, over)


def _read_draw(folder: Path) -> Draw:
    """One evaluation.

    Raises:
        UserError: it is none, is not finished, or its files do not fit each other.
    """
    for name in (METRICS, ATTEMPTS, "run.json"):
        if not (folder / name).is_file():
            raise UserError(
                f"{folder} holds no {name}; draws are read scene by scene from the folders that 'evaluate one-shot' or "
                "'evaluate picking' wrote"
            )
    metrics, asked = read_json(folder / METRICS), read_json(folder / "run.json")
    if not isinstance(metrics, dict) or metrics.get("kind") not in KINDS:
        raise UserError(f"{folder} holds no metrics of 'evaluate picking' or 'evaluate one-shot'")
    try:
        counts = _counts(metrics, asked, read_events(folder / ATTEMPTS))
        scenes = (repr(asked["world"]), asked["seed"], asked.get("emptiest"))
        written = {name: (row["successes"], row["attempts"]) for name, row in metrics["models"].items()}
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{folder}: its files are damaged or do not fit each other ({error!r}); {_AGAIN}") from None
    for name, rates in counts.items():
        main = next(iter(rates.values()))
        if (int(main.successes.sum()), int(main.attempts.sum())) != written[name]:
            raise UserError(f"{folder}: {ATTEMPTS} holds other attempts of {name} than {METRICS}; {_AGAIN}")
    return Draw(folder, metrics["kind"], counts, scenes, _units(metrics))


def _counts(
    metrics: Mapping[str, Any], asked: Mapping[str, Any], events: Sequence[Event]
) -> dict[str, dict[str, Counts]]:
    models, units = list(metrics["models"]), _units(metrics)
    events = [event for event in events if event.episode < units]
    if metrics["kind"] == "one-shot":
        fair = one_shot_tries(events, models)
        return {model: {"one_shot": counts_by_unit(fair[model], units)} for model in models}
    workspace, failures = Workspace(**metrics["workspace"]), int(asked["stop"]["failures_in_a_row"])
    return {model: picking_counts(events, model, units, workspace, failures) for model in models}


def _units(metrics: Mapping[str, Any]) -> int:
    """Scenes or episodes of an evaluation."""
    name = "scenes" if metrics["kind"] == "one-shot" else "episodes"
    return int(next(iter(metrics["models"].values()))[name])
