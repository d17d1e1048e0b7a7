"""What the experiment ``precision`` found: success by confidence, angle, room and rules, and what tells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grasping_student.evaluation.statistics import LEVEL, Counts, Interval
from grasping_student.geometry.grasp import TRAINING_ANGLES
from grasping_student.study import tables
from grasping_student.study.precision import KINDS
from grasping_student.study.records import Run
from grasping_student.study.tables import Estimate

FIFTHS = ("lowest", "2nd", "3rd", "4th", "highest")
ANGLE_BINS = 8
CLEARANCES_MM = (-5.0, 0.0, 5.0, 10.0)
RESAMPLES = 1000

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Grasps:
    """Grasps of one teacher, every array of shape ``(scenes, grasps a scene)``."""

    success: NDArray[np.float64]
    """1, 0, or NaN where nothing was grasped."""

    confidence: NDArray[np.float64]
    angle: NDArray[np.int64]
    clearance_mm: NDArray[np.float64]
    room: Mask
    grip: Mask

    @property
    def attempts(self) -> Mask:
        return np.isfinite(self.success)

    def counts(self, where: Mask) -> Counts:
        """Successes and attempts by scene among some of the grasps."""
        chosen = where & self.attempts
        return Counts((np.nan_to_num(self.success) * chosen).sum(axis=1), chosen.sum(axis=1))


def grasps_of(run: Run, *kinds: str) -> Grasps:
    """A run's grasps of some kinds, side by side."""
    found: dict[str, list[NDArray[Any]]] = {}
    scenes = int(run.values["precision"]["scenes"])
    for kind in kinds:
        own = run.values["precision"]["kinds"][kind]
        success = np.array([{"1": 1.0, "0": 0.0}.get(each, np.nan) for each in own["outcomes"]])
        columns = {"success": success, "angle": np.array(own["angle"].split(), dtype=np.int64)}
        columns |= {name: np.array(own[name].split(), dtype=np.float64) for name in ("confidence", "clearance_mm")}
        columns |= {name: np.array(list(own[name])) == "1" for name in ("room", "grip")}
        for name, values in columns.items():
            found.setdefault(name, []).append(values.reshape(scenes, -1))
    return Grasps(**{name: np.concatenate(parts, axis=1) for name, parts in found.items()})


def confidence_fifth(grasps: Grasps) -> NDArray[np.int64]:
    """Fifth of the teacher's own confidences, -1 where nothing was grasped."""
    from scipy.stats import rankdata

    which = np.full(grasps.success.shape, -1)
    rank = rankdata(grasps.confidence[grasps.attempts], method="ordinal") - 1
    which[grasps.attempts] = rank * len(FIFTHS) // max(len(rank), 1)
    return which


@dataclass(frozen=True)
class Grouping:
    """What grasps are divided by."""

    title: str
    kinds: tuple[str, ...]
    """Kinds of grasps that are divided."""

    names: tuple[str, ...]
    which: Callable[[Grasps], NDArray[np.int64]]
    """Index into the names, of every grasp."""


GROUPINGS: dict[str, Grouping] = {
    "confidence": Grouping("fifth of the teacher's confidence", ("best",), FIFTHS, confidence_fifth),
    "angle": Grouping(
        "angle from, degrees",
        ("angle",),
        tuple(f"{180 * index / ANGLE_BINS:g}" for index in range(ANGLE_BINS)),
        lambda grasps: grasps.angle // (TRAINING_ANGLES.count // ANGLE_BINS),
    ),
    "clearance": Grouping(
        "room under the fingers, mm",
        ("best", "angle"),
        (
            f"< {CLEARANCES_MM[0]:g}",
            *(f"{low:g} to {high:g}" for low, high in pairwise(CLEARANCES_MM)),
            f"≥ {CLEARANCES_MM[-1]:g}",
        ),
        lambda grasps: np.digitize(grasps.clearance_mm, CLEARANCES_MM),
    ),
    "rule": Grouping(
        "rule",
        ("best", "angle"),
        ("no room", "room, no good grip", "room and a good grip"),
        lambda grasps: grasps.room.astype(np.int64) + (grasps.room & grasps.grip),
    ),
}
"""Name -> grouping; the teacher's best grasps alone have few angles and few bad places."""


def rates(runs: Mapping[int, Run], by: str) -> list[tuple[str, Estimate | None]]:
    """Success in each group over the draws that have attempts in it."""
    grouping = GROUPINGS[by]
    draws = [grasps_of(run, *grouping.kinds) for _, run in sorted(runs.items())]
    groups = [grouping.which(grasps) for grasps in draws]
    found = []
    for index, name in enumerate(grouping.names):
        each = [grasps.counts(which == index) for grasps, which in zip(draws, groups, strict=True)]
        counts = [one for one in each if one.attempts.sum()]
        found.append((name, tables.estimate_rate(counts) if counts else None))
    return found


def rate(runs: Mapping[int, Run], kind: str) -> Estimate | None:
    """Success of one kind of grasp over draws."""
    draws = [grasps_of(run, kind) for _, run in sorted(runs.items())]
    counts = [each for grasps in draws if (each := grasps.counts(grasps.attempts)).attempts.sum()]
    return tables.estimate_rate(counts) if counts else None


@dataclass(frozen=True)
class Separation:
    """How well a number tells successes from failures: 0.5 not at all, 1 perfectly, below 0.5 the wrong way."""

    value: float
    interval: Interval
    """Draws resampled, and scenes inside each."""

    draws: int

    @property
    def tells(self) -> bool:
        return self.interval.low > 0.5 or self.interval.high < 0.5


def separation(runs: Mapping[int, Run], kind: str) -> Separation | None:
    """Area under the ROC curve of the teacher's confidence, the mean over draws that hold successes and failures."""
    values, resampled = [], []
    for draw, run in sorted(runs.items()):
        grasps = grasps_of(run, kind)
        successes = int(np.nansum(grasps.success))
        if 0 < successes < grasps.attempts.sum():
            random = np.random.default_rng([draw, KINDS.index(kind)])
            scenes = len(grasps.success)
            weights = random.multinomial(scenes, np.full(scenes, 1 / scenes), size=RESAMPLES)
            values.append(float(area(grasps, np.ones((1, scenes)))[0]))
            found = area(grasps, weights)
            resampled.append(np.where(np.isfinite(found), found, values[-1]))  # a resample without both says nothing
    if not values:
        return None
    random = np.random.default_rng(0)
    chosen = random.integers(len(values), size=(len(values), RESAMPLES))
    which = random.integers(RESAMPLES, size=chosen.shape)
    means = np.stack(resampled)[chosen, which].mean(axis=0)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Separation(float(np.mean(values)), Interval(float(low), float(high)), len(values))


def area(grasps: Grasps, weights: NDArray[Any]) -> NDArray[np.float64]:
    """Area under the ROC curve with weighted scenes, ``(n, scenes)`` to ``(n,)``; ties count half, NaN without both."""
    where = grasps.attempts
    if not where.any():
        return np.full(len(weights), np.nan)
    order = np.argsort(grasps.confidence[where], kind="stable")
    value, success = grasps.confidence[where][order], grasps.success[where][order]
    scene = np.nonzero(where)[0][order]
    weight = weights[:, scene].astype(np.float64)
    first = np.flatnonzero(np.r_[True, np.diff(value) > 0])  # where each run of equal values begins
    good = np.add.reduceat(weight * success, first, axis=1)
    bad = np.add.reduceat(weight * (1.0 - success), first, axis=1)
    pairs = (good * (np.cumsum(bad, axis=1) - bad / 2)).sum(axis=1)
    total = good.sum(axis=1) * bad.sum(axis=1)
    return np.where(total > 0, pairs / np.where(total > 0, total, 1.0), np.nan)


def csv_rows(cells: Sequence[tables.CellRuns]) -> list[dict[str, Any]]:
    """All of it, a row each."""
    rows = []
    for cell in cells:
        for arm, runs in cell.runs.items():
            start = {"regime": cell.regime, "setting": cell.setting, "arm": arm}
            named = [("kind", kind, rate(runs, kind)) for kind in KINDS]
            named += [(by, name, each) for by in GROUPINGS for name, each in rates(runs, by)]
            for by, name, each in named:
                if each is not None:
                    low, high = (round(end, 4) for end in each.bootstrap)
                    rows.append(
                        {
                            **start,
                            "by": by,
                            "group": name,
                            "draws": each.draws,
                            "success": round(each.value, 4),
                            "low": low,
                            "high": high,
                        }
                    )
            for kind in KINDS:
                area_ = separation(runs, kind)
                if area_ is not None:
                    rows.append(
                        {
                            **start,
                            "by": "confidence tells",
                            "group": kind,
                            "draws": area_.draws,
                            "success": round(area_.value, 4),
                            "low": round(area_.interval.low, 4),
                            "high": round(area_.interval.high, 4),
                        }
                    )
    return rows
