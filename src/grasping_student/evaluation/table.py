"""An evaluation's metrics as a table to print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RATE_NAMES = {
    "one_shot": "one-shot",
    "all_picks": "all picks",
    "excluding_repeats": "excluding repeats",
    "without_stop_failures": "without the stop's failures",
}
"""Key in the metrics -> the rate's name in tables and docs/evaluation.md."""


def rates_table(metrics: Mapping[str, Any]) -> str:
    """Rates and paired differences, a line each, in the order of the models.

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
                f"{_percent(rate['success_rate']):>9}  {_interval(rate['bootstrap_95'])}"
            )
    for row in metrics["differences"]:
        for name in RATE_NAMES:
            if row.get(name) is not None:
                pair = f"{row['second']} - {row['first']}"
                estimate, interval = row[name]["success_rate"], row[name]["bootstrap_95"]
                lines.append(f"{pair:<41}{RATE_NAMES[name]:<30}{_percent(estimate):>9}  {_interval(interval)}")
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
        lines.append(f"| {model} | {counts} | {rate} | {_interval(row['bootstrap_95'])} | {failures} |")
    lines += ["", f"| difference | {RATE_NAMES[main]}, points | 95 % |", "|---|---|---|"]
    for row in metrics["differences"]:
        if row.get(main) is not None:
            low, high = row[main]["bootstrap_95"]
            estimate = f"{100 * row[main]['success_rate']:+.1f}"
            lines.append(f"| {row['second']} - {row['first']} | {estimate} | [{100 * low:+.1f}, {100 * high:+.1f}] |")
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{100 * share:.1f} %"


def _interval(interval: list[float] | None) -> str:
    return "" if interval is None else f"[{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]"
