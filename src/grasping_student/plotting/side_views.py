"""One grasp in the simulator seen from the side: the gripper above the scene, down, closed, and lifted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.simulation.blocks import Block
from grasping_student.simulation.grasp_attempt import APPROACH, near
from grasping_student.simulation.gripper import LEFT, RIGHT, YAW, Gripper
from grasping_student.simulation.physics import Physics, Poses
from grasping_student.simulation.rendering import TABLE_COLOUR

SIZE = (480, 420)
"""Width and height of a picture, pixels."""

TABLE = 0
"""The engine's number of the table, which is built first; the walls behind it are left out of the pictures."""

GRIPPER_COLOUR = (235, 235, 235)
_DISTANCE, _AIM_HEIGHT, _PITCH, _FIELD_OF_VIEW = 0.62, 0.06, -32.0, 36.0
_ASIDE = 28.0
_LIGHT = {
    "lightDirection": (0.6, -0.5, 1.4),
    "lightAmbientCoeff": 0.55,
    "lightDiffuseCoeff": 0.5,
    "lightSpecularCoeff": 0.02,
    "lightDistance": 2.0,
}


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
    state = environment.state
    physics, studio = Physics(environment.config), Physics(environment.config)
    views = []
    try:
        x, y = grasp.xy(environment.workspace)
        tip = environment.tip_height(grasp)
        awake = near(state.poses, np.array([[x, y]]), environment.config.awake_radius)
        physics.build(state.blocks, state.poses, awake)
        gripper = Gripper(physics, x, y, grasp.angle, max(_highest(state.blocks, state.poses, awake), tip) + APPROACH)
        physics.step()

        def look(moment: str) -> None:
            views.append(View(moment, _picture(physics, gripper, state.blocks, studio, grasp.angle)))

        look("above")
        if gripper.descend(tip):
            look("down")
            gripper.close()
            look("closed")
        else:
            look("blocked")
        gripper.lift()
        look("lifted")
    finally:
        physics.close()
        studio.close()
    return views


def _highest(blocks: tuple[Block, ...], poses: Poses, awake: NDArray[np.bool_]) -> float:
    return max((float(poses[i, 2]) + blocks[i].reach for i in np.flatnonzero(awake)), default=0.0)


def _picture(
    physics: Physics, gripper: Gripper, blocks: tuple[Block, ...], studio: Physics, angle: float
) -> NDArray[np.uint8]:
    """The scene as it is now, built once more without walls and photographed."""
    joints = [physics.call("getJointState", gripper.body, joint)[0] for joint in range(RIGHT + 1)]
    x, y, tip = joints[0], joints[1], joints[2]
    studio.build((), np.empty((0, 7)), np.empty(0, dtype=bool))
    for wall in range(TABLE + 1, studio.call("getNumBodies")):
        studio.call("removeBody", wall)
    for block, pose in zip(blocks, physics.poses(), strict=True):
        _show(studio, block, pose)
    shown = Gripper(studio, x, y, joints[YAW], tip).body
    for joint, value in enumerate(joints):
        studio.call("resetJointState", shown, joint, value)
    _paint(studio, TABLE, -1, TABLE_COLOUR)
    for joint in (YAW, LEFT, RIGHT):
        _paint(studio, shown, joint, GRIPPER_COLOUR)
    width, height = SIZE
    engine = studio.engine
    view = engine.computeViewMatrixFromYawPitchRoll(
        (x, y, _AIM_HEIGHT), _DISTANCE, float(np.degrees(angle)) + _ASIDE, _PITCH, 0.0, 2
    )
    lens = engine.computeProjectionMatrixFOV(_FIELD_OF_VIEW, width / height, 0.05, 3.0)
    seen = studio.call(
        "getCameraImage",
        width,
        height,
        viewMatrix=view,
        projectionMatrix=lens,
        shadow=1,
        renderer=engine.ER_TINY_RENDERER,
        **_LIGHT,
    )
    return np.asarray(seen[2], dtype=np.uint8).reshape(height, width, 4)[..., :3].copy()


def _show(studio: Physics, block: Block, pose: NDArray[np.float64]) -> None:
    """A body that can only be seen: the engine draws no convex hulls, which some blocks are to it."""
    faces = block.triangles
    normals = np.cross(faces[:, 1] - faces[:, 0], faces[:, 2] - faces[:, 0])
    normals = np.repeat(normals / np.linalg.norm(normals, axis=1, keepdims=True), 3, axis=0)
    mesh = studio.call(
        "createVisualShape",
        studio.engine.GEOM_MESH,
        vertices=faces.reshape(-1, 3).tolist(),
        indices=list(range(faces.size // 3)),
        normals=normals.tolist(),
        rgbaColor=_rgba(block.colour),
    )
    studio.call("createMultiBody", 0.0, -1, mesh, pose[:3].tolist(), pose[3:].tolist())


def _paint(studio: Physics, body: int, link: int, colour: tuple[int, int, int]) -> None:
    studio.call("changeVisualShape", body, link, rgbaColor=_rgba(colour))


def _rgba(colour: tuple[int, int, int]) -> list[float]:
    return [*(channel / 255 for channel in colour), 1.0]
