"""Choices from a table of pseudo-labels: the best grasp among some of the angles, or the n best of each scene."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from grasping_student.datasets.pseudo_label_table import PseudoLabelTable
from grasping_student.geometry.grasp import TRAINING_ANGLES
from grasping_student.pipeline.errors import UserError


@dataclass(frozen=True, eq=False)
class ChosenGrasps:
    """One grasp for each of ``m`` scenes that have any; ``angle`` is a bin of the training grid."""

    scene: NDArray[np.int64]
    row: NDArray[np.int64]
    col: NDArray[np.int64]
    angle: NDArray[np.int64]
    score: NDArray[np.float32]
    rank: NDArray[np.int64]
    """0 for a scene's best, 1 for the next."""

    confidence: NDArray[np.float32]
    """Share of the teacher's softmax over all allowed pixels and angles of the scene, in (0, 1]."""

    def most_confident(self, share: float) -> ChosenGrasps:
        """All grasps of the share of scenes, at least one, whose best grasp has the highest confidence."""
        first = np.flatnonzero(self.rank == 0)
        count = math.ceil(share * len(first))
        kept = self.scene[first[np.argsort(-self.confidence[first], kind="stable")[:count]]]
        index = np.isin(self.scene, kept)
        return ChosenGrasps(*(getattr(self, each.name)[index] for each in fields(self)))


def best_of_angles(table: PseudoLabelTable, angles: NDArray[np.int64]) -> ChosenGrasps:
    """The teacher's argmax over any subset of the angles: the best of the per-angle maxima, exactly.

    Args:
        table: pseudo-labels of ``n`` scenes.
        angles: bins of the training grid, ``(k,)`` for all scenes or ``(n, k)`` for each; repeats do no harm.
    """
    subset = np.broadcast_to(angles, (len(table), np.asarray(angles).shape[-1]))
    scores = np.take_along_axis(table.score, subset, axis=1)
    at = subset[np.arange(len(table)), scores.argmax(axis=1)]
    every = np.arange(len(table))
    score = table.score[every, at]
    some = np.isfinite(score)
    return ChosenGrasps(
        scene=table.scene[some],
        row=table.row[every, at][some].astype(np.int64),
        col=table.col[every, at][some].astype(np.int64),
        angle=at[some].astype(np.int64),
        score=score[some],
        rank=np.zeros(int(some.sum()), dtype=np.int64),
        confidence=np.exp(score[some] - table.total[some]),
    )


def sample_angles(count: int, scenes: int, random: np.random.Generator) -> NDArray[np.int64]:
    """For each scene a random subset of the training grid (paper, section IV-D), shape ``(scenes, count)``."""
    order = np.argsort(random.random((scenes, TRAINING_ANGLES.count)), axis=1)
    return np.sort(order[:, :count], axis=1)


def top_of_scenes(table: PseudoLabelTable, grid: int, count: int) -> ChosenGrasps:
    """The ``count`` best grasps of each scene after the ban, over 64 or 16 angles, scene by scene, best first.

    Raises:
        UserError: the table keeps fewer grasps a scene.
    """
    kept = table.top64_score.shape[1]
    if count > kept:
        raise UserError(
            f"{count} labels a scene are asked for; the table keeps {kept}: pseudo-label with --top {count}"
        )
    name = {64: "top64", 16: "top16"}[grid]
    score, row, col, angle = (getattr(table, f"{name}_{each}")[:, :count] for each in ("score", "row", "col", "angle"))
    some = np.isfinite(score)
    rank = np.broadcast_to(np.arange(count), score.shape)
    scene = np.broadcast_to(table.scene[:, None], score.shape)
    scene, row, col, angle, rank = (each[some].astype(np.int64) for each in (scene, row, col, angle, rank))
    total = np.broadcast_to(table.total[:, None], score.shape)
    return ChosenGrasps(scene, row, col, angle, score[some], rank, np.exp(score[some] - total[some]))
