"""Validity of the proxy: whether it ranks trained models as picking in the simulator does.

The proxy asks the network alone, so a model that grasps under a constraint is no pair for it. Where the same network
was also tested without its constraint, that is the pair; else it is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from grasping_student.evaluation.statistics import Counts
from grasping_student.study.conditions import CONDITIONS, DEFAULT_STUDENT, UNCONSTRAINED_STUDENT
from grasping_student.study.designs import DOMAINS, domain_title
from grasping_student.study.methods import METHODS
from grasping_student.study.rates import MIN_REPLICATES, Evidence
from grasping_student.study.run_store import RunKey, by_run

MIN_MODELS = 3
_NEARLY_ONE = 1.0 - 1e-9
RESAMPLES = 1000

Place = tuple[str, str, str, int]
"""Experiment, domain, level and replicate: models of one trial differ by their method alone."""


@dataclass(frozen=True)
class ComparedModel:
    """A trained model that was measured both ways."""

    condition: str
    trials: tuple[Place, ...]
    """Where it was measured: a model can stand in several experiments and levels."""

    tested: Counts
    """One-shot outcomes by scene."""

    judged: Counts
    """Outcomes of the proxy by the episode that the held-out scenes come from."""

    @property
    def one_shot(self) -> float:
        return self.tested.rate

    @property
    def proxy(self) -> float:
        return self.judged.rate

    @property
    def group(self) -> tuple[str, int]:
        """Domain and replicate: models share labels and test scenes there."""
        return self.trials[0][1], self.trials[0][3]


def compared_models(everything: Mapping[str, Evidence]) -> list[ComparedModel]:
    """Every trained model with one-shot and proxy rate, each once however many experiments show it.

    Args:
        everything: experiment -> its evidence, without reference runs.
    """
    found: dict[str, ComparedModel] = {}
    for experiment, evidence in everything.items():
        for (domain, level, condition, replicate), rows in _in_design_order(evidence):
            place = (experiment, domain, level, replicate)
            tested = UNCONSTRAINED_STUDENT if condition == DEFAULT_STUDENT else condition
            if condition != DEFAULT_STUDENT and constrained(evidence, level, condition):
                continue
            one_shot = evidence.counts(domain, level, tested, "one_shot").get(replicate)
            proxy = evidence.counts(domain, level, condition, "proxy").get(replicate)
            if one_shot is not None and proxy is not None:
                name = str(rows["model"].iloc[0])
                known = found.get(name, ComparedModel(tested, (), one_shot, proxy))
                found[name] = replace(known, trials=(*known.trials, place))
    return list(found.values())


def _in_design_order(evidence: Evidence) -> Iterator[tuple[RunKey, pd.DataFrame]]:
    """Runs in an order that does not depend on the file's: the bootstrap takes models by their place."""
    runs, trials = by_run(evidence.runs), list(evidence.trials)
    order = {(*trial, each): n for n, trial in enumerate(trials) for each in evidence.trials[trial]}
    yield from sorted(runs.items(), key=lambda item: (order[item[0][:3]], item[0][2], item[0][3]))


def constrained(evidence: Evidence, level: str, condition: str) -> bool:
    """Whether a run's student was taught to choose only among grasps that a constraint lets pass."""
    method = evidence.design.levels[level].method if condition == "student_method" else None
    if method is None:
        known = CONDITIONS.get(condition)
        if known is None or known.kind != "student" or known.constraint == "unconstrained":
            return False
        method = known.method
    options = METHODS[method]
    return "constraint" in options.pseudo_labels and options.student.get("constrain", True)


@dataclass(frozen=True)
class Validity:
    """How well the proxy ranks some models."""

    title: str
    """Domain, or all of them."""

    models: tuple[ComparedModel, ...]
    rank_correlation: float | None
    """Spearman's; None where all models have the same rate."""

    interval: tuple[float, float]
    bias: float
    """Mean of the proxy less the one-shot rate."""

    replicates: int

    @property
    def verdict(self) -> str:
        if self.rank_correlation is None:
            return "nothing can be ranked"
        if self.replicates < MIN_REPLICATES:
            return f"nothing concluded: n = {self.replicates}"
        if self.interval[0] <= 0.0 <= self.interval[1]:
            return "not told apart from chance"
        return "right more often than wrong" if self.rank_correlation > 0 else "wrong"

    @property
    def short(self) -> str:
        """Title of a panel."""
        if self.rank_correlation is None:
            return f"{self.title}: {len(self.models)} models"
        low, high = self.interval
        return f"{self.title}: {len(self.models)} models, ρ = {self.rank_correlation:.2f} [{low:.2f}, {high:.2f}]"


def validity(title: str, models: Sequence[ComparedModel]) -> Validity:
    """How well the proxy ranks some models."""
    pairs = _pairs(models)
    ranked = bool(np.ptp(pairs[:, 0]) and np.ptp(pairs[:, 1]))
    return Validity(
        title,
        tuple(models),
        rank_correlation(pairs) if ranked else None,
        bootstrap_rank(models) if ranked else (-1.0, 1.0),
        float((pairs[:, 1] - pairs[:, 0]).mean()),
        min(len(each) for each in _replicates(models).values()),
    )


def by_domain(models: Sequence[ComparedModel]) -> list[Validity]:
    """The proxy's validity over all models where there are several domains, and in each; none of too few models."""
    domains = {name: [each for each in models if each.group[0] == name] for name in DOMAINS}
    found = [validity(domain_title(name), own) for name, own in domains.items() if len(own) >= MIN_MODELS]
    return [validity("All", models), *found] if len(found) > 1 else found


def _pairs(models: Sequence[ComparedModel]) -> NDArray[np.float64]:
    return np.array([(each.one_shot, each.proxy) for each in models])


@dataclass(frozen=True)
class PairOrder:
    """How often the proxy orders two models of one trial as picking does: there it must decide between methods."""

    pairs: int
    share: float
    """A tie counts half."""

    interval: tuple[float, float]
    """Replicates resampled."""


def pair_order(models: Sequence[ComparedModel]) -> PairOrder | None:
    """The order of all pairs of models that share a trial; None where there is no pair."""
    met: dict[Place, list[tuple[ComparedModel, ComparedModel]]] = {}
    for a, b in combinations(models, 2):
        shared = next((trial for trial in a.trials if trial in b.trials), None)
        if shared is not None and a.one_shot != b.one_shot:
            met.setdefault(shared, []).append((a, b))
    agreed: dict[tuple[str, int], list[float]] = {}
    for (_, domain, _, replicate), pairs in met.items():
        signs = [float(np.sign(a.one_shot - b.one_shot) * np.sign(a.proxy - b.proxy)) for a, b in pairs]
        agreed.setdefault((domain, replicate), []).extend((1.0 + sign) / 2.0 for sign in signs)
    if not agreed:
        return None
    right, count = (np.array([f(each) for each in agreed.values()]) for f in (sum, len))
    total = int(count.sum())
    chosen = np.random.default_rng(0).integers(len(count), size=(RESAMPLES, len(count)))
    resampled = right[chosen].sum(axis=1) / np.maximum(count[chosen].sum(axis=1), 1)
    low, high = np.quantile(resampled, [0.025, 0.975])
    return PairOrder(total, float(right.sum() / total), (float(low), float(high)))


def rank_correlation(pairs: NDArray[np.float64]) -> float:
    """Spearman's, ties sharing their mean rank; scipy's own takes ten times as long to say more."""
    from scipy.stats import rankdata

    return float(np.corrcoef(rankdata(pairs[:, 0]), rankdata(pairs[:, 1]))[0, 1])


def _replicates(models: Sequence[ComparedModel]) -> dict[str, list[int]]:
    """Replicates of each domain."""
    found: dict[str, list[int]] = {}
    for domain, replicate in sorted({each.group for each in models}):
        found.setdefault(domain, []).append(replicate)
    return found


def bootstrap_rank(models: Sequence[ComparedModel]) -> tuple[float, float]:
    """Interval of the rank correlation: replicates are resampled, inside each its levels and the scenes that its
    models share, and the held-out scenes that all models of a domain share.

    Resampled rates are noisier than the measured ones, which lowers every correlation of them. So the interval is the
    spread of the resamples about their median, put around the measured value, on Fisher's scale.
    """
    random = np.random.default_rng(0)
    groups: dict[tuple[str, int], list[ComparedModel]] = {}
    for each in models:
        groups.setdefault(each.group, []).append(each)
    held_out = {
        domain: _weights(random, max(len(each.judged) for each in models if each.group[0] == domain))
        for domain in _replicates(models)
    }
    rates = {}
    members = {group: _by_level(own) for group, own in groups.items()}
    for (domain, replicate), own in groups.items():
        scenes = _weights(random, max(len(each.tested) for each in own))
        rates[domain, replicate] = [
            _resampled([each.tested for each in own], scenes),
            _resampled([each.judged for each in own], held_out[domain]),
        ]
    values = []
    for number in range(RESAMPLES):
        chosen = []
        for domain, replicates in _replicates(models).items():
            for replicate in random.choice(replicates, len(replicates)):
                truth, proxy = rates[domain, int(replicate)]
                levels = members[domain, int(replicate)]
                some = np.concatenate([levels[n] for n in random.integers(len(levels), size=len(levels))])
                chosen.append(np.stack([truth[some, random.integers(RESAMPLES)], proxy[some, number]], axis=1))
        both = np.concatenate(chosen)
        both = both[np.isfinite(both).all(axis=1)]
        if len(both) > 1 and np.ptp(both[:, 0]) and np.ptp(both[:, 1]):
            values.append(rank_correlation(both))
    if not values:
        return -1.0, 1.0
    around = np.arctanh(np.clip(np.array(values), -_NEARLY_ONE, _NEARLY_ONE))
    centre = np.arctanh(np.clip(rank_correlation(_pairs(models)), -_NEARLY_ONE, _NEARLY_ONE))
    low, high = np.tanh(centre + np.quantile(around - np.median(around), [0.025, 0.975]))
    return float(low), float(high)


def _by_level(models: Sequence[ComparedModel]) -> list[NDArray[np.int64]]:
    """Places of the models of each level."""
    found: dict[str, list[int]] = {}
    for place, each in enumerate(models):
        found.setdefault(each.trials[0][2], []).append(place)
    return [np.array(places) for places in found.values()]


def _weights(random: np.random.Generator, units: int) -> NDArray[np.int64]:
    """How often each unit is drawn, shape ``(RESAMPLES, units)``."""
    return random.multinomial(units, np.full(units, 1.0 / units), size=RESAMPLES)


def _resampled(counts: Sequence[Counts], weights: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rates of some models with weighted units, shape ``(models, RESAMPLES)``; NaN where none was attempted."""
    found = []
    for each in counts:
        own = weights[:, : len(each)]
        attempts = own @ each.attempts
        found.append(np.where(attempts > 0, own @ each.successes / np.maximum(attempts, 1), np.nan))
    return np.stack(found)
