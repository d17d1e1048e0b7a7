"""Whether a dataset still holds as much as is known of it: files that are gone leave no damage behind."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from grasping_student.datasets import segment_schema, segments
from grasping_student.datasets.checksum import ids_found
from grasping_student.datasets.folder import DatasetManifest, segment_name, segment_paths
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.pipeline.manifest import MANIFEST as STAGE_MANIFEST

DAMAGED = "damaged"
"""Subfolder of the dataset for files set aside."""

LOSS = "loss.json"
"""In there: what a repair left of a collection, so that the loss it told of is not told for ever."""


def missing_segments(folder: Path, manifest: DatasetManifest) -> dict[str, str]:
    """Names of segments that must be there and are not, and how that is known.

    The manifest lists every segment but the last, which may still grow: the one behind all that it lists.
    """
    present = {path.name for path in segment_paths(folder)}
    missing = dict.fromkeys(sorted(set(manifest.sealed) - present), "the manifest lists it")
    numbers = [int(found[0]) for name in {*manifest.sealed, *present} if (found := re.findall(r"\d+", name))]
    last = segment_name(max(numbers, default=-1))
    if not numbers or last in manifest.sealed:
        behind = segment_name(max(numbers, default=-1) + 1)
        missing[behind] = "every dataset has one more segment than the manifest lists"
    return missing


def collected_attempts(folder: Path) -> int | None:
    """How many attempts a finished collection left in the folder, or None if nothing tells.

    What a repair could not save is no longer counted.
    """
    known = _collected(folder)
    if known is None:
        return None
    loss = _dictionary(folder / DAMAGED / LOSS)
    if loss.get("dataset_version") == known["dataset_version"] and isinstance(loss.get("attempts"), int):
        return min(known["attempts"], loss["attempts"])
    return known["attempts"]


def note_loss(folder: Path) -> int:
    """Keep in mind how many attempts of a collection a repair left; returns how many more are gone than was known."""
    values, known, left = _collected(folder), collected_attempts(folder), stored_attempts(folder)
    if values is None or known is None or left >= known:
        return 0
    write_json(folder / DAMAGED / LOSS, {"dataset_version": values["dataset_version"], "attempts": left})
    return known - left


def stored_attempts(folder: Path) -> int:
    """How many attempts a sound dataset holds, deleted ones included."""
    total = 0
    for path in segment_paths(folder):
        connection = segments.open_for_reading(path, sealed=False)
        with segment_schema.clear_errors(path):
            total += len(ids_found(connection))
        connection.close()
    return total


def _collected(folder: Path) -> dict[str, Any] | None:
    values = _dictionary(folder / STAGE_MANIFEST)
    told = isinstance(values.get("attempts"), int) and isinstance(values.get("dataset_version"), str)
    return values if told and values.get("stage") == "collect" else None


def _dictionary(path: Path) -> dict[str, Any]:
    """What a JSON file holds; nothing if it is missing, damaged or of another kind."""
    try:
        values = read_json(path)
    except UserError:
        return {}
    return values if isinstance(values, dict) else {}
