"""Is the proxy worth anything: does it rank trained models as picking in the simulator does?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from grasping_student.experiments.designs import REGIMES
from grasping_student.experiments.records import Run
from grasping_student.reports.sentences import points

FEWEST_MODELS = 3
RESAMPLES = 2000


Cell = tuple[str, str, str, int]
"""Experiment, regime, setting and draw: models of one cell differ by their method alone."""


@dataclass(frozen=True)
class Audited:
    """A trained model that was measured both ways."""

    arm: str
    cells: tuple[Cell, ...]
    """Where it was measured: a model can stand in several experiments and settings."""

    one_shot: float
    proxy: float


def audited_models(runs: Sequence[Run]) -> list[Audited]:
    """Every trained model with one-shot and proxy rate, each once however many experiments show it."""
    found: dict[str, Audited] = {}
    for run in runs:
        shots, proxy = run.counts("one_shot"), run.counts("proxy")
        if shots is not None and proxy is not None and shots.attempts.sum() and proxy.attempts.sum():
            arm = "student" if run.arm == "student_method" else run.arm
            cell, name = (run.experiment, run.regime, run.setting, run.draw), str(run.values["model"])
            known = found.get(name, Audited(arm, (), shots.rate, proxy.rate))
            found[name] = replace(known, cells=(*known.cells, cell))
    return list(found.values())


def scatter(models: Sequence[Audited]) -> dict[str, list[tuple[float, float]]]:
    """Arm -> one-shot and proxy rate of its models."""
    points_: dict[str, list[tuple[float, float]]] = {}
    for each in models:
        points_.setdefault(each.arm, []).append((each.one_shot, each.proxy))
    return points_


def audit_lines(models: Sequence[Audited]) -> list[str]:
    """Sentences over all models, regime by regime, and on the order inside each cell."""
    lines = [audit_sentences(_pairs(models))[0]]
    regimes = [name for name in REGIMES if any(each.cells[0][1] == name for each in models)]
    for regime in regimes if len(regimes) > 1 else []:
        own = [each for each in models if each.cells[0][1] == regime]
        if len(own) >= FEWEST_MODELS:
            lines.append(f"{regime.replace('-', ' ').capitalize()}: {audit_sentences(_pairs(own))[0]}")
    return [*lines, _order_sentence(models)]


def short(models: Sequence[Audited]) -> str:
    """The finding as a figure's title."""
    return audit_sentences(_pairs(models))[1]


def _pairs(models: Sequence[Audited]) -> np.ndarray:
    return np.array([(each.one_shot, each.proxy) for each in models])


def _order_sentence(models: Sequence[Audited]) -> str:
    """How often the proxy orders two models of one cell as picking does: there it must decide between methods."""
    met: dict[Cell, list[tuple[Audited, Audited]]] = {}
    for a, b in combinations(models, 2):
        shared = next((cell for cell in a.cells if cell in b.cells), None)
        if shared is not None and a.one_shot != b.one_shot:
            met.setdefault(shared, []).append((a, b))
    agreed, compared = [], []
    for pairs in met.values():
        signs = [np.sign(a.one_shot - b.one_shot) * np.sign(a.proxy - b.proxy) for a, b in pairs]
        agreed.append(sum((1.0 + sign) / 2.0 for sign in signs))
        compared.append(len(signs))
    total = sum(compared)
    if not total:
        return ""
    right, count = np.array(agreed), np.array(compared)
    chosen = np.random.default_rng(0).integers(len(count), size=(RESAMPLES, len(count)))
    resampled = right[chosen].sum(axis=1) / np.maximum(count[chosen].sum(axis=1), 1)
    low, high = np.quantile(resampled, [0.025, 0.975])
    share = f"{100 * right.sum() / total:.0f} % [{100 * low:.0f}, {100 * high:.0f}]"
    return (
        f"Of {total} pairs of models of the same experiment, regime, setting and draw, the proxy orders {share} as the "
        "one-shot test does (a tie counts half, cells resampled; a coin: 50 %)."
    )


def audit_sentences(pairs: np.ndarray) -> tuple[str, str]:
    """What the proxy is worth, from one-shot and proxy rates of all trained models, shape ``(n, 2)``."""
    from scipy import stats

    if np.ptp(pairs[:, 0]) == 0 or np.ptp(pairs[:, 1]) == 0:
        return f"All {len(pairs)} models have the same rate: nothing can be ranked.", f"{len(pairs)} models"
    rho = float(stats.spearmanr(pairs[:, 0], pairs[:, 1]).statistic)
    low, high = _bootstrap_rank(pairs)
    order = (
        "not told apart from chance" if low <= 0.0 <= high else "right more often than wrong" if rho > 0 else "wrong"
    )
    sentence = (
        f"Over {len(pairs)} trained models, Spearman's rank correlation of proxy and one-shot success is {rho:.2f}, "
        f"95 % interval [{low:.2f}, {high:.2f}] (models resampled). The order that the proxy gives is {order}. "
        f"On average the proxy lies {points(float((pairs[:, 1] - pairs[:, 0]).mean()))} points from the truth."
    )
    return sentence, f"{len(pairs)} models, rank correlation {rho:.2f} [{low:.2f}, {high:.2f}]"


def _bootstrap_rank(pairs: np.ndarray, resamples: int = 2000) -> tuple[float, float]:
    from scipy import stats

    random, values = np.random.default_rng(0), []
    for _ in range(resamples):
        chosen = pairs[random.integers(len(pairs), size=len(pairs))]
        if np.ptp(chosen[:, 0]) and np.ptp(chosen[:, 1]):
            values.append(float(stats.spearmanr(chosen[:, 0], chosen[:, 1]).statistic))
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
