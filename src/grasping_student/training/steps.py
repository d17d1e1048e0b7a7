"""What one batch costs: the pair step of teacher and student."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from grasping_student.training.losses import best_is_near, pair_logit, pair_loss, rule_loss

NEAR_METRES = 0.012
"""The best pixel counts as a hit within this distance of the label."""


class PairStep:
    """Lines 10 to 15 of Algorithm 1 and 4 to 7 of Algorithm 2, in the frame of the label."""

    def __init__(self, pixel_size: float, rule_weight: float = 0.0) -> None:
        self._near_pixels = NEAR_METRES / pixel_size
        self._rule_weight = rule_weight

    def __call__(self, network: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Loss, share of the probability at the label, and share of labels that the best pixel hits."""
        scores = pair_scores(network, batch["pictures"])
        logit = pair_logit(scores, batch["mask"], batch["label"])
        with torch.no_grad():
            hit = best_is_near(scores, batch["mask"], batch["label"], self._near_pixels)
            recorded = {"probability": logit.sigmoid().mean(), "hit": hit.float().mean()}
        loss = pair_loss(logit, batch["success"], batch["weight"])
        if self._rule_weight:
            kept = rule_loss(scores, batch["mask"], batch["allowed"])
            loss, recorded = loss + self._rule_weight * kept, {**recorded, "rule_loss": kept.detach()}
        return {"loss": loss, **recorded}


def pair_scores(network: nn.Module, pictures: Tensor) -> Tensor:
    """Scores of a batch's pictures, ``(2 batch, side, side)`` -> ``(batch, 2, side, side)``."""
    scores = network(pictures[:, None])[:, 0]
    return scores.unflatten(0, (2, -1)).transpose(0, 1)
