"""Points that the arm's tool has touched and the camera has seen: the file an operator fills in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grasping_student.perception.charuco import SeenBoard
from grasping_student.perception.frame import RgbdFrame
from grasping_student.pipeline.configuration import read_yaml
from grasping_student.pipeline.errors import UserError

PATCH = 2
"""Depth at a pixel is the median of the pixels up to so many away."""

EXAMPLE = """touched:
- {corner: 0, base: [0.112, -0.318, 0.004]}
- {pixel: [640, 212], base: [-0.021, -0.447, 0.004]}"""


@dataclass(frozen=True)
class TouchedPoint:
    """One point, named by a board's corner or by a pixel, and where the tool's tip was.

    Attributes:
        base: in the arm's base frame, metres.
        corner: number of the board's corner, or None.
        pixel: column and row in the picture, or None.
    """

    base: tuple[float, float, float]
    corner: int | None = None
    pixel: tuple[float, float] | None = None

    @property
    def name(self) -> str:
        """For messages and drawings."""
        return f"corner {self.corner}" if self.pixel is None else f"pixel {self.pixel[0]:g}, {self.pixel[1]:g}"


def read_touched(path: Path) -> list[TouchedPoint]:
    """Read the touched points of a YAML file.

    Raises:
        UserError: missing, no such list, or an entry that is no point.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist; it should read like\n{EXAMPLE}")
    values = read_yaml(path, "--touched")
    entries = values.get("touched") if isinstance(values, dict) else None
    if not isinstance(entries, list):
        raise UserError(f"{path} holds no list 'touched'; it should read like\n{EXAMPLE}")
    return [_point(entry, f"{path}, entry {number}") for number, entry in enumerate(entries, start=1)]


def _point(entry: Any, place: str) -> TouchedPoint:
    try:
        base = tuple(float(value) for value in entry["base"])
        pixel = tuple(float(value) for value in entry["pixel"]) if "pixel" in entry else None
        corner = int(entry["corner"]) if "corner" in entry else None
    except (KeyError, TypeError, ValueError, OverflowError):
        raise UserError(f"{place} is no point: {entry!r}; it should read like\n{EXAMPLE}") from None
    if (corner is None) == (pixel is None) or len(base) != 3 or (pixel is not None and len(pixel) != 2):
        raise UserError(f"{place}: {entry!r} needs base with three numbers, and either corner or pixel")
    if not np.isfinite(base).all() or max(map(abs, base)) > 3.0:
        raise UserError(f"{place}: base {list(base)} is out of an arm's reach; it is in metres")
    return TouchedPoint((base[0], base[1], base[2]), corner, None if pixel is None else (pixel[0], pixel[1]))


def points_in_camera(
    points: list[TouchedPoint], frame: RgbdFrame, board: SeenBoard | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the camera saw the touched points.

    Args:
        points: as touched.
        frame: the picture; a pixel's point comes from its depth.
        board: what was seen of the board, which knows its corners better than the depth does.

    Returns:
        Points in the camera frame ``(n, 3)`` (metres) and their pixels, column and row, ``(n, 2)``.

    Raises:
        UserError: a corner that was not seen, a pixel outside the picture or without depth.
    """
    seen, pixels = [], []
    for point in points:
        if point.corner is not None:
            if board is None or point.corner not in board.corners:
                known = "no board was looked for" if board is None else f"seen are {sorted(board.corners)}"
                raise UserError(f"the touched {point.name} of the board was not seen; {known}")
            seen.append(board.corners[point.corner])
            pixels.append(board.pixels[point.corner])
        elif point.pixel is not None:
            seen.append(_at_pixel(frame, point))
            pixels.append(np.array(point.pixel))
    return np.array(seen).reshape(-1, 3), np.array(pixels).reshape(-1, 2)


def _at_pixel(frame: RgbdFrame, point: TouchedPoint) -> NDArray[np.float64]:
    assert point.pixel is not None
    camera, (u, v) = frame.intrinsics, point.pixel
    row, col = round(v), round(u)
    if not (0 <= row < camera.height and 0 <= col < camera.width):
        raise UserError(f"the touched {point.name} lies outside the {camera.width} x {camera.height} picture")
    patch = frame.depth[max(row - PATCH, 0) : row + PATCH + 1, max(col - PATCH, 0) : col + PATCH + 1]
    if np.isfinite(patch).mean() < 0.5:
        raise UserError(f"the camera has no depth at the touched {point.name}: touch a point on a dull, flat surface")
    depth = float(np.nanmedian(patch))
    return np.array([(u - camera.cx) / camera.fx * depth, (v - camera.cy) / camera.fy * depth, depth])
