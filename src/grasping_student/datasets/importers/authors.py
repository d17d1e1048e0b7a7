"""The paper's authors' layout: ``img_DATE.png``, ``depth_DATE.npy``, ``desc_DATE.json`` in one folder.

The picture is what a person sees from above, as ours; a description reads ``{"grasping_index": {"row", "col",
"angle_index"}, "num_rotations": n, "successful": true}``. Their labelling tool draws the fingers left and right of the
pixel at angle 0 and turns them counter-clockwise by ``angle_index / num_rotations`` of half a turn: row, column and
angle are ours without a change. The end stop of its slider, ``angle_index = num_rotations``, is the half turn.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np

from grasping_student.datasets.importers.base import (
    ImportedEntry,
    ImportReport,
    Skipped,
    import_workspace,
    require_folder,
    write_import,
)
from grasping_student.datasets.schema import Attempt
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.safe_io import Unusable, checked_path, read_json, read_npy, read_rgb

MOST_ROTATIONS = 100_000
"""More angles than that are a damaged number."""

MOST_HEIGHT = 1.0
"""Metres above or under the table; more are centimetres, millimetres or damaged numbers."""

_ENTRY = re.compile(r"img_(.+)\.png|depth_(.+)\.npy|desc_(.+)\.json")
_DATE = re.compile(r"(\d{2})-(\d{2})-(\d{4})[_-](\d{2})-(\d{2})-(\d{2})")


@dataclass(frozen=True)
class AuthorsImport:
    """Import grasps in the layout of the paper's authors: img_DATE.png, depth_DATE.npy, desc_DATE.json."""

    folder: Path
    """Folder of the files."""

    out: Path
    """New dataset."""

    extent: float = 0.45
    """Side of the heightmaps, metres."""

    margin: float = 0.06
    """Rim without grasps, metres."""

    source: Literal["human", "policy", "script"] = "human"
    """Who chose the grasps."""

    episode_gap: float = 120.0
    """Attempts less than so many seconds apart belong to one episode, so that no split cuts through a scene."""


def run(config: AuthorsImport) -> ImportReport:
    """Import the folder.

    Raises:
        UserError: no readable entry, or ``out`` exists.
    """
    dates = _dates(config.folder)
    workspace = import_workspace(config.extent, _pixels(config.folder, dates), config.margin)
    return write_import(config.out, workspace, _entries(config, dates, workspace), "authors", config.folder)


def _dates(folder: Path) -> list[str]:
    """The DATE parts of all entries, in order of time where they name one; what lacks a file is told later."""
    require_folder(folder)
    found = [match for path in folder.iterdir() if (match := _ENTRY.fullmatch(path.name))]
    dates = {match[match.lastindex or 0] for match in found}
    if not dates:
        raise UserError(f"{folder} holds no img_DATE.png; expected img_DATE.png, depth_DATE.npy and desc_DATE.json")
    return sorted(dates, key=lambda date: (_seconds(date) or math.inf, date))


def _pixels(folder: Path, dates: list[str]) -> int:
    """Side of the first usable heightmap: the others must agree with it."""
    for date in dates:
        try:
            rows, cols = read_npy(checked_path(folder, folder / f"depth_{date}.npy")).shape
        except Unusable:
            continue
        if rows == cols:
            return rows
    raise UserError(f"{folder}: no depth_DATE.npy holds a square heightmap")


def _seconds(date: str) -> float | None:
    match = _DATE.match(date)
    if match is None:
        return None
    day, month, year, hour, minute, second = map(int, match.groups())
    try:
        return datetime(year, month, day, hour, minute, second).timestamp()
    except ValueError:
        return None


def _entries(config: AuthorsImport, dates: list[str], workspace: Workspace) -> Iterator[ImportedEntry | Skipped]:
    episode, index, before = -1, 0, None
    for date in dates:
        try:
            heightmap = _heightmap(config.folder, date, workspace)
            grasp, outcome = read_description(
                read_json(checked_path(config.folder, config.folder / f"desc_{date}.json"))
            )
            if grasp is not None and not (0 <= grasp.row < workspace.pixels and 0 <= grasp.col < workspace.pixels):
                raise Unusable(f"row {grasp.row}, column {grasp.col} lies outside the picture")
        except Unusable as error:
            yield Skipped(date, str(error))
            continue
        now = _seconds(date)
        if now is None or before is None or now - before > config.episode_gap:
            episode, index = episode + 1, 0
        before = now
        attempt = Attempt(
            episode=episode,
            index=index,
            environment="authors",
            source=None if grasp is None else config.source,
            grasp=grasp,
            outcome=outcome,
            extra={"imported_from": date},
        )
        yield ImportedEntry(heightmap, attempt)
        index += 1


def _heightmap(folder: Path, date: str, workspace: Workspace) -> Heightmap:
    height = read_npy(checked_path(folder, folder / f"depth_{date}.npy"))
    rgb = read_rgb(checked_path(folder, folder / f"img_{date}.png"))
    if height.shape != workspace.shape or rgb.shape[:2] != workspace.shape:
        raise Unusable(f"depth is {height.shape}, image {rgb.shape[:2]}; the first heightmap is {workspace.shape}")
    if not np.isfinite(height).any():
        raise Unusable("depth holds no measurement")
    if float(np.nanmax(np.abs(height[np.isfinite(height)]))) >= MOST_HEIGHT:
        raise Unusable(f"heights of {MOST_HEIGHT:g} m and more; they are in metres above the table")
    return Heightmap(height.astype(np.float32), rgb, workspace)


def read_description(values: dict[str, Any]) -> tuple[PlanarGrasp | None, Outcome | None]:
    """Grasp and outcome of one description; both None for a scene that nobody grasped in.

    Raises:
        Unusable: a field is missing, of a wrong type or out of range.
    """
    index, successful = values.get("grasping_index"), values.get("successful")
    if index is None:
        return None, None
    if not isinstance(index, dict):
        raise Unusable("grasping_index is no object")
    if not isinstance(successful, bool):
        raise Unusable(f"successful is {successful!r}; expected true or false")
    row, col, angle = (_whole(index, name) for name in ("row", "col", "angle_index"))
    count = _whole(values, "num_rotations")
    if not 1 <= count <= MOST_ROTATIONS:
        raise Unusable(f"num_rotations is none of 1 to {MOST_ROTATIONS}")
    if not 0 <= angle <= count:
        raise Unusable(f"angle_index is none of 0 to num_rotations, {count}")
    return PlanarGrasp(row, col, angle * math.pi / count), Outcome.SUCCESS if successful else Outcome.MISSED


def _whole(values: dict[str, Any], name: str) -> int:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise Unusable(f"{name} is {value!r}; expected a whole number")
    return int(value)


def describe(grasp: PlanarGrasp, outcome: Outcome, num_rotations: int = 64) -> dict[str, Any]:
    """The description that the authors' code would have written: the inverse of ``read_description`` on its grid."""
    return {
        "grasping_index": {
            "row": grasp.row,
            "col": grasp.col,
            "angle_index": round(grasp.angle * num_rotations / math.pi) % num_rotations,
        },
        "num_rotations": num_rotations,
        "successful": outcome.success,
    }
