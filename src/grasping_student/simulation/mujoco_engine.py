"""MuJoCo: the model is compiled anew from poses whenever something is to move; what is frozen belongs to the world."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from grasping_student.simulation.config import SimulationConfig
from grasping_student.simulation.engine import LEFT, RIGHT, TIP, YAW, GripperPose, PhysicsEngine, X, Y
from grasping_student.simulation.mujoco_model import FINGERS, GRASP_FRICTION_RATIO, JOINTS, scene_model, solid_of
from grasping_student.simulation.solids import Poses, Solid

LINEAR_DAMPING, ANGULAR_DAMPING = 0.2, 0.5
"""Share of its speed that a free solid loses in a second to the air."""

AXIS_FORCE, AXIS_STIFFNESS, AXIS_DAMPING = 200.0, 2e4, 4e2
"""With which the gripper keeps its place: newtons, newtons a metre, newtons for each metre a second."""

HOLDING_SPEED = 0.1
"""A joint that is to stand still pushes with its whole force when it is moved this fast, metres a second."""

# MuJoCo resets a scene that diverges to how it was built; it need not leave a MUJOCO_LOG.TXT in the user's folder too
mujoco.set_mju_user_warning(lambda message: None)

FAR = 100.0
"""Metres above the table to which what is removed goes."""


class MujocoEngine(PhysicsEngine):
    """One MuJoCo model and its data."""

    time_step = 1.0 / 240.0

    def __init__(self, config: SimulationConfig) -> None:
        self.config = config

    def close(self) -> None:
        """Nothing to free: model and data go with the engine."""

    def build(
        self, solids: Sequence[Solid], poses: Poses, awake: NDArray[np.bool_], gripper: GripperPose | None = None
    ) -> None:
        model = scene_model(self.config, self.time_step, solids, poses, awake, gripper is not None).compile()
        self._model, self._data = model, mujoco.MjData(model)
        self._built, self._free = poses.copy(), np.flatnonzero(awake)
        self._positions, self._speeds = np.zeros((len(solids), 7), dtype=int), np.zeros((len(solids), 6), dtype=int)
        for index in self._free.tolist():
            joint, solid = model.joint(f"free {index}"), solids[index]
            self._positions[index] = joint.qposadr[0] + np.arange(7)
            self._speeds[index] = joint.dofadr[0] + np.arange(6)
            model.dof_damping[self._speeds[index, :3]] = LINEAR_DAMPING * solid.mass
            model.dof_damping[self._speeds[index, 3:]] = ANGULAR_DAMPING * np.array(solid.inertia)
        self._damping = model.dof_damping.copy()
        self._solid_of = np.array([solid_of(model.geom(number).name) for number in range(model.ngeom)])
        if gripper is not None:
            self._place_gripper(gripper)

    def step(self, count: int = 1) -> None:
        mujoco.mj_step(self._model, self._data, count)

    def set_step(self, seconds: float) -> None:
        # MuJoCo softens contacts that are stiffer than two steps allow
        self._model.opt.timestep = seconds

    def poses(self) -> Poses:
        poses = self._built.copy()
        # MuJoCo's quaternions begin with w
        poses[self._free] = self._data.qpos[self._positions[self._free]][:, [0, 1, 2, 4, 5, 6, 3]]
        return poses

    def speed(self, which: NDArray[np.int64]) -> float:
        squares = self._data.qvel[self._speeds[which]] ** 2
        linear, angular = squares[:, :3].sum(axis=1), squares[:, 3:].sum(axis=1)
        return float(np.sqrt(np.maximum(linear, 4e-4 * angular).max(initial=0.0)))

    def remove(self, index: int) -> None:
        self._data.qpos[self._positions[index]] = (0.0, 0.0, FAR + index, 1.0, 0.0, 0.0, 0.0)
        self._data.qvel[self._speeds[index]] = 0.0

    def contacts(self) -> list[tuple[int, int]]:
        pairs = self._solid_of[self._touching()].tolist()
        return sorted({(min(a, b), max(a, b)) for a, b in pairs if min(a, b) >= 0})

    def joints(self) -> NDArray[np.float64]:
        return self._data.qpos[self._joint_positions]

    def finger_contacts(self) -> tuple[set[int], set[int]]:
        left, right = (self._touched(self._model.geom(name).id) for name in FINGERS)
        return left, right

    def hold_tip(self, height: float) -> None:
        self._hold(TIP, height)

    def move_tip(self, velocity: float, force: float) -> None:
        self._move(TIP, velocity, force)

    def move_fingers(self, velocity: float) -> None:
        for joint in (LEFT, RIGHT):
            self._move(joint, velocity, self.config.gripper.close_force)

    def remove_gripper(self) -> None:
        self._data.qpos[self._joint_positions[TIP]] = FAR / 2
        self._data.qvel[self._joint_speeds] = 0.0
        self.hold_tip(FAR / 2)

    def prefer_rest(self) -> None:
        self._model.opt.impratio = GRASP_FRICTION_RATIO
        self._model.dof_damping[:] = self.config.settle_drag * self._damping

    def _touching(self) -> NDArray[np.int32]:
        """Pairs of shapes that press against each other, shape ``(count, 2)``."""
        contact = self._data.contact
        return contact.geom[contact.efc_address >= 0]

    def _touched(self, finger: int) -> set[int]:
        touching = self._touching()
        solids = self._solid_of[touching[(touching == finger).any(axis=1)]]
        return set(solids[solids >= 0].tolist())

    def _hold(self, joint: int, value: float) -> None:
        self._drive(joint, AXIS_FORCE, AXIS_STIFFNESS, AXIS_DAMPING, AXIS_STIFFNESS * value)

    def _move(self, joint: int, velocity: float, force: float) -> None:
        # like a motor: the whole force at a standstill, none at the speed asked for; a stiffer servo chatters
        damping = force / max(abs(velocity), HOLDING_SPEED)
        self._drive(joint, force, 0.0, damping, damping * velocity)

    def _drive(self, joint: int, force: float, stiffness: float, damping: float, pull: float) -> None:
        """Push a joint with ``pull - stiffness * position - damping * speed`` newtons, at most ``force``."""
        self._model.actuator_biasprm[joint, :3] = (0.0, -stiffness, -damping)
        self._model.actuator_forcerange[joint] = (-force, force)
        self._data.ctrl[joint] = pull

    def _place_gripper(self, pose: GripperPose) -> None:
        joints, half = [self._model.joint(name) for name in JOINTS], self.config.gripper.geometry.opening / 2
        self._joint_positions = np.array([joint.qposadr[0] for joint in joints])
        self._joint_speeds = np.array([joint.dofadr[0] for joint in joints])
        self._data.qpos[self._joint_positions] = (pose.x, pose.y, pose.tip, pose.yaw, half, half)
        for joint, value in ((X, pose.x), (Y, pose.y), (YAW, pose.yaw), (TIP, pose.tip)):
            self._hold(joint, value)
        self.move_fingers(0.0)
