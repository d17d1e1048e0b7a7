"""Parquet shards that ``dataset export`` wrote, back as a dataset: the same ids, values, pixels and content hash."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grasping_student.datasets.importers.base import ImportedEntry, ImportReport, Skipped, write_import
from grasping_student.datasets.parquet import KEY, columns_of_shard, heightmap_from_png
from grasping_student.datasets.schema import SCHEMA_VERSION, Attempt, decode_extra, workspace_from_json
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import parse_json
from grasping_student.pipeline.safe_io import Unusable, checked_path

ROWS_AT_ONCE = 64

MOST_GROUP_BYTES = 500_000_000
"""Of one row group, unpacked, as a shard itself claims it; 'dataset export' writes up to 100 rows into one."""

NUMBERED = re.compile(r"(?P<start>.*-)(?P<number>\d{5})-of-(?P<count>\d{5})\.parquet")
"""Name of a shard that says how many there are."""

_SAME_NAMES = ("episode", "index", "created_at", "environment", "source", "policy", "policy_version", "z")
"""Columns that are fields of an attempt as they are."""


@dataclass(frozen=True)
class ParquetImport:
    """Import the Parquet shards of 'dataset export', without loss."""

    folder: Path
    """Folder of the export, with 'data' in it, or of the shards."""

    out: Path
    """New dataset."""


def run(config: ParquetImport) -> ImportReport:
    """Import the shards in the order of their names.

    Raises:
        UserError: no shard, a shard that is missing, damaged or was not written by 'dataset export', shards of
            different datasets, other content than was exported, or ``out`` exists. No dataset is left then.
    """
    folder = config.folder / "data" if (config.folder / "data").is_dir() else config.folder
    shards = sorted(folder.glob("*.parquet")) if folder.is_dir() else []
    if not shards:
        raise UserError(f"{config.folder} holds no .parquet files")
    _check_none_is_missing(folder, {shard.name for shard in shards})
    try:
        shards = [checked_path(folder, shard) for shard in shards]
    except Unusable as error:
        raise UserError(f"{folder}: {error}") from None
    described = [_description(shard) for shard in shards]
    for shard, description in zip(shards, described, strict=True):
        if description != described[0]:
            raise UserError(f"{shard} belongs to another dataset than {shards[0].name}; import each export by itself")
    workspace = workspace_from_json(described[0]["workspace"], str(shards[0]))
    version = described[0].get("dataset_version")
    return write_import(config.out, workspace, _entries(shards, workspace), "parquet", config.folder, version)


def _check_none_is_missing(folder: Path, names: set[str]) -> None:
    """Refuse an export whose shards' names tell of others.

    Raises:
        UserError: a shard is missing.
    """
    numbered = [found for name in names if (found := NUMBERED.fullmatch(name))]
    for start, count in sorted({(found["start"], found["count"]) for found in numbered}):
        wanted = [f"{start}{number:05d}-of-{count}.parquet" for number in range(int(count))]
        missing = [name for name in wanted if name not in names]
        if missing:
            named = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
            raise UserError(
                f"{folder} lacks {named}; copy the whole export of {len(wanted)} shards. Nothing was written"
            )


def _description(shard: Path) -> dict[str, Any]:
    """What a shard's schema says of its dataset."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(shard) as file:
            columns, metadata = file.schema_arrow, file.metadata
            groups = [metadata.row_group(each).total_byte_size for each in range(metadata.num_row_groups)]
        description = parse_json((columns.metadata or {})[KEY].decode())
        version = description["schema_version"]
    except KeyError:
        raise UserError(f"{shard} was not written by 'grasping-student dataset export'") from None
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        raise UserError(f"{shard} is no whole Parquet file: {error}") from None
    if version != SCHEMA_VERSION:
        raise UserError(f"{shard} has schema version {version!s:.40}; this program reads {SCHEMA_VERSION}")
    if max(groups, default=0) > MOST_GROUP_BYTES:
        raise UserError(f"{shard} claims {max(groups)} bytes in one row group; at most {MOST_GROUP_BYTES} are read")
    for name, kind in columns_of_shard():
        if name not in columns.names:
            raise UserError(f"{shard} lacks the column '{name}'; export the dataset again")
        if columns.field(name).type != kind:
            raise UserError(f"{shard}: column '{name}' holds {columns.field(name).type!s:.60}, expected {kind}")
    version_of_data = description.get("dataset_version")
    if not isinstance(version_of_data, str | None) or "workspace" not in description:
        raise UserError(f"{shard} describes no dataset: its metadata lack a workspace, or the version is no text")
    return description


def _entries(shards: list[Path], workspace: Workspace) -> Iterator[ImportedEntry | Skipped]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for shard in shards:
        try:
            with pq.ParquetFile(shard) as file:
                groups = [file.metadata.row_group(each) for each in range(file.num_row_groups)]
                largest = max((group.total_byte_size for group in groups), default=1)
                # packed, all rows may share one long value: so many at once as even then fit
                for batch in file.iter_batches(max(1, min(ROWS_AT_ONCE, MOST_GROUP_BYTES // max(1, largest)))):
                    for row in batch.to_pylist():
                        yield _entry(row, workspace)
        except (pa.ArrowException, OSError, ValueError) as error:  # the last for text that is no UTF-8
            raise UserError(f"{shard} is damaged: {error}") from None


def _entry(row: dict[str, Any], workspace: Workspace) -> ImportedEntry | Skipped:
    try:
        heightmap = heightmap_from_png(row["height"]["bytes"], row["rgb"]["bytes"], workspace)
        attempt = Attempt(
            id=int(row["id"]),
            **{name: row[name] for name in _SAME_NAMES},
            grasp=None if row["row"] is None else PlanarGrasp(row["row"], row["col"], row["angle"]),
            outcome=None if row["outcome"] is None else Outcome(row["outcome"]),
            extra=decode_extra(row["extra"]),
        )
        return ImportedEntry(heightmap, attempt)
    except (TypeError, ValueError) as error:
        return Skipped(f"attempt {row.get('id')}", str(error))
