"""More than one look at a scene: turned and mirrored views, several teachers, and an affordance filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.grasp import AngleGrid
from grasping_student.geometry.heightmap import Heightmap, fill_holes
from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.selection import non_maximum_suppression


def log_total(scores: NDArray[np.float32]) -> float:
    """Log-sum-exp of all scores of a scene, -inf where nothing is allowed: ``score - total`` is a log-softmax."""
    best = float(scores.max(initial=-np.inf))
    if not np.isfinite(best):
        return -np.inf
    return best + float(np.log(np.exp(scores - np.float32(best)).sum(dtype=np.float64)))


def scores_of_views(model: GraspModel, heightmap: Heightmap, grid: AngleGrid, views: int) -> NDArray[np.float32]:
    """``GraspModel.score_maps``, with 4 views the mean over the scene as it is, mirrored, turned by pi, and both.

    All four map the pixel grid and the angles of the grid onto themselves: nothing is resampled.
    """
    if views == 1:
        return model.score_maps(heightmap, grid)
    whole = fill_holes(heightmap)
    total = np.zeros((grid.count, *heightmap.workspace.shape), dtype=np.float32)
    for turned in (False, True):
        for mirrored in (False, True):
            rows = slice(None, None, -1 if turned else 1)
            cols = slice(None, None, -1 if turned != mirrored else 1)
            seen = replace(whole, height=np.ascontiguousarray(whole.height[rows, cols]))
            maps = model.score_maps(seen, grid)[:, rows, cols]
            # a mirror turns an angle phi into pi - phi, half a turn leaves a two-fingered grasp as it is
            total += maps[-np.arange(grid.count) % grid.count] if mirrored else maps
    return total / np.float32(4.0)


def ensemble_scores(
    allowed: NDArray[np.float32], models: Sequence[GraspModel], heightmap: Heightmap, grid: AngleGrid, views: int
) -> NDArray[np.float32]:
    """Scores of one or several teachers together, -inf where ``allowed`` is.

    Args:
        allowed: the first teacher's scores of the scene as it is, ``(grid.count, pixels, pixels)``, -inf where no
            grasp is allowed.
        models: the teachers; of several, the mean of their log-softmax over the scene.
        heightmap: the scene.
        grid: angles.
        views: 1 or 4, see ``scores_of_views``.
    """
    if not np.isfinite(allowed).any():
        return allowed
    together = np.zeros_like(allowed)
    for model in models:
        scores = np.where(np.isfinite(allowed), scores_of_views(model, heightmap, grid, views), np.float32(-np.inf))
        together += scores if len(models) == 1 else scores - np.float32(log_total(scores))
    return together / np.float32(len(models))


def filtered_scores(
    scores: NDArray[np.float32],
    affordance_filter: GraspModel,
    heightmap: Heightmap,
    grid: AngleGrid,
    least: float,
    top: int,
    nms_pixels: float,
) -> tuple[NDArray[np.float32], bool]:
    """Only the grasps that an affordance network takes for successes.

    Args:
        scores: of the teacher, ``(grid.count, pixels, pixels)``, -inf where no grasp is allowed.
        affordance_filter: affordance network.
        heightmap: the scene.
        grid: angles.
        least: probability of success that a grasp must exceed.
        top: where none does, the filter's favourite among the teacher's so many best is left.
        nms_pixels: distance between those, see ``non_maximum_suppression``.

    Returns:
        The scores, -inf where the filter refuses, and whether it refused all.
    """
    probability = 1.0 / (1.0 + np.exp(-affordance_filter.score_maps(heightmap, grid)))
    left = np.where(probability > least, scores, np.float32(-np.inf))
    if np.isfinite(left).any() or not np.isfinite(scores).any():
        return left, False
    best = max(
        non_maximum_suppression(scores, top, nms_pixels), key=lambda each: probability[each.angle, each.row, each.col]
    )
    left[best.angle, best.row, best.col] = best.score
    return left, True
