"""Grasp rectangles: how they are read, and pictures from straight above as heightmaps.

A camera that looks straight down and states no pose (Jacquard) needs none: the central square of its picture becomes
the heightmap; heights are the distance of each pixel in front of the table, a smooth surface fitted to the depth.
Heights are metric; the side of the square is what the user says it is. ``tabletop`` reads pictures from the side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.safe_io import MOST_PIXELS, Unusable, read_table

MOST_RECTANGLES = 10_000
"""More in one file are damage: each becomes an attempt with pictures of its own."""

TABLE_BAND = 0.01
"""Pixels within so many metres of the fitted table belong to it."""


def check_number(name: str, rectangles: int) -> None:
    """Refuse a file with an impossible number of rectangles.

    Raises:
        Unusable: more than ``MOST_RECTANGLES``.
    """
    if rectangles > MOST_RECTANGLES:
        raise Unusable(f"{name} has {rectangles} rectangles; at most {MOST_RECTANGLES} are read")


@dataclass(frozen=True)
class Rectangle:
    """A grasp rectangle in picture coordinates: x to the right, y down, pixels.

    The fingers close along ``direction``; ``opening`` is measured along it, ``jaw`` across.
    """

    x: float
    y: float
    direction: float
    """Angle of the line through both finger tips, radians, counter-clockwise as seen in the picture."""

    opening: float
    jaw: float


def check_corners(corners: NDArray[np.float64]) -> None:
    """Refuse four corners that are no rectangle.

    Args:
        corners: x and y, picture coordinates, shape ``(4, 2)``.

    Raises:
        Unusable: a coordinate is NaN or far outside every picture, or the rectangle has no area.
    """
    if not np.isfinite(corners).all():
        raise Unusable("a corner is NaN")
    if np.abs(corners).max() > MOST_PIXELS:
        raise Unusable("a corner lies far outside every picture")
    if min(np.hypot(*(corners[1] - corners[0])), np.hypot(*(corners[2] - corners[1]))) < 1e-6:
        raise Unusable("the rectangle has no area")


def read_corners(path: Path) -> NDArray[np.float64]:
    """Corners of the rectangles of a file with an x and a y a line, shape ``(rectangles, 4, 2)``.

    Raises:
        Unusable: the file is no list of corners, has too many, or is cut off in the middle of a rectangle.
    """
    corners = read_table(path, columns=2)
    if len(corners) % 4:
        raise Unusable(f"{path.name} has {len(corners)} corners; expected four for each rectangle: it may be cut off")
    check_number(path.name, len(corners) // 4)
    return corners.reshape(-1, 4, 2)


@dataclass(frozen=True)
class SquareCrop:
    """The central square of a picture, as a workspace."""

    rows: int
    cols: int
    workspace: Workspace

    @property
    def side(self) -> int:
        """Side of the square, picture pixels."""
        return min(self.rows, self.cols)

    @property
    def scale(self) -> float:
        """Heightmap pixels per picture pixel."""
        return self.workspace.pixels / self.side

    def grasp(self, rectangle: Rectangle) -> PlanarGrasp:
        """The planar grasp at a rectangle's centre.

        Raises:
            Unusable: the centre lies outside the square.
        """
        if not max(abs(rectangle.x), abs(rectangle.y)) <= MOST_PIXELS:
            raise Unusable("the rectangle's centre lies far outside the picture")
        # whole numbers are pixel centres in the picture, half a pixel from the square's border
        col = math.floor((rectangle.x + 0.5 - (self.cols - self.side) / 2) * self.scale)
        row = math.floor((rectangle.y + 0.5 - (self.rows - self.side) / 2) * self.scale)
        if not (0 <= row < self.workspace.pixels and 0 <= col < self.workspace.pixels):
            raise Unusable("the rectangle's centre lies outside the central square of the picture")
        return PlanarGrasp(row, col, rectangle.direction)

    def heightmap(self, depth: NDArray[np.float32], rgb: NDArray[np.uint8]) -> Heightmap:
        """The square's heightmap.

        Args:
            depth: metres from the camera, shape ``(rows, cols)``, 0 or NaN where unmeasured.
            rgb: uint8 ``(rows, cols, 3)``.

        Raises:
            Unusable: depth and colour differ in size, or too little is measured to find the table.
        """
        if depth.shape != (self.rows, self.cols) or rgb.shape[:2] != depth.shape:
            raise Unusable(f"depth is {depth.shape}, colour {rgb.shape[:2]}; expected both {(self.rows, self.cols)}")
        top, left = (self.rows - self.side) // 2, (self.cols - self.side) // 2
        square = (slice(top, top + self.side), slice(left, left + self.side))
        height = height_above_table(depth[square])
        size = (self.workspace.pixels, self.workspace.pixels)
        # nearest: between an object and the table there is no height to average
        small = cv2.resize(height, size, interpolation=cv2.INTER_NEAREST_EXACT)
        colours = cv2.resize(np.ascontiguousarray(rgb[square]), size, interpolation=cv2.INTER_AREA)
        return Heightmap(np.asarray(small, np.float32), np.asarray(colours, np.uint8), self.workspace)


def height_above_table(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far each pixel lies in front of the table, metres, NaN where unmeasured, same shape.

    The table is a quadratic surface in the picture, which holds a tilted plane and the bulge of distances measured
    from the lens; it is fitted to the farther half of the pixels, then to those near it, until it rests.

    Raises:
        Unusable: less than a tenth of the pixels is measured, or depths are no metres.
    """
    depth = depth.astype(np.float64)
    measured = np.isfinite(depth) & (depth > 0)
    if measured.mean() < 0.1:
        raise Unusable(f"only {measured.mean():.0%} of the depth is measured")
    if not 0.05 < float(np.median(depth[measured])) < 20.0:
        raise Unusable(f"the typical depth is {np.median(depth[measured]):g}; expected metres")
    rows, cols = depth.shape
    y, x = np.linspace(-1.0, 1.0, rows), np.linspace(-1.0, 1.0, cols)
    step = max(1, round(math.sqrt(depth.size / 20_000)))
    some = measured.copy()
    some[np.arange(rows) % step != 0] = False
    some[:, np.arange(cols) % step != 0] = False
    row, col = np.nonzero(some)
    points, values = _terms(y[row], x[col]), depth[some]
    if len(values) < 20:
        raise Unusable("too little of the depth is measured to find the table")
    kept = values >= np.median(values)
    for _ in range(10):
        coefficients = np.linalg.lstsq(points[kept], values[kept], rcond=None)[0]
        residual = points @ coefficients - values
        now = np.abs(residual) < max(TABLE_BAND, 2.0 * float(np.median(np.abs(residual[kept]))))
        if now.sum() < 20 or np.array_equal(now, kept):
            break
        kept = now
    height = np.empty(depth.shape, dtype=np.float32)
    for each, distances in enumerate(depth):  # row by row: the terms of a whole picture take six times its memory
        height[each] = _terms(np.full_like(x, y[each]), x) @ coefficients - distances
    height[~measured] = np.nan
    return height


def _terms(y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Terms of a quadratic surface at some places, ``(n, 6)``."""
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
