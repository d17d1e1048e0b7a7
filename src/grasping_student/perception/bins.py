"""The walls of a bin that stands in the picture: a closed or nearly closed ring of even height, whatever lies outside.

At several heights the picture is cut, and every patch below the cut that high cells surround is walked round. Walls are
there if most of the way round the surface rises to one height, the rim, at one distance. So a bin may be turned, round,
sloped, thin or thick, empty or half full, on a stand, or half out of view; a heap is neither even nor straight. A bin
that is full shows nothing of its inside: there the hull of what stands is walked round from outside.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.bin_walls import SMALLEST_SIDE, Bin, bin_from_inside, bin_from_outside
from grasping_student.perception.holes import shadows, touching_border
from grasping_student.perception.obstacles import downhill

CUTS = (0.02, 0.035, 0.055, 0.08, 0.12)
"""Heights at which the picture is cut, metres: above the items of a bin that is half full."""

GAP = 0.012
"""Gaps of a wall up to this are closed: shadows and handles, metres."""

FLANK_REACH, FLANK_LEAST = 0.012, 0.004
"""Beyond its foot a wall is followed downhill for so far, and down to this height, metres."""

SLACK = 0.008
"""Beyond its foot so much more counts as wall, metres: a camera smears edges."""

BOWL = 0.19
"""A ring narrower than this may be a bowl, a tray or a picture frame among other items, metres: those stay."""

ITEM_LEAST, ITEM_AREA, APART = 0.01, 2e-4, 0.015
"""An item outside of a ring is higher than this, larger than this and further from it; metres and square metres."""

HIDDEN, HIDDEN_REACH = 0.75, 0.01
"""Where less than this share of the cells within so many metres was measured, a wall hides what is there."""


def find_bin(heightmap: Heightmap) -> Bin | None:
    """The bin in a levelled heightmap (NaN where unmeasured), or None.

    Args:
        heightmap: heights above the floor inside the bin; what surrounds the bin may lie at any height.
    """
    workspace, height = heightmap.workspace, heightmap.height
    unseen = cv2.dilate(touching_border(shadows(heightmap)).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    reach = 2 * max(1, round(GAP / 2 / workspace.pixel_size)) + 1
    outside: list[NDArray[np.bool_]] = []
    for cut in CUTS:
        with np.errstate(invalid="ignore"):
            high = height > cut
        if not high.any():
            break
        closed = cv2.morphologyEx(high.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8)) > 0
        for walls in (closed, high):  # with gaps closed, what little is seen between a heap and the walls is closed too
            inside = _wide_patches(~walls & ~unseen, workspace, 4)
            if found := _largest(
                [bin_from_inside(height, workspace, cells, unseen, cut) for cells in inside], workspace
            ):
                return found
        outside = outside or [cells & high for cells in _wide_patches(closed, workspace, 8)]
    return _largest([bin_from_outside(height, workspace, cells, unseen, CUTS[0]) for cells in outside], workspace)


def _largest(found: list[Bin | None], workspace: Workspace) -> Bin | None:
    """The bin that fills most of the picture: what lies between a bin and the border may look like another."""
    bins = [each for each in found if each is not None]
    return max(bins, key=lambda each: int(polygon_cells(each.outline, workspace).sum()), default=None)


def _wide_patches(cells: NDArray[np.bool_], workspace: Workspace, connectivity: int) -> list[NDArray[np.bool_]]:
    """The connected patches of a mask that are wide enough for a bin."""
    _, label, boxes, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8), connectivity=connectivity)
    sides = boxes[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].min(axis=1) * workspace.pixel_size
    return [label == each + 1 for each in np.flatnonzero(sides >= SMALLEST_SIDE)]


def beyond_walls(found: Bin, heightmap: Heightmap) -> NDArray[np.bool_]:
    """Walls with their flanks, and all that lies outside them, bool ``(pixels, pixels)``."""
    workspace = heightmap.workspace
    inside = polygon_cells(found.outline, workspace)
    padded = cv2.copyMakeBorder(inside.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1] * workspace.pixel_size
    beyond = ~inside | (distance <= found.wall + SLACK)
    # the outline is a hull, the wall is not quite: what still falls away from it beyond its foot is wall too
    height = np.nan_to_num(heightmap.height, nan=-1.0)
    steps = round(FLANK_REACH / workspace.pixel_size) + 1
    beyond |= downhill(np.where(height > FLANK_LEAST, height, np.float32(0.0)), beyond, steps)
    beyond |= _hidden(heightmap, beyond)
    if min(cv2.minAreaRect(found.outline.astype(np.float32))[1]) < BOWL:
        beyond &= ~_apart(heightmap, inside)
    return beyond


def _hidden(heightmap: Heightmap, beyond: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Strips at the walls that a wall hides from the camera: hardly measured, with stray points of any height."""
    hidden = _hardly_measured(heightmap) & ~beyond
    near = cv2.dilate(beyond.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    count, label = cv2.connectedComponents(hidden.astype(np.uint8), connectivity=8)
    at_wall = np.zeros(count, dtype=bool)
    at_wall[np.unique(label[near])] = True
    at_wall[0] = False
    return np.asarray(at_wall[label])


def _hardly_measured(heightmap: Heightmap) -> NDArray[np.bool_]:
    """Cells around which little was measured."""
    side = 2 * round(HIDDEN_REACH / heightmap.workspace.pixel_size) + 1
    measured = np.isfinite(heightmap.height).astype(np.float32)
    return np.asarray(cv2.boxFilter(measured, -1, (side, side), borderType=cv2.BORDER_REPLICATE) < HIDDEN)


def _apart(heightmap: Heightmap, inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Items that stand outside of a ring and do not touch it; nothing as wide as another bin, no smear of a shadow."""
    workspace, height = heightmap.workspace, np.nan_to_num(heightmap.height, nan=-1.0)
    standing = ((height > ITEM_LEAST) & ~inside & ~_hardly_measured(heightmap)).astype(np.uint8)
    _, label, boxes, _ = cv2.connectedComponentsWithStats(standing, connectivity=8)
    grown = cv2.dilate(
        inside.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=1 + round(APART / workspace.pixel_size)
    )
    sides = boxes[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]] * workspace.pixel_size
    items = (boxes[:, cv2.CC_STAT_AREA] * workspace.pixel_size**2 > ITEM_AREA) & (sides.min(axis=1) < SMALLEST_SIDE)
    items[np.unique(label[grown > 0])] = False
    items[0] = False
    return items[label]


def polygon_cells(outline: NDArray[np.float64], workspace: Workspace) -> NDArray[np.bool_]:
    """Cells that a polygon of world points ``(n, 2)``, metres, covers, bool ``(pixels, pixels)``."""
    half, fine = workspace.extent / 2, 16
    pixels = np.column_stack([outline[:, 0] + half, half - outline[:, 1]]) / workspace.pixel_size - 0.5
    corners = np.rint(np.clip(pixels, -30_000, 30_000) * fine).astype(np.int32)
    cells = np.zeros(workspace.shape, dtype=np.uint8)
    cv2.fillPoly(cells, [corners], 1, shift=4)
    return cells > 0
