"""``dataset export``: Parquet shards with a dataset card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from grasping_student.cli.dataset_options import parse_options


@dataclass(frozen=True)
class ExportOptions:
    """Write a dataset as Parquet, which datasets.load_dataset("parquet", ...) and ray.data.read_parquet read."""

    dataset: Annotated[Path, Positional]
    """Folder of the dataset."""

    out: Path
    """Folder of the export."""

    rows_a_shard: int = 2000
    """Attempts a file."""

    overwrite: bool = False
    """Replace an older export."""


def main(argv: Sequence[str]) -> None:
    """Export a dataset.

    Raises:
        UserError: it is missing, empty or damaged, or ``out`` exists.
    """
    options = parse_options("dataset export", ExportOptions, argv)
    from grasping_student.datasets.parquet import export_parquet

    shards = export_parquet(options.dataset, options.out, options.rows_a_shard, options.overwrite)
    print(f"wrote {len(shards)} shards and README.md to {options.out}")
