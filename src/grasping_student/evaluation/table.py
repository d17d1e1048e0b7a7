"""An evaluation's metrics, or the means of several evaluations, as a table to print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from grasping_student.evaluation.replicates import Mean, Replicate, mean_difference, mean_rate
from grasping_student.evaluation.statistics import Interval, with_width

RATE_NAMES = {
    "one_shot": "one-shot",
    "all_picks": "all picks",
    "excluding_repeats": "excluding repeats",
    "without_stop_failures": "without the stop's failures",
}
"""Key in the metrics -> the rate's name in tables and docs/evaluation.md."""


def percent(share: float | None) -> str:
    """A rate in percent."""
    return "none" if share is None else f"{100 * share:.1f} %"


def points(difference: float) -> str:
    """A difference of rates in percentage points, with its sign."""
    return f"{100 * difference:+.1f}"


def interval(bounds: Sequence[float] | None, signed: bool = False) -> str:
    """Both ends in percent or, signed, in percentage points; empty where there is no interval."""
    if bounds is None:
        return ""
    low, high = bounds
    return f"[{points(low)}, {points(high)}]" if signed else f"[{100 * low:.1f}, {100 * high:.1f}]"


def rates_table(metrics: Mapping[str, Any]) -> str:
    """Rates and paired differences, a line each, in the order of the models.

    An interval on file without width, of units that are all alike, gets that of ``with_width``: earlier versions wrote
    such.

    Args:
        metrics: content of ``metrics.json`` of ``evaluate picking`` or ``evaluate one-shot``.
    """
    lines = [f"{'model':<20}{'rate':<30}{'successes':>11}{'attempts':>10}{'':>9}  95 % over units"]
    for model, row in metrics["models"].items():
        named = {"one_shot" if metrics["kind"] == "one-shot" else "all_picks": row}
        named.update({name: row[name] for name in RATE_NAMES if name in row})
        for name, rate in named.items():
            lines.append(
                f"{model:<20}{RATE_NAMES[name]:<30}{rate['successes']:>11}{rate['attempts']:>10}"
                f"{percent(rate['success_rate']):>9}  {interval(_bounds(rate, _units(metrics, row)))}"
            )
    for row in metrics["differences"]:
        for name in RATE_NAMES:
            if row.get(name) is not None:
                pair = f"{row['second']} - {row['first']}"
                estimate, bounds = row[name]["success_rate"], _bounds(row[name], row[name]["units"], -1.0)
                lines.append(f"{pair:<41}{RATE_NAMES[name]:<30}{percent(estimate):>9}  {interval(bounds)}")
    return "\n".join(lines)


def markdown_table(metrics: Mapping[str, Any]) -> str:
    """The main rate of every model and every paired difference, as Markdown.

    Args:
        metrics: as of ``rates_table``.
    """
    main = "one_shot" if metrics["kind"] == "one-shot" else "all_picks"
    lines = [f"| model | successes / attempts | {RATE_NAMES[main]}, % | 95 % | failures |", "|---|---|---|---|---|"]
    for model, row in metrics["models"].items():
        failures = ", ".join(f"{name} {count}" for name, count in row.get("failures", {}).items())
        rate = "none" if row["success_rate"] is None else f"{100 * row['success_rate']:.1f}"
        counts = f"{row['successes']} / {row['attempts']}"
        lines.append(f"| {model} | {counts} | {rate} | {interval(_bounds(row, _units(metrics, row)))} | {failures} |")
    lines += ["", f"| difference | {RATE_NAMES[main]}, points | 95 % |", "|---|---|---|"]
    for row in metrics["differences"]:
        if row.get(main) is not None:
            bounds = interval(_bounds(row[main], row[main]["units"], -1.0), signed=True)
            lines.append(f"| {row['second']} - {row['first']} | {points(row[main]['success_rate'])} | {bounds} |")
    return "\n".join(lines)


def replicates_table(replicates: Sequence[Replicate]) -> str:
    """Means over replicates, a line each: every rate of every model, then its differences to the first in points."""
    unit = "scenes" if replicates[0].kind == "one-shot" else "episodes"
    head = f"{f'mean of {len(replicates)} replicates':<41}{'rate':<30}{'replicates':>11}{'':>9}  "
    lines = [f"{head}{f'95 % replicates, {unit}':<27}95 % over replicates"]
    for name, rate, mean, signed in _means(replicates):
        if mean is None:
            lines.append(f"{name:<41}{RATE_NAMES[rate]:<30}{0:>11}{percent(None):>9}")
            continue
        over = interval(mean.over_replicates, signed) or "none"
        value = points(mean.value) if signed else percent(mean.value)
        bounds = interval(mean.bootstrap, signed)
        lines.append(f"{name:<41}{RATE_NAMES[rate]:<30}{mean.replicates:>11}{value:>9}  {bounds:<27}{over}")
    return "\n".join(lines)


def replicates_markdown(replicates: Sequence[Replicate]) -> str:
    """Means over replicates of the main rate of every model, and of its differences to the first model, as Markdown."""
    rate = next(iter(next(iter(replicates[0].counts.values()))))
    unit = "scenes" if replicates[0].kind == "one-shot" else "episodes"
    intervals = f"95 %, replicates and {unit} | 95 %, over replicates |"
    lines = [f"| model | replicates | {RATE_NAMES[rate]}, % | {intervals}", "|---|---|---|---|---|"]
    rows = [row for row in _means(replicates) if row[1] == rate]
    for signed in (False, True):
        if signed:
            lines += [
                "",
                f"| difference | replicates | {RATE_NAMES[rate]}, points | {intervals}",
                "|---|---|---|---|---|",
            ]
        for name, _, mean, is_difference in rows:
            if is_difference is signed and mean is not None:
                value = points(mean.value) if signed else f"{100 * mean.value:.1f}"
                over = interval(mean.over_replicates, signed) or "none"
                lines.append(f"| {name} | {mean.replicates} | {value} | {interval(mean.bootstrap, signed)} | {over} |")
    return "\n".join(lines)


def _means(replicates: Sequence[Replicate]) -> list[tuple[str, str, Mean | None, bool]]:
    """Name of a model or pair, rate, mean, and whether it is a difference."""
    models = list(replicates[0].counts)
    rates = list(replicates[0].counts[models[0]])
    found = [(model, rate, mean_rate(replicates, model, rate), False) for model in models for rate in rates]
    for other in models[1:]:
        for rate in rates:
            mean = mean_difference(replicates, models[0], other, rate)
            found.append((f"{other} - {models[0]}", rate, mean, True))
    return found


def _units(metrics: Mapping[str, Any], row: Mapping[str, Any]) -> int:
    """Units behind a model's rates: one-shot scenes with an attempt, else episodes."""
    return int(row["attempts"] if metrics["kind"] == "one-shot" else row["episodes"])


def _bounds(rate: Mapping[str, Any], units: int, lowest: float = 0.0) -> Interval | None:
    """The bootstrap interval of a rate or difference on file; None without attempts."""
    if rate["bootstrap_95"] is None:
        return None
    return with_width(Interval(*rate["bootstrap_95"]), rate["success_rate"], units, lowest)
