"""One RGB-D picture with what is needed to place it in the world, and how it becomes a heightmap."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.heightmap import Heightmap, heightmap_from_points
from grasping_student.geometry.workspace import Workspace

LONGEST_RANGE = 20.0
"""Depths beyond this are no metres, or no table-top camera's."""


@dataclass(frozen=True)
class Intrinsics:
    """A pinhole camera without distortion: focal lengths and principal point in pixels, size of its picture."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    def __post_init__(self) -> None:
        numbers = (self.fx, self.fy, self.cx, self.cy)
        if not all(math.isfinite(number) for number in numbers) or not (self.fx > 0.0 and self.fy > 0.0):
            raise ValueError(
                f"fx {self.fx}, fy {self.fy}, cx {self.cx}, cy {self.cy}: must be finite, fx and fy above 0"
            )
        if self.width < 1 or self.height < 1:
            raise ValueError(f"width {self.width}, height {self.height}: a picture has at least one pixel")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the depth picture."""
        return (self.height, self.width)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The 3 x 3 camera matrix, pixels."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])


def check_pose(pose: NDArray[np.float64], name: str = "camera_to_world") -> None:
    """Make sure that a pose is a rigid motion.

    Raises:
        ValueError: it is no 4 x 4 matrix of finite numbers, its rotation is not orthonormal and right-handed, its last
            row is not (0, 0, 0, 1), or it lies so far away that it can't be in metres.
    """
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        raise ValueError(f"{name} has shape {pose.shape}; it must be 4 x 4 finite numbers")
    if np.abs(pose[3] - (0.0, 0.0, 0.0, 1.0)).max() > 1e-6:
        raise ValueError(f"{name} ends in the row {pose[3].tolist()}; it must be 0 0 0 1 (is the matrix transposed?)")
    rotation = pose[:3, :3]
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-3 or np.linalg.det(rotation) < 0.0:
        raise ValueError(f"{name} holds no rotation: its axes must be of length 1, at right angles, right-handed")
    if np.abs(pose[:3, 3]).max() > LONGEST_RANGE:
        raise ValueError(f"{name} is {np.abs(pose[:3, 3]).max():g} m from the origin: were these millimetres?")


@dataclass(frozen=True, eq=False)
class RgbdFrame:
    """One picture of an RGB-D camera, colour registered to depth.

    Attributes:
        depth: float32 ``(height, width)``, metres along the optical axis; NaN where nothing was measured.
        rgb: uint8 ``(height, width, 3)``, or None.
        intrinsics: of the depth picture.
        camera_to_world: float64 4 x 4; camera frame x right, y down, z forward.
    """

    depth: NDArray[np.float32]
    rgb: NDArray[np.uint8] | None
    intrinsics: Intrinsics
    camera_to_world: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.depth.dtype != np.float32 or self.depth.shape != self.intrinsics.shape:
            raise ValueError(
                f"depth is {self.depth.dtype} of {self.depth.shape}; the intrinsics ask for float32 of "
                f"{self.intrinsics.shape}"
            )
        if self.rgb is not None and (self.rgb.dtype != np.uint8 or self.rgb.shape != (*self.depth.shape, 3)):
            raise ValueError(f"rgb is {self.rgb.dtype} of {self.rgb.shape}; it must be uint8 of {self.depth.shape} x 3")
        check_pose(self.camera_to_world)

    @property
    def measured(self) -> NDArray[np.bool_]:
        """Pixels with a measurement, shape ``(height, width)``."""
        return np.isfinite(self.depth)


def world_points(frame: RgbdFrame) -> NDArray[np.float32]:
    """Every pixel's point in the world frame, metres, float32 ``(3, height, width)``; NaN where unmeasured."""
    camera, pose = frame.intrinsics, frame.camera_to_world
    right = (np.arange(camera.width) - camera.cx) / camera.fx
    down = (np.arange(camera.height) - camera.cy) / camera.fy
    points = np.empty((3, *camera.shape), dtype=np.float32)
    for axis in range(3):
        along_row = (pose[axis, 0] * right).astype(np.float32)
        along_col = (pose[axis, 1] * down + pose[axis, 2]).astype(np.float32)
        np.add(along_row[None, :], along_col[:, None], out=points[axis])
        points[axis] *= frame.depth
        points[axis] += np.float32(pose[axis, 3])
    return points


def pixels_of_world_points(
    points: NDArray[np.floating], intrinsics: Intrinsics, camera_to_world: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Where world points appear in a camera's picture.

    Args:
        points: world frame, metres, shape ``(n, 3)``.
        intrinsics: of the picture.
        camera_to_world: 4 x 4.

    Returns:
        Row, column (nearest pixel, clipped to the picture) and whether the point lies in the picture, each ``(n,)``.
    """
    in_camera = (points - camera_to_world[:3, 3]) @ camera_to_world[:3, :3]
    forward = in_camera[:, 2]
    safe = np.where(forward > 1e-6, forward, 1.0)
    col = np.rint(intrinsics.fx * in_camera[:, 0] / safe + intrinsics.cx).astype(np.int64)
    row = np.rint(intrinsics.fy * in_camera[:, 1] / safe + intrinsics.cy).astype(np.int64)
    inside = (forward > 1e-6) & (row >= 0) & (row < intrinsics.height) & (col >= 0) & (col < intrinsics.width)
    return np.clip(row, 0, intrinsics.height - 1), np.clip(col, 0, intrinsics.width - 1), inside


def frame_to_heightmap(
    frame: RgbdFrame, workspace: Workspace, lowest: float = -0.05, highest: float = 1.0
) -> Heightmap:
    """The orthographic heightmap of one frame; cells that no pixel fell into are NaN.

    Args:
        frame: the picture.
        workspace: the cells.
        lowest: points below are left out, metres.
        highest: points above are left out, metres.
    """
    points = world_points(frame).reshape(3, -1)
    reach = np.float32(workspace.extent / 2 + workspace.pixel_size)
    # most of a picture shows something else: what lies beside the workspace goes before the dearer steps
    near = np.flatnonzero((np.abs(points[0]) <= reach) & (np.abs(points[1]) <= reach))
    rgb = None if frame.rgb is None else frame.rgb.reshape(-1, 3)
    if 2 * near.size > points.shape[1]:  # of a picture that shows little else a copy would cost more than it saves
        return heightmap_from_points(points.T, rgb, workspace, lowest, highest)
    rgb = None if rgb is None else rgb[near]
    return heightmap_from_points(points[:, near].T, rgb, workspace, lowest, highest)
