"""What stands in the workspace and is no item: stray points, the walls of a bin, parts of the robot."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.heightmap import Heightmap

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

WALL_SHARE = 0.6
"""Share of a row's middle that must be uniform for it to be wall: items may lean on the rest."""

TALL = 0.10
"""What is higher than this at the border of the workspace is robot or furniture, metres."""

BRIDGE = 0.01
"""Tall patches nearer to each other than about this are one thing, metres."""

REACH = 0.08
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


def suppress_walls(heightmap: Heightmap) -> tuple[Heightmap, NDArray[np.bool_], str | None]:
    """Floor where the walls of a bin stand, from each side inwards to the wall's foot, and everything outside them.

    A row parallel to a side is wall if most of it has one height above the floor, beginning in the outer fifth and
    falling until it ends on the floor; a heap of items is not as even.

    Args:
        heightmap: levelled, floor exactly zero.

    Returns:
        The heightmap, the cells that were taken out, and in words which walls.
    """
    taken = np.zeros(heightmap.height.shape, dtype=bool)
    found = []
    for turn, side in enumerate(("far", "right", "near", "left")):
        rows = _wall_rows(np.rot90(heightmap.height, turn))
        if rows:
            np.rot90(taken, turn)[:rows] = True
            found.append(f"{side} {rows * heightmap.workspace.pixel_size * 100:.0f} cm")
    if not found:
        return heightmap, taken, None
    height = np.where(taken, np.float32(0.0), heightmap.height)
    return replace(heightmap, height=height), taken, f"Bin walls at the border ({', '.join(found)}): taken for floor."


def _wall_rows(height: NDArray[np.float32]) -> int:
    """How many rows from row 0 inwards belong to a wall and what lies outside it; 0 if there is no wall."""
    pixels = height.shape[0]
    middle = height[: pixels // 3, pixels // 5 : pixels - pixels // 5]
    median = np.median(middle, axis=1)
    slack = WALL_UNIFORM + np.abs(np.gradient(median))  # a wall that is not quite parallel to the rows is steep in one
    alike = (np.abs(middle - median[:, None]) < slack[:, None]).mean(axis=1)
    wall = (median >= FLOOR_ROW) & (alike >= WALL_SHARE)
    high = np.flatnonzero(wall & (median > WALL_HEIGHT))
    if high.size == 0 or high[0] > pixels // 5:
        return 0
    foot = int(high[0])
    while foot + 1 < len(wall) and wall[foot + 1] and median[foot + 1] <= median[foot] + 0.005:
        foot += 1
    ends_on_floor = foot + 1 < len(wall) and median[foot + 1] < FLOOR_ROW
    return foot + 1 if ends_on_floor else 0


def suppress_tall_border(
    heightmap: Heightmap, outside: NDArray[np.bool_] | None = None, tall: float = TALL, reach: float = REACH
) -> tuple[Heightmap, NDArray[np.bool_], str | None]:
    """Floor where something taller than any item reaches in over the border: a robot's arm, a post, a lamp.

    Its flank is followed downhill until it rises again, which is where an item begins.

    Args:
        heightmap: levelled, floor exactly zero, without holes.
        outside: cells beyond what the camera saw, which count as border; None for none.
        tall: no item at the border is higher, metres.
        reach: how far the flank is followed, metres.

    Returns:
        The heightmap, the cells that were taken out, and in words how much.
    """
    height = heightmap.height
    near = 2 * round(BRIDGE / heightmap.workspace.pixel_size) + 1
    high = height > tall
    _, label = cv2.connectedComponents(cv2.dilate(high.astype(np.uint8), np.ones((near, near), np.uint8)))
    border = np.concatenate([label[0], label[-1], label[:, 0], label[:, -1]])
    if outside is not None:
        border = np.concatenate([border, label[cv2.dilate(outside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0]])
    taken = high & np.isin(label, np.unique(border[border > 0]))
    if not taken.any():
        return heightmap, taken, None
    kernel = np.ones((3, 3), np.uint8)
    foreground = height > 0.0
    for _ in range(int(np.ceil(reach / heightmap.workspace.pixel_size))):
        above = cv2.dilate(np.where(taken, height, np.float32(-1.0)), kernel)
        grown = taken | (foreground & (above > 0.0) & (height <= above + 0.001))
        if (grown == taken).all():
            break
        taken = grown
    mended = np.where(taken, np.float32(0.0), height)
    note = (
        f"Something taller than {tall * 100:.0f} cm reaches in over the border ({taken.mean():.1%}): taken for floor."
    )
    return replace(heightmap, height=mended), taken, note


def limit_height(heightmap: Heightmap, ceiling: float) -> tuple[Heightmap, str | None]:
    """Heights above the ceiling become the ceiling: a network knows nothing about heights that no block had."""
    with np.errstate(invalid="ignore"):
        above = heightmap.height > ceiling
    if not above.any():
        return heightmap, None
    highest = float(np.nanmax(heightmap.height))
    note = f"{above.mean():.1%} of the workspace exceeds {ceiling * 100:.0f} cm (up to {highest * 100:.1f} cm): cut."
    return replace(heightmap, height=np.where(above, np.float32(ceiling), heightmap.height)), note
