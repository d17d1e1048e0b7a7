"""The bulge of a depth camera: a flat table that it sees as a shallow bowl or dome, taken off where it is smooth."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.heightmap import Heightmap
from grasping_student.perception.floor import FloorPlane

BLOCKS = 14
"""The table is looked at in so many blocks a side."""

NEAR = 0.016
"""Blocks whose lowest tenth lies further from the plane hold no floor, metres."""

LEAST_BLOCKS = 0.4
"""Share of the blocks that must show floor."""

LEAST_BULGE = 0.0025
"""A bulge smaller than this is left, metres."""

SMOOTH = 0.0015
"""Typical distance of the floor from the curve, metres; above it the floor is rough, not curved."""


def flatten_curve(
    heightmap: Heightmap, floor: FloorPlane, floor_cells: Heightmap
) -> tuple[Heightmap, FloorPlane, str | None]:
    """Heights measured from a smooth surface of second order, where the floor follows one and the plane does not.

    Args:
        heightmap: levelled by ``floor``.
        floor: the plane that was taken off.
        floor_cells: the raw heightmap with all that can be no floor unmeasured.

    Returns:
        The heightmap, the floor with its curve, and in words how much was taken off.
    """
    workspace = heightmap.workspace
    height = np.where(np.isfinite(floor_cells.height), heightmap.height, np.float32(np.nan))
    edges = np.linspace(0, workspace.pixels, BLOCKS + 1).astype(int)
    points, measured_blocks = [], 0
    for top, bottom in itertools.pairwise(edges):
        for left, right in itertools.pairwise(edges):
            values = height[top:bottom, left:right]
            values = np.sort(values[np.isfinite(values)])
            if values.size < 4:
                continue
            measured_blocks += 1
            low = _fifth(values)
            if abs(low) < NEAR:
                x, y = workspace.xy_from_pixel((top + bottom - 1) / 2, (left + right - 1) / 2)
                points.append((x, y, low))
    if len(points) < max(30, LEAST_BLOCKS * measured_blocks):
        return heightmap, floor, None
    x, y, low = np.array(points).T
    matrix = np.column_stack([np.ones_like(x), x, y, x * x, x * y, y * y])
    weight = np.ones_like(low)
    for _ in range(12):  # Huber's weights: blocks full of items count little
        factors = np.linalg.lstsq(matrix * weight[:, None], low * weight, rcond=None)[0]
        off = np.abs(low - matrix @ factors)
        weight = np.sqrt(np.minimum(1.0, SMOOTH / np.maximum(off, 1e-9)))
    before, after = float(np.median(np.abs(low - np.median(low)))), float(np.median(off))
    curved = matrix[:, 3:] @ factors[3:]
    bulge = float(np.ptp(curved))
    if bulge < LEAST_BULGE or after > SMOOTH or after > 0.6 * before:
        return heightmap, floor, None
    xx, xy, yy = (float(each) for each in factors[3:])
    bent = FloorPlane(float(factors[1]), float(factors[2]), float(factors[0]), (xx, xy, yy))
    whole = FloorPlane(
        floor.slope_x + bent.slope_x, floor.slope_y + bent.slope_y, floor.offset + bent.offset, bent.curve
    )
    note = (
        f"The floor bulges by {bulge * 1000:.1f} mm, as depth cameras see it: heights are measured from that surface."
    )
    return replace(heightmap, height=heightmap.height - bent.grid(workspace)), whole, note


def _fifth(ordered: NDArray[np.float32]) -> float:
    """The value below which a fifth of them lie: ``np.quantile`` of sorted values, in a tenth of its time."""
    place = 0.2 * (ordered.size - 1)
    index = int(place)
    below, above, share = ordered[index], ordered[index + 1], place - index
    apart = above - below
    return float(below + apart * np.float32(share) if share < 0.5 else above - apart * np.float32(1.0 - share))
