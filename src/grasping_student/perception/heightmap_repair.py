"""Heightmap repair: from a raw heightmap of a real camera to an observation like those of the simulator, with notes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.floor import FloorPlane, check_floor, fit_floor, flatten_floor, level_floor
from grasping_student.perception.frame import RgbdFrame, frame_to_heightmap
from grasping_student.perception.holes import mend_holes, touching_border
from grasping_student.perception.observation import Note, Observation
from grasping_student.perception.obstacles import (
    find_tall_border,
    find_walls,
    limit_height,
    remove_needles,
    remove_speckles,
)
from grasping_student.pipeline.errors import UserError

SMALLEST_COVERAGE = 0.05
"""A camera that measures less than this share of the workspace looks elsewhere."""


@dataclass(frozen=True)
class HeightmapRepairConfig:
    """Which repairs are made; each leaves a good picture as it is."""

    level: bool = True
    """Measure heights from the floor in the picture where the pose's table is more than 3 mm off."""

    speckles: bool = True
    """Remove patches too small to be items."""

    walls: bool = True
    """Take the walls of a bin and tall things at the border for floor."""

    ceiling: float = 0.12
    """Heights above become this, metres; toy blocks piled up reach about so far."""

    def __post_init__(self) -> None:
        if not self.ceiling > 0.0:
            raise ValueError(f"ceiling is {self.ceiling}; it must be above 0, in metres")


def check_coverage(heightmap: Heightmap) -> None:
    """Make sure that the camera saw the workspace at all.

    Raises:
        UserError: fewer than 5 % of the cells were measured.
    """
    share = 1.0 - heightmap.unmeasured.mean()
    if share < SMALLEST_COVERAGE:
        extent = heightmap.workspace.extent
        raise UserError(
            f"the camera measured {share:.1%} of the {extent:g} x {extent:g} m workspace around the world's origin; "
            f"at least {SMALLEST_COVERAGE:.0%} is needed: is camera_to_world the right way round (not "
            "world_to_camera), in metres, and the origin on the table under the items?"
        )


def repair_heightmap(
    raw: Heightmap, config: HeightmapRepairConfig | None = None, frame: RgbdFrame | None = None
) -> Observation:
    """Level, clean and fill a raw heightmap, in that order; each step is a function of its own.

    Args:
        raw: straight from :func:`~grasping_student.perception.frame.frame_to_heightmap`.
        config: which repairs; None makes all.
        frame: the picture that the heightmap was made from, to be kept with the observation.

    Raises:
        UserError: the camera did not see the workspace, or its pose is wrong.
    """
    config = config or HeightmapRepairConfig()
    check_coverage(raw)
    notes: list[tuple[str, str | None]] = []
    current, floor = raw, FloorPlane()
    if config.level:
        plane = fit_floor(current)
        check_floor(current, plane)
        current, floor, note = level_floor(current, plane)
        notes.append(("floor-levelled", note))
    surface = current.height
    current, threshold, note = flatten_floor(current)
    notes.append(("floor-rough", note))
    if config.speckles:
        current, note = remove_needles(current)
        notes.append(("stray-points-removed", note))
    current, excluded, note = mend_holes(current)
    notes.append(("holes-filled", note))
    if config.walls:
        outside = touching_border(excluded)
        walls, note = find_walls(current, outside)
        notes.append(("walls-removed", note))
        tall, note = find_tall_border(current, outside)
        notes.append(("tall-border-removed", note if (tall & ~walls).any() else None))
        current = replace(current, height=np.where(walls | tall, np.float32(0.0), current.height))
        excluded = excluded | walls | tall
    if config.speckles:
        current, note = remove_speckles(current)
        notes.append(("speckles-removed", note))
    current, note = limit_height(current, config.ceiling)
    notes.append(("heights-cut", note))
    kept = tuple(Note(code, note) for code, note in notes if note)
    return Observation(current, excluded, surface, floor, threshold, kept, frame)


def observe_frame(frame: RgbdFrame, workspace: Workspace, config: HeightmapRepairConfig | None = None) -> Observation:
    """The observation that a camera's picture makes.

    Args:
        frame: the picture, with its pose in the world of the workspace.
        workspace: the cells.
        config: repairs; None makes all.

    Raises:
        UserError: the camera did not see the workspace, or its pose is wrong.
    """
    return repair_heightmap(frame_to_heightmap(frame, workspace), config, frame)
