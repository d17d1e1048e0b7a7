"""Logs of the visual-pushing-grasping project: heightmaps, executed actions and rewards of one session.

Read are ``data/color-heightmaps/NNNNNN.0.color.png``, ``data/depth-heightmaps/NNNNNN.0.depth.png`` (16 bits, steps of
0.01 mm), ``transitions/executed-action.log.txt`` (primitive, rotation, row, column), ``reward-value.log.txt`` and
``clearance.log.txt`` (iterations at which the workspace was filled anew).

Rows of their heightmaps follow the robot's y, so their picture is a mirror image of what is seen from above: it is
turned over, and with it the row. A grasp of rotation k closes at k / rotations of a full turn, counter-clockwise about
the robot's z axis.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from grasping_student.datasets.importers.base import (
    ImportedEntry,
    ImportReport,
    Skipped,
    import_workspace,
    write_import,
)
from grasping_student.datasets.schema import Attempt
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.safe_io import Unusable, checked_path, read_depth_picture, read_rgb, read_table

MOST_REWARD = 100.0
"""Larger rewards are damaged numbers."""

DEPTH_STEP = 1e-5
"""Metres a step of a depth heightmap."""

GRASP = 1
OTHER_PRIMITIVES = {0: "a push", 2: "a placement"}
"""Number of the primitive that is a grasp, and what the others are; forks of the project place, too."""


@dataclass(frozen=True)
class PushingGraspingImport:
    """Import the grasps of a visual-pushing-grasping session; pushes are counted and left out."""

    folder: Path
    """The session's folder, with 'data' and 'transitions' in it."""

    out: Path
    """New dataset."""

    method: Literal["reinforcement", "reactive"] = "reinforcement"
    """How the session was trained: the reward of a successful grasp is 1 with the first, 0 with the second."""

    rotations: int = 16
    """Number of rotations over a full turn."""

    resolution: float = 0.002
    """Metres a pixel."""

    margin: float = 0.0
    """Rim without grasps, metres."""

    def __post_init__(self) -> None:
        if self.rotations < 1 or not 0 < self.resolution < 0.1:
            raise ValueError(
                f"rotations is {self.rotations}, resolution {self.resolution}; expected at least 1, and metres a pixel"
            )


def run(config: PushingGraspingImport) -> ImportReport:
    """Import the session.

    Raises:
        UserError: no readable log or entry, or ``out`` exists.
    """
    folder = config.folder
    try:
        actions = read_table(checked_path(folder, folder / "transitions" / "executed-action.log.txt"), columns=4)
        rewards = read_table(checked_path(folder, folder / "transitions" / "reward-value.log.txt"), columns=1)[:, 0]
        clearance = folder / "transitions" / "clearance.log.txt"
        starts = read_table(checked_path(folder, clearance), columns=1)[:, 0] if clearance.exists() else np.zeros(0)
        if not np.isfinite(starts).all():
            raise Unusable(f"{clearance.name} holds a value that is no number")
    except Unusable as error:
        raise UserError(f"{folder} is no session of visual-pushing-grasping: {error}") from None
    pixels = _pixels(folder, len(actions))
    workspace = import_workspace(pixels * config.resolution, pixels, config.margin)
    grasps = rewards[: len(actions)][actions[: len(rewards), 0] == GRASP]
    graded = int(((grasps != 0.0) & (grasps != 1.0)).sum())
    note = f"{graded} grasps have graded rewards: every grasp with a reward above 0 counts as a success"
    entries = _entries(config, actions, rewards, sorted(starts), workspace)
    notes = [note] if graded and config.method == "reinforcement" else []
    return write_import(config.out, workspace, entries, "pushing-grasping", folder, notes=notes)


def _pixels(folder: Path, count: int) -> int:
    for iteration in range(count):
        try:
            depth = read_depth_picture(checked_path(folder, _depth_path(folder, iteration)))
        except Unusable:
            continue
        if depth.shape[0] == depth.shape[1]:
            return depth.shape[0]
    raise UserError(f"{folder}: no data/depth-heightmaps/NNNNNN.0.depth.png holds a square heightmap")


def _depth_path(folder: Path, iteration: int) -> Path:
    return folder / "data" / "depth-heightmaps" / f"{iteration:06d}.0.depth.png"


def _entries(
    config: PushingGraspingImport, actions: np.ndarray, rewards: np.ndarray, starts: list[float], workspace: Workspace
) -> Iterator[ImportedEntry | Skipped]:
    indices: dict[int, int] = {}
    for iteration, action in enumerate(actions):
        try:
            grasp = grasp_from_action(action, config.rotations, workspace)
            if iteration >= len(rewards):
                raise Unusable("no reward was logged for it: the session ended before")
            outcome = _outcome(float(rewards[iteration]), config.method)
            heightmap = _heightmap(config.folder, iteration, workspace)
        except Unusable as error:
            yield Skipped(f"{iteration:06d}", str(error))
            continue
        episode = bisect_right(starts, iteration)
        index = indices.get(episode, 0)
        indices[episode] = index + 1
        attempt = Attempt(
            episode=episode,
            index=index,
            environment="pushing-grasping",
            source="policy",
            policy=config.method,
            grasp=grasp,
            outcome=outcome,
            extra={"imported_from": f"{iteration:06d}"},
        )
        yield ImportedEntry(heightmap, attempt)


def grasp_from_action(action: np.ndarray, rotations: int, workspace: Workspace) -> PlanarGrasp:
    """The planar grasp of one logged action.

    Args:
        action: primitive, rotation, row, column, shape ``(4,)``.
        rotations: number of rotations over a full turn.
        workspace: of the heightmap.

    Raises:
        Unusable: a push, or a number out of range.
    """
    if not np.isfinite(action).all() or (action != np.round(action)).any():
        raise Unusable("its action holds a value that is no whole number")
    primitive, rotation, row, col = (int(value) for value in action)
    if primitive != GRASP:
        other = OTHER_PRIMITIVES.get(primitive)
        raise Unusable(f"unknown primitive {primitive}" if other is None else f"{other}, no grasp")
    if not 0 <= rotation < rotations:
        raise Unusable(f"rotation {rotation} is none of 0 to {rotations - 1}")
    if not (0 <= row < workspace.pixels and 0 <= col < workspace.pixels):
        raise Unusable(f"row {row}, column {col} lies outside the heightmap")
    return PlanarGrasp(workspace.pixels - 1 - row, col, 2 * math.pi * rotation / rotations)


def _outcome(reward: float, method: str) -> Outcome:
    """Outcome of a grasp: a failure has reward 0, a success 1, or in some forks a share or a multiple of it."""
    if not 0.0 <= reward <= MOST_REWARD or (method == "reactive" and reward not in (0.0, 1.0)):
        raise Unusable(f"its reward is {reward:g}; expected 0 or 1, or graded up to {MOST_REWARD:g}, for a grasp")
    return Outcome.SUCCESS if (reward > 0.0) == (method == "reinforcement") else Outcome.MISSED


def _heightmap(folder: Path, iteration: int, workspace: Workspace) -> Heightmap:
    depth = read_depth_picture(checked_path(folder, _depth_path(folder, iteration)))
    color = folder / "data" / "color-heightmaps" / f"{iteration:06d}.0.color.png"
    rgb = read_rgb(checked_path(folder, color))
    if depth.shape != workspace.shape or rgb.shape[:2] != workspace.shape:
        raise Unusable(f"depth is {depth.shape}, colour {rgb.shape[:2]}; the first heightmap is {workspace.shape}")
    if depth.dtype != np.uint16:
        raise Unusable(f"depth has {depth.dtype} pixels; expected 16 bits")
    height = depth[::-1].astype(np.float32) * np.float32(DEPTH_STEP)
    return Heightmap(height, np.ascontiguousarray(rgb[::-1]), workspace)
