"""The floor under the items: where it really lies, and heightmaps measured from it."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.heightmap import BACKGROUND_HEIGHT, Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError

BAND = 0.003
"""A cell within this distance of a plane supports it, metres: a few times a good camera's noise."""

MINIMUM_SUPPORT = 0.15
"""A floor is believed if this share of the measured cells lies in it: less is a heap with hardly any floor to see."""

LARGEST_TILT = math.radians(10.0)
"""A plane that is steeper is the side of something, not the floor."""

LARGEST_OFFSET = 0.025
"""A plane further from the table of the pose is the top of something, metres."""

FARTHEST_OFFSET = 0.3
"""How far from the pose's zero a floor is looked for where one is asked for at any height, metres."""

DOMINATES = 0.35
"""A level plane at another height with so much of the picture in it, and nothing under it, is the floor."""

LARGEST_SHARE_UNDER = 0.10
"""With more of the picture than this under the table, and no floor near it, the pose is wrong."""

LARGEST_SHARE_BELOW = 0.03
"""Nothing lies under a floor; a plane with more cells below it than this is none."""

PRECISE = 0.003
"""A pose whose floor is right within this everywhere is left as it is, metres."""

THICKEST = 0.008
"""Floor that is rougher than this can't be told from items, metres."""

MOST_CELLS = 12_000
"""A plane needs no more cells than this."""

TRIALS = 100
BLOCKS = 10


@dataclass(frozen=True)
class FloorPlane:
    """``z = slope_x x + slope_y y + offset``, plus a curve where a camera sees planes bulge; pose's world, metres."""

    slope_x: float = 0.0
    slope_y: float = 0.0
    offset: float = 0.0
    curve: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Factors of ``x x``, ``x y`` and ``y y``, one over metres."""

    @classmethod
    def of(cls, factors: NDArray[np.floating]) -> Self:
        """The plane with these factors of x, y and 1."""
        slope_x, slope_y, offset = (float(each) for each in factors)
        return cls(slope_x, slope_y, offset)

    @property
    def tilt(self) -> float:
        """Angle to the horizontal, radians."""
        return math.atan(math.hypot(self.slope_x, self.slope_y))

    def z(self, x: NDArray[np.floating] | float, y: NDArray[np.floating] | float) -> NDArray[np.float64]:
        """Height of the plane at world points, metres."""
        x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        plane = self.slope_x * x + self.slope_y * y + self.offset
        if self.curve == (0.0, 0.0, 0.0):
            return np.asarray(plane)
        xx, xy, yy = self.curve
        return np.asarray(plane + xx * x * x + xy * x * y + yy * y * y)

    def grid(self, workspace: Workspace) -> NDArray[np.float32]:
        """Height of the plane at every cell, metres, shape ``(pixels, pixels)``."""
        every = np.arange(workspace.pixels)
        x, y = workspace.xy_from_pixel(every, every)
        return self.z(x[None, :], y[:, None]).astype(np.float32)


def fit_floor(heightmap: Heightmap, any_height: bool = False) -> FloorPlane | None:
    """The plane that most cells lie in and hardly any under, or None where no floor can be told from the items.

    With ``any_height`` it may lie up to ``FARTHEST_OFFSET`` from the pose's zero, not only ``LARGEST_OFFSET``.

    Planes through three of the lowest cells of a 10 x 10 grid of blocks compete (random sample consensus, fixed seed);
    the winner is refined by least squares over the cells that it explains.
    """
    farthest = FARTHEST_OFFSET if any_height else LARGEST_OFFSET
    x, y, z = _measured_cells(heightmap, 3 * LARGEST_OFFSET if not any_height else 1.2 * FARTHEST_OFFSET)
    if z.size < 100:
        return None
    low = _lowest_of_blocks(x, y, z, heightmap.workspace)
    candidates = np.concatenate([np.zeros((1, 3)), _through(low, farthest) if len(low) >= 3 else np.empty((0, 3))])
    thin = slice(None, None, max(1, z.size // 1500))
    planes = candidates[:, :1] * x[thin] + candidates[:, 1:2] * y[thin] + candidates[:, 2:]
    best = FloorPlane.of(candidates[_support(z[thin] - planes).argmax()])
    for band in (3 * BAND, 2 * BAND, BAND, BAND):
        near = np.abs(z - best.z(x, y)) < band
        if near.sum() < 100:
            return None
        matrix = np.column_stack([x[near], y[near], np.ones(int(near.sum()))])
        best = FloorPlane.of(np.linalg.lstsq(matrix, z[near], rcond=None)[0])
    return best if _believable(best, farthest) and _support(z - best.z(x, y)) >= MINIMUM_SUPPORT else None


def refine_floor(points: NDArray[np.floating], workspace: Workspace, plane: FloorPlane) -> tuple[FloorPlane, float]:
    """The plane again, from the camera's own points, and their noise about it.

    A heightmap keeps the highest point of each cell, so with noise its floor lies a little too high.

    Args:
        points: world frame, metres, shape ``(3, ...)``; NaN where unmeasured.
        workspace: points outside it are left out.
        plane: from :func:`fit_floor`.

    Returns:
        The plane, and the standard deviation of the floor's points about it, metres (from the median deviation).
    """
    x, y, z = (axis.ravel()[:: max(1, axis.size // (20 * MOST_CELLS))].astype(np.float64) for axis in points)
    half = workspace.extent / 2
    with np.errstate(invalid="ignore"):
        inside = (np.abs(x) < half) & (np.abs(y) < half) & (np.abs(z - plane.z(x, y)) < 0.015)
    x, y, z = x[inside], y[inside], z[inside]
    for _ in range(3):
        off = z - plane.z(x, y)
        noise = 1.4826 * float(np.median(np.abs(off - np.median(off))))
        near = np.abs(off - np.median(off)) < max(3.0 * noise, 1e-4)
        matrix = np.column_stack([x[near], y[near], np.ones(int(near.sum()))])
        plane = FloorPlane.of(np.linalg.lstsq(matrix, z[near], rcond=None)[0])
    return plane, noise


def check_floor(heightmap: Heightmap, plane: FloorPlane | None) -> None:
    """Make sure that the pose's table is the table that the camera sees.

    Args:
        heightmap: raw.
        plane: from :func:`fit_floor`.

    Raises:
        UserError: no floor was found near zero, and a level plane dominates at another height, or much lies under zero.
    """
    if plane is not None:
        return
    measured = heightmap.height[np.isfinite(heightmap.height)]
    under = float((measured < -LARGEST_OFFSET).mean()) if measured.size else 0.0
    other = fit_floor(heightmap, any_height=True)
    if other is not None:
        x, y, z = _measured_cells(heightmap, 1.2 * FARTHEST_OFFSET)
        if _support(z - other.z(x, y)) >= DOMINATES:
            raise UserError(
                f"a level surface at {other.offset * 1000:+.0f} mm fills the picture, and nothing lies at the pose's 0"
                ": the floor is there, so camera_to_world is off by as much, or the world's origin is not on the table "
                "(a bin on a stand: name it with --bin, or take a smaller --extent); --level-floor measures from it"
            )
    if under > LARGEST_SHARE_UNDER:
        raise UserError(
            f"no floor at height 0, and {under:.0%} of what the camera sees lies more than "
            f"{LARGEST_OFFSET * 1000:.0f} mm under it: is camera_to_world the right way round (not world_to_camera), "
            f"its z axis up, its origin on the table? Floors up to {math.degrees(LARGEST_TILT):.0f} degrees and "
            f"{LARGEST_OFFSET * 1000:.0f} mm off are levelled"
        )


def level_floor(
    heightmap: Heightmap, plane: FloorPlane | None, precise: float = PRECISE
) -> tuple[Heightmap, FloorPlane, str | None]:
    """Heights measured from the floor that the picture shows, where the pose is not precise.

    x and y stay those of the pose: only heights change, so a grasp found here is a grasp in the world.

    Args:
        heightmap: raw.
        plane: from :func:`fit_floor`; None levels nothing.
        precise: errors up to this are left, metres.

    Returns:
        The heightmap, the plane that was taken off (all zeros if none), and a note in words if it is not zero.
    """
    if plane is None:
        return heightmap, FloorPlane(), None
    surface = plane.grid(heightmap.workspace)
    error = float(np.abs(surface[heightmap.workspace.graspable_slice]).max())
    if error <= precise:
        return heightmap, FloorPlane(), None
    note = (
        f"The floor lay off the pose's table by up to {error * 1000:.1f} mm (tilt {math.degrees(plane.tilt):.2f} "
        f"degrees, {plane.offset * 1000:+.1f} mm at the centre): heights are measured from the floor itself."
    )
    return replace(heightmap, height=heightmap.height - surface), plane, note


def floor_level(heightmap: Heightmap) -> tuple[float, float]:
    """Where most of the floor's cells lie, and the standard deviation of those below that, metres.

    With noise the level is above zero, because a cell keeps the highest of its points. Only the side below it tells the
    noise: items add to the other. Both are 0 where hardly any cell is low.
    """
    with np.errstate(invalid="ignore"):
        low = heightmap.height[np.abs(heightmap.height) < THICKEST]
    if low.size < 100:
        return 0.0, 0.0
    count, edge = np.histogram(low, bins=64, range=(-THICKEST, THICKEST))
    level = float(edge[:-1][np.convolve(count, np.ones(3), "same").argmax()] + (edge[1] - edge[0]) / 2)
    below = level - low[low < level]
    return level, float(1.4826 * np.median(below)) if below.size else 0.0


def flatten_floor(heightmap: Heightmap, deepest: float = 0.015) -> tuple[Heightmap, float, str | None]:
    """Floor becomes exactly zero, and what seems to lie deep under it unmeasured.

    Args:
        heightmap: levelled.
        deepest: heights lower than minus this are reflections or gaps, metres.

    Returns:
        The heightmap, the height below which all is floor (metres), and a note if that is beyond the usual 2 mm.
    """
    level, noise = floor_level(heightmap)
    threshold = float(np.clip(level + 3.0 * noise, BACKGROUND_HEIGHT, THICKEST))
    height = heightmap.height.copy()
    with np.errstate(invalid="ignore"):
        under = height < -deepest
        height[height <= threshold] = 0.0
    height[under] = np.nan
    notes = []
    if threshold > 1.5 * BACKGROUND_HEIGHT:
        notes.append(f"The floor is rough: everything under {threshold * 1000:.1f} mm counts as floor.")
    if under.mean() > 0.001:
        notes.append(f"{under.mean():.1%} of the picture seemed to lie under the floor: counted as unmeasured.")
    return replace(heightmap, height=height), threshold, " ".join(notes) or None


def _measured_cells(
    heightmap: Heightmap, farthest: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """World x, y and height of the measured cells that could be floor, each ``(n,)``."""
    with np.errstate(invalid="ignore"):
        row, col = np.nonzero(np.abs(heightmap.height) < farthest)
    thin = slice(None, None, max(1, row.size // MOST_CELLS))
    x, y = heightmap.workspace.xy_from_pixel(row[thin], col[thin])
    return x, y, heightmap.height[row[thin], col[thin]].astype(np.float64)


def _lowest_of_blocks(
    x: NDArray[np.float64], y: NDArray[np.float64], z: NDArray[np.float64], workspace: Workspace
) -> NDArray[np.float64]:
    """In each block the point at the tenth percentile of height, shape ``(blocks, 3)``."""
    row, col = workspace.pixel_from_xy(x, y)
    block = (row * BLOCKS // workspace.pixels) * BLOCKS + col * BLOCKS // workspace.pixels
    points = []
    for index in np.unique(block):
        inside = np.flatnonzero(block == index)
        rank = inside[np.argsort(z[inside])[inside.size // 10]]
        points.append((x[rank], y[rank], z[rank]))
    return np.array(points).reshape(-1, 3)


@functools.lru_cache(maxsize=64)
def _threes(count: int) -> NDArray[np.int64]:
    """Three of so many points for each trial, shape ``(TRIALS, 3)``; the same in every call."""
    random = np.random.default_rng(0)
    return np.array([random.choice(count, 3, replace=False) for _ in range(TRIALS)])


def _through(points: NDArray[np.float64], farthest: float) -> NDArray[np.float64]:
    """Factors of planes through three of the points each, ``(n, 3)``, without those in line and those of no floor."""
    threes = points[_threes(len(points))]
    matrix = np.concatenate([threes[:, :, :2], np.ones((*threes.shape[:2], 1))], axis=2)
    apart = np.abs(np.linalg.det(matrix)) >= 1e-4
    factors = np.linalg.solve(matrix[apart], threes[apart, :, 2:])[:, :, 0]
    return factors[[_believable(FloorPlane.of(each), farthest) for each in factors]]


def _believable(plane: FloorPlane, farthest: float) -> bool:
    return plane.tilt <= LARGEST_TILT and abs(plane.offset) <= farthest


def _support(above: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the cells, the last axis, within the band of a plane that they lie so far above; 0 if too many lie
    under it."""
    within = (np.abs(above) < BAND).mean(axis=-1)
    return np.where((above < -2 * BAND).mean(axis=-1) > LARGEST_SHARE_BELOW, 0.0, within)
