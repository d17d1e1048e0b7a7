"""``dataset split``: training and held-out episodes, stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from grasping_student.cli.dataset_options import parse_options


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

    split = write_split(options.dataset, options.held_out, options.seed, options.out, options.copy)
    print(
        f"{len(split.train)} episodes to train on, {len(split.held_out)} held out; wrote {options.out / 'split.json'}"
    )
