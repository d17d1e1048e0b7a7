"""New datasets from old ones: joined, filtered, thinned out, split."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grasping_student.datasets.create import new_dataset
from grasping_student.datasets.schema import UNSTORED, Attempt
from grasping_student.datasets.splits import SPLIT, Split, split_by_episode
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import write_json

ORIGIN = "origin.json"
"""Beside a dataset that was made of others: which, and how."""


@dataclass(frozen=True)
class Selection:
    """Attempts that meet every condition given; None asks nothing."""

    source: str | None = None
    success: bool | None = None
    labelled: bool | None = None
    outcome: str | None = None
    policy: str | None = None
    environment: str | None = None
    episodes: Collection[int] | None = None
    count: int | None = None
    """Keep so many of them, drawn at random."""

    seed: int = 0
    """Decides which."""

    def ids(self, dataset: Dataset) -> NDArray[np.int64]:
        """The chosen ids, ascending, shape ``(n,)``.

        Raises:
            UserError: unknown source, or fewer attempts than ``count``.
        """
        attempts = dataset.attempts(self.source, self.success, self.labelled, self.episodes, self.outcome)
        ids = np.array([attempt.id for attempt in attempts if self._has_names(attempt)], dtype=np.int64)
        if self.count is None:
            return ids
        if not 0 < self.count <= len(ids):
            raise UserError(f"--count is {self.count}; {len(ids)} attempts of {dataset.path} meet the conditions")
        return np.sort(np.random.default_rng(self.seed).choice(ids, self.count, replace=False))

    def _has_names(self, attempt: Attempt) -> bool:
        return self.policy in (None, attempt.policy) and self.environment in (None, attempt.environment)


def copy_attempts(
    dataset: Dataset, ids: NDArray[np.int64], writer: DatasetWriter, first_episode: int = 0, keep_ids: bool = False
) -> None:
    """Append attempts of one dataset to another, in every value and pixel as they were.

    Args:
        dataset: where they are.
        ids: which, ascending.
        writer: where they go.
        first_episode: added to the numbers of the episodes.
        keep_ids: whether they keep their ids.
    """
    for attempt_id in ids:
        attempt = dataset.attempt(int(attempt_id))
        copied = replace(attempt, episode=attempt.episode + first_episode, id=attempt.id if keep_ids else UNSTORED)
        writer.append(dataset.heightmap(attempt.id), copied)


def filter_dataset(path: Path, selection: Selection, out: Path) -> int:
    """Write the chosen attempts of a dataset as a new one; they keep their ids and episodes.

    Returns:
        how many there are.

    Raises:
        UserError: nothing is chosen, ``out`` exists, or the dataset is damaged.
    """
    dataset = Dataset(path)
    ids = selection.ids(dataset)
    if not len(ids):
        raise UserError(f"no attempt of {path} meets the conditions; 'dataset info' shows what it holds")
    with new_dataset(out, dataset.workspace) as writer:
        copy_attempts(dataset, ids, writer, keep_ids=True)
        episodes = None if selection.episodes is None else sorted(selection.episodes)
        chosen = {**vars(selection), "episodes": episodes}
        origin = {"made_by": "filter", "from": [{"dataset": str(path), "version": dataset.version}], "chosen": chosen}
        write_json(writer.path / ORIGIN, origin)
    return len(ids)


def merge_datasets(paths: Sequence[Path], out: Path) -> int:
    """Write the attempts of several datasets as one new one; ids and episodes are numbered on from each to the next.

    Returns:
        how many there are.

    Raises:
        UserError: fewer than two datasets, different workspaces, ``out`` exists, or one is damaged.
    """
    if len(paths) < 2:
        raise UserError(f"merge was given {len(paths)} dataset; it joins at least two")
    datasets = [Dataset(path) for path in paths]
    for dataset in datasets[1:]:
        if dataset.workspace != datasets[0].workspace:
            raise UserError(
                f"{dataset.path} keeps {dataset.workspace}, {datasets[0].path} {datasets[0].workspace}; only datasets "
                "of one workspace can be joined"
            )
    total, origins = 0, []
    with new_dataset(out, datasets[0].workspace) as writer:
        for dataset in datasets:
            ids, first_episode = dataset.ids(), writer.next_episode
            origins.append(
                {
                    "dataset": str(dataset.path),
                    "version": dataset.version,
                    "first_id": total,
                    "attempts": len(ids),
                    "first_episode": first_episode,
                }
            )
            copy_attempts(dataset, ids, writer, first_episode=first_episode)
            total += len(ids)
        write_json(writer.path / ORIGIN, {"made_by": "merge", "from": origins})
    return total


def write_split(path: Path, held_out: float, seed: int, out: Path, copy: bool) -> Split:
    """Split a dataset by episode and store the split; with ``copy`` also both sides as datasets.

    Raises:
        UserError: too few episodes, an impossible share, or a dataset of that name or another split exists.
    """
    dataset = Dataset(path)
    split = split_by_episode(dataset, held_out, seed)
    if (out / SPLIT).exists():
        _check_same(out / SPLIT, split)
    if copy:
        filter_dataset(path, Selection(episodes=split.train), out / "train")
        filter_dataset(path, Selection(episodes=split.held_out), out / "held_out")
    split.save(out / SPLIT)
    return split


def _check_same(path: Path, split: Split) -> None:
    """Make sure that a stored split, on which something may have been trained, is not replaced by another.

    Raises:
        UserError: the file holds another split, or none.
    """
    try:
        before = Split.load(path)
    except UserError as error:
        raise UserError(f"{path} exists and is no split ({error}); name another --out, or remove it") from None
    if before != split:
        raise UserError(
            f"{path} exists and holds another split ({len(before.train)} episodes to train on, {len(before.held_out)} "
            f"held out, seed {before.seed}, of dataset version {before.dataset_version[:16]}); name another --out, or "
            "remove it"
        )
