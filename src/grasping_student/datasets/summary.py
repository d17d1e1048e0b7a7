"""The contents of a dataset in numbers, and the two histograms of them that ``dataset info --out`` draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import Dataset
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import atomic_path

ANGLE_BINS = 16
HEIGHT_BINS = 40
HEIGHT_SAMPLE = 200
"""Scenes whose pixels enter the height histogram, spread evenly over the dataset."""

SUCCESS_COLOUR, FAILURE_COLOUR, HEIGHT_COLOUR = "#0072b2", "#e69f00", "#009e73"
"""From the Okabe-Ito palette: told apart by colour-blind eyes."""


def why_dataset_is_kept(folder: Path) -> str | None:
    """Why ``--overwrite`` must not delete a dataset: no simulator can make it again; None if one can."""
    try:
        attempts = Dataset(folder).attempts()
    except UserError:
        return "it cannot be read, so nobody knows whose labels are in it"
    if any(each.source == "human" for each in attempts):
        return "a person labelled attempts in it"
    if any(each.environment != "simulation" for each in attempts):
        return "not all of its attempts were simulated"
    return None


@dataclass(frozen=True)
class Rate:
    """Successes of labelled attempts."""

    attempts: int
    successes: int

    @property
    def rate(self) -> float | None:
        """Share of successes, None without attempts."""
        return self.successes / self.attempts if self.attempts else None


@dataclass(frozen=True, eq=False)
class Summary:
    """Counts and histograms of one dataset."""

    version: str
    workspace: Workspace
    entries: int
    """Attempts and unlabelled scenes together."""

    scenes: int
    """Entries without a grasp."""

    episodes: int
    labelled: Rate
    by_source: dict[str, Rate]
    by_policy: dict[str, Rate]
    outcomes: dict[str, int]
    environments: dict[str, int]
    angles_success: NDArray[np.int64]
    """Successful grasps by angle, ``ANGLE_BINS`` equal bins over [0, pi)."""

    angles_failure: NDArray[np.int64]
    height_edges: NDArray[np.float64]
    """Metres, shape ``(HEIGHT_BINS + 1,)``."""

    height_pixels: NDArray[np.int64]
    """Pixels above the table by height, over the sampled scenes, shape ``(HEIGHT_BINS,)``."""

    unmeasured_share: float
    """Share of unmeasured pixels in the sampled scenes."""


def summarise(dataset: Dataset) -> Summary:
    """Count a dataset.

    Raises:
        UserError: a segment is damaged.
    """
    attempts = dataset.attempts()
    labelled = [attempt for attempt in attempts if attempt.labelled]
    edges, pixels, unmeasured = _heights(dataset, [attempt.id for attempt in attempts])
    return Summary(
        version=dataset.version,
        workspace=dataset.workspace,
        entries=len(attempts),
        scenes=sum(attempt.grasp is None for attempt in attempts),
        episodes=len({attempt.episode for attempt in attempts}),
        labelled=_rate(labelled),
        by_source=_rates(labelled, lambda attempt: attempt.source or "none"),
        by_policy=_rates(labelled, _policy_name),
        outcomes=dict(Counter(attempt.outcome.value for attempt in attempts if attempt.outcome is not None)),
        environments=dict(Counter(attempt.environment for attempt in attempts)),
        angles_success=_angles([attempt for attempt in labelled if attempt.success]),
        angles_failure=_angles([attempt for attempt in labelled if not attempt.success]),
        height_edges=edges,
        height_pixels=pixels,
        unmeasured_share=unmeasured,
    )


def _policy_name(attempt: Attempt) -> str:
    version = f" {attempt.policy_version[:12]}" if attempt.policy_version else ""
    return f"{attempt.policy}{version}" if attempt.policy else "none"


def _rate(labelled: list[Attempt]) -> Rate:
    return Rate(len(labelled), sum(bool(attempt.success) for attempt in labelled))


def _rates(labelled: list[Attempt], name: Callable[[Attempt], str]) -> dict[str, Rate]:
    groups: dict[str, list[Attempt]] = {}
    for attempt in labelled:
        groups.setdefault(name(attempt), []).append(attempt)
    return {key: _rate(group) for key, group in sorted(groups.items())}


def _angles(attempts: list[Attempt]) -> NDArray[np.int64]:
    angles = [attempt.grasp.angle for attempt in attempts if attempt.grasp is not None]
    return np.histogram(angles, bins=ANGLE_BINS, range=(0.0, np.pi))[0].astype(np.int64)


def _heights(dataset: Dataset, ids: list[int]) -> tuple[NDArray[np.float64], NDArray[np.int64], float]:
    """Histogram of the heights above the table in a sample of scenes."""
    chosen = [ids[k] for k in np.linspace(0, len(ids) - 1, min(len(ids), HEIGHT_SAMPLE)).astype(int)]
    heights = [dataset.heightmap(each) for each in chosen]
    foreground = [scene.height[scene.foreground()] for scene in heights]
    top = max((float(part.max()) for part in foreground if part.size), default=0.1)
    edges = np.linspace(0.0, max(top, 1e-3), HEIGHT_BINS + 1)
    pixels = np.zeros(HEIGHT_BINS, dtype=np.int64)
    for part in foreground:
        pixels += np.histogram(part, bins=edges)[0]
    unmeasured = float(np.mean([scene.unmeasured.mean() for scene in heights])) if heights else 0.0
    return edges, pixels, unmeasured


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
