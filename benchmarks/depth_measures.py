"""Measures of a depth picture that need no truth: noise over frames, roughness of flat patches, edges, holes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PATCH = 21
"""Side of a flat patch, pixels."""

FLAT = 0.003
"""A patch whose points lie within this of a plane (root mean square) is flat, metres."""

BEFORE_EDGE, AWAY = 8, 4
"""An edge is looked at from so many pixels before it to as many behind; both ends are so many pixels long."""

STEP = (0.02, 0.15)
"""Depth changes by as much at an edge, metres: more, and another thing lies between."""

EVEN = 0.004
"""Both ends of an edge differ by less than this in themselves, metres."""


class FlatPatches(NamedTuple):
    """Flat patches of still frames, one entry a patch.

    Attributes:
        distance: metres.
        over_frames: standard deviation of a pixel over the frames, root mean square over the patch, metres.
        roughness: distance from the fitted plane in the first frame, root mean square, metres.
    """

    distance: NDArray[np.float64]
    over_frames: NDArray[np.float64]
    roughness: NDArray[np.float64]


class Edges(NamedTuple):
    """Edges of a depth picture, one entry an edge.

    Attributes:
        ramp: pixels with a depth between 10 and 90 % of the step.
        holes: unmeasured pixels.
    """

    ramp: NDArray[np.int64]
    holes: NDArray[np.int64]


def flat_patches(frames: NDArray[np.float64]) -> FlatPatches:
    """Noise on the flat patches of a still scene.

    Args:
        frames: metres, NaN where unmeasured, shape ``(frames, height, width)``.
    """
    count, height, width = frames.shape
    down, right = np.mgrid[:PATCH, :PATCH].reshape(2, -1) - PATCH // 2
    plane = np.column_stack([np.ones(PATCH**2), down, right])
    flatten = np.eye(PATCH**2) - plane @ np.linalg.pinv(plane)
    found = []
    for row in range(0, height - PATCH, PATCH):
        for col in range(0, width - PATCH, PATCH):
            patch = frames[:, row : row + PATCH, col : col + PATCH].reshape(count, -1)
            if not np.isfinite(patch).all():
                continue
            roughness = np.sqrt(np.mean((patch @ flatten) ** 2, axis=1))
            if roughness.max() < FLAT:
                noise = np.sqrt(patch.var(axis=0, ddof=1).mean()) if count > 1 else np.nan
                found.append((patch.mean(), noise, roughness[0]))
    return FlatPatches(*np.array(found, dtype=np.float64).reshape(-1, 3).T)


def edges(depth: NDArray[np.float64]) -> Edges:
    """Every edge that is crossed along the rows of a picture; give it the transposed picture for the columns.

    Args:
        depth: metres, NaN where unmeasured, shape ``(height, width)``.
    """
    ramps, holes = [], []
    span = 2 * BEFORE_EDGE
    windows = np.lib.stride_tricks.sliding_window_view(depth, span, axis=1)
    first, last = windows[..., :AWAY], windows[..., -AWAY:]
    with np.errstate(invalid="ignore"):
        even = (np.ptp(first, axis=2) < EVEN) & (np.ptp(last, axis=2) < EVEN)
        step = last.mean(axis=2) - first.mean(axis=2)
        crossing = even & (np.abs(step) > STEP[0]) & (np.abs(step) < STEP[1])
    for row, col in np.argwhere(crossing):
        # the edge in the middle of the window, so that each is counted once
        part = (windows[row, col] - first[row, col].mean()) / step[row, col]
        beyond = np.flatnonzero(part > 0.5)
        if beyond.size == 0 or beyond[0] != BEFORE_EDGE:
            continue
        inner = part[AWAY:-AWAY]
        ramps.append(int(((inner > 0.1) & (inner < 0.9)).sum()))
        holes.append(int(np.isnan(inner).sum()))
    return Edges(np.array(ramps, dtype=np.int64), np.array(holes, dtype=np.int64))


def hole_share(depth: NDArray[np.float64], region: NDArray[np.bool_]) -> float:
    """Share of the region's pixels that are unmeasured."""
    return float(np.isnan(depth[region]).mean())
