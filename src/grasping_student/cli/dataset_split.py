"""``dataset split``: training and held-out episodes, stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional

from grasping_student.cli.dataset_options import parse_options
from grasping_student.errors import UserError

if TYPE_CHECKING:
    from grasping_student.datasets.splits import Split


@dataclass(frozen=True)
class SplitOptions:
    """Deal the episodes of a dataset to two sides; no scene of one episode is on both."""

    dataset: Annotated[Path, Positional]
    """Folder of the dataset."""

    out: Path
    """Folder for split.json; another split in it is never replaced."""

    held_out: float = 0.2
    """Share of the episodes to hold out."""

    seed: int = 0
    """Decides which."""

    copy: bool = False
    """Also write both sides as datasets, train and held_out."""


def main(argv: Sequence[str]) -> None:
    """Split a dataset.

    Raises:
        UserError: too few episodes, an impossible share, or ``out`` holds another split.
    """
    options = parse_options("dataset split", SplitOptions, argv)
    from grasping_student.datasets.selection import write_split
    from grasping_student.datasets.splits import SPLIT, split_by_episode
    from grasping_student.datasets.store import Dataset

    if (options.out / SPLIT).exists():
        _check_same(options.out / SPLIT, split_by_episode(Dataset(options.dataset), options.held_out, options.seed))
    split = write_split(options.dataset, options.held_out, options.seed, options.out, options.copy)
    print(
        f"{len(split.train)} episodes to train on, {len(split.held_out)} held out; wrote {options.out / 'split.json'}"
    )


def _check_same(path: Path, split: Split) -> None:
    """Make sure that a stored split, on which something may have been trained, is not replaced by another.

    Raises:
        UserError: the file holds another split, or none.
    """
    from grasping_student.datasets.splits import Split

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
