"""``dataset filter``: chosen attempts, or a random subset, as a new dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional

from grasping_student.cli.dataset_options import parse_options


@dataclass(frozen=True)
class FilterOptions:
    """Keep the attempts that meet every condition given; they keep their ids and episodes."""

    dataset: Annotated[Path, Positional]
    """Folder of the dataset."""

    out: Path
    """New dataset."""

    source: Literal["human", "policy", "script"] | None = None
    """Who chose the grasp."""

    success: Literal["yes", "no"] | None = None
    """Whether the grasp succeeded."""

    labelled: Literal["yes", "no"] | None = None
    """Whether there is a grasp with an outcome."""

    outcome: Literal["success", "missed", "dropped", "collision", "out_of_reach", "fault"] | None = None
    """How the grasp ended."""

    policy: str | None = None
    """Name of the policy."""

    environment: str | None = None
    """Name of the environment."""

    episodes: tuple[int, ...] | None = None
    """Numbers of episodes."""

    split: Path | None = None
    """A stored split, for the episodes of one of its sides."""

    side: Literal["train", "held_out"] | None = None
    """Side of the split, for --split alone; without it the side to train on."""

    count: int | None = None
    """Keep a random subset of so many."""

    seed: int = 0
    """Decides the subset."""


def main(argv: Sequence[str]) -> None:
    """Filter a dataset.

    Raises:
        UserError: nothing meets the conditions, or ``out`` exists.
    """
    options = parse_options("dataset filter", FilterOptions, argv)
    from grasping_student.datasets.selection import Selection, filter_dataset
    from grasping_student.datasets.splits import Split
    from grasping_student.pipeline.errors import UserError

    episodes = options.episodes
    if options.side is not None and options.split is None:
        raise UserError(f"--side {options.side} was given without --split; add --split FILE, the stored split it is of")
    if options.split is not None:
        if episodes is not None:
            raise UserError("--split and --episodes exclude each other: choose one")
        split = Split.load(options.split)
        episodes = split.held_out if options.side == "held_out" else split.train
    selection = Selection(
        options.source,
        _truth(options.success),
        _truth(options.labelled),
        options.outcome,
        options.policy,
        options.environment,
        episodes,
        options.count,
        options.seed,
    )
    print(f"wrote {filter_dataset(options.dataset, selection, options.out)} attempts to {options.out}")


def _truth(word: str | None) -> bool | None:
    return None if word is None else word == "yes"
