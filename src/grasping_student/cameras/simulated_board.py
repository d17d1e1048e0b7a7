"""A picture of a ChArUco board on a table, rendered so that everything about it is known."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.cameras.simulated import d415_intrinsics, render
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.board_config import BoardConfig
from grasping_student.perception.charuco import board_picture
from grasping_student.perception.frame import Intrinsics, RgbdFrame

BOARD_CORNER = (-0.12, 0.09)
"""World x and y of the board's upper left corner, metres."""


def board_point(number: int, board: BoardConfig) -> NDArray[np.float64]:
    """An inner corner of the board in the world, numbered as OpenCV does, metres, shape ``(3,)``."""
    row, col = divmod(number, board.columns - 1)
    return np.array([BOARD_CORNER[0] + (col + 1) * board.square, BOARD_CORNER[1] - (row + 1) * board.square, 0.0])


def board_frame(
    camera_to_world: NDArray[np.float64],
    board: BoardConfig,
    height: NDArray[np.float32] | None = None,
    noise: float = 0.0005,
    seed: int = 0,
) -> RgbdFrame:
    """A D415's frame of a table with a board on it. The table is mottled, so that a moved camera shows.

    Args:
        camera_to_world: where the camera stands, 4 x 4.
        board: printed to size.
        height: of what stands on the table besides, metres, 200 x 200 over 50 cm.
        noise: standard deviation of the depth, metres.
        seed: of the noise.
    """
    workspace = Workspace(extent=0.5, pixels=200, margin=0.06)
    scene = Heightmap(
        np.zeros(workspace.shape, np.float32) if height is None else height,
        np.zeros((*workspace.shape, 3), np.uint8),
        workspace,
    )
    intrinsics = d415_intrinsics()
    frame = render(scene, intrinsics, camera_to_world)
    random = np.random.default_rng(seed)
    depth = frame.depth + random.normal(0.0, noise, frame.depth.shape).astype(np.float32)
    grey = _painted_table(intrinsics, camera_to_world, board)
    return RgbdFrame(depth, np.repeat(grey[..., None], 3, axis=2), intrinsics, camera_to_world)


def _painted_table(
    intrinsics: Intrinsics, camera_to_world: NDArray[np.float64], board: BoardConfig
) -> NDArray[np.uint8]:
    """Grey picture of a table of blotches with the board on it."""
    blotches = np.random.default_rng(7).integers(60, 200, (60, 80)).astype(np.uint8)
    table = cv2.resize(blotches, (3200, 2400), interpolation=cv2.INTER_CUBIC)
    corner, scale = np.array([-0.8, 0.6]), 2000.0
    print_out = board_picture(board, scale)
    col, row = round((BOARD_CORNER[0] - corner[0]) * scale), round((corner[1] - BOARD_CORNER[1]) * scale)
    rows, cols = print_out.shape
    table[row - 20 : row + rows + 20, col - 20 : col + cols + 20] = 255
    table[row : row + rows, col : col + cols] = print_out
    # a pixel's centre lies half a pixel beyond its corner
    world_of_pixel = np.array(
        [[1 / scale, 0, corner[0] + 0.5 / scale], [0, -1 / scale, corner[1] - 0.5 / scale], [0, 0, 1]]
    )
    onto_picture = intrinsics.matrix @ np.linalg.inv(camera_to_world)[:3][:, [0, 1, 3]] @ world_of_pixel
    size = (intrinsics.width, intrinsics.height)
    seen = cv2.warpPerspective(table, onto_picture, size, flags=cv2.INTER_LINEAR, borderValue=(90.0,))
    return np.asarray(seen, dtype=np.uint8)
