"""The affordance network's measures on its held-out attempts: the page's table and the CSV, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from grasping_student.evaluation.statistics import Interval, wilson_interval
from grasping_student.evaluation.table import interval
from grasping_student.study.records import Run

PAPER_BALANCED_ACCURACY = "80 %"
"""The paper's, below its figure 2."""

ONE = "1†"
"""One training seed and one split: no more are made, since the network serves as an instrument."""

SOURCES = {"script": "a person's", "policy": "a robot's"}
"""Source of attempts -> whose they are."""

TITLES = {
    "balanced_accuracy": "balanced accuracy",
    "precision": "precision",
    "recall": "recall",
    "specificity": "specificity",
}


def affordance_lines(runs: Sequence[Run]) -> list[str]:
    """The measures as a table, over all held-out attempts and by who made them."""
    titles = ["scenes", "n", "attempts", "failures", *TITLES.values(), "ECE", "paper, balanced accuracy"]
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    for row in affordance_rows(runs):
        cells = [
            "none"
            if row[name] is None
            else f"{100 * row[name]:.1f} {interval([row[f'{name}_low'], row[f'{name}_high']])}"
            for name in TITLES
        ]
        where = f"{row['regime'].replace('-', ' ')} (`{row['scenes']}`)"
        family = f"{where}, {SOURCES.get(row['source'], row['source'])}" if row["source"] else where
        paper = "" if row["source"] else PAPER_BALANCED_ACCURACY
        ece = f"{row['expected_calibration_error']:.3f}"
        lines.append(
            "| " + " | ".join([family, ONE, str(row["attempts"]), str(row["failures"]), *cells, ece, paper]) + " |"
        )
    return [
        *lines,
        "",
        "Intervals are Wilson's, which take attempts as independent; that of balanced accuracy puts those of recall "
        "and specificity together, as half the root of the sum of their squares. ECE: expected calibration error over "
        "ten bins of equal width.",
    ]


def affordance_rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """One row for each network and each source of its held-out attempts; an empty source means all of them."""
    rows = []
    for run in runs:
        found = run.values["affordance"]
        for source, own in {"": found, **found["by_source"]}.items():
            row: dict[str, Any] = {
                "regime": run.regime,
                "scenes": run.values["label_families"]["target"],
                "source": source,
                "attempts": own["attempts"],
                "failures": own["attempts"] - own["successes"],
            }
            for name, bounds in intervals(own).items():
                row[name], (row[f"{name}_low"], row[f"{name}_high"]) = own[name], bounds
            row["expected_calibration_error"] = own["expected_calibration_error"]
            rows.append(row)
    return rows


def intervals(measures: Mapping[str, Any]) -> dict[str, Interval]:
    """Interval of every measure: Wilson's, and for the mean of recall and specificity both of theirs put together."""
    successes, failures = measures["successes"], measures["attempts"] - measures["successes"]
    right, refused = round((measures["recall"] or 0.0) * successes), round((measures["specificity"] or 0.0) * failures)
    said = right + failures - refused
    found = {
        "precision": wilson_interval(right, said),
        "recall": wilson_interval(right, successes),
        "specificity": wilson_interval(refused, failures),
    }
    if measures["balanced_accuracy"] is None:
        return {"balanced_accuracy": Interval(0.0, 1.0), **found}
    ends = [
        measures["balanced_accuracy"]
        + sign * np.hypot(*(measures[name] - found[name][end] for name in ("recall", "specificity"))) / 2
        for end, sign in ((0, -1.0), (1, 1.0))
    ]
    return {"balanced_accuracy": Interval(*map(float, ends)), **found}
