"""The figure of a confidence: how often grasps of a chance succeed, and the risk left without the doubtful ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grasping_student.plotting.style import BLUE, GREY, model_colour, new_figure, save_figure


def save_confidence_figure(report: Mapping[str, Any], path: Path) -> None:
    """Write reliability and risk against coverage, a line for each evaluation.

    Args:
        report: of ``train confidence``.
        path: PNG or SVG to write.
    """
    figure, ((reliability, risk),) = new_figure(9.0, 4.0, cols=2)
    reliability.plot([0, 1], [0, 1], color=GREY, linewidth=1.0, linestyle=(0, (4, 3)))
    lines = {
        "out of fold": report["in_distribution"],
        **{Path(name).name: each for name, each in report["shifted"].items()},
    }
    for position, (name, row) in enumerate(lines.items()):
        colour = BLUE if position == 0 else model_colour(name, position)
        bins = row["reliability"]
        label = f"{name} ({row['attempts']} attempts)"
        reliability.plot(bins["chance"], bins["rate"], color=colour, marker="o", markersize=4, label=label)
        coverage, left = ([each[key] for each in row["risk"]] for key in ("coverage", "risk"))
        risk.plot(coverage, left, color=colour, label=label)
    reliability.set(xlabel="chance of success, mean of each bin", ylabel="share that succeeded", xlim=(0, 1))
    reliability.set(ylim=(0, 1), title="are the chances true?")
    risk.set(xlabel="share of the grasps that are made", ylabel="share of those that fail", xlim=(0, 1))
    risk.set(ylim=(0, None), title="what is left out is the doubtful")
    reliability.legend(loc="upper left", fontsize=8)
    save_figure(figure, path)
