"""``dataset merge``: several datasets as one new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from grasping_student.cli.dataset_options import parse_options


@dataclass(frozen=True)
class MergeOptions:
    """Join datasets of one workspace; ids and episodes are numbered on from each to the next."""

    datasets: Annotated[tuple[Path, ...], Positional]
    """Folders of the datasets, in order."""

    out: Path
    """New dataset."""


def main(argv: Sequence[str]) -> None:
    """Merge datasets.

    Raises:
        UserError: fewer than two, different workspaces, or ``out`` exists.
    """
    options = parse_options("dataset merge", MergeOptions, argv)
    from grasping_student.datasets.selection import merge_datasets

    print(f"wrote {merge_datasets(options.datasets, options.out)} attempts to {options.out}")
