"""A camera above a table with a ChArUco board on it, rendered so that everything about it is known."""

import math

import cv2
import numpy as np

from grasping_student.cameras.charuco import board_picture
from grasping_student.cameras.configuration import BoardConfig
from grasping_student.cameras.frame import Intrinsics, RgbdFrame
from grasping_student.cameras.simulated import d415_intrinsics, looking_down, render
from grasping_student.heightmap import Heightmap
from grasping_student.workspace import Workspace

BOARD = BoardConfig()
BOARD_CORNER = (-0.12, 0.09)
"""World x and y of the board's upper left corner, metres."""

CAMERA_TO_WORLD = looking_down(0.75, 0.12)


def world_to_base(yaw=0.3):
    """Where the workspace lies, seen from an arm."""
    pose = np.eye(4)
    pose[:2, :2] = [[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]]
    pose[:3, 3] = (0.05, -0.45, 0.012)
    return pose


def corner_in_world(number):
    """A board corner, numbered as OpenCV does, metres."""
    row, col = divmod(number, BOARD.columns - 1)
    return np.array([BOARD_CORNER[0] + (col + 1) * BOARD.square, BOARD_CORNER[1] - (row + 1) * BOARD.square, 0.0])


def corner_in_base(number):
    return (world_to_base() @ np.append(corner_in_world(number), 1.0))[:3]


def bench_frame(camera_to_world=CAMERA_TO_WORLD, height=None, noise=0.0005, seed=0) -> RgbdFrame:
    """The camera's frame: a textured room, the board on the table, maybe things of some height.

    The room has a texture so that a moved camera shows.
    """
    workspace = Workspace(extent=0.5, pixels=200, margin=0.06)
    scene = Heightmap(
        np.zeros(workspace.shape, np.float32) if height is None else height,
        np.zeros((*workspace.shape, 3), np.uint8), workspace,
    )  # fmt: skip
    intrinsics = d415_intrinsics()
    frame = render(scene, intrinsics, camera_to_world)
    random = np.random.default_rng(seed)
    depth = frame.depth + random.normal(0.0, noise, frame.depth.shape).astype(np.float32)
    rgb = _paint_table(intrinsics, camera_to_world)
    return RgbdFrame(depth, np.repeat(rgb[..., None], 3, axis=2), intrinsics, camera_to_world)


def _paint_table(intrinsics: Intrinsics, camera_to_world) -> np.ndarray:
    """Grey picture of a table of blotches with the board on it."""
    blotches = np.random.default_rng(7).integers(60, 200, (60, 80)).astype(np.uint8)
    table = cv2.resize(blotches, (3200, 2400), interpolation=cv2.INTER_CUBIC)
    corner, scale = np.array([-0.8, 0.6]), 2000.0
    board = board_picture(BOARD, scale)
    col, row = round((BOARD_CORNER[0] - corner[0]) * scale), round((corner[1] - BOARD_CORNER[1]) * scale)
    table[row - 20 : row + board.shape[0] + 20, col - 20 : col + board.shape[1] + 20] = 255
    table[row : row + board.shape[0], col : col + board.shape[1]] = board
    world_to_camera = np.linalg.inv(camera_to_world)
    # a pixel's centre lies half a pixel beyond its corner
    world_of_pixel = np.array(
        [[1 / scale, 0, corner[0] + 0.5 / scale], [0, -1 / scale, corner[1] - 0.5 / scale], [0, 0, 1]]
    )
    onto_picture = intrinsics.matrix @ world_to_camera[:3][:, [0, 1, 3]] @ world_of_pixel
    size = (intrinsics.width, intrinsics.height)
    return cv2.warpPerspective(table, onto_picture, size, flags=cv2.INTER_LINEAR, borderValue=90)
