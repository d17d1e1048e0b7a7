"""What a gripper would touch at a grasp: surface under each finger, what lies between them, and a hint in one word.

The labelling page computes the same in the browser (``static/footprint.js``) so that a drag needs no round trip; a
test holds the two together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry, tip_height
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace

Hint = Literal[
    "clear", "finger-a-hits", "finger-b-hits", "both-fingers-hit", "nothing-between", "unmeasured", "outside"
]
"""``clear``: nothing speaks against the grasp. The others name the first thing that does."""


TOUCH = 0.002
"""Overlap below this is measurement noise, metres."""


@dataclass(frozen=True)
class Footprint:
    """Heights in metres above the table, NaN where nothing was measured.

    Finger A is the one against the direction ``angle``, finger B the one along it.
    """

    tip_height: float
    finger_a: float
    finger_b: float
    between: float
    hint: Hint


def finger_rectangles(
    grasp: PlanarGrasp, shape: GripperGeometry, workspace: Workspace
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Corners of finger A, finger B and the opening in world x and y, each of shape ``(4, 2)``, metres."""
    away = (shape.opening + shape.finger_thickness) / 2
    finger = (shape.finger_thickness, shape.finger_width)
    return (
        _corners(grasp, -away, *finger, workspace),
        _corners(grasp, away, *finger, workspace),
        _corners(grasp, 0.0, shape.opening, shape.finger_width, workspace),
    )


def footprint(heightmap: Heightmap, grasp: PlanarGrasp, shape: GripperGeometry) -> Footprint:
    """What the open gripper meets when it descends at a grasp.

    Raises:
        ValueError: the grasp lies outside the heightmap.
    """
    workspace = heightmap.workspace
    tip = tip_height(heightmap.height, grasp.row, grasp.col, shape)
    away = (shape.opening + shape.finger_thickness) / 2
    finger = (shape.finger_thickness, shape.finger_width)
    a = _highest(heightmap, grasp, -away, *finger)
    b = _highest(heightmap, grasp, away, *finger)
    between = _highest(heightmap, grasp, 0.0, shape.opening, shape.finger_width)
    inside = workspace.is_graspable(grasp.row, grasp.col)
    return Footprint(tip, a, b, between, _hint(tip, a, b, between, inside))


def _hint(tip: float, a: float, b: float, between: float, inside: bool) -> Hint:
    if not inside:
        return "outside"
    hits = (a > tip + TOUCH, b > tip + TOUCH)  # a comparison with NaN is false
    if all(hits):
        return "both-fingers-hit"
    if hits[0]:
        return "finger-a-hits"
    if hits[1]:
        return "finger-b-hits"
    if not between > tip + TOUCH:
        return "nothing-between"
    return "unmeasured" if math.isnan(a) or math.isnan(b) else "clear"


def _along_and_across(along: float, across: float, pixel_size: float) -> tuple[NDArray[np.float64], ...]:
    """Offsets that sample a rectangle at most half a pixel apart, its borders included."""
    return tuple(np.linspace(-size / 2, size / 2, math.ceil(size / (pixel_size / 2)) + 1) for size in (along, across))


def _highest(heightmap: Heightmap, grasp: PlanarGrasp, away: float, along: float, across: float) -> float:
    """Highest measured surface inside a rectangle that lies ``away`` from the grasp along its angle; NaN if none."""
    workspace = heightmap.workspace
    x, y = grasp.xy(workspace)
    cos, sin = math.cos(grasp.angle), math.sin(grasp.angle)
    u, v = np.meshgrid(*_along_and_across(along, across, workspace.pixel_size), indexing="ij")
    u = u + away
    row, col = workspace.pixel_from_xy(x + cos * u - sin * v, y + sin * u + cos * v)
    inside = (row >= 0) & (row < workspace.pixels) & (col >= 0) & (col < workspace.pixels)
    values = heightmap.height[row[inside], col[inside]]
    values = values[np.isfinite(values)]
    return float(values.max()) if values.size else math.nan


def _corners(grasp: PlanarGrasp, away: float, along: float, across: float, workspace: Workspace) -> NDArray[np.float64]:
    x, y = grasp.xy(workspace)
    cos, sin = math.cos(grasp.angle), math.sin(grasp.angle)
    u = away + np.array([-1.0, 1.0, 1.0, -1.0]) * along / 2
    v = np.array([-1.0, -1.0, 1.0, 1.0]) * across / 2
    return np.stack([x + cos * u - sin * v, y + sin * u + cos * v], axis=1)
