"""Measured runs on disk: ``runs.parquet``, a row for each attempt or number, ``stages.jsonl``, a line for each stage.

A run is one condition in one trial (domain, level, replicate). A run is made from stages: datasets, trained networks,
tables of pseudo-labels, tests. Both files are replaced whole under a lock, so a kill loses nothing written
before it, and two processes that measure into one folder add to each other.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import atomic_path, read_text, write_text

RUNS, STAGES = "runs.parquet", "stages.jsonl"
KEY = ("domain", "level", "condition", "replicate")
"""Columns that name a run of an experiment."""

RunKey = tuple[str, str, str, int]
"""Domain, level, condition and replicate of a run."""

SCHEMA = pa.schema(
    [
        ("experiment", pa.string()),
        ("domain", pa.string()),
        ("level", pa.string()),
        ("condition", pa.string()),
        ("replicate", pa.int32()),
        ("labels", pa.int32()),  # labelled attempts of the run's teacher
        ("model", pa.string()),  # stage of the checkpoint or name of a policy, under its constraint if it has one
        ("model_version", pa.string()),  # hash of the weights
        ("measure", pa.string()),  # one_shot, proxy, picking, entropy, affordance or precision
        ("part", pa.string()),  # of a measure that has several
        ("index", pa.int32()),  # scene, episode, round or bin
        ("outcome", pa.string()),
        ("successes", pa.int32()),
        ("attempts", pa.int32()),
        ("value", pa.float64()),
        ("angle", pa.int32()),  # bin of the 64
        ("score", pa.float64()),
        ("confidence", pa.float64()),  # log10 of the share of the softmax over all allowed pixels and angles
        ("clearance_mm", pa.float64()),
        ("clear", pa.bool_()),
        ("antipodal", pa.bool_()),
        ("moved_mm", pa.float64()),
        ("turned_degrees", pa.float64()),
        ("stage", pa.string()),  # that measured
        ("versions", pa.string()),  # JSON: kind of stage -> version of its code
        ("commit", pa.string()),
        ("machine", pa.string()),
        ("package_version", pa.string()),
    ]
)
"""Columns of ``runs.parquet``; what a measure has no number for is null."""

_NEEDED = ("experiment", *KEY, "labels", "model", "measure", "part", "index", "versions")
"""Columns without nulls."""


def empty_runs() -> pd.DataFrame:
    """No run, with all columns."""
    return SCHEMA.empty_table().to_pandas()


def read_runs(folder: Path) -> pd.DataFrame:
    """All rows of an experiment's results folder, in the order of the file; none where nothing was measured.

    Raises:
        UserError: the file is damaged, or the folder holds the results of an older release.
    """
    path = folder / RUNS
    if not path.exists():
        if (folder / "runs").is_dir():
            raise UserError(
                f"{folder} holds results of an older release, which this one does not read; name another --out"
            )
        return empty_runs()
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path} is no Parquet file of runs ({error}); take it from a copy, or remove it") from None
    missing = [field.name for field in SCHEMA if field.name not in table.column_names]
    if missing:
        raise UserError(f"{path} is no table of runs: it has no column {missing[0]}")
    try:
        table = table.select(SCHEMA.names).cast(SCHEMA)
    except (pa.ArrowException, ValueError) as error:
        raise UserError(f"{path} is damaged: {error}") from None
    runs = table.to_pandas()
    _check(runs, path)
    return runs


def _check(runs: pd.DataFrame, path: Path) -> None:
    """Refuse rows that no measurement writes.

    Raises:
        UserError: a row lacks what every row has, counts more successes than attempts, or stands there twice.
    """
    problems = [f"{name} is empty in a row" for name in _NEEDED if runs[name].isna().any()]
    counted = runs[runs["attempts"].notna()]
    if ((counted["successes"] < 0) | (counted["successes"] > counted["attempts"])).any():
        problems.append("a row has more successes than attempts, or fewer than none")
    if not problems and runs.duplicated([*KEY, "measure", "part", "index"]).any():
        problems.append("a row stands there twice")
    if problems:
        raise UserError(f"{path} is damaged: {problems[0]}; take it from a copy, or remove it and measure it anew")


def versions_of(run: pd.DataFrame) -> dict[str, int]:
    """Kind of stage -> version of the code behind a run's rows.

    Raises:
        UserError: the column is no JSON object.
    """
    try:
        return dict(json.loads(str(run["versions"].iloc[0])))
    except (TypeError, ValueError):
        raise UserError("a run says no versions of its stages; take its file from a copy") from None


def size_of(run: pd.DataFrame, measure: str, part: str = "") -> int:
    """How many scenes, episodes or rounds a run holds of a part of a measure."""
    return int(((run["measure"] == measure) & (run["part"] == part)).sum())


def scenes_in(run: pd.DataFrame) -> int:
    """Test scenes in which a run grasped once, or whose pseudo-labels were executed."""
    return size_of(run, "one_shot") or size_of(run, "precision", "best")


def episodes_in(run: pd.DataFrame) -> int:
    """Episodes that a run picked."""
    return size_of(run, "picking", "all_picks")


def by_run(runs: pd.DataFrame) -> dict[RunKey, pd.DataFrame]:
    """Key of a run -> its rows."""
    found = {}
    for name, rows in runs.groupby(list(KEY), sort=False):
        domain, level, condition, replicate = cast("RunKey", name)
        found[domain, level, condition, int(replicate)] = rows
    return found


def add_runs(folder: Path, measured: Sequence[pd.DataFrame], stages: Iterable[Mapping[str, Any]]) -> None:
    """Put runs and the stages behind them into a results folder, in place of those of the same keys.

    Args:
        folder: of an experiment's results.
        measured: the rows of each run.
        stages: a line for each stage that they were made from.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        runs = by_run(read_runs(folder))
        for rows in measured:
            for key, own in by_run(rows).items():
                runs[key] = with_earlier(runs[key], own) if key in runs else own
        lines = {(line["name"], line["version"]): line for line in [*read_stages(folder), *stages]}
        text = "".join(json.dumps(lines[key], sort_keys=True) + "\n" for key in sorted(lines))
        write_text(folder / STAGES, text)
        _write(folder / RUNS, [runs[key] for key in sorted(runs)])


def with_earlier(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """The rows of a run measured anew, with those measures of the rows before that it lacks or has of fewer scenes.

    Only where the same code measured the same weights; else the new rows stand alone.
    """
    old, new = versions_of(before), versions_of(after)
    weights = [set(rows["model_version"].dropna()) for rows in (before, after)]
    if any(old[kind] != new[kind] for kind in old.keys() & new.keys()) or (all(weights) and weights[0] != weights[1]):
        return after
    sizes = [rows.groupby(["measure", "part"]).size().groupby("measure").max() for rows in (before, after)]
    kept = [name for name, size in sizes[0].items() if size > sizes[1].get(name, 0)]
    rows = pd.concat([after[~after["measure"].isin(kept)], before[before["measure"].isin(kept)]])
    return rows.assign(versions=json.dumps(dict(sorted({**old, **new}.items()))))


def _write(path: Path, runs: Sequence[pd.DataFrame]) -> None:
    table = pa.Table.from_pandas(pd.concat(runs), SCHEMA, preserve_index=False).replace_schema_metadata(None)
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", compression_level=19)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else changes the folder's tables meanwhile."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def read_stages(folder: Path) -> list[dict[str, Any]]:
    """The lines of ``stages.jsonl``, none where nothing was measured.

    Raises:
        UserError: a line is no JSON object with a name and a version.
    """
    path, found = folder / STAGES, []
    for number, line in enumerate(read_text(path).splitlines() if path.exists() else [], start=1):
        try:
            stage = dict(json.loads(line))
            found.append({**stage, "name": stage["name"], "version": stage["version"]})
        except (KeyError, TypeError, ValueError):
            raise UserError(f"{path}, line {number} is no stage; take the file from a copy") from None
    return found
