"""Quality of an affordance network (paper, section III-F), and entropy of any network's scores (section IV-C)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grasping_student.pipeline.errors import UserError

BINS = 10


@dataclass(frozen=True, eq=False)
class Reliability:
    """Predicted against seen share of successes in equal bins of the prediction; empty bins are NaN."""

    edges: NDArray[np.float64]
    """``(bins + 1,)``."""

    count: NDArray[np.int64]
    predicted: NDArray[np.float64]
    """Mean prediction of each bin."""

    seen: NDArray[np.float64]
    """Share of successes of each bin."""

    @property
    def expected_calibration_error(self) -> float:
        """Mean distance of prediction and seen share, weighted by the bins' counts."""
        some = self.count > 0
        gap = np.abs(self.predicted[some] - self.seen[some])
        return float((gap * self.count[some]).sum() / self.count.sum())


def reliability(probability: ArrayLike, success: ArrayLike, bins: int = BINS) -> Reliability:
    """Reliability diagram of predicted probabilities, both of shape ``(n,)``.

    Raises:
        ValueError: no predictions, or not in [0, 1]; not as many outcomes, or others than 0 and 1.
    """
    p, y = _checked(probability, success)
    edges = np.linspace(0.0, 1.0, bins + 1)
    which = np.minimum((p * bins).astype(int), bins - 1)
    count = np.bincount(which, minlength=bins)
    with np.errstate(invalid="ignore"):
        predicted = np.bincount(which, p, bins) / count
        seen = np.bincount(which, y, bins) / count
    return Reliability(edges, count, predicted, seen)


def balanced_accuracy(probability: ArrayLike, success: ArrayLike, threshold: float = 0.5) -> float:
    """Mean of the recalls of successes and of failures; NaN without both.

    A prediction above the threshold says success, as in the proxy (paper, section IV-A).

    Raises:
        ValueError: as ``reliability``.
    """
    p, y = _checked(probability, success)
    said = p > threshold
    if not 0 < y.sum() < len(y):
        return float("nan")
    return float((said[y == 1].mean() + (~said[y == 0]).mean()) / 2)


def affordance_metrics(probability: ArrayLike, success: ArrayLike, threshold: float = 0.5) -> dict[str, Any]:
    """All measures as plain JSON values; None where a measure has no denominator.

    Returns:
        ``attempts``, ``successes``, ``balanced_accuracy``, ``accuracy``, ``precision`` (successes among those said to
        succeed), ``recall`` (said to succeed among successes), ``specificity`` (said to fail among failures),
        ``expected_calibration_error`` and ``reliability`` (bins as lists).

    Raises:
        ValueError: as ``reliability``.
    """
    p, y = _checked(probability, success)
    said = p > threshold
    diagram = reliability(p, y)
    return {
        "attempts": len(y),
        "successes": int(y.sum()),
        "balanced_accuracy": _finite(balanced_accuracy(p, y, threshold)),
        "accuracy": float((said == (y == 1)).mean()),
        "precision": _share(y[said]),
        "recall": _share(said[y == 1]),
        "specificity": _share(~said[y == 0]),
        "expected_calibration_error": diagram.expected_calibration_error,
        "reliability": {
            "edges": diagram.edges.tolist(),
            "count": diagram.count.tolist(),
            "predicted": [_finite(value) for value in diagram.predicted],
            "seen": [_finite(value) for value in diagram.seen],
        },
    }


def log_probabilities(scores: ArrayLike) -> NDArray[np.float64]:
    """Log-softmax (natural logarithm) over all finite scores, same shape; -inf where the score is not finite.

    Raises:
        ValueError: no score is finite.
    """
    values = np.asarray(scores, dtype=np.float64)
    allowed = np.isfinite(values)
    if not allowed.any():
        raise ValueError("no finite score: nothing may be grasped")
    shifted = np.where(allowed, values, -np.inf) - values[allowed].max()
    return shifted - np.log(np.exp(shifted).sum())


def entropy_bits(scores: ArrayLike) -> float:
    """Entropy of the softmax over all finite scores, bits: 0 for one certain grasp, log2(n) for n equal ones."""
    logs = log_probabilities(scores)
    finite = np.isfinite(logs)
    return float(-(np.exp(logs[finite]) * logs[finite]).sum() / np.log(2.0))


def evaluate_affordance(path: Path) -> dict[str, Any]:
    """Measures of an affordance checkpoint on the attempts that its training held out, overall and by source.

    Raises:
        UserError: no checkpoint, a dataset that has changed, or nothing held out.
    """
    from grasping_student.evaluation.proxy import success_probability
    from grasping_student.models.grasp_model import GraspModel
    from grasping_student.training.affordance import held_out_attempts

    model = GraspModel.load(path)
    probability, success, source = [], [], []
    for dataset, attempts in held_out_attempts(path):
        for each in attempts:
            assert each.grasp is not None
            probability.append(success_probability(model, dataset.heightmap(each.id), each.grasp))
            success.append(bool(each.success))
            source.append(str(each.source))
    if not success:
        raise UserError(f"{path} held out no attempt; train it with a larger --held-out")
    p, y, who = np.array(probability), np.array(success), np.array(source)
    metrics = affordance_metrics(p, y)
    metrics["by_source"] = {name: affordance_metrics(p[who == name], y[who == name]) for name in sorted(set(source))}
    metrics["model"] = model.version
    return metrics


def _checked(probability: ArrayLike, success: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Both as arrays of shape ``(n,)``.

    Raises:
        ValueError: not equal lists of at least one, a probability outside [0, 1], or an outcome other than 0 and 1.
    """
    p, y = np.asarray(probability, dtype=np.float64), np.asarray(success)
    if p.ndim != 1 or p.shape != y.shape or not len(p):
        raise ValueError(f"probabilities {p.shape} and outcomes {y.shape} must be equal lists of at least one")
    if not ((p >= 0.0) & (p <= 1.0)).all():
        raise ValueError("probabilities must lie in [0, 1]")
    if y.dtype.kind not in "biuf" or not ((y == 0) | (y == 1)).all():
        raise ValueError("outcomes must be 0 (failure) or 1 (success)")
    return p, y.astype(np.int64)


def _share(flags: NDArray) -> float | None:
    return float(flags.mean()) if len(flags) else None


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
