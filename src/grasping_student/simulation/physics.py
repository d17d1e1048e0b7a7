"""A private PyBullet client: table, walls and blocks, built anew from their poses whenever something is to move.

Nothing of the engine outlives a build, so what happens next depends on the poses alone: no contact cache, body number
or memory of an earlier scene can change it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grasping_student.simulation.blocks import Block
from grasping_student.simulation.config import SimulationConfig

WALL_HEIGHT, WALL_THICKNESS = 0.6, 0.1
"""Walls at the border of the workspace, metres: higher than any pile before it settles."""

HULL_MARGIN = 0.001
"""The engine grows convex hulls by this, metres; boxes and cylinders keep their size."""

ROUND_SHAPES, ROLLING_FRICTION = ("cylinder", "half_cylinder"), 0.001
"""Only what rolls has rolling friction: on flat faces it makes a pile creep."""

CALM_CHECKS, CALM_EVERY, CALM_SPEED = 4, 6, 0.01
"""At rest means: slower than this (metres a second) at so many checks in a row, so many steps apart."""

Poses = NDArray[np.float64]
"""Position (metres) and quaternion (x, y, z, w) of each block in the world frame, shape ``(count, 7)``."""


class Physics:
    """One engine with a table and four walls; blocks are put in by ``build``."""

    def __init__(self, config: SimulationConfig) -> None:
        self.engine = _import_engine()
        self.config = config
        self.client = self.engine.connect(self.engine.DIRECT)
        if self.client < 0:
            raise RuntimeError("the physics engine refused a new client: too many simulators are open in this process")
        self._bodies: list[int] = []

    def close(self) -> None:
        """Disconnect; calling it twice does no harm."""
        if self.client >= 0:
            self.engine.disconnect(physicsClientId=self.client)
            self.client = -1

    def call(self, function: str, *arguments: Any, **options: Any) -> Any:
        """One function of the engine, on this client."""
        return getattr(self.engine, function)(*arguments, physicsClientId=self.client, **options)

    def build(self, blocks: Sequence[Block], poses: Poses, awake: NDArray[np.bool_]) -> None:
        """Forget everything and put the blocks at their poses, at rest; those not awake are immovable."""
        config = self.config
        self.call("resetSimulation")
        self.call("setGravity", 0.0, 0.0, -9.81)
        self.call(
            "setPhysicsEngineParameter",
            fixedTimeStep=config.time_step,
            numSolverIterations=config.solver_iterations,
            deterministicOverlappingPairs=1,
        )
        self._build_box()
        self._bodies = [
            self._add_block(block, pose, bool(moves)) for block, pose, moves in zip(blocks, poses, awake, strict=True)
        ]

    def _build_box(self) -> None:
        half, thick, high = self.config.workspace.extent / 2, WALL_THICKNESS, WALL_HEIGHT
        boxes = [((0.0, 0.0, -thick / 2), (half + thick, half + thick, thick / 2))]
        for sign in (-1.0, 1.0):
            across = sign * (half + thick / 2)
            boxes.append(((across, 0.0, high / 2), (thick / 2, half + thick, high / 2)))
            boxes.append(((0.0, across, high / 2), (half + thick, thick / 2, high / 2)))
        for position, extents in boxes:
            shape = self.call("createCollisionShape", self.engine.GEOM_BOX, halfExtents=extents)
            body = self.call("createMultiBody", 0.0, shape, -1, position, useMaximalCoordinates=1)
            self.call("changeDynamics", body, -1, lateralFriction=self.config.block_friction)

    def _add_block(self, block: Block, pose: NDArray[np.float64], moves: bool) -> int:
        mass = block.volume * self.config.density if moves else 0.0
        body = self.call(
            "createMultiBody",
            mass,
            self._shape(block),
            -1,
            pose[:3].tolist(),
            pose[3:].tolist(),
            useMaximalCoordinates=1,
        )
        self.call(
            "changeDynamics",
            body,
            -1,
            lateralFriction=self.config.block_friction,
            rollingFriction=ROLLING_FRICTION if block.shape in ROUND_SHAPES else 0.0,
            linearDamping=0.2,
            angularDamping=0.5,
        )
        return int(body)

    def _shape(self, block: Block) -> int:
        engine = self.engine
        half = block.size[2] / 2
        if block.shape == "cylinder":
            return int(
                self.call("createCollisionShape", engine.GEOM_CYLINDER, radius=block.size[0] / 2, height=block.size[2])
            )
        if block.shape == "arch":
            places = [_box_of(part) for part in block.parts]
            return int(
                self.call(
                    "createCollisionShapeArray",
                    [engine.GEOM_BOX] * len(places),
                    halfExtents=[(*sides, half) for _, _, sides in places],
                    collisionFramePositions=[(*centre, 0.0) for centre, _, _ in places],
                    collisionFrameOrientations=[(0, 0, np.sin(turn / 2), np.cos(turn / 2)) for _, turn, _ in places],
                )
            )
        if block.shape in ("half_cylinder", "hexagonal_prism"):
            half -= HULL_MARGIN
            corners = [(x, y, z) for x, y in block.inset(HULL_MARGIN).tolist() for z in (-half, half)]
            return int(self.call("createCollisionShape", engine.GEOM_MESH, vertices=corners))
        sides = [side / 2 for side in block.size]
        return int(self.call("createCollisionShape", engine.GEOM_BOX, halfExtents=sides))

    def step(self, count: int = 1) -> None:
        """Let time pass."""
        for _ in range(count):
            self.engine.stepSimulation(physicsClientId=self.client)

    def poses(self) -> Poses:
        """Where the blocks are now, in the order in which they were built."""
        poses = np.empty((len(self._bodies), 7))
        for row, body in enumerate(self._bodies):
            position, orientation = self.call("getBasePositionAndOrientation", body)
            poses[row, :3], poses[row, 3:] = position, orientation
        return poses

    def speed(self, which: NDArray[np.int64]) -> float:
        """Largest speed among some blocks, metres a second; turning counts as the speed 2 cm from the centre."""
        fastest = 0.0
        for index in which:
            linear, angular = self.call("getBaseVelocity", self._bodies[index])
            fastest = max(fastest, float(np.dot(linear, linear)), 4e-4 * float(np.dot(angular, angular)))
        return float(np.sqrt(fastest))

    def settle(self, awake: NDArray[np.bool_], steps: int) -> bool:
        """Step until all awake blocks have come to rest; False if that takes more than ``steps`` steps."""
        self.call("setPhysicsEngineParameter", numSolverIterations=self.config.settle_iterations)
        which = np.flatnonzero(awake)
        calm = 0
        for _ in range(0, steps, CALM_EVERY):
            self.step(CALM_EVERY)
            calm = calm + 1 if self.speed(which) < CALM_SPEED else 0
            if calm == CALM_CHECKS:
                return True
        return False

    def remove(self, index: int) -> None:
        """Take a block out of the engine; it keeps its place in ``poses`` until the next build."""
        self.call("resetBasePositionAndOrientation", self._bodies[index], (0.0, 0.0, 10.0 + index), (0, 0, 0, 1))
        self.call("changeDynamics", self._bodies[index], -1, mass=0.0)

    def block_contacts(self) -> list[tuple[int, int]]:
        """Pairs of blocks that touch."""
        index = {body: row for row, body in enumerate(self._bodies)}
        pairs = {(index.get(contact[1]), index.get(contact[2])) for contact in self.call("getContactPoints")}
        return sorted((a, b) for a, b in pairs if a is not None and b is not None)

    def body_of(self, index: int) -> int:
        """The engine's number of a block."""
        return self._bodies[index]

    def index_of(self, body: int) -> int | None:
        """Which block a body of the engine is, None for table, walls and gripper."""
        return self._bodies.index(body) if body in self._bodies else None


def _import_engine() -> Any:
    """PyBullet, without the line that its import writes to the error stream."""
    if "pybullet" in sys.modules:
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


def _box_of(part: NDArray[np.float64]) -> tuple[tuple[float, float], float, tuple[float, float]]:
    """Centre, turn (radians) and half sides of a rectangle given by its corners."""
    centre = part.mean(axis=0)
    along, up = part[1] - part[0], part[2] - part[1]
    turn = float(np.arctan2(along[1], along[0]))
    return (float(centre[0]), float(centre[1])), turn, (float(np.linalg.norm(along)) / 2, float(np.linalg.norm(up)) / 2)
