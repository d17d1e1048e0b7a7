"""One grasp in the simulator seen from the side: the gripper above the scene, down, closed, and lifted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.workspace import Workspace
from grasping_student.simulation.blocks import Block
from grasping_student.simulation.config import NO_BIN, BinWalls, GripperConfig
from grasping_student.simulation.engine import LEFT, PALM_THICKNESS, RIGHT, TIP, YAW, GripperPose, X, Y, open_engine
from grasping_student.simulation.grasp_attempt import begin_grasp
from grasping_student.simulation.items import Item
from grasping_student.simulation.rasteriser import rasterise
from grasping_student.simulation.rendering import TABLE_COLOUR, normals_of, surface_of
from grasping_student.simulation.solids import Poses
from grasping_student.simulation.walls import COLOUR, far_wall_triangles

SIZE = (480, 420)
"""Width and height of a picture, pixels."""

GRIPPER_COLOUR, BACKGROUND = (235, 235, 235), (255, 255, 255)

DISTANCE, AIM_HEIGHT = 0.62, 0.06
"""Metres from the camera to the point at which it looks, and how high over the grasp that lies."""

ASIDE, PITCH, FIELD_OF_VIEW = np.radians(28.0), np.radians(-32.0), np.radians(36.0)
"""The camera stands this far round from a view along the fingers' other axis, looks down, and sees so much upwards."""

LIGHT = np.array([0.6, -0.5, 1.4]) / np.linalg.norm([0.6, -0.5, 1.4])
"""Direction to the lamp, world frame."""

SHADOW_WORKSPACE, SHADOW_GAP = Workspace(extent=0.9, pixels=900, margin=0.0), 0.003
"""The scene as the lamp sees it, and how far below what it sees a point lies in the shadow, metres."""


class View(NamedTuple):
    """A moment of a grasp and what a camera beside the workspace sees of it: RGB, uint8, ``(height, width, 3)``."""

    moment: str
    picture: NDArray[np.uint8]


def watch_grasp(environment: SimulationEnvironment, grasp: PlanarGrasp) -> list[View]:
    """Carry a grasp out beside the environment, which stays as it is, and look at it on the way.

    The engine takes the steps that it takes in ``execute``; an approach that is blocked has no closed fingers to show.

    Args:
        environment: with the scene in which to grasp.
        grasp: a graspable pixel and an angle.
    """
    state, views = environment.state, []
    engine = open_engine(environment.config)
    try:
        pose = GripperPose(*grasp.xy(environment.workspace), grasp.angle, environment.tip_height(grasp))
        gripper, _ = begin_grasp(engine, state.items, state.poses, pose)

        def look(moment: str) -> None:
            shown, places = _gripper_blocks(environment.config.gripper, engine.joints())
            table = Block("plank", (environment.workspace.extent, environment.workspace.extent, 0.02), TABLE_COLOUR)
            items = [table, *state.items, *shown]
            poses = np.concatenate([[(0, 0, -0.01, 0, 0, 0, 1)], engine.poses(), places])
            views.append(
                View(
                    moment,
                    view_from_the_side(
                        items, poses, (pose.x, pose.y, AIM_HEIGHT), grasp.angle + ASIDE, environment.config.walls
                    ),
                )
            )

        look("above")
        if gripper.descend(pose.tip):
            look("down")
            gripper.close()
            look("closed")
        else:
            look("blocked")
        gripper.lift()
        look("lifted")
    finally:
        engine.close()
    return views


def _gripper_blocks(config: GripperConfig, joints: NDArray[np.float64]) -> tuple[list[Block], Poses]:
    """Palm and fingers as blocks, and where they are."""
    shape = config.geometry
    finger = (shape.finger_thickness, shape.finger_width, config.finger_length)
    palm = (shape.opening + 2 * shape.finger_thickness, shape.finger_width, PALM_THICKNESS)
    blocks = [Block("cuboid", size, GRIPPER_COLOUR) for size in (palm, finger, finger)]
    along = np.array([np.cos(joints[YAW]), np.sin(joints[YAW])])
    poses = np.zeros((3, 7))
    poses[:, 5:] = np.sin(joints[YAW] / 2), np.cos(joints[YAW] / 2)
    half = shape.finger_thickness / 2
    for row, aside in enumerate((0.0, joints[LEFT] + half, -joints[RIGHT] - half)):
        poses[row, :2] = joints[[X, Y]] + aside * along
    poses[:, 2] = joints[TIP] + config.finger_length / 2
    poses[0, 2] = joints[TIP] + config.finger_length + PALM_THICKNESS / 2
    return blocks, poses


def view_from_the_side(
    items: Sequence[Item], poses: Poses, aim: tuple[float, float, float], turn: float, walls: BinWalls = NO_BIN
) -> NDArray[np.uint8]:
    """What a camera sees that looks at a point from the side, with shadows; twice the size, averaged.

    The walls of a bin that stand between the camera and the point are left out.
    """
    width, height = SIZE
    axes = _camera_axes(turn)
    bin_sides = far_wall_triangles(walls, (axes[2, 0], axes[2, 1]))
    triangles = np.concatenate([surface_of(items, poses)[0], bin_sides])
    paint = np.concatenate([*(item.colours for item in items), np.full((len(bin_sides), 3), COLOUR)])
    seen = (triangles - np.array(aim)) @ axes.T + (0.0, 0.0, -DISTANCE)
    depth = -seen[..., 2:]
    # one over the depth is linear in the picture, so the rasteriser's flat triangles are exact
    screen = np.concatenate([seen[..., :2] / depth, 1.0 / depth], axis=2)
    lens = Workspace(extent=2 * np.tan(FIELD_OF_VIEW / 2) * width / height, pixels=2 * width, margin=0.0)
    nearness, index = rasterise(screen, lens)
    rows, cols = np.indices(index.shape)
    x, y = lens.xy_from_pixel(rows, cols)
    # what is not hit lies far away instead of nowhere
    points = np.stack([x, y, -np.ones_like(x)], axis=2) / np.maximum(nearness, 0.1)[..., None] + (0.0, 0.0, DISTANCE)
    lit = _lit(triangles - np.array(aim), points @ axes)
    shade = 0.5 + 0.5 * np.clip(normals_of(triangles) @ LIGHT, 0.0, 1.0)[index] * np.where(lit, 1.0, 0.35)
    colours = paint[index] * shade[..., None]
    colours[index < 0] = BACKGROUND
    small = colours.reshape(width, 2, width, 2, 3).mean(axis=(1, 3))
    cut = (width - height) // 2
    return np.clip(small[cut : cut + height], 0, 255).astype(np.uint8)


def _camera_axes(turn: float) -> NDArray[np.float64]:
    """Right, up and backwards of the camera in the world frame, as rows."""
    forward = np.array([-np.sin(turn) * np.cos(PITCH), np.cos(turn) * np.cos(PITCH), np.sin(PITCH)])
    right = np.array([np.cos(turn), np.sin(turn), 0.0])
    return np.stack([right, np.cross(right, forward), -forward])


def _lit(triangles: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the lamp sees each point; both in metres from the point at which the camera looks."""
    across = np.cross(LIGHT, (0.0, 0.0, 1.0))
    axes = np.stack([across / np.linalg.norm(across), np.cross(LIGHT, across) / np.linalg.norm(across), LIGHT])
    offset = np.array([0.0, 0.0, 1.0])  # heights that the rasteriser sees are positive
    highest, _ = rasterise(triangles @ axes.T + offset, SHADOW_WORKSPACE)
    placed = points @ axes.T + offset
    half, size = SHADOW_WORKSPACE.extent / 2, SHADOW_WORKSPACE.pixel_size
    col = ((placed[..., 0] + half) / size).astype(int).clip(0, SHADOW_WORKSPACE.pixels - 1)
    row = ((half - placed[..., 1]) / size).astype(int).clip(0, SHADOW_WORKSPACE.pixels - 1)
    return placed[..., 2] > highest[row, col] - SHADOW_GAP
