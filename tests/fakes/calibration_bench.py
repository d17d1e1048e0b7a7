"""A camera above a table with a ChArUco board on it, and an arm beside it, of which everything is known."""

import math

import numpy as np

from grasping_student.cameras.simulated import looking_down
from grasping_student.cameras.simulated_board import board_frame, board_point
from grasping_student.perception.board_config import BoardConfig

BOARD = BoardConfig()
CAMERA_TO_WORLD = looking_down(0.75, 0.12)


def world_to_base(yaw=0.3):
    """Where the workspace lies, seen from an arm."""
    pose = np.eye(4)
    pose[:2, :2] = [[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]]
    pose[:3, 3] = (0.05, -0.45, 0.012)
    return pose


def corner_in_world(number):
    """A board corner, metres."""
    return board_point(number, BOARD)


def corner_in_base(number):
    return (world_to_base() @ np.append(corner_in_world(number), 1.0))[:3]


def bench_frame(camera_to_world=CAMERA_TO_WORLD, height=None, noise=0.0005, seed=0):
    """The camera's frame: the board on the table, maybe things of some height."""
    return board_frame(camera_to_world, BOARD, height, noise, seed)
