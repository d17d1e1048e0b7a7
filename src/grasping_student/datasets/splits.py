"""Training and held-out episodes: no scene of one episode on both sides."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grasping_student.datasets.store import Dataset
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json

SPLIT = "split.json"
"""Usual name of a stored split."""


@dataclass(frozen=True)
class Split:
    """Episodes of one dataset, dealt to two sides."""

    train: tuple[int, ...]
    """Episodes to learn from, ascending."""

    held_out: tuple[int, ...]
    """Episodes kept for evaluation, ascending."""

    seed: int
    dataset_version: str
    """Content hash of the dataset that was split."""

    def save(self, path: Path) -> None:
        """Write the split as JSON."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> Split:
        """Read a stored split.

        Raises:
            UserError: it is missing or damaged, or an episode is on both sides.
        """
        values = read_json(path)
        try:
            train, held_out = (tuple(int(episode) for episode in values[side]) for side in ("train", "held_out"))
            split = cls(train, held_out, int(values["seed"]), str(values["dataset_version"]))
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{path} is no stored split ({error}); 'grasping-student dataset split' makes one"
            ) from None
        leaked = sorted(set(train) & set(held_out))
        if leaked:
            raise UserError(f"{path}: episode {leaked[0]} is on both sides; split the dataset again")
        return split


def split_by_episode(dataset: Dataset, held_out: float, seed: int) -> Split:
    """Deal the episodes of a dataset to training and held-out side.

    An episode's rank depends on its number and the seed alone, so that a dataset that grows keeps almost all of its
    episodes on their side.

    Args:
        dataset: at least two episodes.
        held_out: share of the episodes to hold out, in (0, 1); at least one episode stays on each side.
        seed: decides which.

    Raises:
        UserError: too few episodes, or an impossible share.
    """
    if not 0.0 < held_out < 1.0:
        raise UserError(f"held-out share is {held_out}; it must lie between 0 and 1, for example 0.2")
    episodes: NDArray[np.int64] = dataset.episodes()
    if len(episodes) < 2:
        raise UserError(f"dataset {dataset.path} has {len(episodes)} episodes; a split needs at least 2")
    count = min(max(round(held_out * len(episodes)), 1), len(episodes) - 1)
    ranked = sorted(episodes.tolist(), key=lambda episode: hashlib.sha256(f"{seed}:{episode}".encode()).digest())
    return Split(tuple(sorted(ranked[count:])), tuple(sorted(ranked[:count])), seed, dataset.version)
