"""The simulated cell: the simulator decides what the fake arm and gripper meet.

When the arm begins a descent that reaches into the blocks, the grasp at that place is carried out in the physics engine
and its outcome is kept: a collision becomes a surface that the tool feels, a held block a width that stops the fingers,
a dropped one a width that vanishes in the lift. The blocks change only when the fingers really close.
"""

from __future__ import annotations

import asyncio
import base64
import os
import zlib
from collections.abc import Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np

from grasping_student.fakes import physics_process
from grasping_student.fakes.robotiq_server import FakeGripper
from grasping_student.fakes.ur_controller import FakeController
from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, Outcome, PlanarGrasp, angle_distance
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.perception.frame import RgbdFrame
from grasping_student.pipeline.configuration import to_plain
from grasping_student.robots.pose import ToolPose, WorkspaceInBase
from grasping_student.simulation.config import SimulationConfig

REACHES_IN = 0.03
"""A straight way down that ends less than this above the highest thing nearby is a grasp's descent, metres."""

LOSES_AT = 0.03
"""A block that will be dropped leaves the fingers after this much of the lift, metres."""

COLLIDES_ABOVE = 0.01
"""A descent that will collide feels the surface this far above where it was sent, metres."""

CLEAR = 0.2
"""Above this the tool touches nothing any more, metres over the table."""

BLOCK_MM = 30.0
"""Width of what the fingers hold, millimetres; any that is neither nothing nor the whole stroke would do."""


@dataclass(frozen=True)
class ForeseenGrasp:
    """Result that a descent will have: outcome, target of the tool (world), and height of the tips."""

    outcome: Outcome
    goal: tuple[float, float, float, float]
    tip: float


class SimulatedCell:
    """Couples a simulated workspace with the fakes of arm and gripper.

    Args:
        arm: the fake controller.
        gripper: the fake gripper.
        config: scenes and the simulated gripper; the workspace lies in the base frame as by default.
    """

    def __init__(self, arm: FakeController, gripper: FakeGripper, config: SimulationConfig) -> None:
        self._in_base, self._workspace = WorkspaceInBase(), config.workspace
        self._arm, self._gripper = arm, gripper
        self._physics = ProcessPoolExecutor(
            1, get_context("spawn"), physics_process.open_environment, (config, os.getpid())
        )
        self._surface = self._physics.submit(physics_process.surface).result()
        self._pending: ForeseenGrasp | None = None
        self._will_drop = self._blind = False
        self._closed_at = 0.0
        self._log: list[dict[str, Any]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        arm.on_move, arm.on_tick = self._on_move, self._on_tick
        gripper.on_close, gripper.on_open = self._on_close, self._on_open
        self.actions: dict[str, Callable[..., Any]] = {
            "reset": self._reset,
            "heightmap": self._heightmap,
            "grasp_log": lambda: self._log,
            "blind": self._set_blind,
            "blocks": lambda: self._in_physics(physics_process.count_blocks),
        }

    def close(self) -> None:
        """End the physics' process."""
        self._physics.shutdown(wait=True, cancel_futures=True)

    async def _in_physics(self, function: Callable[..., Any], *values: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._physics, function, *values)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_move(self, start: list[float], target: list[float]) -> None:
        x, y, z, angle = self._in_base.world_point(ToolPose.from_values(target))
        half = self._workspace.extent / 2
        sideways = max(abs(a - b) for a, b in zip(start[:2], target[:2], strict=True))
        self._pending = None
        if sideways > 1e-3 or target[2] >= start[2] or max(abs(x), abs(y)) >= half:
            return
        grasp = self._grasp_at(x, y, angle)
        reach = round(0.06 / self._workspace.pixel_size)
        rows = slice(max(grasp.row - reach, 0), grasp.row + reach + 1)
        near = self._surface[rows, max(grasp.col - reach, 0) : grasp.col + reach + 1]
        if z <= float(near.max(initial=0.0)) + REACHES_IN:
            self._arm.held_back = True
            self._later(self._foresee(grasp, (x, y, z, angle)))

    def _grasp_at(self, x: float, y: float, angle: float) -> PlanarGrasp:
        """The grasp that a pose stands for; an angle of the deployment grid comes back to the last bit."""
        nearest = DEPLOYMENT_ANGLES.angle(DEPLOYMENT_ANGLES.index(angle))
        same = angle_distance(angle, nearest) < 1e-5
        return PlanarGrasp.from_xy(x, y, nearest if same else angle, self._workspace)

    async def _foresee(self, grasp: PlanarGrasp, goal: tuple[float, float, float, float]) -> None:
        try:
            outcome, tip = await self._in_physics(physics_process.foresee, grasp)
            self._pending = ForeseenGrasp(outcome, goal, tip)
            if outcome is Outcome.COLLISION:
                met = self._in_base.z + goal[2] + COLLIDES_ABOVE
                self._arm.surface = lambda pose: met
                await self._carry_out(self._pending, goal)
        finally:
            self._arm.held_back = False

    async def _carry_out(self, foreseen: ForeseenGrasp, place: tuple[float, float, float, float]) -> None:
        """The grasp happens: the log keeps where the tool was, and the scene changes."""
        x, y, z, angle = place
        self._pending = None
        self._log.append(
            {"x": x, "y": y, "z": z, "angle": angle, "tip": foreseen.tip, "outcome": foreseen.outcome.value}
        )
        self._surface = await self._in_physics(physics_process.carry_out)

    def _on_close(self) -> None:
        foreseen = self._pending
        if foreseen is None:
            return
        if foreseen.outcome in (Outcome.SUCCESS, Outcome.DROPPED):
            self._gripper.object_mm = BLOCK_MM
        self._will_drop = foreseen.outcome is Outcome.DROPPED
        pose = ToolPose.from_values(self._arm.motion.pose)
        self._closed_at = pose.z
        self._later(self._carry_out(foreseen, self._in_base.world_point(pose)))

    def _on_open(self) -> None:
        self._gripper.object_mm, self._will_drop = None, False

    def _on_tick(self, pose: list[float]) -> None:
        if self._will_drop and pose[2] > self._closed_at + LOSES_AT:
            self._gripper.lose_object()
            self._will_drop = False
        if pose[2] > self._in_base.z + CLEAR:
            self._arm.surface = lambda pose: None

    async def _reset(self, seed: int) -> None:
        self._pending = None
        self._surface = await self._in_physics(physics_process.reset, seed)

    def _set_blind(self, on: bool) -> None:
        self._blind = on

    async def _heightmap(self) -> dict[str, Any] | None:
        if self._blind:
            return None
        seen: Heightmap | RgbdFrame = await self._in_physics(physics_process.observe)
        workspace = to_plain(self._workspace)
        if isinstance(seen, Heightmap):
            return {**workspace, "height": _packed(seen.height), "rgb": _packed(seen.rgb)}
        return {
            **workspace,
            "depth": _packed(seen.depth),
            "rgb": _packed(seen.rgb),
            "intrinsics": to_plain(seen.intrinsics),
            "camera_to_world": seen.camera_to_world.tolist(),
        }


def _packed(array: np.ndarray | None) -> str:
    assert array is not None
    return base64.b64encode(zlib.compress(array.tobytes(), 1)).decode("ascii")
