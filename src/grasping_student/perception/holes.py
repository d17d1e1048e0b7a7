"""Unmeasured cells of a heightmap: thin gaps between its pixels, and the shadows behind items."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.heightmap import Heightmap, fill_holes

GAP_WIDTH = 0.007
"""Holes narrower than this lie between pixels of the camera, not behind an item, metres."""


def shadows(heightmap: Heightmap, gap_width: float = GAP_WIDTH) -> NDArray[np.bool_]:
    """Unmeasured cells that belong to a hole wider than a gap (a morphological opening), shape ``(pixels, pixels)``."""
    side = max(3, 2 * round(gap_width / heightmap.workspace.pixel_size / 2) + 1)
    holes = heightmap.unmeasured.astype(np.uint8)
    return cv2.morphologyEx(holes, cv2.MORPH_OPEN, np.ones((side, side), np.uint8)).astype(bool)


def repair_holes(heightmap: Heightmap) -> tuple[Heightmap, NDArray[np.bool_], str | None]:
    """Fill every hole: gaps from the nearest cell, shadows with the lowest surface that borders them in row or column.

    An item hides what lies behind and below it, so its shadow is filled from the far side; from the nearest cell the
    item would grow into its own shadow. A wide hole at the border, outside a bin, becomes floor.

    Returns:
        The heightmap without holes, which cells were shadow, and in words what was filled.

    Raises:
        ValueError: nothing at all was measured.
    """
    holes = heightmap.unmeasured
    if not holes.any():
        return heightmap, holes, None
    shadow = shadows(heightmap)
    filled = fill_holes(heightmap)
    if shadow.any():
        lowest = np.fmin.reduce(_all_directions(heightmap))
        lowest = np.where(np.isfinite(lowest) & ~touching_border(shadow), lowest, np.float32(0.0))
        filled = replace(filled, height=np.where(shadow, lowest, filled.height))
    if holes.mean() < 0.002:
        return filled, shadow, None
    note = (
        f"{holes.mean():.1%} of the workspace was not measured: filled, thin gaps ({(holes & ~shadow).mean():.1%}) "
        f"from the nearest cell, shadows ({shadow.mean():.1%}) from the lowest surface beside them; no grasp is "
        "centred in a shadow."
    )
    return filled, shadow, note


def touching_border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The connected patches of a mask that reach its border."""
    _, label = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    border = np.concatenate([label[0], label[-1], label[:, 0], label[:, -1]])
    return np.isin(label, border[border > 0])


def _all_directions(heightmap: Heightmap) -> list[NDArray[np.float32]]:
    """The height last measured on the way from each of the four sides."""
    return [np.rot90(_carry(np.rot90(heightmap.height, turn)), -turn) for turn in range(4)]


def _carry(height: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each cell takes the last measured height to its left in its row; NaN before the first."""
    measured = np.isfinite(height)
    position = np.where(measured, np.arange(height.shape[1])[None, :], 0)
    return np.take_along_axis(height, np.maximum.accumulate(position, axis=1), axis=1)
