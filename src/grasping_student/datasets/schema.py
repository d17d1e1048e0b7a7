"""What the store keeps of one attempt, and which values it refuses."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from typing import Any

from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError

SCHEMA_VERSION = 1
"""Of the folder, its manifest and the tables in a segment."""

SOURCES = ("human", "policy", "script")
"""Who may have chosen a grasp; an unlabelled scene has none."""

EXTRA_BYTES = 65536
"""Longest ``extra`` of one attempt as JSON, bytes."""


class NotStorable(UserError):
    """One attempt holds a value that the store refuses; the dataset itself is sound."""


@dataclass(frozen=True)
class Attempt:
    """One executed grasp with its outcome, or one observed scene that nobody grasped in (no grasp, no outcome)."""

    id: int
    """Number in its dataset, in the order of appends; never used twice while the attempt exists."""

    episode: int
    """From one reset of the workspace to the next; splits never cut through one."""

    index: int
    """Position in the episode, from 0."""

    created_at: str
    """When it was appended, ISO 8601, UTC. Not part of the content hash."""

    environment: str
    """Name of the environment: ``simulation``, ``robot-cell``, ``recorded``, or an importer's."""

    source: str | None = None
    """Who chose the grasp: ``human``, ``policy``, ``script``, or None."""

    policy: str | None = None
    policy_version: str | None = None

    grasp: PlanarGrasp | None = None

    z: float | None = None
    """Height of the finger tips, metres above the table."""

    outcome: Outcome | None = None

    extra: dict[str, Any] | None = None
    """Plain JSON values that have no column: a note, which suggestion was shown, where an import came from."""

    @property
    def success(self) -> bool | None:
        """Whether the grasp succeeded; None without an outcome and for a device's fault, which is no attempt."""
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
        NotStorable: negative numbers, an unknown source, a grasp outside the picture, an outcome without a grasp, a
            grasp that nobody chose, a height that is no number, or an ``extra`` that is no plain JSON.
    """
    name = f"attempt {attempt.index} of episode {attempt.episode}"
    if attempt.episode < 0 or attempt.index < 0:
        raise NotStorable(f"{name}: episode and index count from 0")
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
    if attempt.z is not None and not math.isfinite(attempt.z):
        raise NotStorable(f"{name}: z is {attempt.z}; it must be a finite number of metres")
    encode_extra(attempt.extra)


def encode_extra(extra: dict[str, Any] | None) -> str | None:
    """``extra`` as canonical JSON.

    Raises:
        NotStorable: it holds something else than plain JSON values, or more than ``EXTRA_BYTES``.
    """
    if extra is None:
        return None
    try:
        text = json.dumps(extra, sort_keys=True, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise NotStorable(f"extra holds a value that is no plain JSON: {error}") from None
    if len(text) > EXTRA_BYTES or json.loads(text) != extra:
        raise NotStorable(f"extra must be JSON with text keys and at most {EXTRA_BYTES} bytes; got {len(text)} bytes")
    return text


def content_digest(attempt: Attempt, height: bytes, rgb: bytes) -> bytes:
    """SHA-256 of an attempt's values and pictures; neither its id nor when it was appended changes it.

    Args:
        attempt: the values.
        height: stored heights, uncompressed.
        rgb: colours, uncompressed.
    """
    values = asdict(attempt)
    del values["id"], values["created_at"]
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
        pixels = values["pixels"]
        if not isinstance(pixels, int):
            raise TypeError(f"pixels is {pixels!r}; it must be a whole number")
        return Workspace(extent=float(values["extent"]), pixels=pixels, margin=float(values["margin"]))
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{where}: no valid workspace ({error}); it needs extent, pixels and margin") from None
