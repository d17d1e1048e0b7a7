"""The walls of a bin measured along a line round it: one height, the rim, at one distance from the line."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.workspace import Workspace

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

LEVELS_SHARE, LEVEL_SHARE, MOST_STEPS = 0.85, 0.1, 8
"""A rim with a low front or with notches has two heights: so much of the way round has one or the other, so much each,
and it steps from one to the other at so many places at most. Items that stand in a ring step more often."""

KNOWN_SHARE = 0.35
"""Share of the way round that must lie inside the picture: of less than that no ring can be told."""

MOST_GAPS = 2
"""A wall may be open at so many places; what stands in a ring is so at more."""

RIM_TOP, RIM_STRAIGHT = 0.008, 0.006
"""A wall rises to this far below its rim at one distance, give or take the second number, metres. Items that stand in a
ring lie now nearer and now further."""

RIM_SLOPED = 0.3
"""A wall that leans outwards rises at distances that differ by up to this share of them."""

HIDING_SIDE = 0.19
"""In a ring this wide what is unmeasured at the wall counts as hidden by it, metres; narrower ones may be items."""

FALL = 0.015
"""Inside the rim the height falls by at least this, metres."""

FALL_SHARE = 0.55
"""Share of the rim that must fall inwards, where a bin is seen from outside: items lean on the rest."""

THICKEST = 0.09
"""From the rim to the wall's foot, metres."""

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


def bin_from_inside(
    height: NDArray[np.float32], workspace: Workspace, cells: NDArray[np.bool_], unseen: NDArray[np.bool_], cut: float
) -> Bin | None:
    """The bin whose inside these low cells are, or None.

    Args:
        height: heights above the floor inside, metres, NaN where unmeasured.
        workspace: meaning of the cells.
        cells: connected, lower than ``cut``.
        unseen: cells beyond what the camera saw.
        cut: metres.
    """
    hull = _hull(cells, workspace)
    if hull is None:
        return None
    outwards = _profile(height, workspace, hull, unseen, np.arange(0.004, -RIM_REACH, -STEP))
    if outwards is None:
        return None
    rims = outwards.max(axis=1)
    levels = _levels(rims, cut)
    wide = min(cv2.minAreaRect(hull)[1]) * workspace.pixel_size >= HIDING_SIDE
    if not levels or not all(_straight(outwards[even], rim, workspace, wide) for rim, even in levels):
        return None
    if _gaps(rims < cut) > MOST_GAPS:
        return None
    inwards = _profile(height, workspace, hull, unseen, np.arange(-0.004, THICKEST, STEP))
    assert inwards is not None
    foot = max(_foot(inwards[even], rim) for rim, even in levels)
    return Bin(_outline(hull, workspace), max(rim for rim, _ in levels), foot)


def bin_from_outside(
    height: NDArray[np.float32], workspace: Workspace, cells: NDArray[np.bool_], unseen: NDArray[np.bool_], cut: float
) -> Bin | None:
    """The bin whose walls are the outermost of these cells, which are higher than ``cut``, or None; else the same."""
    hull = _hull(cells, workspace)
    profile = None if hull is None else _profile(height, workspace, hull, unseen, np.arange(-0.004, THICKEST, STEP))
    if hull is None or profile is None:
        return None
    first = profile[:, : round((OUTSIDE_REACH + 0.004) / STEP)]
    levels = _levels(first.max(axis=1), cut)
    if not levels or not all(_straight(first[even], rim, workspace) for rim, even in levels):
        return None
    lowest = profile[:, first.shape[1] // 2 :].min(axis=1)
    falls = np.concatenate([lowest[even] < rim - FALL for rim, even in levels])
    if falls.mean() < FALL_SHARE:
        return None
    foot = max(_foot(profile[even], rim) for rim, even in levels)
    return Bin(_outline(hull, workspace), max(rim for rim, _ in levels), foot)


def _levels(rims: NDArray[np.float32], cut: float) -> list[tuple[float, NDArray[np.bool_]]]:
    """The one or two heights of a rim, and which points of the way round have them; none where it is uneven."""
    rim = float(np.median(rims))
    even = np.abs(rims - rim) < RIM_EVEN
    if even.mean() >= RIM_SHARE:
        return [(rim, even)] if rim >= cut + RIM_ABOVE else []
    levels: list[tuple[float, NDArray[np.bool_]]] = []
    rest = np.isfinite(rims)
    for _ in range(2):
        if not rest.any():
            return []
        sorted_rims = np.sort(rims[rest])
        until = np.searchsorted(sorted_rims, sorted_rims + 2 * RIM_EVEN)
        first = int(np.argmax(until - np.arange(len(until))))
        rim = float(np.median(sorted_rims[first : until[first]]))
        levels.append((rim, rest & (np.abs(rims - rim) < RIM_EVEN)))
        rest = rest & ~levels[-1][1]
    one, other = levels
    shares = one[1].mean(), other[1].mean()
    which = other[1][one[1] | other[1]]
    steps = int((which != np.roll(which, 1)).sum())
    enough = sum(shares) >= LEVELS_SHARE and min(shares) >= LEVEL_SHARE and steps <= MOST_STEPS
    return levels if enough and min(one[0], other[0]) >= cut + RIM_ABOVE else []


def _straight(profile: NDArray[np.float32], rim: float, workspace: Workspace, hidden: bool = False) -> bool:
    """Whether the wall rises at one distance from the line; ``hidden``: what is unmeasured may be wall already."""
    high = profile > rim - RIM_TOP
    latest = np.argmax(high, axis=1) * STEP
    earliest = np.argmax(high | (~np.isfinite(profile) & hidden), axis=1) * STEP
    spread = np.quantile(earliest, 0.8) - np.quantile(latest, 0.2)
    slope = RIM_SLOPED * float(np.median(latest))
    return bool(spread <= max(RIM_STRAIGHT, slope, 1.5 * workspace.pixel_size))


def _gaps(open_there: NDArray[np.bool_]) -> int:
    """How many stretches of the way round, longer than a few samples, have no wall."""
    ends = np.flatnonzero(np.diff(np.concatenate([[0], open_there.astype(np.int8), [0]])))
    return int((np.diff(ends)[::2] * STEP >= 0.006).sum())


def _hull(cells: NDArray[np.bool_], workspace: Workspace) -> NDArray[np.float32] | None:
    """Convex hull of cells, columns and rows ``(n, 2)``, or None where it is too narrow for a bin."""
    if np.count_nonzero(cells) < 3:
        return None
    row = np.flatnonzero(cells.any(axis=1))  # the outermost cells of each row span the hull of all
    first, last = cells[row].argmax(axis=1), cells.shape[1] - 1 - cells[row, ::-1].argmax(axis=1)
    ends = np.column_stack([np.stack([first, last], axis=1).ravel(), np.repeat(row, 2)])
    hull = np.asarray(cv2.convexHull(ends.astype(np.float32))[:, 0], dtype=np.float32)
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
