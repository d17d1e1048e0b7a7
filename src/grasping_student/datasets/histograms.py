"""The picture that ``dataset info --out`` writes: grasp angles by outcome, and heights of what stands on the table."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from grasping_student.datasets.summary import ANGLE_BINS, HEIGHT_SAMPLE, Summary
from grasping_student.pipeline.files import atomic_path

SUCCESS_COLOUR, FAILURE_COLOUR, HEIGHT_COLOUR = "#0072b2", "#e69f00", "#009e73"
"""From the Okabe-Ito palette: told apart by colour-blind eyes."""


def plot_histograms(summary: Summary, path: Path) -> None:
    """Write both histograms as one PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    angles, heights = figure.subplots(1, 2)
    width = 180.0 / ANGLE_BINS
    centres = (np.arange(ANGLE_BINS) + 0.5) * width
    angles.bar(centres, summary.angles_success, width * 0.9, color=SUCCESS_COLOUR, label="success")
    angles.bar(
        centres,
        summary.angles_failure,
        width * 0.9,
        bottom=summary.angles_success,
        color=FAILURE_COLOUR,
        label="failure",
    )
    angles.set(xlabel="grasp angle, degrees", ylabel="labelled grasps", xlim=(0, 180), xticks=range(0, 181, 30))
    angles.set_title(f"{summary.labelled.attempts} labelled grasps")
    angles.legend(frameon=False)
    heights.stairs(summary.height_pixels, summary.height_edges * 1000, fill=True, color=HEIGHT_COLOUR)
    heights.set(xlabel="height above the table, mm", ylabel="pixels")
    heights.set_title(
        f"foreground of {min(summary.entries, HEIGHT_SAMPLE)} scenes, {summary.unmeasured_share:.1%} unmeasured"
    )
    for axes in (angles, heights):
        axes.spines[["top", "right"]].set_visible(False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)
