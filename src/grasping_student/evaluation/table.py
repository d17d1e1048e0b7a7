"""An evaluation's metrics as a table to print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grasping_student.evaluation.statistics import Interval, with_width

RATE_NAMES = {
    "one_shot": "one-shot",
    "all_picks": "all picks",
    "excluding_repeats": "excluding repeats",
    "without_stop_failures": "without the stop's failures",
}
"""Key in the metrics -> the rate's name in tables and docs/evaluation.md."""


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
            lines.append(f"| {row['second']} - {row['first']} | {100 * row[main]['success_rate']:+.1f} | {bounds} |")
    return "\n".join(lines)


def percent(share: float | None) -> str:
    """A rate or difference in percent."""
    return "none" if share is None else f"{100 * share:.1f} %"


def interval(bounds: Interval | None, signed: bool = False) -> str:
    """An interval in percent, signed for a difference; empty where there is none."""
    if bounds is None:
        return ""
    low, high = (f"{100 * each:+.1f}" if signed else f"{100 * each:.1f}" for each in bounds)
    return f"[{low}, {high}]"


def _units(metrics: Mapping[str, Any], row: Mapping[str, Any]) -> int:
    """Units behind a model's rates: one-shot scenes with an attempt, else episodes."""
    return int(row["attempts"] if metrics["kind"] == "one-shot" else row["episodes"])


def _bounds(rate: Mapping[str, Any], units: int, lowest: float = 0.0) -> Interval | None:
    """The bootstrap interval of a rate or difference on file; None without attempts."""
    if rate["bootstrap_95"] is None:
        return None
    return with_width(Interval(*rate["bootstrap_95"]), rate["success_rate"], units, lowest)
