"""An attempt, and which of its values the store refuses."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from typing import Any

from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import parse_json

SCHEMA_VERSION = 1
"""Of the folder, its manifest and the tables in a segment."""

SOURCES = ("human", "policy", "script")
"""Who may have chosen a grasp; an unlabelled scene has none."""

EXTRA_BYTES, EXTRA_DEPTH = 65536, 32
"""Longest and deepest ``extra`` of one attempt as JSON: bytes, and objects or lists inside each other."""

NAME_BYTES = 4096
"""Longest name of an environment, a policy or a version, and longest time, bytes."""

LARGEST_NUMBER = 2**53
"""Ids, episodes and positions stay below: the largest whole number that every program reads exactly."""


class NotStorable(UserError):
    """One attempt holds a value that the store refuses; the dataset itself is sound."""


UNSTORED = -1
"""``Attempt.id`` before a dataset has taken it."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One executed grasp with its outcome: what the episode loop yields, event logs and datasets keep, tables count.

    Without a grasp it is a scene in which nobody grasped: an unlabelled one in a dataset, one in which the policy found
    nothing in a log. With a grasp and without an outcome it is a grasp that is about to be executed.
    """

    episode: int
    """From one reset of the workspace to the next; splits never cut through one. In evaluations the number of the
    scene that all models share."""

    index: int
    """Position in the episode, from 0."""

    environment: str = ""
    """Name of the environment: ``simulation``, ``robot-cell``, ``recorded``, or an importer's."""

    source: str | None = None
    """Who chose the grasp: ``human``, ``policy``, ``script``, or None."""

    policy: str | None = None
    """Name of what chose; in evaluations the model's name in the tables."""

    policy_version: str | None = None
    """Content hash of what chose, or a version word."""

    grasp: PlanarGrasp | None = None

    score: float | None = None
    """What the policy expected of the grasp, on its own scale; kept in logs, not in datasets."""

    z: float | None = None
    """Height of the finger tips, metres above the table; kept in datasets, not in logs."""

    outcome: Outcome | None = None

    extra: dict[str, Any] | None = None
    """Plain JSON values that have no column: a note, which suggestion was shown, where an import came from."""

    id: int = UNSTORED
    """Number in its dataset, in the order of appends; never used twice while the attempt exists."""

    created_at: str = ""
    """When it was appended, ISO 8601, UTC. Not part of the content hash."""

    @property
    def counted(self) -> bool:
        """Whether it counts in a rate: everything but a device's fault, which is not the grasp's."""
        return self.outcome is not Outcome.FAULT

    @property
    def success(self) -> bool | None:
        """Whether the grasp succeeded; None without an outcome and for a device's fault."""
        if self.outcome is None or self.outcome is Outcome.FAULT:
            return None
        return self.outcome.success

    @property
    def labelled(self) -> bool:
        """Whether there is a grasp with an outcome to learn from."""
        return self.grasp is not None and self.success is not None


def check_attempt(attempt: Attempt, workspace: Workspace) -> None:
    """Refuse what no environment can have meant.

    Raises:
        NotStorable: numbers below 0 or beyond ``LARGEST_NUMBER``, values of another type, an unknown source, a grasp
            outside the picture, an outcome without a grasp, a grasp that nobody chose, a height that is no number, or
            an ``extra`` that is no plain JSON.
    """
    name = f"attempt {attempt.index} of episode {attempt.episode}"
    for what in ("id", "episode", "index"):
        value = getattr(attempt, what)
        if type(value) is not int or not 0 <= value < LARGEST_NUMBER:
            raise NotStorable(f"{name}: {what} is {value!r}; it must be a whole number from 0 to {LARGEST_NUMBER - 1}")
    for what in ("created_at", "environment", "source", "policy", "policy_version"):
        value = getattr(attempt, what)
        if value is None and what not in ("created_at", "environment"):
            continue
        if not isinstance(value, str) or len(value.encode(errors="replace")) > NAME_BYTES:
            raise NotStorable(f"{name}: {what} is no text of at most {NAME_BYTES} bytes")
    if not attempt.environment:
        raise NotStorable(f"{name}: environment is empty; give the environment's name")
    if attempt.source is not None and attempt.source not in SOURCES:
        raise NotStorable(f"{name}: source is {attempt.source!r}; valid are {', '.join(SOURCES)}, or None for a scene")
    if attempt.outcome is not None and attempt.grasp is None:
        raise NotStorable(f"{name}: outcome {attempt.outcome} without a grasp; give the grasp that had it")
    if attempt.grasp is not None:
        if attempt.source is None:
            raise NotStorable(f"{name}: a grasp without a source; valid are {', '.join(SOURCES)}")
        row, col, pixels = attempt.grasp.row, attempt.grasp.col, workspace.pixels
        if not (0 <= row < pixels and 0 <= col < pixels):
            raise NotStorable(
                f"{name}: grasp at row {row}, column {col} lies outside the {pixels} x {pixels} heightmap"
            )
    if attempt.z is not None and not (isinstance(attempt.z, int | float) and abs(attempt.z) < math.inf):
        raise NotStorable(f"{name}: z is {attempt.z}; it must be a finite number of metres")
    encode_extra(attempt.extra)


def encode_extra(extra: dict[str, Any] | None) -> str | None:
    """``extra`` as canonical JSON.

    Raises:
        NotStorable: it is no object of plain JSON values, deeper than ``EXTRA_DEPTH`` or longer than ``EXTRA_BYTES``.
    """
    if extra is None:
        return None
    if not isinstance(extra, dict) or not _is_shallow(extra, EXTRA_DEPTH):
        raise NotStorable(f"extra must be a JSON object with at most {EXTRA_DEPTH} objects or lists inside each other")
    try:
        text = json.dumps(extra, sort_keys=True, allow_nan=False, separators=(",", ":"))
        same = parse_json(text) == extra
    except (TypeError, ValueError) as error:
        raise NotStorable(f"extra holds a value that is no plain JSON: {error}") from None
    if len(text) > EXTRA_BYTES or not same:
        raise NotStorable(f"extra must be JSON with text keys and at most {EXTRA_BYTES} bytes; got {len(text)} bytes")
    return text


def decode_extra(text: str | None) -> dict[str, Any] | None:
    """The inverse of ``encode_extra``.

    Raises:
        ValueError: what is stored is no text that ``encode_extra`` writes.
    """
    if text is None:
        return None
    if not isinstance(text, str) or len(text) > EXTRA_BYTES:
        raise ValueError(f"its extra is no text of at most {EXTRA_BYTES} bytes")
    extra = parse_json(text)
    if not isinstance(extra, dict) or not _is_shallow(extra, EXTRA_DEPTH):
        raise ValueError(f"its extra is no object of at most {EXTRA_DEPTH} levels")
    return extra


def _is_shallow(value: Any, levels: int) -> bool:
    """Whether at most so many objects or lists of a plain JSON value lie inside each other."""
    if not isinstance(value, dict | list):
        return True
    inside = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_shallow(each, levels - 1) for each in inside)


def content_digest(attempt: Attempt, height: bytes, rgb: bytes) -> bytes:
    """SHA-256 of an attempt's stored values and pictures; neither its id nor when it was appended changes it.

    Args:
        attempt: the values.
        height: stored heights, uncompressed.
        rgb: colours, uncompressed.
    """
    values = asdict(attempt)
    for name in ("id", "created_at", "score"):
        del values[name]
    values["outcome"] = attempt.outcome and attempt.outcome.value
    hasher = hashlib.sha256(json.dumps(values, sort_keys=True, allow_nan=False).encode())
    hasher.update(height)
    hasher.update(rgb)
    return hasher.digest()


def workspace_to_json(workspace: Workspace) -> dict[str, float | int]:
    """A workspace as plain JSON values."""
    return {"extent": workspace.extent, "pixels": workspace.pixels, "margin": workspace.margin}


def workspace_from_json(values: Any, where: str) -> Workspace:
    """The workspace that a file names.

    Raises:
        UserError: fields are missing, of a wrong type or impossible.
    """
    try:
        extent, pixels, margin = values["extent"], values["pixels"], values["margin"]
        if type(pixels) is not int or not all(type(each) in (int, float) for each in (extent, margin)):
            raise TypeError("extent and margin must be numbers, pixels a whole one")
        return Workspace(extent=float(extent), pixels=pixels, margin=float(margin))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{where}: no valid workspace ({error}); it needs extent, pixels and margin") from None
