"""Success of pseudo-labels by confidence, angle, clearance and constraint, and how well confidence tells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from grasping_student.evaluation.statistics import LEVEL, Counts, Interval
from grasping_student.geometry.grasp import TRAINING_ANGLES
from grasping_student.study.conditions import condition_title
from grasping_student.study.precision import KINDS
from grasping_student.study.rates import MIN_REPLICATES, Estimate, Evidence
from grasping_student.study.rates import rate as rate_of
from grasping_student.study.run_store import by_run

FIFTHS = ("lowest", "2nd", "3rd", "4th", "highest")
ANGLE_BINS = 8
CLEARANCES_MM = (-5.0, 0.0, 5.0, 10.0)
RESAMPLES = 1000

Mask = NDArray[np.bool_]
Replicates = Mapping[int, pd.DataFrame]
"""Replicate -> rows of the measure ``precision`` of one run."""


@dataclass(frozen=True, eq=False)
class Grasps:
    """Grasps of one teacher, every array of shape ``(scenes, grasps a scene)``."""

    success: NDArray[np.float64]
    """1, 0, or NaN without an attempt."""

    confidence: NDArray[np.float64]
    angle: NDArray[np.int64]
    clearance_mm: NDArray[np.float64]
    clear: Mask
    antipodal: Mask

    @property
    def attempts(self) -> Mask:
        return np.isfinite(self.success)

    def counts(self, where: Mask) -> Counts:
        """Successes and attempts by scene among some of the grasps."""
        chosen = where & self.attempts
        return Counts((np.nan_to_num(self.success) * chosen).sum(axis=1), chosen.sum(axis=1))


def grasps_of(run: pd.DataFrame, *kinds: str) -> Grasps:
    """A run's grasps of some kinds, side by side."""
    found: dict[str, list[NDArray[Any]]] = {}
    scenes = int((run["part"] == "best").sum())
    for kind in kinds:
        own = run[run["part"] == kind].sort_values("index")
        success = np.where(own["attempts"] > 0, own["successes"], np.nan).astype(np.float64)
        columns = {name: own[name].to_numpy() for name in ("confidence", "angle", "clearance_mm", "clear", "antipodal")}
        for name, values in {"success": success, **columns}.items():
            found.setdefault(name, []).append(values.reshape(scenes, -1))
    whole = {name: np.concatenate(parts, axis=1) for name, parts in found.items()}
    types = {"angle": np.int64, "clear": np.bool_, "antipodal": np.bool_}
    return Grasps(**{name: values.astype(types.get(name, np.float64)) for name, values in whole.items()})


def replicates_of(evidence: Evidence, domain: str, level: str, condition: str) -> Replicates:
    """The rows of each replicate of a teacher's precision."""
    rows = evidence.rows(domain, level, condition, "precision")
    return {replicate: own for (*_, replicate), own in by_run(rows).items()}


def confidence_fifth(grasps: Grasps) -> NDArray[np.int64]:
    """Fifth of the teacher's own confidences, -1 where nothing was grasped."""
    from scipy.stats import rankdata

    which = np.full(grasps.success.shape, -1)
    rank = rankdata(grasps.confidence[grasps.attempts], method="ordinal") - 1
    which[grasps.attempts] = rank * len(FIFTHS) // max(len(rank), 1)
    return which


@dataclass(frozen=True)
class Grouping:
    """Groups that grasps are divided into."""

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
        "clearance under the fingers, mm",
        ("best", "angle"),
        (
            f"< {CLEARANCES_MM[0]:g}",
            *(f"{low:g} to {high:g}" for low, high in pairwise(CLEARANCES_MM)),
            f"≥ {CLEARANCES_MM[-1]:g}",
        ),
        lambda grasps: np.digitize(grasps.clearance_mm, CLEARANCES_MM),
    ),
    "constraint": Grouping(
        "constraint",
        ("best", "angle"),
        ("no clearance", "clearance, not antipodal", "clearance and antipodal"),
        lambda grasps: grasps.clear.astype(np.int64) + (grasps.clear & grasps.antipodal),
    ),
}
"""Name -> grouping; the teacher's best grasps alone have few angles and few bad places."""


def rates(runs: Replicates, by: str) -> list[tuple[str, Estimate | None]]:
    """Success in each group over the replicates that have attempts in it."""
    grouping = GROUPINGS[by]
    replicates = [grasps_of(run, *grouping.kinds) for _, run in sorted(runs.items())]
    groups = [grouping.which(grasps) for grasps in replicates]
    found = []
    for index, name in enumerate(grouping.names):
        each = [grasps.counts(which == index) for grasps, which in zip(replicates, groups, strict=True)]
        counts = [one for one in each if one.attempts.sum()]
        found.append((name, rate_of(counts) if counts else None))
    return found


def rate(runs: Replicates, kind: str) -> Estimate | None:
    """Success of one kind of grasp over replicates."""
    replicates = [grasps_of(run, kind) for _, run in sorted(runs.items())]
    counts = [each for grasps in replicates if (each := grasps.counts(grasps.attempts)).attempts.sum()]
    return rate_of(counts) if counts else None


@dataclass(frozen=True)
class Separation:
    """How well a number tells successes from failures: 0.5 not at all, 1 perfectly, below 0.5 the wrong way."""

    value: float
    interval: Interval
    """Replicates resampled, and scenes inside each."""

    replicates: int

    @property
    def tells(self) -> bool:
        return self.interval.low > 0.5 or self.interval.high < 0.5


def separation(runs: Replicates, kind: str) -> Separation | None:
    """Area under the ROC curve of the teacher's confidence, the mean over replicates with successes and failures."""
    values, resampled = [], []
    for replicate, run in sorted(runs.items()):
        grasps = grasps_of(run, kind)
        successes = int(np.nansum(grasps.success))
        if 0 < successes < grasps.attempts.sum():
            random = np.random.default_rng([replicate, KINDS.index(kind)])
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


def confidence_rows(evidence: Evidence, domain: str) -> list[dict[str, Any]]:
    """Whether each teacher's confidence tells its good pseudo-labels from its bad ones."""
    found = []
    for each, level in evidence.trials:
        for condition in evidence.trials[each, level] if each == domain else ():
            runs = replicates_of(evidence, domain, level, condition)
            areas = {kind: separation(runs, kind) for kind in ("best", "antipodal", "angle")}
            if areas["best"] is not None:
                row = {"labels": evidence.labels(domain, level), "condition": condition_title(condition)}
                found.append({**row, "areas": areas, "replicates": len(runs), "verdict": _verdict(areas["best"])})
    return found


def _verdict(found: Separation) -> str:
    if found.replicates < MIN_REPLICATES:
        return f"nothing concluded: n = {found.replicates}"
    if not found.tells:
        return "no, the interval holds 0.5"
    if found.value < 0.5:
        return "it tells them the wrong way round: the surer, the worse"
    return "yes" if found.interval.low >= 0.7 else "a little"
