"""A dataset as Parquet shards that any table reader opens: pictures as PNG, every value in a column of its own."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.datasets.pictures import (
    HEIGHT_STEP,
    LOWEST_HEIGHT,
    UNMEASURED,
    metres_from_steps,
    quantise_height,
)
from grasping_student.datasets.schema import SCHEMA_VERSION, Attempt, encode_extra, workspace_to_json
from grasping_student.datasets.store import Dataset
from grasping_student.datasets.summary import summarise
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import atomic_path, write_text
from grasping_student.pipeline.output_folder import prepare_output

if TYPE_CHECKING:
    import pyarrow

ROWS_A_SHARD = 2000
ROWS_A_GROUP = 100
KEY = b"grasping_student"
"""Where a shard's schema keeps workspace, dataset version and meaning of the heights."""


def columns_of_shard() -> list[tuple[str, pyarrow.DataType]]:
    """Names and types of a shard's columns."""
    import pyarrow as pa

    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    return [
        ("id", pa.int64()),
        ("episode", pa.int64()),
        ("index", pa.int64()),
        ("created_at", pa.string()),
        ("environment", pa.string()),
        ("source", pa.string()),
        ("policy", pa.string()),
        ("policy_version", pa.string()),
        ("row", pa.int64()),
        ("col", pa.int64()),
        ("angle", pa.float64()),
        ("z", pa.float64()),
        ("outcome", pa.string()),
        ("success", pa.bool_()),
        ("extra", pa.string()),
        ("height", picture),
        ("rgb", picture),
    ]


def schema(dataset: Dataset) -> pyarrow.Schema:
    """Columns of a shard, with the workspace and what makes ``datasets`` show the pictures."""
    import pyarrow as pa

    columns = columns_of_shard()
    names = {pa.int64(): "int64", pa.string(): "string", pa.float64(): "float64", pa.bool_(): "bool"}
    features = {
        name: {"_type": "Image"} if pa.types.is_struct(kind) else {"dtype": names[kind], "_type": "Value"}
        for name, kind in columns
    }
    ours = {
        "schema_version": SCHEMA_VERSION,
        "workspace": workspace_to_json(dataset.workspace),
        "dataset_version": dataset.version,
        "height": {"step_m": HEIGHT_STEP, "lowest_m": LOWEST_HEIGHT, "unmeasured": UNMEASURED},
    }
    metadata = {KEY: json.dumps(ours).encode(), b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    return pa.schema(columns, metadata=metadata)


def export_parquet(path: Path, out: Path, rows_a_shard: int = ROWS_A_SHARD, overwrite: bool = False) -> list[Path]:
    """Write ``data/attempts-NNNNN-of-NNNNN.parquet`` and a dataset card.

    Args:
        path: the dataset.
        out: folder of the export.
        rows_a_shard: attempts a file.
        overwrite: replace an older export.

    Returns:
        the shards.

    Raises:
        UserError: the dataset is missing, empty or damaged, or ``out`` exists or holds the dataset.
    """
    if rows_a_shard < 1:
        raise UserError(f"--rows-per-shard is {rows_a_shard}; it must be at least 1")
    dataset = Dataset(path)
    dataset.require()
    with prepare_output(out, "dataset export", overwrite=overwrite, inputs=[path]):
        return _write_shards(dataset, out, rows_a_shard)


def _write_shards(dataset: Dataset, out: Path, rows_a_shard: int) -> list[Path]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns, attempts = schema(dataset), dataset.attempts()
    count = math.ceil(len(attempts) / rows_a_shard)
    shards = [out / "data" / f"attempts-{number:05d}-of-{count:05d}.parquet" for number in range(count)]
    for number, shard in enumerate(shards):
        part = attempts[number * rows_a_shard : (number + 1) * rows_a_shard]
        with atomic_path(shard) as temporary, pq.ParquetWriter(temporary, columns, compression="zstd") as writer:
            for rows in _groups(dataset, part):
                writer.write_table(pa.Table.from_pylist(rows, schema=columns))
    write_text(out / "README.md", dataset_card(dataset))
    return shards


def _groups(dataset: Dataset, attempts: list[Attempt]) -> Iterator[list[dict[str, Any]]]:
    """Rows of one group after the other: no more than that is held in memory."""
    for first in range(0, len(attempts), ROWS_A_GROUP):
        yield [_row(attempt, dataset.heightmap(attempt.id)) for attempt in attempts[first : first + ROWS_A_GROUP]]


def _row(attempt: Attempt, heightmap: Heightmap) -> dict[str, Any]:
    grasp = attempt.grasp
    return {
        **{name: getattr(attempt, name) for name in ("id", "episode", "index", "created_at", "environment", "source")},
        "policy": attempt.policy,
        "policy_version": attempt.policy_version,
        "row": grasp and grasp.row,
        "col": grasp and grasp.col,
        "angle": grasp and grasp.angle,
        "z": attempt.z,
        "outcome": attempt.outcome and attempt.outcome.value,
        "success": attempt.success,
        "extra": encode_extra(attempt.extra),
        "height": {"bytes": encode_png(quantise_height(heightmap.height)), "path": None},
        "rgb": {"bytes": encode_png(cv2.cvtColor(heightmap.rgb, cv2.COLOR_RGB2BGR)), "path": None},
    }


def encode_png(picture: NDArray) -> bytes:
    """A picture as PNG, 8 or 16 bits, channels in OpenCV's order."""
    written, data = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not written:
        raise RuntimeError(f"OpenCV writes no PNG of {picture.dtype} {picture.shape}")
    return data.tobytes()


def heightmap_from_png(height: bytes, rgb: bytes, workspace: Workspace) -> Heightmap:
    """The inverse of a row's two pictures.

    Raises:
        ValueError: no PNG, or of another size than the workspace's.
    """
    steps, colours = (_decode_png(data, workspace) for data in (height, rgb))
    if steps.dtype != np.uint16 or steps.ndim != 2 or colours.dtype != np.uint8 or colours.shape[2:] != (3,):
        raise ValueError("its heights are no 16-bit picture, or its colours no 8-bit one")
    return Heightmap(metres_from_steps(steps), cv2.cvtColor(colours, cv2.COLOR_BGR2RGB).astype(np.uint8), workspace)


def _decode_png(data: bytes, workspace: Workspace) -> NDArray:
    # the header is looked at first: a small PNG may claim a huge picture
    if not isinstance(data, bytes) or not data.startswith(b"\x89PNG"):
        raise ValueError("a picture is no PNG")
    if (int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")) != workspace.shape:
        raise ValueError(f"a picture is no PNG of {workspace.pixels} x {workspace.pixels} pixels")
    try:
        picture = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        picture = None
    if picture is None or b"IEND" not in data[-16:]:
        raise ValueError("a picture is damaged or cut off")
    return picture


def dataset_card(dataset: Dataset) -> str:
    """README of an export, with the head that ``datasets`` reads."""
    summary = summarise(dataset)
    workspace = summary.workspace
    outcomes = "".join(f"| {name} | {count} |\n" for name, count in sorted(summary.outcomes.items()))
    return f"""---
configs:
- config_name: default
  data_files: data/*.parquet
tags:
- robotics
- grasping
---
# Planar grasps on heightmaps

{summary.entries} entries in {summary.episodes} episodes: {summary.labelled.attempts} grasps with an outcome
({summary.labelled.successes} succeeded) and {summary.scenes} scenes without a grasp.
Written by `grasping-student dataset export`; `grasping-student dataset import parquet` turns it back without loss.
Content hash: `{summary.version}`.

Workspace: a square of {workspace.extent} m, {workspace.pixels} x {workspace.pixels} pixels, no grasps in a rim of
{workspace.margin} m. World frame: origin at its centre on the table, x right, y up in the picture, z up. Pixel centres
lie at x = -extent/2 + (col + 1/2) extent/pixels and y = extent/2 - (row + 1/2) extent/pixels.

| outcome | attempts |
|---|---|
{outcomes}
| column | meaning |
|---|---|
| `id`, `episode`, `index` | number in the dataset; from one filling of the workspace to the next; position in it |
| `environment`, `source`, `policy`, `policy_version` | where, and who chose the grasp (`human`, `policy`, `script`) |
| `row`, `col` | pixel of the grasp |
| `angle` | of the line through both finger tips, radians in [0, pi), counter-clockwise from +x |
| `z` | height of the finger tips, metres above the table |
| `outcome`, `success` | how it ended; null without a grasp |
| `extra` | further values as JSON |
| `height` | 16-bit PNG: metres = value * {HEIGHT_STEP} - {-LOWEST_HEIGHT}; {UNMEASURED} where unmeasured |
| `rgb` | 8-bit PNG |

Split by `episode`: scenes of one episode resemble each other.
"""
