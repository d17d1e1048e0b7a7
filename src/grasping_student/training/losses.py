"""The pair loss of teacher and student: pure functions of scores, and the step that puts them together."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

NEAR_METRES = 0.012
"""The best pixel counts as a hit within this distance of the label."""


def pair_logit(scores: Tensor, mask: Tensor, label: Tensor) -> Tensor:
    """Logit of the labelled pixel's share in one softmax over both maps: ``log p - log(1 - p)``, shape ``(batch,)``.

    Equals the labelled score less the log-sum-exp of all *other* allowed scores, which is exact where p rounds to 0
    or 1 (lines 13 and 14 of Algorithms 1 and 2).

    Args:
        scores: ``(batch, 2, side, side)``; map 0 is at the labelled angle, map 1 at a distant one.
        mask: bool, same shape: pixels over which the softmax runs; at least one besides the label.
        label: int64 ``(batch,)``, flat index of the labelled pixel in map 0; inside the mask.
    """
    flat = scores.float().flatten(1).masked_fill(~mask.flatten(1), float("-inf"))
    labelled = flat.gather(1, label[:, None])
    others = flat.scatter(1, label[:, None], float("-inf"))
    return labelled[:, 0] - others.logsumexp(dim=1)


def pair_loss(logit: Tensor, success: Tensor, weight: Tensor) -> Tensor:
    """Mean binary cross-entropy between the labelled pixel's probability and the outcome, a scalar.

    Args:
        logit: ``(batch,)`` of ``pair_logit``.
        success: 1 for a success, 0 for a failure, ``(batch,)``; a failure costs -log(1 - p).
        weight: weight of each label, ``(batch,)``; the mean is over labels, not over weights.
    """
    each = functional.binary_cross_entropy_with_logits(logit, success, reduction="none")
    return (each * weight).mean()


def constraint_loss(scores: Tensor, mask: Tensor, allowed: Tensor) -> Tensor:
    """Minus the log of the probability that a grasp drawn from the softmax over both maps obeys a constraint, a scalar.

    Says nothing of which allowed grasp is better: that is left to ``pair_loss``. The mean is over pairs of maps in
    which some grasp is allowed.

    Args:
        scores: ``(batch, 2, side, side)``.
        mask: bool, same shape: pixels over which the softmax runs.
        allowed: bool, same shape, inside the mask: pixels that the constraint allows.
    """
    flat, good = scores.float().flatten(1), allowed.flatten(1)
    some = good.any(dim=1)
    everything = flat.masked_fill(~mask.flatten(1), float("-inf")).logsumexp(dim=1)
    passing = flat.masked_fill(~(good | ~some[:, None]), float("-inf")).logsumexp(dim=1)
    return torch.where(some, everything - passing, 0.0).sum() / some.sum().clamp(min=1)


def best_is_near(scores: Tensor, mask: Tensor, label: Tensor, radius: float) -> Tensor:
    """Whether the best pixel of both maps lies in map 0 within ``radius`` pixels of the label, bool ``(batch,)``."""
    side = scores.shape[-1]
    best = scores.flatten(1).masked_fill(~mask.flatten(1), float("-inf")).argmax(dim=1)
    in_first = best < side * side
    row, col = best % (side * side) // side, best % side
    distance = torch.hypot((row - label // side).float(), (col - label % side).float())
    return in_first & (distance <= radius)


class PairStep:
    """Lines 10 to 15 of Algorithm 1 and 4 to 7 of Algorithm 2, in the frame of the label."""

    def __init__(self, pixel_size: float, constraint_weight: float = 0.0) -> None:
        self._near_pixels = NEAR_METRES / pixel_size
        self._constraint_weight = constraint_weight

    def __call__(self, network: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Loss, share of the probability at the label, and share of labels that the best pixel hits."""
        scores = pair_scores(network, batch["pictures"], batch["channel"])
        logit = pair_logit(scores, batch["mask"], batch["label"])
        with torch.no_grad():
            hit = best_is_near(scores, batch["mask"], batch["label"], self._near_pixels)
            recorded = {"probability": logit.sigmoid().mean(), "hit": hit.float().mean()}
        loss = pair_loss(logit, batch["success"], batch["weight"])
        if self._constraint_weight:
            kept = constraint_loss(scores, batch["mask"], batch["allowed"])
            loss, recorded = loss + self._constraint_weight * kept, {**recorded, "constraint_loss": kept.detach()}
        return {"loss": loss, **recorded}


def pair_scores(network: nn.Module, pictures: Tensor, channel: Tensor) -> Tensor:
    """Scores of a batch's pictures, ``(2 batch, side, side)`` -> ``(batch, 2, side, side)``.

    Args:
        network: one or several score maps a picture.
        pictures: first all at the labelled angle, then all at the distant one.
        channel: int64 ``(2 batch,)``, which of its score maps each picture is about.
    """
    scores = network(pictures[:, None])
    scores = scores[torch.arange(len(scores), device=scores.device), channel]
    return scores.unflatten(0, (2, -1)).transpose(0, 1)
