"""Mistakes in a frame that the floor betrays: another mistake's pose, axes or unit fits it better than what was given.

The table is flat, level and at height zero. Where what was given does not show it so, every usual mistake is tried; one
that shows the table clearly better is named. A camera that looks exactly straight down shows the same table with its
pose inverted: there nothing can be told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.depth_files import KNOWN_SCALES, ray_lengths
from grasping_student.perception.frame import RgbdFrame
from grasping_student.pipeline.errors import UserError

RIGHT = 0.003
"""A table that lies within this of zero everywhere is where it should be, metres."""

FITS = 0.004
"""A mistake is named where undoing it brings the table within this of zero, metres."""

BAND = 0.004
"""Points within this distance of a plane belong to it, metres."""

POINTS = 4000
TRIALS = 60

_FLIP = np.diag([1.0, -1.0, -1.0, 1.0])
_LINK = np.array([[0.0, 0.0, 1.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
"""Optical frame (x right, y down, z forward) seen from ROS's camera_link (x forward, y left, z up)."""


@dataclass(frozen=True)
class TableFit:
    """How well the points of a frame show a level table at height zero.

    Attributes:
        error: largest distance of the fitted plane from zero inside the workspace, metres.
        support: share of the points over the workspace that lie in the plane.
    """

    error: float
    support: float


def check_frame(frame: RgbdFrame, workspace: Workspace) -> None:
    """Make sure that no usual mistake explains the picture clearly better than what was given.

    Raises:
        UserError: one does; it names the mistake.
    """
    rows, cols = np.nonzero(frame.measured)
    if rows.size < 200:
        return
    thin = slice(None, None, max(1, rows.size // POINTS))
    rows, cols = rows[thin], cols[thin]
    points = frame_points(frame, rows, cols)
    given = fit_table(points, frame.camera_to_world, workspace)
    flat = 0.0 if given is None else given.support
    as_range = None
    if flat + 0.2 < 1.0:  # otherwise no other table can have so much more of the points
        bowl = points / ray_lengths(frame.intrinsics, rows, cols)[:, None]
        as_range = fit_table(bowl, frame.camera_to_world, workspace)
    if as_range is not None and as_range.error < FITS and as_range.support > flat + 0.2:
        raise UserError(
            "the table is a bowl, and flat if the depths are distances along each pixel's ray: give --depth-is-range, "
            "or depths along the optical axis"
        )
    if given is not None and given.error <= RIGHT:
        return
    fits = [(fit, words) for fit, words in _mistakes(points, frame.camera_to_world, workspace) if fit is not None]
    fits = [(fit, words) for fit, words in fits if fit.error < FITS and _clearly_better(fit, given)]
    if fits:
        fit, words = min(fits, key=lambda each: each[0].error)
        shown = "does not show it at all" if given is None else f"shows it up to {given.error * 1000:.0f} mm off"
        raise UserError(
            f"the table lies at zero within {max(fit.error * 1000, 1):.0f} mm {words}; as given, the frame {shown}"
        )


def _clearly_better(fit: TableFit, given: TableFit | None) -> bool:
    return given is None or (given.error > 3.0 * fit.error + 0.002 and fit.support > 0.7 * given.support)


def _mistakes(
    points: NDArray[np.float64], pose: NDArray[np.float64], workspace: Workspace
) -> Iterator[tuple[TableFit | None, str]]:
    """Every usual mistake, undone: how well it shows the table, and the words that name it."""
    transposed = pose.copy()
    transposed[:3, :3] = pose[:3, :3].T
    poses = {
        "with the inverse of the pose: it is world_to_camera; give camera_to_world": np.linalg.inv(pose),
        "with the rotation transposed: it is the rotation of world_to_camera; give that of camera_to_world": transposed,
        "with the camera's y and z axes turned round: the pose is OpenGL's or Blender's (looks along -z); give that of "
        "the optical frame (x right, y down, z forward)": pose @ _FLIP,
        "if the pose is that of ROS's camera_link (x forward, z up): give that of the optical frame": pose @ _LINK,
        "with the world turned over: its z axis points down; give a world whose z points up": _FLIP @ pose,
    }
    for words, other in poses.items():
        yield fit_table(points, other, workspace), words
    for scale, unit in KNOWN_SCALES.items():
        for told, told_unit in ((1.0, "metres"), (0.001, "millimetres")):
            if scale != told:
                words = f"if the depths are {unit} and not {told_unit}: give --depth-scale {scale:g}"
                yield fit_table(points * (scale / told), pose, workspace), words


def fit_table(points: NDArray[np.float64], pose: NDArray[np.float64], workspace: Workspace) -> TableFit | None:
    """How well points of the camera's frame, metres ``(n, 3)``, show a table under a pose, or None."""
    if not 0.05 < pose[2, 3] < 20.0:  # the camera hangs above its table
        return None
    world = points @ pose[:3, :3].T + pose[:3, 3]
    half = workspace.extent / 2
    near = (np.abs(world[:, 0]) < half) & (np.abs(world[:, 1]) < half) & (np.abs(world[:, 2]) < 1.0)
    x, y, z = world[near].T
    if z.size < 0.02 * len(points) or z.size < 100:
        return None
    random = np.random.default_rng(0)
    best, best_support = np.zeros(3), 0.0
    matrix = np.column_stack([x, y, np.ones_like(x)])
    low = np.flatnonzero(np.abs(z) < 0.12)
    if low.size < 50:
        return None
    threes = np.array([random.choice(low, 3, replace=False) for _ in range(TRIALS)])
    threes = threes[np.abs(np.linalg.det(matrix[threes])) > 1e-4]
    candidates = np.concatenate([np.zeros((1, 3)), np.linalg.solve(matrix[threes], z[threes][..., None])[..., 0]])
    candidates = candidates[np.hypot(candidates[:, 0], candidates[:, 1]) <= 0.3]
    for plane in candidates:
        off = z - matrix @ plane
        support = np.count_nonzero(np.abs(off) < BAND) / off.size
        if support > best_support and np.count_nonzero(off < -0.008) / off.size <= 0.04:
            best, best_support = plane, support
    if best_support < 0.15:
        return None
    inside = np.abs(z - matrix @ best) < BAND
    best = np.linalg.lstsq(matrix[inside], z[inside], rcond=None)[0]
    reach = half - workspace.margin
    corners = np.array([(sx * reach, sy * reach, 1.0) for sx in (-1, 1) for sy in (-1, 1)])
    return TableFit(float(np.abs(corners @ best).max()), best_support)


def table_elsewhere(frame: RgbdFrame) -> str:
    """Where the largest level surface lies that the camera sees, as a sentence; empty where it should."""
    rows, cols = np.nonzero(frame.measured)
    if rows.size < 200:
        return ""
    thin = slice(None, None, max(1, rows.size // POINTS))
    points = frame_points(frame, rows[thin], cols[thin])
    world = points @ frame.camera_to_world[:3, :3].T + frame.camera_to_world[:3, 3]
    count, edge = np.histogram(world[:, 2], bins=np.arange(-3.0, 3.0, 2 * BAND))
    level = float(edge[np.argmax(count)] + BAND)
    on_it = np.abs(world[:, 2] - level) < 2 * BAND
    if on_it.mean() < 0.15:
        return " No level surface is seen under this pose: is it right?"
    (x0, y0), (x1, y1) = np.quantile(world[on_it, :2], (0.02, 0.98), axis=0)
    if abs(level) < 0.03 and x0 < 0.0 < x1 and y0 < 0.0 < y1:
        return ""
    return (
        f" The largest level surface that the camera sees lies at z {level:+.2f} m, x {x0:+.2f} to {x1:+.2f}, "
        f"y {y0:+.2f} to {y1:+.2f} in the frame of the pose: where that is not the workspace around the origin, give "
        "--workspace-center X Y Z or --world-to-base FILE"
    )


def frame_points(frame: RgbdFrame, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.float64]:
    """Points of some pixels in the camera's frame, metres, ``(n, 3)``."""
    camera, depth = frame.intrinsics, frame.depth[rows, cols].astype(np.float64)
    return np.column_stack([(cols - camera.cx) / camera.fx * depth, (rows - camera.cy) / camera.fy * depth, depth])
