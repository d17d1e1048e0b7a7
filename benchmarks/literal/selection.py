"""Top-n grasps by a three-dimensional convolution of the mask of chosen grasps, after every choice (section IV-E)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

BAN_PIXELS = 10
"""Rows or columns within which a chosen grasp bans others: a square of 21 x 21 pixels (the authors' constant)."""


def literal_top_grasps(scores: Tensor, count: int, ban: int = BAN_PIXELS) -> list[tuple[int, int, int]]:
    """The ``count`` best grasps, each outside the squares of those before, whatever their angles.

    Args:
        scores: shape ``(angles, rows, cols)``, -inf where no grasp is allowed.
        count: how many; fewer come back when nothing is left.
        ban: half side of the square, pixels.

    Returns:
        ``(channel, row, col)``, best first.
    """
    angles = len(scores)
    kernel = torch.ones(1, 1, 2 * angles - 1, 2 * ban + 1, 2 * ban + 1)
    chosen = torch.zeros(1, 1, *scores.shape)
    grasps: list[tuple[int, int, int]] = []
    while len(grasps) < count:
        banned = functional.conv3d(chosen, kernel, padding=(angles - 1, ban, ban))[0, 0] > 0.5
        left = scores.masked_fill(banned, -torch.inf)
        channel, row, col = (int(i) for i in np.unravel_index(int(left.argmax()), left.shape))
        if left[channel, row, col] == -torch.inf:
            break
        grasps.append((channel, row, col))
        chosen[0, 0, channel, row, col] = 1.0
    return grasps
