"""From a raw heightmap of a real camera to one like those that a network was trained on, saying what was mended."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.heightmap import Heightmap
from grasping_student.perception.floor import FloorPlane, check_floor, fit_floor, flatten_floor, level_floor
from grasping_student.perception.holes import mend_holes, touching_border
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


@dataclass(frozen=True, eq=False)
class RepairedHeightmap:
    """A heightmap without holes whose floor is zero.

    Attributes:
        heightmap: what a network is shown.
        excluded: cells that hold no item to be grasped: walls, robot, shadows; shape ``(pixels, pixels)``.
        floor: the plane, in the world of the pose, that heights are measured from.
        surface: height above that floor before walls were taken out and heights cut; NaN where unmeasured.
        threshold: heights up to this are floor, metres.
        notes: in words, what was mended; empty for a good picture.
    """

    heightmap: Heightmap
    excluded: NDArray[np.bool_]
    floor: FloorPlane
    surface: NDArray[np.float32]
    threshold: float
    notes: tuple[str, ...]

    @property
    def standing(self) -> NDArray[np.float32]:
        """What a tool could meet: heights before anything was cut, NaN in what is excluded; ``(pixels, pixels)``."""
        known = np.where(np.isfinite(self.surface), self.surface, self.heightmap.height)
        return np.where(self.excluded, np.float32(np.nan), known)


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


def repair_heightmap(raw: Heightmap, config: HeightmapRepairConfig | None = None) -> RepairedHeightmap:
    """Level, clean and fill a raw heightmap, in that order; each step is a function of its own.

    Args:
        raw: straight from :func:`~grasping_student.perception.frame.frame_to_heightmap`.
        config: which repairs; None makes all.

    Raises:
        UserError: the camera did not see the workspace, or its pose is wrong.
    """
    config = config or HeightmapRepairConfig()
    check_coverage(raw)
    notes: list[str | None] = []
    current, floor = raw, FloorPlane()
    if config.level:
        plane = fit_floor(current)
        check_floor(current, plane)
        current, floor, note = level_floor(current, plane)
        notes.append(note)
    surface = current.height
    current, threshold, note = flatten_floor(current)
    notes.append(note)
    if config.speckles:
        current, note = remove_needles(current)
        notes.append(note)
    current, excluded, note = mend_holes(current)
    notes.append(note)
    if config.walls:
        outside = touching_border(excluded)
        walls, note = find_walls(current, outside)
        notes.append(note)
        tall, note = find_tall_border(current, outside)
        notes.append(note if (tall & ~walls).any() else None)
        current = replace(current, height=np.where(walls | tall, np.float32(0.0), current.height))
        excluded = excluded | walls | tall
    if config.speckles:
        current, note = remove_speckles(current)
        notes.append(note)
    current, note = limit_height(current, config.ceiling)
    notes.append(note)
    words = tuple(note for note in notes if note)
    return RepairedHeightmap(current, excluded, floor, surface, threshold, words)
