"""Is the proxy worth anything: does it rank trained models as picking in the simulator does?

The proxy asks the network alone, so a model that grasps under a rule is no pair for it. Where the same network was
also tested without its rule, that is the pair; else it is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from grasping_student.experiments.arms import ARMS, DEFAULT_STUDENT, METHODS, UNRULED_STUDENT
from grasping_student.experiments.designs import DESIGNS, REGIMES
from grasping_student.experiments.records import Run
from grasping_student.reports.sentences import points

FEWEST_MODELS = 3
RESAMPLES = 2000

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

    one_shot: float
    proxy: float


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
            known = found.get(name, Audited(arm, (), shots.rate, proxy.rate))
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


def scatters(models: Sequence[Audited]) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """For each regime, named with its finding: arm -> one-shot and proxy rate of its models."""
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for regime in REGIMES:
        own = [each for each in models if each.cells[0][1] == regime]
        if own:
            points_ = found.setdefault(f"{regime.replace('-', ' ').capitalize()}: {_short(own)}", {})
            for each in own:
                points_.setdefault(each.arm, []).append((each.one_shot, each.proxy))
    return found


def audit_lines(models: Sequence[Audited]) -> list[str]:
    """Sentences over all models, regime by regime, and on the order inside each cell."""
    regimes = [name for name in REGIMES if any(each.cells[0][1] == name for each in models)]
    lines = [audit_sentences(_pairs(models), _groups(models))[0]] if len(regimes) > 1 else []
    for regime in regimes:
        own = [each for each in models if each.cells[0][1] == regime]
        if len(own) >= FEWEST_MODELS:
            words = regime.replace("-", " ").capitalize()
            lines.append(f"{words}: {audit_sentences(_pairs(own), _groups(own))[0]}")
    return [*lines, _order_sentence(models), WITHOUT_RULE]


def _short(models: Sequence[Audited]) -> str:
    return audit_sentences(_pairs(models), _groups(models))[1]


def _pairs(models: Sequence[Audited]) -> np.ndarray:
    return np.array([(each.one_shot, each.proxy) for each in models])


def _groups(models: Sequence[Audited]) -> np.ndarray:
    """A number for each model's regime, setting and draw, shape ``(n,)``: what models share there they do not vary."""
    names = [each.cells[0][1:] for each in models]
    known = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([known[name] for name in names])


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


def audit_sentences(pairs: np.ndarray, groups: np.ndarray) -> tuple[str, str]:
    """What the proxy is worth, as a sentence and in short.

    Args:
        pairs: one-shot and proxy rates of all trained models, shape ``(n, 2)``.
        groups: number of each model's group, shape ``(n,)``; groups are resampled.
    """
    from scipy import stats

    if np.ptp(pairs[:, 0]) == 0 or np.ptp(pairs[:, 1]) == 0:
        return f"All {len(pairs)} models have the same rate: nothing can be ranked.", f"{len(pairs)} models"
    rho = float(stats.spearmanr(pairs[:, 0], pairs[:, 1]).statistic)
    low, high = _bootstrap_rank(pairs, groups)
    order = (
        "not told apart from chance" if low <= 0.0 <= high else "right more often than wrong" if rho > 0 else "wrong"
    )
    sentence = (
        f"Over {len(pairs)} trained models, Spearman's rank correlation of proxy and one-shot success is {rho:.2f}, "
        f"95 % interval [{low:.2f}, {high:.2f}] (settings and draws resampled). The order that the proxy gives is "
        f"{order}. On average the proxy lies {points(float((pairs[:, 1] - pairs[:, 0]).mean()))} points from the truth."
    )
    return sentence, f"{len(pairs)} models, ρ = {rho:.2f} [{low:.2f}, {high:.2f}]"


def _bootstrap_rank(pairs: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    from scipy import stats

    random, values = np.random.default_rng(0), []
    members = [pairs[groups == number] for number in np.unique(groups)]
    for _ in range(RESAMPLES):
        chosen = np.concatenate([members[n] for n in random.integers(len(members), size=len(members))])
        if np.ptp(chosen[:, 0]) and np.ptp(chosen[:, 1]):
            values.append(float(stats.spearmanr(chosen[:, 0], chosen[:, 1]).statistic))
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
