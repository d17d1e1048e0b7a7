"""Pictures of a scene turned so that a grasp lies horizontal, on the smallest canvas that holds every graspable pixel.

``Rot_phi`` of the paper (section III-C) with nearest sampling. Turning the label into the canvas picks the same score
as turning the score map back into the scene, pixel for pixel, and costs nothing.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.grasp import ANGLE_TOLERANCE, AngleGrid
from grasping_student.geometry.workspace import Workspace


@dataclass(frozen=True)
class View:
    """How a scene is laid on the canvas: shifted, turned by ``-phi``, then mirrored.

    With the default shift and mirrors this is ``Rot_phi``. Mirrors keep a horizontal grasp horizontal.
    """

    phi: float
    """Angle of the grasp that lies horizontal on the canvas, radians."""

    row_shift: int = 0
    """Pixels by which the scene moves down before it is turned."""

    col_shift: int = 0
    """Pixels by which the scene moves right before it is turned."""

    mirror_rows: bool = False
    """Upside down, on the canvas."""

    mirror_cols: bool = False
    """Left for right, on the canvas."""

    def tilted(self, angle: float) -> View:
        """The same scene, shift and mirrors; what lay horizontal lies at ``angle`` on the canvas, radians."""
        # one mirror turns an angle the other way, two are half a turn
        return replace(self, phi=self.phi + (angle if self.mirror_rows != self.mirror_cols else -angle))


@dataclass(frozen=True)
class Canvas:
    """A square picture around the centre of the workspace, its pixels as large as the workspace's."""

    workspace: Workspace
    stride: int
    """The side is a multiple of this."""

    @property
    def side(self) -> int:
        """Pixels a side: graspable side times sqrt(2), rounded up to the stride (paper resolution: 352)."""
        # an odd heightmap has its centre in a pixel; the canvas then reaches half a pixel less far on one side
        needed = math.ceil(self.workspace.graspable_pixels * math.sqrt(2.0)) + self.workspace.pixels % 2
        return math.ceil(needed / self.stride) * self.stride

    @property
    def centre(self) -> float:
        """Canvas coordinate of the workspace's centre, chosen so that at angle 0 both pixel grids coincide."""
        return self.side // 2 - 0.5 * (self.workspace.pixels % 2 == 0)

    def _scene_position(self, view: View) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Position in the shifted scene of each canvas pixel: right and up of the centre, pixels, ``(side, side)``."""
        right = np.arange(self.side) - self.centre
        up = -right
        if view.mirror_cols:
            right = -right
        if view.mirror_rows:
            up = -up
        cos, sin = math.cos(view.phi), math.sin(view.phi)
        return np.add.outer(-sin * up, cos * right), np.add.outer(cos * up, sin * right)

    def source(self, view: View) -> NDArray[np.int32]:
        """Where each canvas pixel comes from, shape ``(side, side)``.

        Flat indices into the scene with a border of one pixel around it (see ``bordered``), which stands for
        everything outside.
        """
        x, y = self._scene_position(view)
        pixels = self.workspace.pixels
        # int() cuts towards zero: the added border of one pixel keeps what lies outside below one
        x += pixels / 2 + 1 - view.col_shift
        np.subtract(pixels / 2 + 1 + -view.row_shift, y, out=y)
        col = np.clip(x, 0, pixels + 1, out=x).astype(np.int32)
        row = np.clip(y, 0, pixels + 1, out=y).astype(np.int32)
        row *= pixels + 2
        row += col
        return row

    def mask(self, view: View) -> NDArray[np.bool_]:
        """Canvas pixels that may be grasped, shape ``(side, side)``.

        The graspable square turned with the scene (not shifted: it belongs to the workspace), grown by
        (sqrt(2) - 1) / 2 pixels so that the canvas pixel of every graspable scene pixel is inside.
        """
        x, y = self._scene_position(view)
        half = self.workspace.graspable_pixels / 2 + (math.sqrt(2.0) - 1.0) / 2
        return (np.abs(x, out=x) <= half) & (np.abs(y, out=y) <= half)

    def pixel(
        self, row: NDArray[np.integer] | int, col: NDArray[np.integer] | int, view: View
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Canvas row and column of scene pixels: the canvas pixel that holds the turned pixel's centre."""
        half = (self.workspace.pixels - 1) / 2
        x = np.asarray(col, dtype=np.float64) + view.col_shift - half
        y = half - np.asarray(row, dtype=np.float64) - view.row_shift
        cos, sin = math.cos(view.phi), math.sin(view.phi)
        right, up = cos * x + sin * y, cos * y - sin * x
        if view.mirror_cols:
            right = -right
        if view.mirror_rows:
            up = -up
        # rounding in the last digit must not push a centre that lies on the middle of a pixel over its edge
        canvas_row = np.floor(self.centre - up + 0.5).astype(np.int64)
        return canvas_row, np.floor(self.centre + right + 0.5).astype(np.int64)


def channel_and_turn(angle: float, angles: AngleGrid) -> tuple[int, float]:
    """Which output of a network scores an angle, and how far the scene must be turned for it, both radians.

    Channel ``k`` of a scene laid on the canvas with ``View(turn)`` scores ``turn + angles.angle(k)``. A network of one
    channel scores the angle that the scene was turned by.
    """
    channel = min(max(math.floor(angle * angles.count / math.pi + ANGLE_TOLERANCE), 0), angles.count - 1)
    turn = angle - angles.angle(channel)
    return channel, turn if abs(turn) > ANGLE_TOLERANCE else 0.0


def turns_of(angles: Sequence[float], outputs: AngleGrid) -> dict[float, list[tuple[int, int]]]:
    """How a scene must be turned for a network to score some angles: turn -> places in ``angles`` and their channels.

    A network of one output sees one turn for each angle, one with all angles of deployment a single turn for these.

    Args:
        angles: radians.
        outputs: angles that the network scores at one look, an output channel each.
    """
    turns: dict[float, list[tuple[int, int]]] = {}
    known: dict[float, float] = {}
    for index, angle in enumerate(angles):
        channel, turn = channel_and_turn(angle, outputs)
        turn = known.setdefault(round(turn, 9), turn)  # rounding errors must not make two turns of one
        turns.setdefault(turn, []).append((index, channel))
    return turns


@functools.lru_cache(maxsize=256)
def source_at(canvas: Canvas, phi: float) -> NDArray[np.int32]:
    """``Canvas.source`` of a scene that is only turned, kept."""
    source = canvas.source(View(phi))
    source.flags.writeable = False
    return source


@functools.lru_cache(maxsize=256)
def graspable_pixels_at(canvas: Canvas, phi: float) -> NDArray[np.int32]:
    """Flat canvas index of every graspable scene pixel, shape ``(graspable, graspable)``, kept."""
    inside = canvas.workspace.graspable_slice[0]
    every = np.arange(inside.start, inside.stop)
    row, col = canvas.pixel(every[:, None], every[None, :], View(phi))
    index = (row * canvas.side + col).astype(np.int32)
    index.flags.writeable = False
    return index


def bordered(height: NDArray[np.float32]) -> NDArray[np.float32]:
    """A scene with one pixel of table around it: the array that ``Canvas.source`` indexes."""
    return np.pad(height, 1)
