"""Is the proxy worth anything: does it rank trained models as picking in the simulator does?

The proxy asks the network alone, so a model that grasps under a rule is no pair for it. Where the same network was
also tested without its rule, that is the pair; else it is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from grasping_student.evaluation.statistics import Counts
from grasping_student.evaluation.table import points
from grasping_student.study.conditions import ARMS, DEFAULT_STUDENT, METHODS, UNRULED_STUDENT
from grasping_student.study.designs import DESIGNS, REGIMES
from grasping_student.study.records import Run
from grasping_student.study.tables import FEWEST_DRAWS

FEWEST_MODELS = 3
_NEARLY_ONE = 1.0 - 1e-9
RESAMPLES = 1000

WITHOUT_RULE = (
    "The proxy asks the network alone. Students of good grips, who grasp under a rule, are therefore paired with "
    "their one-shot rate without it, and left out where that was not measured."
)


Cell = tuple[str, str, str, int]
"""Experiment, regime, setting and draw: models of one cell differ by their method alone."""


@dataclass(frozen=True)
class Audited:
    """A trained model that was measured both ways."""

    arm: str
    cells: tuple[Cell, ...]
    """Where it was measured: a model can stand in several experiments and settings."""

    shots: Counts
    """One-shot outcomes by scene."""

    judged: Counts
    """Outcomes of the proxy by the episode that the held-out scenes come from."""

    @property
    def one_shot(self) -> float:
        return self.shots.rate

    @property
    def proxy(self) -> float:
        return self.judged.rate

    @property
    def group(self) -> tuple[str, int]:
        """Regime and draw: what models share there, labels and test scenes, they do not vary."""
        return self.cells[0][1], self.cells[0][3]


def audited_models(runs: Sequence[Run]) -> list[Audited]:
    """Every trained model with one-shot and proxy rate, each once however many experiments show it."""
    found: dict[str, Audited] = {}
    bare = {_cell(run): run for run in runs if run.arm == UNRULED_STUDENT}
    for run in runs:
        tested = (bare.get(_cell(run)) if run.arm == DEFAULT_STUDENT else None) if obeys_rule(run) else run
        shots, proxy = tested.counts("one_shot") if tested else None, run.counts("proxy")
        if shots is not None and proxy is not None and shots.attempts.sum() and proxy.attempts.sum():
            arm = run.arm if tested is None else tested.arm
            cell, name = _cell(run), str(run.values["model"])
            known = found.get(name, Audited(arm, (), shots, proxy))
            found[name] = replace(known, cells=(*known.cells, cell))
    return list(found.values())


def obeys_rule(run: Run) -> bool:
    """Whether a run's student was taught to choose only among grasps that a rule lets pass."""
    method = DESIGNS[run.experiment].settings[run.setting].method if run.arm == "student_method" else None
    if method is None:
        arm = ARMS.get(run.arm)
        if arm is None or arm.kind != "student" or arm.rule == "bare":
            return False
        method = arm.method
    options = METHODS[method]
    return "rule" in options.pseudo_labels and options.student.get("obey_rule", True)


def _cell(run: Run) -> Cell:
    return run.experiment, run.regime, run.setting, run.draw


@dataclass(frozen=True)
class Finding:
    """What the proxy is worth over the models of one regime."""

    models: tuple[Audited, ...]
    sentence: str
    short: str


def by_regime(models: Sequence[Audited]) -> dict[str, Finding]:
    """A finding for each regime, by its name in words; none where too few models were measured both ways."""
    found = {}
    for regime in REGIMES:
        own = tuple(each for each in models if each.group[0] == regime)
        if len(own) >= FEWEST_MODELS:
            found[regime.replace("-", " ").capitalize()] = Finding(own, *audit_sentences(own))
    return found


def scatters(found: Mapping[str, Finding]) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """For each regime, named with its finding: arm -> one-shot and proxy rate of its models."""
    panels: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for regime, finding in found.items():
        marks = panels.setdefault(f"{regime}: {finding.short}", {})
        for each in finding.models:
            marks.setdefault(each.arm, []).append((each.one_shot, each.proxy))
    return panels


def audit_lines(models: Sequence[Audited], found: Mapping[str, Finding]) -> list[str]:
    """Sentences over all models where there are several regimes, on each regime, and on the order inside each cell."""
    lines = [audit_sentences(models)[0]] if len(found) > 1 else []
    lines += [f"{regime}: {finding.sentence}" for regime, finding in found.items()]
    return [*lines, _order_sentence(models), WITHOUT_RULE]


def _pairs(models: Sequence[Audited]) -> NDArray[np.float64]:
    return np.array([(each.one_shot, each.proxy) for each in models])


def _order_sentence(models: Sequence[Audited]) -> str:
    """How often the proxy orders two models of one cell as picking does: there it must decide between methods."""
    met: dict[Cell, list[tuple[Audited, Audited]]] = {}
    for a, b in combinations(models, 2):
        shared = next((cell for cell in a.cells if cell in b.cells), None)
        if shared is not None and a.one_shot != b.one_shot:
            met.setdefault(shared, []).append((a, b))
    agreed: dict[tuple[str, int], list[float]] = {}
    for (_, regime, _, draw), pairs in met.items():
        signs = [float(np.sign(a.one_shot - b.one_shot) * np.sign(a.proxy - b.proxy)) for a, b in pairs]
        agreed.setdefault((regime, draw), []).extend((1.0 + sign) / 2.0 for sign in signs)
    if not agreed:
        return ""
    right, count = (np.array([f(each) for each in agreed.values()]) for f in (sum, len))
    total = int(count.sum())
    chosen = np.random.default_rng(0).integers(len(count), size=(RESAMPLES, len(count)))
    resampled = right[chosen].sum(axis=1) / np.maximum(count[chosen].sum(axis=1), 1)
    low, high = np.quantile(resampled, [0.025, 0.975])
    share = f"{100 * right.sum() / total:.0f} % [{100 * low:.0f}, {100 * high:.0f}]"
    return (
        f"Of {total} pairs of models of the same experiment, regime, setting and draw, the proxy orders {share} as the "
        "one-shot test does (a tie counts half, draws resampled; a coin: 50 %)."
    )


def audit_sentences(models: Sequence[Audited]) -> tuple[str, str]:
    """What the proxy is worth over some models, as a sentence and in short."""
    pairs = _pairs(models)
    if np.ptp(pairs[:, 0]) == 0 or np.ptp(pairs[:, 1]) == 0:
        return f"All {len(pairs)} models have the same rate: nothing can be ranked.", f"{len(pairs)} models"
    rho = rank_correlation(pairs)
    low, high = bootstrap_rank(models)
    order = (
        "not told apart from chance" if low <= 0.0 <= high else "right more often than wrong" if rho > 0 else "wrong"
    )
    draws = min(len(each) for each in _draws(models).values())
    said = f"The order that the proxy gives is {order}."
    if draws < FEWEST_DRAWS:
        said = f"With {draws} {'draw' if draws == 1 else 'draws'} nothing is concluded."
    sentence = (
        f"Over {len(pairs)} trained models, Spearman's rank correlation of proxy and one-shot success is {rho:.2f}, "
        f"95 % interval [{low:.2f}, {high:.2f}] (draws, settings and the scenes of both tests resampled). {said} "
        f"On average the proxy lies {points(float((pairs[:, 1] - pairs[:, 0]).mean()))} points from the truth."
    )
    return sentence, f"{len(pairs)} models, ρ = {rho:.2f} [{low:.2f}, {high:.2f}]"


def rank_correlation(pairs: NDArray[np.float64]) -> float:
    """Spearman's, ties sharing their mean rank; scipy's own takes ten times as long to say more."""
    from scipy.stats import rankdata

    return float(np.corrcoef(rankdata(pairs[:, 0]), rankdata(pairs[:, 1]))[0, 1])


def _draws(models: Sequence[Audited]) -> dict[str, list[int]]:
    """Draws of each regime."""
    found: dict[str, list[int]] = {}
    for regime, draw in sorted({each.group for each in models}):
        found.setdefault(regime, []).append(draw)
    return found


def bootstrap_rank(models: Sequence[Audited]) -> tuple[float, float]:
    """Interval of the rank correlation: draws are resampled, inside each its settings and the scenes that its models
    share, and the held-out scenes that all models of a regime share.

    Resampled rates are noisier than the measured ones, which lowers every correlation of them. So the interval is the
    spread of the resamples about their median, put around the measured value, on Fisher's scale.
    """
    random = np.random.default_rng(0)
    groups: dict[tuple[str, int], list[Audited]] = {}
    for each in models:
        groups.setdefault(each.group, []).append(each)
    held_out = {
        regime: _weights(random, max(len(each.judged) for each in models if each.group[0] == regime))
        for regime in _draws(models)
    }
    rates = {}
    members = {group: _by_setting(own) for group, own in groups.items()}
    for (regime, draw), own in groups.items():
        scenes = _weights(random, max(len(each.shots) for each in own))
        rates[regime, draw] = [
            _resampled([each.shots for each in own], scenes),
            _resampled([each.judged for each in own], held_out[regime]),
        ]
    values = []
    for number in range(RESAMPLES):
        chosen = []
        for regime, draws in _draws(models).items():
            for draw in random.choice(draws, len(draws)):
                truth, proxy = rates[regime, int(draw)]
                settings = members[regime, int(draw)]
                some = np.concatenate([settings[n] for n in random.integers(len(settings), size=len(settings))])
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


def _by_setting(models: Sequence[Audited]) -> list[NDArray[np.int64]]:
    """Places of the models of each setting."""
    found: dict[str, list[int]] = {}
    for place, each in enumerate(models):
        found.setdefault(each.cells[0][2], []).append(place)
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
