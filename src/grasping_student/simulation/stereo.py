"""An active stereo camera above a simulated scene: two infrared pictures, matched, become one RGB-D frame."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.cameras.simulated import looking_down
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.frame import Intrinsics, RgbdFrame, pixels_of_world_points
from grasping_student.pipeline.surroundings import compiled
from grasping_student.simulation.infrared import Finish, infrared_picture
from grasping_student.simulation.materials import Material
from grasping_student.simulation.pinhole import project
from grasping_student.simulation.rendering import StillScene
from grasping_student.simulation.sensor_config import StereoConfig

TABLE = Material()
"""The table is matt and as bright as a toy block."""

USUAL_HEIGHT = 0.10
"""The part of the pictures that is computed shows the whole workspace up to this height, metres."""

FARTHEST = 0.02
"""What seems to lie so far below the table is still matched, metres."""

STEPS = 16
"""OpenCV gives disparities in steps of a pixel over this, and takes ranges that are multiples of it."""


class StereoCapture(NamedTuple):
    """All that one shot of a stereo camera gives.

    Attributes:
        left: infrared picture of the left eye, uint8 ``(height, width)``, registered to the frame.
        right: that of the right eye, moved so that a point on the table lies at the same column in both.
        disparity: columns between the two pictures of a point, float32, NaN where nothing was matched.
        frame: depth as the left eye sees it, and colour registered to it.
    """

    left: NDArray[np.uint8]
    right: NDArray[np.uint8]
    disparity: NDArray[np.float32]
    frame: RgbdFrame


class StereoCamera:
    """Two eyes and a projector between them at a fixed place above a workspace.

    Args:
        config: of the camera.
        workspace: what it looks at.
        camera_to_world: of the left eye, 4 x 4; None hangs the camera over the middle, looking straight down.
    """

    def __init__(
        self, config: StereoConfig, workspace: Workspace, camera_to_world: NDArray[np.float64] | None = None
    ) -> None:
        self.config = config
        if camera_to_world is None:
            camera_to_world = looking_down(config.distance)
            camera_to_world[0, 3] = -config.baseline / 2
        self.left_to_world = camera_to_world.copy()
        self.right_to_world = camera_to_world.copy()
        self.right_to_world[:3, 3] += config.baseline * camera_to_world[:3, 0]
        self.intrinsics = _window(config, workspace, camera_to_world)
        depths = [_corners(workspace, z, camera_to_world)[1] for z in (-FARTHEST, config.highest)]
        strength = config.focal_length * config.baseline
        self.smallest_disparity = math.floor(strength / max(map(max, depths)))
        span = strength / max(min(map(min, depths)), 0.1) - self.smallest_disparity
        self.disparities = STEPS * math.ceil((span + 1) / STEPS)

    @cached_property
    def _matcher(self) -> cv2.StereoSGBM:
        config, area = self.config, self.config.block_size**2
        return cv2.StereoSGBM.create(
            minDisparity=0,
            numDisparities=self.disparities,
            blockSize=config.block_size,
            P1=8 * area,
            P2=32 * area,
            disp12MaxDiff=1,
            preFilterCap=31,
            uniquenessRatio=config.uniqueness,
            speckleWindowSize=config.speckle_size,
            speckleRange=2,
            mode=cv2.StereoSGBM_MODE_SGBM_3WAY,
        )

    def capture(self, scene: StillScene, random: np.random.Generator) -> StereoCapture:
        """One shot of a scene.

        Args:
            scene: what stands on the table.
            random: noise of the sensors.
        """
        surface, margin = scene.surface, self.disparities
        finish = _finish(scene)
        # the matcher gives nothing for as many columns on the left as there are disparities
        wide = _moved(self.intrinsics, margin, margin)
        shifted = _moved(wide, self.smallest_disparity, 0)
        half = self.config.baseline / 2
        rotation = self.left_to_world[:3, :3]
        pictures = []
        for lens, pose, projector in ((wide, self.left_to_world, half), (shifted, self.right_to_world, -half)):
            depth, seen = project(surface.triangles, lens, pose)
            picture = infrared_picture(depth, seen, finish, lens, rotation, projector, self.config, random)
            pictures.append((picture, seen))
        (left, seen), (right, _) = pictures
        disparity = self._match(left, right)[:, margin:]
        colour, pose = surface.colour[seen[:, margin:]], self.left_to_world.copy()
        frame = RgbdFrame(self._depth(disparity), colour, self.intrinsics, pose)
        return StereoCapture(left[:, margin:], right[:, margin:], disparity, frame)

    def _match(self, left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.float32]:
        steps = self._matcher.compute(left, right)
        disparity, contrast = _refined(
            left, right, steps.astype(np.float32) / np.float32(STEPS), self.config.block_size
        )
        disparity += np.float32(self.smallest_disparity)
        disparity[(steps < 0) | (contrast < self.config.least_contrast)] = np.nan
        return disparity

    def _depth(self, disparity: NDArray[np.float32]) -> NDArray[np.float32]:
        unit = np.float32(self.config.depth_unit)
        depth = np.float32(self.config.focal_length * self.config.baseline) / disparity
        return np.asarray(np.rint(depth / unit) * unit, np.float32)


def _refined(
    left: NDArray[np.uint8], right: NDArray[np.uint8], disparity: NDArray[np.float32], side: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Disparities after a step of least squares on the grey levels, and how strong the pattern was.

    The matcher's own parts of a pixel lean towards whole pixels, by up to a fifth of one.

    Args:
        left: picture, uint8 ``(height, width)``.
        right: the other.
        disparity: columns, float32 ``(height, width)``.
        side: of the window, pixels.

    Returns:
        Disparity, and the root of the mean squared change of grey level a column.
    """
    change, square = np.zeros_like(disparity), np.zeros_like(disparity)
    _gradients(left, right, disparity, change, square)
    window = (side, side)
    change = np.asarray(cv2.boxFilter(change, -1, window, dst=change), np.float32)
    square = np.asarray(cv2.boxFilter(square, -1, window, dst=square), np.float32)
    change /= np.maximum(square, np.float32(1e-3))
    return disparity + np.clip(change, -0.5, 0.5, out=change), np.sqrt(square, out=square)


@compiled(nogil=True)
def _gradients(
    left: NDArray[np.uint8],
    right: NDArray[np.uint8],
    disparity: NDArray[np.float32],
    change: NDArray[np.float32],
    square: NDArray[np.float32],
) -> None:
    """Slope x difference and slope x slope of the grey levels of matched pixels; no slope at the border."""
    rows, cols = left.shape
    matched = np.empty(cols, dtype=np.float32)
    for row in range(rows):
        for col in range(cols):
            there = min(max(np.float32(col) - disparity[row, col], np.float32(0.0)), np.float32(cols - 1.001))
            whole = int(there)
            part = there - np.float32(whole)
            first, second = np.float32(right[row, whole]), np.float32(right[row, whole + 1])
            matched[col] = first + part * (second - first)
        for col in range(1, cols - 1):
            mine = np.float32(left[row, col + 1]) - np.float32(left[row, col - 1])
            slope = np.float32(0.25) * (matched[col + 1] - matched[col - 1] + mine)
            change[row, col] = slope * (matched[col] - np.float32(left[row, col]))
            square[row, col] = slope * slope


def _corners(
    workspace: Workspace, z: float, camera_to_world: NDArray[np.float64]
) -> tuple[NDArray[np.float64], list[float]]:
    """Corners of the workspace at a height, world frame, metres ``(4, 3)``, and how deep in the picture they lie."""
    half = workspace.extent / 2
    corners = np.array([(x, y, z) for x in (-half, half) for y in (-half, half)])
    depth = (corners - camera_to_world[:3, 3]) @ camera_to_world[:3, 2]
    return corners, depth.tolist()


def _window(config: StereoConfig, workspace: Workspace, camera_to_world: NDArray[np.float64]) -> Intrinsics:
    """The part of a whole picture that shows the workspace."""
    whole = Intrinsics(
        config.focal_length,
        config.focal_length,
        (config.width - 1) / 2,
        (config.height - 1) / 2,
        config.width,
        config.height,
    )
    corners = np.concatenate([_corners(workspace, z, camera_to_world)[0] for z in (0.0, USUAL_HEIGHT)])
    rows, cols, _ = pixels_of_world_points(corners, whole, camera_to_world)
    first_row, first_col = max(int(rows.min()) - 2, 0), max(int(cols.min()) - 2, 0)
    last_row, last_col = min(int(rows.max()) + 3, config.height), min(int(cols.max()) + 3, config.width)
    return replace(
        whole, cx=whole.cx - first_col, cy=whole.cy - first_row, width=last_col - first_col, height=last_row - first_row
    )


def _moved(intrinsics: Intrinsics, columns: int, wider: int) -> Intrinsics:
    """The picture that begins so many columns further left and is so many columns wider."""
    return replace(intrinsics, cx=intrinsics.cx + columns, width=intrinsics.width + wider)


def _finish(scene: StillScene) -> Finish:
    surface = scene.surface
    materials = [item.material for item in scene.items] + [TABLE]
    finishes = np.array([(each.albedo, each.gloss, each.translucency) for each in materials])
    of_face = finishes[np.append(surface.owner, len(scene.items))]
    normal = np.concatenate([surface.normal, [(0.0, 0.0, 1.0)]])
    return Finish(normal, *of_face.T)
