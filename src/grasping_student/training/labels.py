"""Labels and scenes as arrays in memory: what every training reads its batches from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import Dataset
from grasping_student.models.normalisation import Normalisation, clean_height
from grasping_student.models.rotation import bordered
from grasping_student.pipeline.errors import UserError

HEIGHT_UNIT = 1e-4
"""Scenes stay in memory in the store's unit, metres."""


@dataclass(frozen=True, eq=False)
class Labels:
    """``n`` labelled grasps; several may share a scene."""

    scene: NDArray[np.int64]
    """Attempt id of the scene, ``(n,)``."""

    row: NDArray[np.int64]
    col: NDArray[np.int64]

    angle: NDArray[np.float64]
    """Radians in [0, pi)."""

    success: NDArray[np.float32]
    """1 or 0."""

    weight: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scene)

    def take(self, index: NDArray[np.integer] | NDArray[np.bool_]) -> Labels:
        """Some of the labels."""
        return Labels(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    @staticmethod
    def join(parts: Sequence[Labels]) -> Labels:
        """Labels one after the other."""
        return Labels(*(np.concatenate([getattr(p, name) for p in parts]) for name in Labels.__dataclass_fields__))


def labels_of_attempts(attempts: Sequence[Attempt]) -> Labels:
    """The labels of labelled attempts, weight 1 each."""
    grasps = [attempt.grasp for attempt in attempts if attempt.grasp is not None]
    assert len(grasps) == len(attempts), "only labelled attempts have labels"
    return Labels(
        scene=np.array([attempt.id for attempt in attempts], dtype=np.int64),
        row=np.array([grasp.row for grasp in grasps], dtype=np.int64),
        col=np.array([grasp.col for grasp in grasps], dtype=np.int64),
        angle=np.array([grasp.angle for grasp in grasps], dtype=np.float64),
        success=np.array([bool(attempt.success) for attempt in attempts], dtype=np.float32),
        weight=np.ones(len(attempts), dtype=np.float32),
    )


def read_labels(
    dataset: Dataset, sources: Sequence[str], count: int = 0, fraction: float = 1.0, seed: int = 0
) -> Labels:
    """A seeded draw of a dataset's labels, successes and failures, in the order of the dataset.

    Draws nest: with one seed, the labels of a smaller count are among those of a larger one.

    Args:
        dataset: where from.
        sources: whose grasps are labels (``human``, ``script``, ``policy``).
        count: how many labelled attempts; 0 takes ``fraction`` of all.
        fraction: share of all.
        seed: decides which.

    Raises:
        UserError: an empty dataset, no labels of these sources, fewer than asked for, or no success among them.
    """
    dataset.require(labelled=True, success=True)
    attempts = [each for each in dataset.attempts(labelled=True) if each.source in sources]
    attempts = [
        each for each in attempts if each.grasp and dataset.workspace.is_graspable(each.grasp.row, each.grasp.col)
    ]
    if not attempts:
        raise UserError(
            f"dataset {dataset.path} has no label inside the graspable area from {' or '.join(sources)}; "
            "--sources names others (human, script, policy)"
        )
    wanted = count or max(1, round(fraction * len(attempts)))
    if wanted > len(attempts):
        raise UserError(f"--labels {wanted}: dataset {dataset.path} has {len(attempts)} labels; ask for fewer")
    drawn = np.sort(np.random.default_rng([seed, 1]).permutation(len(attempts))[:wanted])
    labels = labels_of_attempts([attempts[i] for i in drawn])
    if not labels.success.any():
        raise UserError(
            f"none of the {len(labels)} labels drawn from {dataset.path} is a success: nothing to learn from; "
            "take more labels or another --label-seed"
        )
    return labels


@dataclass(frozen=True, eq=False)
class Scenes:
    """Clean heights of some scenes in memory, with one pixel of table around each."""

    ids: NDArray[np.int64]
    """Attempt ids, ascending, ``(n,)``."""

    heights: NDArray[np.uint16]
    """Units of ``HEIGHT_UNIT``, ``(n, pixels + 2, pixels + 2)``."""

    def position(self, scene: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where scenes with these ids lie in ``heights``."""
        return np.searchsorted(self.ids, scene)


def read_scenes(dataset: Dataset, ids: NDArray[np.int64], normalisation: Normalisation) -> Scenes:
    """Load scenes: holes filled, table flattened, walls cut.

    Raises:
        UserError: an attempt does not exist, is damaged, or has no measured pixel.
    """
    unique = np.unique(ids)
    side = dataset.workspace.pixels + 2
    heights = np.empty((len(unique), side, side), dtype=np.uint16)
    for position, attempt_id in enumerate(unique):
        try:
            height = clean_height(dataset.heightmap(int(attempt_id)), normalisation)
        except ValueError as error:
            raise UserError(f"attempt {attempt_id} of {dataset.path}: {error}") from None
        heights[position] = np.rint(bordered(height) / HEIGHT_UNIT)
    return Scenes(unique, heights)
