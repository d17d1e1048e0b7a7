"""The square on the table that the robot works in, and the only two functions that turn pixels into metres and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOST_PIXELS_A_SIDE = 4096
"""Twelve times the paper's 338; more is a slip or an attack, and a network would need hundreds of gigabytes for it."""


@dataclass(frozen=True)
class Workspace:
    """A square workspace in the world frame: origin at its centre on the table, x right, y up in the picture, z up.

    Row 0 of a heightmap is the largest y, column 0 the smallest x. Paper, section VI-A and VI-C.
    """

    extent: float = 0.45
    """Side of the square, metres."""

    pixels: int = 112
    """Side of a heightmap, pixels."""

    margin: float = 0.06
    """Width of the rim in which no grasp is allowed, metres."""

    def __post_init__(self) -> None:
        if not self.extent > 0.0:
            raise ValueError(f"extent is {self.extent}; it must be positive, in metres (the paper's is 0.45)")
        if self.extent > 10.0:
            raise ValueError(f"extent is {self.extent} m; a workspace is at most 10 m wide: were these millimetres?")
        if not 2 <= self.pixels <= MOST_PIXELS_A_SIDE:
            raise ValueError(f"pixels is {self.pixels}; a heightmap has 2 to {MOST_PIXELS_A_SIDE} pixels a side")
        if not 0.0 <= self.margin < self.extent / 2:
            raise ValueError(f"margin is {self.margin} m; it must lie in [0, {self.extent / 2}), half the extent")

    @property
    def pixel_size(self) -> float:
        """Side of a pixel, metres."""
        return self.extent / self.pixels

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a heightmap."""
        return (self.pixels, self.pixels)

    @property
    def margin_pixels(self) -> int:
        """Rim of pixels whose centres lie nearer to the border than the margin (paper: 45 of 338)."""
        return int(np.ceil(self.margin / self.pixel_size - 0.5 - 1e-9))

    @property
    def graspable_pixels(self) -> int:
        """Side of the graspable square, pixels (paper: 248 of 338)."""
        return self.pixels - 2 * self.margin_pixels

    @property
    def graspable_slice(self) -> tuple[slice, slice]:
        """Rows and columns in which a grasp is allowed."""
        inside = slice(self.margin_pixels, self.pixels - self.margin_pixels)
        return (inside, inside)

    def graspable_mask(self) -> NDArray[np.bool_]:
        """Which pixels may be grasped, shape ``(pixels, pixels)``."""
        mask = np.zeros(self.shape, dtype=bool)
        mask[self.graspable_slice] = True
        return mask

    def is_graspable(self, row: int, col: int) -> bool:
        """Whether a grasp at this pixel is allowed."""
        low, high = self.margin_pixels, self.pixels - self.margin_pixels
        return low <= row < high and low <= col < high

    def xy_from_pixel(self, row: ArrayLike, col: ArrayLike) -> tuple[Any, Any]:
        """World x and y (metres) of pixel positions; whole numbers are pixel centres, fractions lie between them."""
        half = self.extent / 2
        x = -half + (np.asarray(col, dtype=np.float64) + 0.5) * self.pixel_size
        y = half - (np.asarray(row, dtype=np.float64) + 0.5) * self.pixel_size
        return x, y

    def pixel_from_xy(self, x: ArrayLike, y: ArrayLike) -> tuple[Any, Any]:
        """Row and column (int64) of the pixel that holds a world point; outside the workspace not in [0, pixels)."""
        half = self.extent / 2
        col = np.floor((np.asarray(x, dtype=np.float64) + half) / self.pixel_size).astype(np.int64)
        row = np.floor((half - np.asarray(y, dtype=np.float64)) / self.pixel_size).astype(np.int64)
        return row, col


def light_workspace() -> Workspace:
    """4 mm pixels: sized for two processor cores."""
    return Workspace(extent=0.45, pixels=112, margin=0.06)


def paper_workspace() -> Workspace:
    """The paper's 338 x 338 pixels over 45 cm (section VI-C)."""
    return Workspace(extent=0.45, pixels=338, margin=0.06)
