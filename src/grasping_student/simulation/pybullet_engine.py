"""PyBullet, the engine of the paper: a private client that is built anew from poses whenever something is to move."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from grasping_student.simulation.config import SimulationConfig
from grasping_student.simulation.engine import LEFT, PALM_THICKNESS, RIGHT, TIP, YAW, GripperPose, PhysicsEngine, X, Y
from grasping_student.simulation.solids import ORIGIN, UNTURNED, Box, ConvexPart, Cylinder, Hull, Poses, Prism, Solid
from grasping_student.simulation.walls import fixed_parts, guards

HULL_MARGIN = 0.001
"""The engine grows convex hulls by this, metres; boxes and cylinders keep their size."""

ROLLING_FRICTION = 0.001
"""Only of what rolls: on flat faces it makes a pile creep."""

GRASP_ITERATIONS, REST_ITERATIONS = 20, 50
"""Iterations of the contact solver a step while blocks fall or are grasped, and while they come to rest: there, fewer
let a pile creep."""

AXIS_FORCE, AXIS_GAIN = 200.0, 0.3
"""Force (newtons) and gain with which the gripper keeps its place; a gain of 0.1 lets it be pushed aside."""

COUPLING_FORCE = 40.0
"""Newtons with which the fingers are kept symmetric; at 200 closing on hulls and cylinders fails."""


class PybulletEngine(PhysicsEngine):
    """One PyBullet client without a window."""

    time_step = 1.0 / 240.0

    def __init__(self, config: SimulationConfig) -> None:
        self._engine = _import_engine()
        self.config = config
        self._client = self._engine.connect(self._engine.DIRECT)
        if self._client < 0:
            raise RuntimeError("the physics engine refused a new client: too many simulators are open in this process")
        self._bodies: list[int] = []
        self._guards: list[int] = []
        self._gripper = -1

    def close(self) -> None:
        if self._client >= 0:
            self._engine.disconnect(physicsClientId=self._client)
            self._client = -1

    def build(
        self, solids: Sequence[Solid], poses: Poses, awake: NDArray[np.bool_], gripper: GripperPose | None = None
    ) -> None:
        self._call("resetSimulation")
        self._call("setGravity", 0.0, 0.0, -9.81)
        self.set_step(self.time_step)
        self._call("setPhysicsEngineParameter", numSolverIterations=GRASP_ITERATIONS, deterministicOverlappingPairs=1)
        self._build_bin()
        self._bodies = [
            self._add_solid(solid, pose, bool(moves)) for solid, pose, moves in zip(solids, poses, awake, strict=True)
        ]
        if gripper is not None:
            self._add_gripper(gripper)

    def step(self, count: int = 1) -> None:
        for _ in range(count):
            self._engine.stepSimulation(physicsClientId=self._client)

    def set_step(self, seconds: float) -> None:
        self._call("setPhysicsEngineParameter", fixedTimeStep=seconds)

    def poses(self) -> Poses:
        poses = np.empty((len(self._bodies), 7))
        for row, body in enumerate(self._bodies):
            position, orientation = self._call("getBasePositionAndOrientation", body)
            poses[row, :3], poses[row, 3:] = position, orientation
        return poses

    def speed(self, which: NDArray[np.int64]) -> float:
        fastest = 0.0
        for index in which:
            linear, angular = self._call("getBaseVelocity", self._bodies[index])
            fastest = max(fastest, float(np.dot(linear, linear)), 4e-4 * float(np.dot(angular, angular)))
        return float(np.sqrt(fastest))

    def remove(self, index: int) -> None:
        # far above the walls; taking the body out would renumber the others
        self._call("resetBasePositionAndOrientation", self._bodies[index], (0.0, 0.0, 10.0 + index), (0, 0, 0, 1))
        self._call("changeDynamics", self._bodies[index], -1, mass=0.0)

    def contacts(self) -> list[tuple[int, int]]:
        index = {body: row for row, body in enumerate(self._bodies)}
        pairs = {(index.get(contact[1]), index.get(contact[2])) for contact in self._call("getContactPoints")}
        return sorted((min(a, b), max(a, b)) for a, b in pairs if a is not None and b is not None)

    def joints(self) -> NDArray[np.float64]:
        return np.array([state[0] for state in self._call("getJointStates", self._gripper, range(RIGHT + 1))])

    def finger_contacts(self) -> tuple[set[int], set[int]]:
        return self._touched(LEFT), self._touched(RIGHT)

    def hold_tip(self, height: float) -> None:
        self._hold(TIP, height)

    def move_tip(self, velocity: float, force: float) -> None:
        self._move(TIP, velocity, force)

    def move_fingers(self, velocity: float) -> None:
        for joint in (LEFT, RIGHT):
            self._move(joint, velocity, self.config.gripper.close_force)

    def remove_gripper(self) -> None:
        self._call("removeBody", self._gripper)

    def prefer_rest(self) -> None:
        self._call("setPhysicsEngineParameter", numSolverIterations=REST_ITERATIONS)
        drag = self.config.settle_drag
        damping = {"linearDamping": 1.0 - 0.8**drag, "angularDamping": 1.0 - 0.5**drag}  # lost in a second
        for body in self._bodies if drag != 1.0 else ():
            self._call("changeDynamics", body, -1, **damping)

    def _call(self, function: str, *arguments: Any, **options: Any) -> Any:
        return getattr(self._engine, function)(*arguments, physicsClientId=self._client, **options)

    def _build_bin(self) -> None:
        for part in fixed_parts(self.config):
            self._add_fixed(part)
        self._guards = [self._add_fixed(box) for box in guards(self.config)]

    def _add_fixed(self, part: Box | Hull) -> int:
        shape = (
            self._call("createCollisionShape", self._engine.GEOM_BOX, halfExtents=part.half_sides)
            if isinstance(part, Box)
            else self._shape((part,))
        )
        place = part.position if isinstance(part, Box) else ORIGIN
        body = int(self._call("createMultiBody", 0.0, shape, -1, place, useMaximalCoordinates=1))
        self._call("changeDynamics", body, -1, lateralFriction=self.config.block_friction)
        return body

    def _add_solid(self, solid: Solid, pose: NDArray[np.float64], moves: bool) -> int:
        body = self._call(
            "createMultiBody",
            solid.mass if moves else 0.0,
            self._shape(solid.parts),
            -1,
            pose[:3].tolist(),
            pose[3:].tolist(),
            useMaximalCoordinates=1,
        )
        self._call(
            "changeDynamics",
            body,
            -1,
            lateralFriction=solid.friction,
            rollingFriction=ROLLING_FRICTION if solid.rolls else 0.0,
            linearDamping=0.2,
            angularDamping=0.5,
        )
        return int(body)

    def _shape(self, parts: tuple[ConvexPart, ...]) -> int:
        part = parts[0]
        if len(parts) > 1:
            return self._compound(parts)
        if isinstance(part, (Prism, Hull)):
            return int(
                self._call("createCollisionShape", self._engine.GEOM_MESH, vertices=part.corners(HULL_MARGIN).tolist())
            )
        size = (
            {"radius": part.radius, "height": 2 * part.half_length}
            if isinstance(part, Cylinder)
            else {"halfExtents": part.half_sides}
        )
        place = {"collisionFramePosition": part.position, "collisionFrameOrientation": part.quaternion}
        return int(self._call("createCollisionShape", self._kind(part), **size, **place))

    def _kind(self, part: ConvexPart) -> int:
        if isinstance(part, Box):
            return int(self._engine.GEOM_BOX)
        return int(self._engine.GEOM_CYLINDER if isinstance(part, Cylinder) else self._engine.GEOM_MESH)

    def _compound(self, parts: tuple[ConvexPart, ...]) -> int:
        """Several parts as one shape; the engine takes the hulls in it from files only."""
        with TemporaryDirectory() as folder:
            files = [
                _write_hull(part, Path(folder) / f"{number}.obj") if isinstance(part, (Prism, Hull)) else ""
                for number, part in enumerate(parts)
            ]
            return int(
                self._call(
                    "createCollisionShapeArray",
                    [self._kind(part) for part in parts],
                    halfExtents=[part.half_sides if isinstance(part, Box) else ORIGIN for part in parts],
                    radii=[part.radius if isinstance(part, Cylinder) else 0.0 for part in parts],
                    lengths=[2 * part.half_length if isinstance(part, Cylinder) else 0.0 for part in parts],
                    fileNames=files,
                    meshScales=[(1.0, 1.0, 1.0)] * len(parts),
                    collisionFramePositions=[getattr(part, "position", ORIGIN) for part in parts],
                    collisionFrameOrientations=[getattr(part, "quaternion", UNTURNED) for part in parts],
                )
            )

    def _add_gripper(self, pose: GripperPose) -> None:
        config = self.config.gripper
        self._gripper = self._make_gripper()
        places = (pose.x, pose.y, pose.tip, pose.yaw, config.geometry.opening / 2, config.geometry.opening / 2)
        for joint, value in enumerate(places):
            self._call("resetJointState", self._gripper, joint, value)
        for joint, value in ((X, pose.x), (Y, pose.y), (YAW, pose.yaw)):
            self._hold(joint, value)
        frames = ((1, 0, 0), (0, 0, 0), (0, 0, 0))  # axis and pivots
        fingers = (self._gripper, LEFT, self._gripper, RIGHT)
        gear = self._call("createConstraint", *fingers, self._engine.JOINT_GEAR, *frames)
        self._call("changeConstraint", gear, gearRatio=-1, maxForce=COUPLING_FORCE)
        for joint in (LEFT, RIGHT):
            friction = {"lateralFriction": config.friction, "spinningFriction": config.spinning_friction}
            friction["rollingFriction"] = config.rolling_friction
            self._call("changeDynamics", self._gripper, joint, **friction)
        for guard in self._guards:
            for link in (YAW, LEFT, RIGHT):  # the palm and both fingers
                self._call("setCollisionFilterPair", self._gripper, guard, link, -1, 0)
        self.hold_tip(pose.tip)
        self.move_fingers(config.close_speed)

    def _make_gripper(self) -> int:
        config, engine = self.config.gripper, self._engine
        shape = config.geometry
        half = (shape.finger_thickness / 2, shape.finger_width / 2, config.finger_length / 2)
        palm = (shape.opening / 2 + shape.finger_thickness, shape.finger_width / 2, PALM_THICKNESS / 2)
        boxes = [(palm, (0.0, 0.0, config.finger_length + PALM_THICKNESS / 2))]
        for side in (1.0, -1.0):  # a finger's joint is the distance of its pad from the middle
            boxes.append((half, (side * shape.finger_thickness / 2, 0.0, config.finger_length / 2)))
        shapes = [
            self._call("createCollisionShape", engine.GEOM_BOX, halfExtents=extents, collisionFramePosition=centre)
            for extents, centre in boxes
        ]
        prismatic, revolute = engine.JOINT_PRISMATIC, engine.JOINT_REVOLUTE
        return int(
            self._call(
                "createMultiBody",
                baseMass=0.0,
                linkMasses=[0.5, 0.5, 0.5, 0.5, 0.1, 0.1],
                linkCollisionShapeIndices=[-1, -1, -1, *shapes],
                linkVisualShapeIndices=[-1] * 6,
                linkPositions=[(0, 0, 0)] * 6,
                linkOrientations=[(0, 0, 0, 1)] * 6,
                linkInertialFramePositions=[(0, 0, 0)] * 6,
                linkInertialFrameOrientations=[(0, 0, 0, 1)] * 6,
                linkParentIndices=[0, 1, 2, 3, 4, 4],
                linkJointTypes=[prismatic, prismatic, prismatic, revolute, prismatic, prismatic],
                linkJointAxis=[(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 1), (1, 0, 0), (-1, 0, 0)],
            )
        )

    def _hold(self, joint: int, value: float) -> None:
        mode = self._engine.POSITION_CONTROL
        options = {"targetPosition": value, "force": AXIS_FORCE, "positionGain": AXIS_GAIN}
        self._call("setJointMotorControl2", self._gripper, joint, mode, **options)

    def _move(self, joint: int, velocity: float, force: float) -> None:
        # position control at 20 N would drive the fingers through hulls and cylinders
        mode = self._engine.VELOCITY_CONTROL
        self._call("setJointMotorControl2", self._gripper, joint, mode, targetVelocity=velocity, force=force)

    def _touched(self, finger: int) -> set[int]:
        pressing = [c for c in self._call("getContactPoints", bodyA=self._gripper, linkIndexA=finger) if c[9] > 0.0]
        return {self._bodies.index(contact[2]) for contact in pressing if contact[2] in self._bodies}


def _write_hull(part: Prism | Hull, file: Path) -> str:
    corners = part.corners(HULL_MARGIN)
    lines = [f"v {x:.9f} {y:.9f} {z:.9f}" for x, y, z in corners.tolist()]
    lines += [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in ConvexHull(corners).simplices.tolist()]
    file.write_text("\n".join(lines), encoding="utf-8")
    return str(file)


def _import_engine() -> Any:
    """PyBullet, without the line that its import writes to the error stream."""
    if sys.modules.get("pybullet"):
        return sys.modules["pybullet"]
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), 2)  # it is written by C code, past sys.stderr
        import pybullet
    finally:
        os.dup2(kept, 2)
        os.close(kept)
    return pybullet
