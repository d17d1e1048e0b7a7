"""Things in the workspace that are no items: stray points, the walls of a bin, parts of the robot."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.heightmap import Heightmap

SMALLEST_ITEM = 1e-4
"""A patch of foreground smaller than this stands alone as noise, square metres."""

FEW = 3
"""Stray points up to this many are every camera's, and not worth words."""

NEEDLE = 0.02
"""A single cell this far above all its neighbours is no item, metres."""

WALL_HEIGHT = 0.03
"""A bin's wall is at least this high, metres."""

FLOOR_ROW = 0.006
"""A row whose median lies below this is floor, metres."""

WALL_UNIFORM = 0.015
"""Along a wall heights differ by less than this, metres; along a row of items they differ more."""

WALL_KNOWN = 0.3
"""Share of a row's middle that must have been seen to judge it."""

WALL_SHARE = 0.7
"""Share of a row's middle that must be uniform for it to be wall: items may lean on the rest."""

TALL = 0.13
"""What is higher than this at the border of the workspace is robot or furniture, metres."""

BRIDGE = 0.01
"""Tall patches nearer to each other than about this are one thing, metres."""

COARSE = 110
"""Flanks are followed on about this many cells a side."""

REACH = 0.12
"""How far a tall thing's flank is followed down, metres."""


def remove_needles(heightmap: Heightmap, needle: float = NEEDLE) -> tuple[Heightmap, str | None]:
    """Unmeasured where one cell stands far above all measured cells around it: a stray point between two surfaces.

    Args:
        heightmap: NaN where unmeasured.
        needle: how far above, metres.
    """
    ring = np.ones((5, 5), np.uint8)
    ring[2, 2] = 0
    measured = np.isfinite(heightmap.height)
    filled = np.where(measured, heightmap.height, np.float32(-1.0))
    neighbours = cv2.filter2D(measured.astype(np.uint8), -1, ring, borderType=cv2.BORDER_CONSTANT)
    needles = measured & (neighbours >= 5) & (filled - cv2.dilate(filled, ring) > needle)
    if not needles.any():
        return heightmap, None
    height = np.where(needles, np.float32(np.nan), heightmap.height)
    note = f"{int(needles.sum())} stray points more than {needle * 100:.0f} cm above all around them: removed."
    return replace(heightmap, height=height), note if needles.sum() > FEW else None


def remove_speckles(heightmap: Heightmap, smallest: float = SMALLEST_ITEM) -> tuple[Heightmap, str | None]:
    """Floor where a patch of foreground is too small to be an item.

    Args:
        heightmap: levelled, floor exactly zero, without holes.
        smallest: area of the smallest item, square metres.
    """
    foreground = heightmap.foreground().astype(np.uint8)
    _, label, statistics, _ = cv2.connectedComponentsWithStats(foreground, connectivity=8)
    small = statistics[:, cv2.CC_STAT_AREA] < max(2, smallest / heightmap.workspace.pixel_size**2)
    small[0] = False  # label 0 is all that is not foreground
    if not small.any():
        return heightmap, None
    height = np.where(small[label], np.float32(0.0), heightmap.height)
    note = f"{int(small.sum())} patches of less than {smallest * 1e4:g} square cm: removed."
    return replace(heightmap, height=height), note if small.sum() > FEW else None


def find_walls(heightmap: Heightmap, outside: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], str | None]:
    """The walls of a bin, from each side inwards to the wall's foot, with everything outside them.

    A row parallel to a side is wall if most of it has one height above the floor, beginning in the outer fifth and
    falling until it ends on the floor; a heap of items is not as even.

    Args:
        heightmap: levelled, floor exactly zero, without holes.
        outside: cells beyond what the camera saw, which tell nothing.

    Returns:
        The wall's cells, shape ``(pixels, pixels)``, and in words which walls.
    """
    walls = np.zeros(heightmap.height.shape, dtype=bool)
    found = []
    for turn, side in enumerate(("far", "right", "near", "left")):
        rows = _wall_rows(np.rot90(heightmap.height, turn), np.rot90(~outside, turn))
        if rows:
            np.rot90(walls, turn)[:rows] = True
            found.append(f"{side} {rows * heightmap.workspace.pixel_size * 100:.0f} cm")
    return walls, f"Bin walls at the border ({', '.join(found)}): taken for floor." if found else None


def _wall_rows(height: NDArray[np.float32], known: NDArray[np.bool_]) -> int:
    """How many rows from row 0 inwards belong to a wall and what lies outside it; 0 if there is no wall."""
    pixels = height.shape[0]
    part = (slice(0, pixels // 3), slice(pixels // 5, pixels - pixels // 5))
    middle, known = height[part], known[part]
    enough = known.mean(axis=1) > WALL_KNOWN
    count = np.maximum(known.sum(axis=1), 1)
    ascending = np.sort(np.where(known, middle, np.float32(np.inf)), axis=1)
    median = np.where(known.any(axis=1), ascending[np.arange(len(count)), (count - 1) // 2], 0.0)
    off = np.abs(middle - median[:, None])
    even = ((off < WALL_UNIFORM) & known).sum(axis=1) >= WALL_SHARE * count
    # a wall that is not quite parallel to the rows is steep within one
    steep = ((off < WALL_UNIFORM + np.abs(np.gradient(median))[:, None]) & known).sum(axis=1) >= WALL_SHARE * count
    high = np.flatnonzero(enough & even & (median > WALL_HEIGHT))
    if high.size == 0 or high[0] > pixels // 5:
        return 0
    if (enough & even & (median < FLOOR_ROW))[: high[0]].any():  # floor outside it: a heap, not a wall
        return 0
    foot = int(high[0])
    while foot + 1 < len(median) and steep[foot + 1] and FLOOR_ROW <= median[foot + 1] <= median[foot] + 0.005:
        foot += 1
    ends_on_floor = foot + 1 < len(median) and median[foot + 1] < FLOOR_ROW
    return foot + 1 if ends_on_floor else 0


def find_tall_border(
    heightmap: Heightmap, outside: NDArray[np.bool_], tall: float = TALL, reach: float = REACH
) -> tuple[NDArray[np.bool_], str | None]:
    """Cells of things that are taller than any item and reach in over the border: a robot's arm, a post, a lamp.

    Its flank is followed downhill until it rises again, which is where an item begins.

    Args:
        heightmap: levelled, floor exactly zero, without holes.
        outside: cells beyond what the camera saw, which count as border.
        tall: no item at the border is higher, metres.
        reach: how far the flank is followed, metres.

    Returns:
        Its cells, shape ``(pixels, pixels)``, and in words how much.
    """
    height = heightmap.height
    near = 2 * round(BRIDGE / heightmap.workspace.pixel_size) + 1
    high = height > tall
    _, label = cv2.connectedComponents(cv2.dilate(high.astype(np.uint8), np.ones((near, near), np.uint8)))
    beyond = cv2.copyMakeBorder(outside.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    at_border = cv2.dilate(beyond, np.ones((3, 3), np.uint8))[1:-1, 1:-1] > 0
    border = np.unique(label[at_border])
    taken = high & np.isin(label, border[border > 0])
    if not taken.any():
        return taken, None
    coarse = max(1, heightmap.workspace.pixels // COARSE)
    steps = int(np.ceil(reach / (heightmap.workspace.pixel_size * coarse)))
    flank = downhill(height[::coarse, ::coarse], taken[::coarse, ::coarse], steps)
    fine = flank.repeat(coarse, axis=0).repeat(coarse, axis=1)[: height.shape[0], : height.shape[1]]
    taken = (taken | fine) & (height > 0.0)
    return taken, f"Something taller than {tall * 100:.0f} cm reaches in over the border: it and its flank are floor."


def downhill(height: NDArray[np.float32], start: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """The start and what is reached from it over the foreground in at most ``steps`` cells without climbing."""
    kernel = np.ones((3, 3), np.uint8)
    flank = np.where(start, height, np.float32(-1.0))
    for _ in range(steps):
        above = cv2.dilate(flank, kernel)
        grown = (height > 0.0) & (height <= above + 0.001) & (above > 0.0) & (flank < 0.0)
        if not grown.any():
            break
        flank[grown] = height[grown]
    return flank > 0.0


def limit_height(heightmap: Heightmap, ceiling: float) -> tuple[Heightmap, str | None]:
    """Heights above the ceiling become the ceiling: a network knows nothing about heights that no block had."""
    with np.errstate(invalid="ignore"):
        above = heightmap.height > ceiling
    if not above.any():
        return heightmap, None
    highest = float(np.nanmax(heightmap.height))
    note = f"{above.mean():.1%} of the workspace exceeds {ceiling * 100:.0f} cm (up to {highest * 100:.1f} cm): cut."
    return replace(heightmap, height=np.where(above, np.float32(ceiling), heightmap.height)), note
