"""A ChArUco board in a colour picture: its corners, named by number, in the camera's frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.perception.board_config import BoardConfig
from grasping_student.perception.frame import Intrinsics
from grasping_student.pipeline.errors import UserError

FEWEST_CORNERS = 8
"""A board of which fewer corners are seen is too far away, hidden or badly lit."""


@dataclass(frozen=True, eq=False)
class SeenBoard:
    """What was seen of a board.

    Attributes:
        corners: corner number -> point in the camera's frame, metres, shape ``(3,)``.
        pixels: corner number -> column and row in the picture.
        reprojection: root mean square distance of the corners from where the pose puts them, pixels.
    """

    corners: dict[int, NDArray[np.float64]]
    pixels: dict[int, NDArray[np.float64]]
    reprojection: float


def make_board(config: BoardConfig) -> Any:
    """OpenCV's board.

    Raises:
        UserError: OpenCV knows no such dictionary.
    """
    name = f"DICT_{config.dictionary}"
    if not hasattr(cv2.aruco, name):
        known = ", ".join(each[5:] for each in dir(cv2.aruco) if each.startswith("DICT_") and "X" in each)
        raise UserError(f"unknown dictionary '{config.dictionary}'; valid are: {known}")
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, name))
    return cv2.aruco.CharucoBoard((config.columns, config.rows), config.square, config.marker, dictionary)


def board_picture(config: BoardConfig, pixels_per_metre: float = 4000.0) -> NDArray[np.uint8]:
    """The board to be printed, grey; 4000 pixels a metre are 102 dots an inch."""
    size = (
        round(config.columns * config.square * pixels_per_metre),
        round(config.rows * config.square * pixels_per_metre),
    )
    return np.asarray(make_board(config).generateImage(size), dtype=np.uint8)


def see_board(rgb: NDArray[np.uint8], intrinsics: Intrinsics, config: BoardConfig) -> SeenBoard:
    """Find a board and its pose in a picture.

    Args:
        rgb: colour picture.
        intrinsics: of this picture.
        config: the board.

    Raises:
        UserError: too little of the board is seen.
    """
    board = make_board(config)
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    found, numbers, _, _ = cv2.aruco.CharucoDetector(board).detectBoard(grey)
    count = 0 if numbers is None else len(numbers)
    if count < FEWEST_CORNERS:
        raise UserError(
            f"{count} corners of the {config.columns} x {config.rows} board were seen, at least {FEWEST_CORNERS} are "
            "needed: is it in the picture, flat, sharp, evenly lit, and are squares and dictionary the printed ones?"
        )
    numbers = np.asarray(numbers).reshape(-1)
    on_board, in_picture = board.matchImagePoints(found, numbers)
    on_board = np.asarray(on_board, dtype=np.float64).reshape(-1, 3)
    in_picture = np.asarray(in_picture, dtype=np.float64).reshape(-1, 2)
    _, turn, shift = cv2.solvePnP(on_board, in_picture, intrinsics.matrix, None, flags=cv2.SOLVEPNP_IPPE)
    turn, shift = cv2.solvePnPRefineLM(on_board, in_picture, intrinsics.matrix, None, turn, shift)
    projected, _ = cv2.projectPoints(on_board, turn, shift, intrinsics.matrix, None)
    off = np.linalg.norm(projected.reshape(-1, 2) - in_picture, axis=1)
    rotation, _ = cv2.Rodrigues(turn)
    in_camera = on_board @ rotation.T + shift.reshape(3)
    return SeenBoard(
        {int(n): point for n, point in zip(numbers, in_camera, strict=True)},
        {int(n): pixel for n, pixel in zip(numbers, in_picture, strict=True)},
        float(np.sqrt((off**2).mean())),
    )
