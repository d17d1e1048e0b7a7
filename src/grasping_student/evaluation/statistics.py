"""Intervals for success rates: Wilson, bootstrap over episodes, paired differences, replicates; a moving average.

Attempts inside an episode are correlated, so the honest unit of resampling is the episode; a one-shot scene is an
episode of one attempt. All functions are pure; the same seed gives the same interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 10_000
LEVEL = 0.95
ALPHA = 0.8
"""Weight of the past in the moving average (paper, section IV-A)."""

_CHUNK = 500  # resamples drawn at once: bounds the memory at any number of episodes


class Interval(NamedTuple):
    """Lower and upper end."""

    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0.0 or self.high < 0.0


@dataclass(frozen=True, eq=False)
class Counts:
    """Successes and attempts by unit (episode or scene), each int64 of shape ``(units,)``; a unit may be empty.

    Raises:
        ValueError: no whole numbers, not equal lists, or not 0 <= successes <= attempts in every unit.
    """

    successes: NDArray[np.int64]
    attempts: NDArray[np.int64]

    def __post_init__(self) -> None:
        for name in ("successes", "attempts"):
            object.__setattr__(self, name, _whole(getattr(self, name), name))
        if self.successes.ndim != 1 or self.successes.shape != self.attempts.shape:
            raise ValueError(f"successes {self.successes.shape} and attempts {self.attempts.shape} must be equal lists")
        if np.any(self.successes < 0) or np.any(self.successes > self.attempts):
            raise ValueError("every unit needs 0 <= successes <= attempts")

    def __len__(self) -> int:
        return len(self.attempts)

    @property
    def rate(self) -> float:
        """All successes over all attempts; NaN without attempts."""
        total = int(self.attempts.sum())
        return float(self.successes.sum() / total) if total else float("nan")

    def joined(self, other: Counts) -> Counts:
        """Units of both, one after the other."""
        return Counts(
            np.concatenate([self.successes, other.successes]), np.concatenate([self.attempts, other.attempts])
        )


@dataclass(frozen=True)
class Difference:
    """Rate of the second less rate of the first, with its interval; ``units`` were paired."""

    estimate: float
    interval: Interval
    units: int


def wilson_interval(successes: int, attempts: int, level: float = LEVEL) -> Interval:
    """Wilson's score interval, which takes attempts as independent (the paper's footnote 1).

    Without attempts it is [0, 1]: nothing is known.
    """
    from statsmodels.stats.proportion import proportion_confint

    if not 0 <= successes <= attempts:
        raise ValueError(f"{successes} successes of {attempts} attempts; 0 <= successes <= attempts is needed")
    if attempts == 0:
        return Interval(0.0, 1.0)
    low, high = proportion_confint(successes, attempts, alpha=1.0 - level, method="wilson")
    return Interval(float(low), float(high))


def newcombe_difference(first: Counts, second: Counts, level: float = LEVEL) -> Interval:
    """Newcombe's interval of the second rate less the first, from both Wilson intervals (independent attempts)."""
    p, q = first.rate, second.rate
    a = wilson_interval(int(first.successes.sum()), int(first.attempts.sum()), level)
    b = wilson_interval(int(second.successes.sum()), int(second.attempts.sum()), level)
    if not (np.isfinite(p) and np.isfinite(q)):
        return Interval(-1.0, 1.0)
    down = np.hypot(q - b.low, a.high - p)
    up = np.hypot(b.high - q, p - a.low)
    return Interval(float(q - p - down), float(q - p + up))


def bootstrap_interval(counts: Counts, seed: int, resamples: int = RESAMPLES, level: float = LEVEL) -> Interval:
    """Percentile bootstrap over units of the ratio of sums: all successes over all attempts.

    With attempts in fewer than two units it is [0, 1]: one unit says nothing of how units differ. Where all units are
    alike it is ``all_alike_interval``. With few units it is too narrow, and Wilson's is the wider truth.
    """
    units = int(np.count_nonzero(counts.attempts))
    if units < 2:
        return Interval(0.0, 1.0)
    rates = _resampled_rates([counts], seed, resamples)[0]
    return with_width(_percentiles(rates, level), counts.rate, units, level=level)


def all_alike_interval(value: float, units: int, lowest: float = 0.0, level: float = LEVEL) -> Interval:
    """Interval of a rate or difference that every unit shows alike, so that no resample differs from another.

    A bootstrap would claim to know all. Wilson's interval says what share of other units may still differ, none of so
    many having done so.

    Args:
        value: the rate or difference.
        units: with attempts.
        lowest: 0 for a rate, -1 for a difference.
        level: of the interval.
    """
    others = wilson_interval(0, units, level).high
    return Interval(max(lowest, value - others), min(1.0, value + others))


def with_width(bounds: Interval, value: float, units: int, lowest: float = 0.0, level: float = LEVEL) -> Interval:
    """A bootstrap's interval, or ``all_alike_interval`` of the same arguments where it has no width."""
    return bounds if bounds.low < bounds.high else all_alike_interval(value, units, lowest, level)


def paired_difference(
    first: Counts, second: Counts, seed: int, resamples: int = RESAMPLES, level: float = LEVEL
) -> Difference:
    """Rate of ``second`` less rate of ``first`` where unit i of both began in the same scene.

    Units are drawn together, so what a scene does to both models cancels. With fewer than two units that hold attempts
    of both the interval is [-1, 1]; where all units are alike it is ``all_alike_interval``.

    Raises:
        ValueError: different numbers of units, or a model without attempts.
    """
    shared, estimate = _paired_units(first, second), second.rate - first.rate
    if shared < 2:
        return Difference(estimate, Interval(-1.0, 1.0), len(first))
    rates = _resampled_rates([first, second], seed, resamples)
    bounds = with_width(_percentiles(rates[1] - rates[0], level), estimate, shared, -1.0, level)
    return Difference(estimate, bounds, len(first))


def hierarchical_difference(
    first: Sequence[Counts],
    second: Sequence[Counts],
    seed: int,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    same_units: bool = False,
) -> Difference:
    """Mean over replicates of the paired difference, resampling replicates, then the scenes inside each.

    A replicate is one choice of labels and one training seed, with its own pair of models. With few replicates this
    interval is still too narrow for them (three points know little of a spread): read ``replicates_interval`` beside
    it. Scenes are resampled anew in each replicate, where each has scenes of its own (another seed of the evaluation).

    A single replicate with fewer than two units that hold attempts of both models gives [-1, 1]: nothing is known.
    Where all units of all replicates are alike the interval has no width; ``with_width`` corrects it.

    Args:
        first: for each replicate the first model's counts.
        second: for each replicate the second model's counts on the same units.
        seed: of the resampling.
        resamples: number of resamples.
        level: of the interval.
        same_units: all replicates were measured on the same scenes, which are then resampled once for all of them.

    Raises:
        ValueError: no replicate, not the same replicates, one whose models have different numbers of units or one of
            them no attempts, or ``same_units`` and not the same number of them.
    """
    if len(first) != len(second) or not first:
        raise ValueError(f"{len(first)} and {len(second)} replicates; both models need the same ones, at least one")
    shared = [_paired_units(a, b) for a, b in zip(first, second, strict=True)]
    if same_units and len({len(each) for each in (*first, *second)}) > 1:
        raise ValueError("replicates on the same units have as many each")
    pairs = list(zip(first, second, strict=True))
    estimate = float(np.mean([b.rate - a.rate for a, b in pairs]))
    if len(pairs) == 1 and shared[0] < 2:
        return Difference(estimate, Interval(-1.0, 1.0), 1)
    if same_units:
        rates = _resampled_rates([each for pair in pairs for each in pair], seed + 1, resamples)
        inside = list(rates[1::2] - rates[::2])
    else:
        inside = [np.diff(_resampled_rates(pair, seed + 1 + n, resamples), axis=0)[0] for n, pair in enumerate(pairs)]
    generator = np.random.default_rng(seed)
    chosen = generator.integers(len(first), size=(len(first), resamples))
    # a replicate chosen twice takes two different resamples of its scenes, unless all share their scenes
    which = generator.integers(resamples, size=(1 if same_units else len(first), resamples))
    means = np.stack(inside)[chosen, which].mean(axis=0)
    return Difference(estimate, _percentiles(means, level), len(first))


def replicates_interval(values: ArrayLike, level: float = LEVEL) -> Interval:
    """Student's t interval of a mean over replicates, one value each: wide where replicates are few, and rightly so.

    Raises:
        ValueError: fewer than two replicates.
    """
    from scipy import stats

    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or len(sample) < 2:
        raise ValueError(f"{sample.size} replicates; an interval over replicates needs at least 2")
    half = stats.t.ppf(0.5 + level / 2, len(sample) - 1) * sample.std(ddof=1) / np.sqrt(len(sample))
    return Interval(float(sample.mean() - half), float(sample.mean() + half))


def moving_average(values: Sequence[float], alpha: float = ALPHA) -> list[float]:
    """Exponential moving average: ``alpha`` of the average before, the rest of the new value; begins at the first.

    Raises:
        ValueError: ``alpha`` is not in [0, 1).
    """
    if not 0.0 <= alpha < 1.0:
        raise ValueError(f"alpha is {alpha}; it must lie in [0, 1)")
    averaged: list[float] = []
    for value in values:
        averaged.append(alpha * averaged[-1] + (1.0 - alpha) * value if averaged else float(value))
    return averaged


def _whole(values: ArrayLike, name: str) -> NDArray[np.int64]:
    """Counts as int64 of the same shape; floats may be given where they are whole."""
    given = np.asarray(values)
    if given.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be whole numbers, not of type {given.dtype}")
    with np.errstate(invalid="ignore"):  # not a number, or infinite: equal to no whole number
        whole = given.astype(np.int64)
    wrong = given[whole != given]
    if wrong.size:
        raise ValueError(f"{name} must be whole numbers; {wrong.flat[0]} is none")
    return whole


def _paired_units(first: Counts, second: Counts) -> int:
    """How many units hold attempts of both models.

    Raises:
        ValueError: different numbers of units, or a model without attempts.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} units; paired models have the same scenes")
    if first.attempts.sum() == 0 or second.attempts.sum() == 0:
        raise ValueError("a model has no attempts: there is no rate to compare")
    return int(np.count_nonzero((first.attempts > 0) & (second.attempts > 0)))


def _resampled_rates(models: Sequence[Counts], seed: int, resamples: int) -> NDArray[np.float64]:
    """Rates of the models over resampled units, the same units for all, shape ``(models, resamples)``.

    Units that are alike for all models are drawn together: one-shot scenes come in few kinds.
    """
    units = len(models[0])
    generator = np.random.default_rng(seed)
    columns = np.stack([part for counts in models for part in (counts.successes, counts.attempts)])
    kinds, alike = np.unique(columns, axis=1, return_counts=True)
    successes, attempts = kinds[::2].astype(np.float64), kinds[1::2].astype(np.float64)  # (models, kinds)
    fallback = np.array([counts.rate for counts in models])[:, None]
    rates = np.empty((len(models), resamples))
    for start in range(0, resamples, _CHUNK):
        size = min(_CHUNK, resamples - start)
        weights = generator.multinomial(units, alike / units, size=size).T  # (kinds, size)
        total = attempts @ weights
        # a resample of nothing but empty units says nothing: it takes the estimate itself
        rates[:, start : start + size] = np.where(total > 0, successes @ weights / np.maximum(total, 1), fallback)
    return rates


def _percentiles(values: NDArray[np.float64], level: float) -> Interval:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
