"""The best grasp and the n best grasps of score maps, as pure functions of arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Choice(NamedTuple):
    """One cell of a stack of score maps."""

    angle: int
    row: int
    col: int
    score: float


def angle_maxima(scores: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Best score of every map and its pixel; the first in reading order where scores tie.

    Args:
        scores: shape ``(angles, rows, cols)``, -inf where no grasp is allowed.

    Returns:
        score, row and column, each of shape ``(angles,)``.
    """
    flat = scores.reshape(len(scores), -1)
    best = flat.argmax(axis=1)
    row, col = np.divmod(best, scores.shape[2])
    return flat[np.arange(len(flat)), best], row, col


def non_maximum_suppression(scores: NDArray[np.float32], count: int, nms_pixels: float) -> list[Choice]:
    """The best cell, then the best one left after every cell near it is banned, and so on (paper, section IV-E).

    Banned is a pixel, at any angle, whose row *and* column both lie nearer than ``nms_pixels`` to a chosen one's: the
    square window of the authors.

    Args:
        scores: shape ``(angles, rows, cols)``, -inf where no grasp is allowed.
        count: how many; fewer come back when nothing is left.
        nms_pixels: at least this many pixels lie between two chosen grasps along rows or along columns.
    """
    # the angle does not matter for the ban, so the best angle of each pixel is all that is needed
    angle = scores.argmax(axis=0)
    best = np.take_along_axis(scores, angle[None], axis=0)[0].copy()
    chosen: list[Choice] = []
    reach = int(np.ceil(nms_pixels)) - 1
    while len(chosen) < count:
        row, col = (int(i) for i in np.unravel_index(best.argmax(), best.shape))
        if not np.isfinite(best[row, col]):
            break
        chosen.append(Choice(int(angle[row, col]), row, col, float(best[row, col])))
        best[max(row - reach, 0) : row + reach + 1, max(col - reach, 0) : col + reach + 1] = -np.inf
    return chosen
