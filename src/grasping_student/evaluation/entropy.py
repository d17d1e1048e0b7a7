"""How sure a model is: the entropy of its score map (paper, section IV-C)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


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
