"""The walls of a bin that stands in the picture: a closed or nearly closed ring of even height, whatever lies outside.

At several heights the picture is cut, and every patch below the cut that high cells surround is walked round. Walls are
there if most of the way round the surface rises to one height, the rim, at one distance. So a bin may be turned, round,
sloped, thin or thick, empty or half full, on a stand, or half out of view; a heap is neither even nor straight. A bin
that is full shows nothing of its inside: there the hull of what stands is walked round from outside.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.holes import shadows, touching_border
from grasping_student.perception.obstacles import downhill

CUTS = (0.02, 0.035, 0.055, 0.08, 0.12)
"""Heights at which the picture is cut, metres: above the items of a bin that is half full."""

GAP = 0.012
"""Gaps of a wall up to this are closed: shadows and handles, metres."""

SMALLEST_SIDE = 0.13
"""A ring that is narrower is an item: a cup, a bowl, a roll of tape, metres."""

RIM_REACH = 0.08
"""From the cut outwards the rim lies within this distance, metres: sloped walls lean outwards."""

OUTSIDE_REACH = 0.016
"""The same from the outside of the walls inwards, metres."""

RIM_ABOVE = 0.005
"""The rim rises at least so far above the cut, metres."""

RIM_EVEN = 0.008
"""Along the rim heights differ by less than this, metres; along a heap they differ more."""

RIM_SHARE = 0.7
"""Share of the way round that must have the rim's height."""

KNOWN_SHARE = 0.35
"""Share of the way round that must lie inside the picture: of less than that no ring can be told."""

MOST_GAPS = 2
"""A wall may be open at so many places; what stands in a ring is so at more."""

RIM_TOP, RIM_STRAIGHT = 0.008, 0.006
"""A wall rises to this far below its rim at one distance, give or take the second number, metres. Items that stand in a
ring lie now nearer and now further."""

FALL = 0.015
"""Inside the rim the height falls by at least this, metres."""

FALL_SHARE = 0.55
"""Share of the rim that must fall inwards, where a bin is seen from outside: items lean on the rest."""

THICKEST = 0.09
"""From the rim to the wall's foot, metres."""

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

STEP = 0.002
"""Spacing of the samples along the way round and across it, metres."""


@dataclass(frozen=True, eq=False)
class Bin:
    """A bin that was found: a line round it, and how far its walls reach inwards from there.

    Attributes:
        outline: convex polygon of world x and y on or outside the inner side of the walls, metres, ``(n, 2)``.
        rim: height of the rim, metres above the floor.
        wall: distance from the outline to the foot of the walls, metres.
    """

    outline: NDArray[np.float64]
    rim: float
    wall: float

    def excluded(self, heightmap: Heightmap) -> NDArray[np.bool_]:
        """Walls with their flanks, and all that lies outside them, bool ``(pixels, pixels)``."""
        workspace = heightmap.workspace
        inside = polygon_cells(self.outline, workspace)
        padded = cv2.copyMakeBorder(inside.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
        distance = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1] * workspace.pixel_size
        beyond = ~inside | (distance <= self.wall + SLACK)
        # the outline is a hull, the wall is not quite: what still falls away from it beyond its foot is wall too
        height = np.nan_to_num(heightmap.height, nan=-1.0)
        steps = round(FLANK_REACH / workspace.pixel_size) + 1
        beyond |= downhill(np.where(height > FLANK_LEAST, height, np.float32(0.0)), beyond, steps)
        beyond |= _hidden(heightmap, beyond)
        if min(cv2.minAreaRect(self.outline.astype(np.float32))[1]) < BOWL:
            beyond &= ~_apart(height, inside, workspace)
        return beyond


def _hidden(heightmap: Heightmap, beyond: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Strips at the walls that a wall hides from the camera: hardly measured, with stray points of any height."""
    side = 2 * round(HIDDEN_REACH / heightmap.workspace.pixel_size) + 1
    measured = np.isfinite(heightmap.height).astype(np.float32)
    hidden = (cv2.boxFilter(measured, -1, (side, side), borderType=cv2.BORDER_REPLICATE) < HIDDEN) & ~beyond
    near = cv2.dilate(beyond.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    count, label = cv2.connectedComponents(hidden.astype(np.uint8), connectivity=8)
    at_wall = np.zeros(count, dtype=bool)
    at_wall[np.unique(label[near])] = True
    at_wall[0] = False
    return np.asarray(at_wall[label])


def _apart(height: NDArray[np.float32], inside: NDArray[np.bool_], workspace: Workspace) -> NDArray[np.bool_]:
    """Items that stand outside of a ring and do not touch it; nothing as wide as another bin."""
    standing = ((height > ITEM_LEAST) & ~inside).astype(np.uint8)
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
        closed = cv2.morphologyEx(high.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8)) > 0
        for walls in (closed, high):  # with gaps closed, what little is seen between a heap and the walls is closed too
            inside = _wide_patches(~walls & ~unseen, workspace, 4)
            if found := _largest([_from_inside(height, workspace, cells, unseen, cut) for cells in inside]):
                return found
        outside = outside or [cells & high for cells in _wide_patches(closed, workspace, 8)]
    return _largest([_from_outside(height, workspace, cells, unseen) for cells in outside])


def _largest(found: list[Bin | None]) -> Bin | None:
    bins = [each for each in found if each is not None]
    return max(bins, key=lambda each: cv2.contourArea(each.outline.astype(np.float32)), default=None)


def _wide_patches(cells: NDArray[np.bool_], workspace: Workspace, connectivity: int) -> list[NDArray[np.bool_]]:
    """The connected patches of a mask that are wide enough for a bin."""
    _, label, boxes, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8), connectivity=connectivity)
    sides = boxes[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].min(axis=1) * workspace.pixel_size
    return [label == each + 1 for each in np.flatnonzero(sides >= SMALLEST_SIDE)]


def _from_inside(
    height: NDArray[np.float32], workspace: Workspace, cells: NDArray[np.bool_], unseen: NDArray[np.bool_], cut: float
) -> Bin | None:
    """The bin whose inside these low cells are, or None."""
    hull = _hull(cells, workspace)
    if hull is None:
        return None
    outwards = _profile(height, workspace, hull, unseen, np.arange(0.004, -RIM_REACH, -STEP))
    if outwards is None:
        return None
    rims = outwards.max(axis=1)
    rim = float(np.median(rims))
    even = np.abs(rims - rim) < RIM_EVEN
    if rim < cut + RIM_ABOVE or even.mean() < RIM_SHARE or not _straight(outwards[even], rim, workspace):
        return None
    if _gaps(rims < cut) > MOST_GAPS:
        return None
    inwards = _profile(height, workspace, hull, unseen, np.arange(-0.004, THICKEST, STEP))
    assert inwards is not None
    return Bin(_outline(hull, workspace), rim, _foot(inwards[even], rim))


def _from_outside(
    height: NDArray[np.float32], workspace: Workspace, cells: NDArray[np.bool_], unseen: NDArray[np.bool_]
) -> Bin | None:
    """The bin whose walls are the outermost of these high cells, or None."""
    hull = _hull(cells, workspace)
    profile = None if hull is None else _profile(height, workspace, hull, unseen, np.arange(-0.004, THICKEST, STEP))
    if hull is None or profile is None:
        return None
    first = profile[:, : round((OUTSIDE_REACH + 0.004) / STEP)]
    rims = first.max(axis=1)
    rim = float(np.median(rims))
    even = np.abs(rims - rim) < RIM_EVEN
    if rim < CUTS[0] + RIM_ABOVE or even.mean() < RIM_SHARE:
        return None
    falls = profile[:, first.shape[1] // 2 :].min(axis=1) < rim - FALL
    if falls[even].mean() < FALL_SHARE or not _straight(first[even], rim, workspace):
        return None
    return Bin(_outline(hull, workspace), rim, _foot(profile[even], rim))


def _straight(profile: NDArray[np.float32], rim: float, workspace: Workspace) -> bool:
    """Whether the wall rises at one distance from the line."""
    reached = np.quantile(np.argmax(profile > rim - RIM_TOP, axis=1) * STEP, (0.2, 0.8))
    return bool(reached[1] - reached[0] <= max(RIM_STRAIGHT, 1.5 * workspace.pixel_size))


def _gaps(open_there: NDArray[np.bool_]) -> int:
    """How many stretches of the way round, longer than a few samples, have no wall."""
    ends = np.flatnonzero(np.diff(np.concatenate([[0], open_there.astype(np.int8), [0]])))
    return int((np.diff(ends)[::2] * STEP >= 0.006).sum())


def _hull(cells: NDArray[np.bool_], workspace: Workspace) -> NDArray[np.float32] | None:
    """Convex hull of cells, columns and rows ``(n, 2)``, or None where it is too narrow for a bin."""
    row, col = np.nonzero(cells)
    if row.size < 3:
        return None
    hull = np.asarray(cv2.convexHull(np.column_stack([col, row]).astype(np.float32))[:, 0], dtype=np.float32)
    wide = len(hull) >= 3 and min(cv2.minAreaRect(hull)[1]) * workspace.pixel_size >= SMALLEST_SIDE
    return hull if wide else None


def _profile(
    height: NDArray[np.float32],
    workspace: Workspace,
    hull: NDArray[np.float32],
    unseen: NDArray[np.bool_],
    inwards: NDArray[np.float64],
) -> NDArray[np.float32] | None:
    """Heights across a hull at points all along it, ``(points, distances)``; None where little of it is in view.

    Args:
        height: NaN where unmeasured, which becomes minus infinity.
        workspace: the pixel size.
        hull: columns and rows.
        unseen: cells beyond what the camera saw; where the hull runs along them or the border it goes on outside.
        inwards: distances from the hull, metres.
    """
    points, normals = _walk(hull, STEP / workspace.pixel_size)
    last = workspace.pixels - 1
    ahead = np.rint(points - 2.5 * normals).astype(int)
    known = ((points > 1.5) & (points < last - 1.5)).all(axis=1)
    col, row = np.clip(ahead, 0, last).T
    known &= ~unseen[row, col]
    if known.mean() < KNOWN_SHARE:
        return None
    samples = points[known, None, :] + inwards[None, :, None] / workspace.pixel_size * normals[known, None, :]
    where = np.clip(np.rint(samples).astype(int), 0, last)
    profile = height[where[..., 1], where[..., 0]]
    return np.where(np.isfinite(profile), profile, np.float32(-np.inf))


def _walk(hull: NDArray[np.float32], step: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points at equal distances along a hull, and the direction inwards at each; both ``(n, 2)``, columns and rows."""
    points, inwards = [], []
    middle = hull.mean(axis=0)
    for start, end in zip(hull, np.roll(hull, -1, axis=0), strict=True):
        edge = end - start
        length = float(np.hypot(*edge))
        count = int(length / step)
        if count == 0:
            continue
        normal = np.array([-edge[1], edge[0]]) / length
        normal *= 1.0 if normal @ (middle - start) > 0.0 else -1.0
        points.append(start + (np.arange(count)[:, None] + 0.5) / count * edge)
        inwards.append(np.tile(normal, (count, 1)))
    return np.concatenate(points), np.concatenate(inwards)


def _foot(profile: NDArray[np.float32], rim: float) -> float:
    """Distance from the hull to the foot of the wall, metres: where most of the way round has stopped falling."""
    lowest = np.where(np.isfinite(profile), profile, np.float32(np.nan))
    lowest = lowest[:, np.isfinite(lowest).any(axis=0)]
    typical = np.nanquantile(lowest, 0.3, axis=0)
    depth = np.arange(-0.004, THICKEST, STEP)[: len(typical)]
    start = int(np.argmax(typical > min(rim - RIM_TOP, float(typical[0]))))  # a heap inside may be higher than the rim
    for index in range(start, len(typical)):
        below = typical[index] < rim - FALL
        ahead = typical[index : index + 4]
        if below and np.nanmin(ahead) > typical[index] - 0.003:
            return float(depth[index]) + STEP
    return THICKEST


def _outline(hull: NDArray[np.float32], workspace: Workspace) -> NDArray[np.float64]:
    """The hull in the world; between points on the border of the picture it goes round far outside of it."""
    last, far = workspace.pixels - 2.5, 10.0 * workspace.pixels
    outside = np.where(hull <= 1.5, -far, np.where(hull >= last, far, hull))
    on_border = (outside != hull).any(axis=1)
    corners = []
    for index, (point, beyond) in enumerate(zip(hull, outside, strict=True)):
        following = (index + 1) % len(hull)
        if not on_border[index]:
            corners.append(point)
        elif on_border[index - 1]:
            corners += [beyond] if on_border[following] else [beyond, point]
        else:
            corners += [point, beyond] if on_border[following] else [point]
    col, row = np.array(corners, dtype=np.float64).T
    x, y = workspace.xy_from_pixel(row, col)
    return np.column_stack([x, y])
