"""Heightmap repair: from a raw heightmap of a real camera to an observation like those of the simulator, with notes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.bins import beyond_walls, find_bin, polygon_cells
from grasping_student.perception.floor import (
    FARTHEST_OFFSET,
    FloorPlane,
    check_floor,
    fit_floor,
    flatten_floor,
    level_floor,
)
from grasping_student.perception.floor_curve import flatten_curve
from grasping_student.perception.frame import RgbdFrame, frame_to_heightmap
from grasping_student.perception.frame_checks import check_frame, table_elsewhere
from grasping_student.perception.holes import repair_holes, touching_border
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

AROUND, AROUND_CELL = 0.15, 0.004
"""A bin's walls are looked for so far around the workspace, in cells of the second size, metres."""


@dataclass(frozen=True)
class HeightmapRepairConfig:
    """Which repairs are made; each leaves a good picture as it is."""

    level: bool = True
    """Measure heights from the floor in the picture where the pose's table is more than 3 mm off."""

    speckles: bool = True
    """Remove patches too small to be items."""

    walls: bool = True
    """Take the walls of a bin and tall things at the border for floor."""

    bin: tuple[float, ...] = ()
    """The bin's inside by hand: x0 y0 x1 y1, or the corners x y x y ... of a polygon, metres; empty looks for it."""

    any_floor: bool = False
    """Measure heights from the level plane that dominates the picture, however far it lies from the pose's zero."""

    ceiling: float = 0.12
    """Heights above become this, metres; toy blocks piled up reach about so far."""

    def __post_init__(self) -> None:
        if self.bin and (len(self.bin) not in (4, *range(6, 65, 2)) or not all(map(math.isfinite, self.bin))):
            raise ValueError(
                f"bin is {self.bin}; give x0 y0 x1 y1, or three or more corners x y of a polygon, in metres"
            )
        if self.bin and max(map(abs, self.bin)) > 5.0:
            raise ValueError(
                f"bin is {self.bin}; no corner lies more than 5 m from the origin: were these millimetres?"
            )
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
    around = raw
    if frame is not None and config.walls and not config.bin:  # a bin is looked for
        around = frame_to_heightmap(frame, wider(raw.workspace), lowest=-FARTHEST_OFFSET)
    beyond, rim = _beyond_bin(raw, around, config)
    if config.level:
        current, floor, notes = _level(raw, beyond, config)
    if beyond is None:
        beyond, rim = _beyond_bin(current, _above(around, floor), config)
        if beyond is not None and config.level:  # the floor was that around the bin
            current, floor, notes = _level(raw, beyond, config)
            nearer = _beyond_bin(current, _above(around, floor), config)
            beyond, rim = nearer if nearer[0] is not None else (beyond, rim)
    surface = current.height
    if beyond is not None:
        current = _without(current, beyond)
    unmeasured = current.unmeasured
    current, threshold, note = flatten_floor(current)
    surface = np.where(current.unmeasured & ~unmeasured, np.float32(np.nan), surface)  # deep under the floor: no height
    notes.append(("floor-rough", note))
    if config.speckles:
        current, note = remove_needles(current)
        notes.append(("stray-points-removed", note))
    if beyond is not None:  # after the floor was measured, before anything is counted or filled
        current = replace(current, height=np.where(beyond, np.float32(0.0), current.height))
        notes.append(("bin", rim))
    current, excluded, note = repair_holes(current)
    notes.append(("holes-filled", note))
    if beyond is not None:
        excluded = excluded | beyond
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


def _above(heightmap: Heightmap, floor: FloorPlane) -> Heightmap:
    """Heights above a floor."""
    return replace(heightmap, height=heightmap.height - floor.grid(heightmap.workspace))


def _level(
    raw: Heightmap, beyond: NDArray[np.bool_] | None, config: HeightmapRepairConfig
) -> tuple[Heightmap, FloorPlane, list[tuple[str, str | None]]]:
    """Heights above the floor in the picture, that floor, and notes; no floor lies in ``beyond``."""
    floor_cells = raw if beyond is None else _without(raw, beyond)
    plane = fit_floor(floor_cells, any_height=config.any_floor)
    check_floor(floor_cells, plane)
    current, floor, levelled = level_floor(raw, plane)
    current, floor, curved = flatten_curve(current, floor, floor_cells)
    return current, floor, [("floor-levelled", levelled), ("floor-curved", curved)]


def wider(workspace: Workspace) -> Workspace:
    """The cells in which a bin is looked for: its walls may stand outside of the workspace."""
    pixels = round((workspace.extent + 2 * AROUND) / AROUND_CELL)
    return Workspace(extent=pixels * AROUND_CELL, pixels=pixels, margin=0.0)


def _beyond_bin(
    heightmap: Heightmap, around: Heightmap, config: HeightmapRepairConfig
) -> tuple[NDArray[np.bool_] | None, str | None]:
    """The walls of a bin and all that lies outside them, and in words where it stands; None where there is no bin."""
    if config.bin:
        corners = np.array(config.bin, dtype=np.float64).reshape(-1, 2)
        if len(corners) == 2:
            (x0, y0), (x1, y1) = corners
            corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
        cells = polygon_cells(corners, heightmap.workspace)
        if not cells.any():
            raise UserError(
                f"--bin {' '.join(f'{each:g}' for each in config.bin)} holds no cell of the "
                f"{heightmap.workspace.extent:g} m workspace; give its corners in metres, around the workspace's origin"
            )
        return ~cells, "Everything outside the bin that was given is left out."
    found = find_bin(around) if config.walls else None
    if found is None:
        return None, None
    beyond = beyond_walls(found, heightmap)
    if beyond.all():
        return None, None
    return beyond, (
        f"A bin with walls {found.rim * 100:.0f} cm high stands in the picture: they and all outside are left out."
    )


def _without(heightmap: Heightmap, cells: NDArray[np.bool_]) -> Heightmap:
    """The heightmap with these cells unmeasured."""
    return replace(heightmap, height=np.where(cells, np.float32(np.nan), heightmap.height))


def observe_frame(frame: RgbdFrame, workspace: Workspace, config: HeightmapRepairConfig | None = None) -> Observation:
    """The observation that a camera's picture makes.

    Args:
        frame: the picture, with its pose in the world of the workspace.
        workspace: the cells.
        config: repairs; None makes all.

    Raises:
        UserError: the camera did not see the workspace, or its pose is wrong.
    """
    check_frame(frame, workspace)
    deep = -1.2 * FARTHEST_OFFSET
    raw = frame_to_heightmap(frame, workspace, **({"lowest": deep} if config is not None and config.any_floor else {}))
    if raw.unmeasured.mean() > 1.0 - SMALLEST_COVERAGE:  # a floor far below is told as that
        below = frame_to_heightmap(frame, workspace, lowest=deep)
        check_floor(below, fit_floor(below))
        try:
            check_coverage(raw)
        except UserError as error:
            raise UserError(f"{error}{table_elsewhere(frame)}") from None
    return repair_heightmap(raw, config, frame)
