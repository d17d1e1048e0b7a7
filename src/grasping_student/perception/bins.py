"""The walls of a bin that stands in the picture: a closed or nearly closed ring of even height, whatever lies outside.

The hull of what stands is walked round, and from every point of it inwards. A wall is there if most of the way round
has one height (the rim) and falls away from it within a wall's thickness. So a bin may be turned, round, sloped, thin
or thick, full or empty, on a stand, or half out of view; a flat carton does not fall away, and a heap is not even.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.obstacles import downhill

WALL_HEIGHT = 0.025
"""A bin's wall is at least this high, metres."""

GAP = 0.012
"""Gaps of a wall up to this are closed: shadows and handles, metres."""

SMALLEST_SIDE = 0.13
"""A ring that is narrower is an item: a cup, a bowl, a roll of tape, metres."""

RIM_SEARCH = 0.03
"""The rim lies within this distance of the hull, metres: sloped walls lean outwards."""

RIM_EVEN = 0.012
"""Along the rim heights differ by less than this, metres; along a heap they differ more."""

RIM_SHARE = 0.7
"""Share of the way round that must have the rim's height."""

KNOWN_SHARE = 0.35
"""Share of the hull that must lie inside the picture: of less than that no ring can be told."""

RIM_TOP, RIM_STRAIGHT = 0.008, 0.006
"""A wall rises to this far below its rim at one distance from the hull, give or take the second number, metres. The
hull of a heap bridges the gaps between items, which lie now at it and now centimetres inside of it."""

FALL = 0.015
"""Inside the rim the height falls by at least this, metres."""

FALL_SHARE = 0.55
"""Share of the rim that must fall inwards: items lean on the rest."""

THICKEST = 0.07
"""From the rim to the wall's foot, metres."""

FLANK_REACH, FLANK_LEAST = 0.012, 0.004
"""Beyond its foot a wall is followed downhill for so far, and down to this height, metres."""

STEP = 0.002
"""Spacing of the samples along the hull and inwards, metres."""


@dataclass(frozen=True, eq=False)
class Bin:
    """A bin that was found: its rim seen from above, and how far its walls reach inwards.

    Attributes:
        outline: convex polygon of world x and y, metres, ``(n, 2)``.
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
        beyond = ~inside | (distance <= self.wall)
        # the outline is a hull, the wall is not quite: what still falls away from it beyond its foot is wall too
        height = np.nan_to_num(heightmap.height, nan=-1.0)
        start = beyond & (distance > 0.0)
        flank = downhill(np.where(height > FLANK_LEAST, height, np.float32(0.0)), start, self._steps(workspace))
        return beyond | flank

    def _steps(self, workspace: Workspace) -> int:
        return round(FLANK_REACH / workspace.pixel_size) + 1


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
    with np.errstate(invalid="ignore"):
        high = height > WALL_HEIGHT
    reach = 2 * max(1, round(GAP / 2 / workspace.pixel_size)) + 1
    closed = cv2.morphologyEx(high.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    count, label = cv2.connectedComponents(closed, connectivity=8)
    found = [_ring(height, workspace, (label == each) & high) for each in range(1, count)]
    bins = [each for each in found if each is not None]
    return max(bins, key=lambda each: cv2.contourArea(each.outline.astype(np.float32)), default=None)


def _ring(height: NDArray[np.float32], workspace: Workspace, cells: NDArray[np.bool_]) -> Bin | None:
    """The bin whose walls are among these high cells, or None."""
    row, col = np.nonzero(cells)
    side = SMALLEST_SIDE / workspace.pixel_size
    if row.size == 0 or max(np.ptp(row), np.ptp(col)) < side:
        return None
    corners = np.column_stack([col, row]).astype(np.float32)
    hull = np.asarray(cv2.convexHull(corners)[:, 0], dtype=np.float32)
    if len(hull) < 3 or min(cv2.minAreaRect(hull)[1]) < side:
        return None
    points, inwards = _walk(hull, STEP / workspace.pixel_size)
    pixels = workspace.pixels
    # where the hull runs along the border of the picture the bin goes on outside of it
    seen = ((points > 1.5) & (points < pixels - 2.5)).all(axis=1)
    if seen.mean() < KNOWN_SHARE:
        return None
    depth = np.arange(-0.004, THICKEST, STEP) / workspace.pixel_size
    samples = points[seen, None, :] + depth[None, :, None] * inwards[seen, None, :]
    where = np.clip(np.rint(samples).astype(int), 0, pixels - 1)
    profile = height[where[..., 1], where[..., 0]]
    profile = np.where(np.isfinite(profile), profile, np.float32(-np.inf))
    first = profile[:, : round((RIM_SEARCH + 0.004) / STEP)]
    rims = first.max(axis=1)
    rim = float(np.median(rims))
    even = np.abs(rims - rim) < RIM_EVEN
    if rim < WALL_HEIGHT or even.mean() < RIM_SHARE:
        return None
    falls = profile[:, first.shape[1] // 2 :].min(axis=1) < rim - FALL
    if falls[even].mean() < FALL_SHARE:
        return None
    inset = np.quantile(np.argmax(first[even] > rim - RIM_TOP, axis=1) * STEP, (0.2, 0.8))
    if inset[1] - inset[0] > max(RIM_STRAIGHT, 1.5 * workspace.pixel_size):
        return None
    return Bin(_outline(hull, workspace), rim, _foot(profile[even], rim))


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
    start = int(np.nanargmax(typical))
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
