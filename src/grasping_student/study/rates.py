"""Rates, differences of rates and other means of an experiment's runs, with intervals over replicates and scenes.

``Evidence`` holds the runs of one experiment; its estimates are the rows of every table and the points of every figure.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from grasping_student.evaluation.statistics import (
    ALPHA,
    Counts,
    Interval,
    hierarchical_difference,
    moving_average,
    replicates_interval,
    with_width,
)
from grasping_student.evaluation.table import interval, points
from grasping_student.study.conditions import CONDITIONS
from grasping_student.study.data_stages import PER_EPISODE
from grasping_student.study.designs import DESIGNS
from grasping_student.study.reference_runs import with_reference
from grasping_student.study.run_store import by_run, read_runs

RESAMPLES = 2000
PAPER_EPOCHS = 30
MIN_REPLICATES = 3
"""Runs of fewer replicates are shown, and nothing is concluded from them."""

MEASURES = {
    "one_shot": "one-shot",
    "taken": "blocks an episode",
    "all_picks": "all picks",
    "excluding_repeats": "excl. repeats",
    "without_stop_failures": "without the stop's failures",
    "proxy": "proxy",
    "proxy_average": "proxy, averaged",
    "entropy": "entropy, bits",
}
"""Measure -> its name in tables."""

_PICKING = {"taken": "all_picks"} | {name: name for name in ("all_picks", "excluding_repeats", "without_stop_failures")}
_MEANS = ("proxy_average", "entropy")
"""Measures that a replicate has one number of."""

Runs = Mapping[int, Counts]


@dataclass(frozen=True)
class Estimate:
    """A rate, a mean or a difference of such over replicates."""

    value: float
    replicates: int
    units: int
    """Scenes or episodes of all replicates together."""

    attempts: int
    """Grasps in these, of the second condition where it is a difference."""

    bootstrap: Interval | None
    """Replicates resampled, and scenes inside each; Wilson's where all scenes are alike; None for a mean."""

    over_replicates: Interval | None
    """Student's t over the replicates' own values; None with fewer than two, or where all are equal."""

    each: tuple[float, ...] = field(default=())
    """The value of each replicate."""

    @property
    def enough(self) -> bool:
        return self.replicates >= MIN_REPLICATES

    @property
    def bounds(self) -> Interval | None:
        """The interval that stands beside the value in tables."""
        return self.bootstrap or self.over_replicates

    @property
    def better(self) -> bool:
        """Whether a difference is concluded to be above zero."""
        return self.enough and self.bootstrap is not None and self.bootstrap.low > 0.0

    @property
    def worse(self) -> bool:
        """Whether a difference is concluded to be below zero."""
        return self.enough and self.bootstrap is not None and self.bootstrap.high < 0.0

    @property
    def by_both(self) -> bool:
        """Whether the interval over replicates tells a difference from zero as well."""
        return self.over_replicates is not None and self.over_replicates.excludes_zero

    def text(self, signed: bool = False) -> str:
        """Value and bootstrap interval: a rate in percent or, signed, a difference in points."""
        value = points(self.value) if signed else f"{100 * self.value:.1f}"
        return f"{value} {interval(self.bootstrap, signed)}".strip()


class Evidence:
    """The runs of one experiment with their reference runs, and estimates from them."""

    def __init__(self, name: str, runs: pd.DataFrame) -> None:
        self.name, self.design, self.runs = name, DESIGNS[name], runs
        self._counts: dict[tuple[str, str, str, str], dict[int, Counts]] = {}
        self._values: dict[tuple[str, str, str, str], dict[int, float]] = {}
        self._runs = dict(sorted(by_run(runs).items(), key=lambda item: item[0]))
        for (domain, level, condition, replicate), rows in self._runs.items():
            for measure, counts in _counts_in(rows).items():
                if counts.attempts.sum():
                    self._counts.setdefault((domain, level, condition, measure), {})[replicate] = counts
            for measure, value in _means_in(rows).items():
                self._values.setdefault((domain, level, condition, measure), {})[replicate] = value

    @classmethod
    def read(cls, results: Path, name: str) -> Evidence:
        """From a results folder; experiments measured on the same scenes give their reference runs.

        Raises:
            UserError: a table is damaged.
        """
        reference = DESIGNS[name].reference
        own = read_runs(results / name)
        if reference.experiment and len(own):
            own = with_reference(own, read_runs(results / reference.experiment), reference)
        return cls(name, own)

    def __bool__(self) -> bool:
        return len(self.runs) > 0

    @functools.cached_property
    def trials(self) -> dict[tuple[str, str], list[str]]:
        """Domain and level in the design's order -> conditions in its order, others behind them."""
        found: dict[tuple[str, str], set[str]] = {}
        for domain, level, condition, _ in self._runs:
            found.setdefault((domain, level), set()).add(condition)
        levels = dict.fromkeys((self.design.reference.level, *self.design.levels))
        return {
            (domain, level): _in_order(found[domain, level], self.design.conditions(level, domain))
            for domain in self.design.domains
            for level in levels
            if (domain, level) in found
        }

    @property
    def domains(self) -> list[str]:
        return list(dict.fromkeys(domain for domain, _ in self.trials))

    def levels(self, domain: str) -> list[str]:
        """Levels of a domain that have runs, in the design's order."""
        return [level for each, level in self.trials if each == domain]

    def labels(self, domain: str, level: str) -> str:
        """A level with the number of labels behind it, where all runs have the same."""
        counts = {int(rows["labels"].iloc[0]) for key, rows in self._runs.items() if key[:2] == (domain, level)}
        return f"{level} ({counts.pop()})" if len(counts) == 1 else level

    def replicates(self, domain: str, level: str, condition: str) -> int:
        """Number of a condition's runs at a level."""
        return sum(key[:3] == (domain, level, condition) for key in self._runs)

    def rows(self, domain: str, level: str, condition: str, measure: str) -> pd.DataFrame:
        """Rows of a measure of a condition's runs at a level."""
        own = [rows for key, rows in self._runs.items() if key[:3] == (domain, level, condition)]
        found = pd.concat(own) if own else self.runs.iloc[:0]
        return found[found["measure"] == measure]

    def counts(self, domain: str, level: str, condition: str, measure: str) -> dict[int, Counts]:
        """Replicate -> counts by scene or episode, of the replicates that have attempts."""
        return self._counts.get((domain, level, condition, measure), {})

    def values(self, domain: str, level: str, condition: str, measure: str) -> dict[int, float]:
        """Replicate -> its mean entropy or averaged proxy."""
        return self._values.get((domain, level, condition, measure), {})

    def rate(self, domain: str, level: str, condition: str, measure: str) -> Estimate | None:
        """A condition's rate or mean over its replicates; None if no replicate has it."""
        if measure in _MEANS:
            return mean(list(self.values(domain, level, condition, measure).values()))
        counts = list(self.counts(domain, level, condition, measure).values())
        return rate(counts, measure == "proxy") if counts else None

    def difference(self, domain: str, first: tuple[str, str], second: tuple[str, str], measure: str) -> Estimate | None:
        """Second less first, each a level and a condition, over the replicates of both; None if there are none."""
        if measure in _MEANS:
            a, b = (self.values(domain, *each, measure) for each in (first, second))
            return mean([b[replicate] - a[replicate] for replicate in a if replicate in b])
        return difference(
            self.counts(domain, *first, measure), self.counts(domain, *second, measure), measure == "proxy"
        )

    def measures(self, domain: str | None = None) -> list[str]:
        """Measures that some run has."""
        keys = [*self._counts, *self._values]
        return [name for name in MEASURES if any(key[3] == name and domain in (None, key[0]) for key in keys)]


def _in_order(conditions: Iterable[str], usual: Sequence[str]) -> list[str]:
    known = [*usual, *CONDITIONS]
    return sorted(conditions, key=lambda each: (known.index(each) if each in known else len(known), each))


def _counts_in(rows: pd.DataFrame) -> dict[str, Counts]:
    """Counts of one run by measure.

    The proxy's units are the episodes that held-out scenes come from. Blocks taken in an episode count as hundredths,
    so that percent reads as blocks.
    """
    found = {}
    for (measure, part), own in rows[rows["attempts"].notna()].groupby(["measure", "part"]):
        ordered = own.sort_values("index")
        counts = Counts(ordered["successes"].to_numpy(), ordered["attempts"].to_numpy())
        if measure == "one_shot" and part == "":
            found["one_shot"] = counts
        elif measure == "proxy" and part == "":
            starts = np.arange(0, len(counts), PER_EPISODE)
            found["proxy"] = Counts(np.add.reduceat(counts.successes, starts), np.add.reduceat(counts.attempts, starts))
        elif measure == "picking":
            found[str(part)] = counts
            if part == "all_picks":
                found["taken"] = Counts(counts.successes, np.full(len(counts), 100))
    return found


def _means_in(rows: pd.DataFrame) -> dict[str, float]:
    """Mean entropy of one run's maps, and its proxy's moving average over the training, as the paper reports it.

    The paper's average forgets by alpha an epoch of thirty. Where a training was measured in fewer rounds, each stands
    for several epochs and forgets by as much: with alpha a round, the first of four would have half the weight.
    """
    found = {}
    bits = rows.loc[rows["measure"] == "entropy", "value"]
    if len(bits):
        found["entropy"] = float(np.mean(bits.to_numpy()))
    rounds = rows[(rows["measure"] == "proxy") & (rows["part"] == "round")].sort_values("index")["value"].tolist()
    if rounds:
        epochs = max(1.0, PAPER_EPOCHS / len(rounds))
        found["proxy_average"] = moving_average(rounds, ALPHA**epochs)[-1]
    return found


def mean(values: Sequence[float]) -> Estimate | None:
    """Mean over replicates of a number that a replicate has but its scenes have not; None if there are none."""
    if not values:
        return None
    return Estimate(float(np.mean(values)), len(values), 0, 0, None, _over_replicates(values), tuple(values))


def rate(counts: Sequence[Counts], same_scenes: bool = False) -> Estimate:
    """A rate over replicates, each with attempts: the mean of the replicates' rates."""
    nothing = [Counts(np.zeros(len(each), int), np.ones(len(each), int)) for each in counts]
    return _estimate(nothing, counts, 0.0, same_scenes)


def difference(first: Runs, second: Runs, same_scenes: bool = False) -> Estimate | None:
    """Second less first over the replicates of both, on the scenes that both have; None if there are none."""
    pairs = [_common(first[replicate], second[replicate]) for replicate in sorted(first) if replicate in second]
    if not pairs:
        return None
    return _estimate([a for a, _ in pairs], [b for _, b in pairs], -1.0, same_scenes)


def _common(first: Counts, second: Counts) -> tuple[Counts, Counts]:
    """The units that both have: a later run may have tested more scenes."""
    units = min(len(first), len(second))
    one, other = (Counts(each.successes[:units], each.attempts[:units]) for each in (first, second))
    return one, other


def _estimate(first: Sequence[Counts], second: Sequence[Counts], lowest: float, same_scenes: bool) -> Estimate:
    key = tuple(tuple((c.successes.tobytes(), c.attempts.tobytes()) for c in side) for side in (first, second))
    same_scenes = same_scenes and len({len(each) for each in (*first, *second)}) == 1
    return _estimate_of(key[0], key[1], lowest, same_scenes)


_Bytes = tuple[tuple[bytes, bytes], ...]


@functools.lru_cache(maxsize=4096)  # table, figure and page ask for the same ones
def _estimate_of(first: _Bytes, second: _Bytes, lowest: float, same_scenes: bool) -> Estimate:
    a, b = (
        [Counts(np.frombuffer(s, np.int64), np.frombuffer(n, np.int64)) for s, n in side] for side in (first, second)
    )
    found = hierarchical_difference(a, b, seed=0, resamples=RESAMPLES, same_units=same_scenes)
    each = tuple(y.rate - x.rate for x, y in zip(a, b, strict=True))
    bounds = found.interval
    if len(b) == 1 and np.count_nonzero(b[0].attempts) < 2:  # one unit says nothing of how units differ
        bounds = Interval(lowest, 1.0)
    else:
        bounds = with_width(bounds, found.estimate, sum(int((each.attempts > 0).sum()) for each in b), lowest)
    attempts = sum(int(x.attempts.sum()) for x in b)
    return Estimate(found.estimate, len(each), sum(len(x) for x in b), attempts, bounds, _over_replicates(each), each)


def _over_replicates(each: Sequence[float]) -> Interval | None:
    """Student's t interval; None where replicates are too few, or all equal: they then show no spread to go by."""
    return replicates_interval(each) if len(each) > 1 and np.ptp(each) > 0.0 else None
