"""The seam between simulated scenes and a physics engine, and the engines by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grasping_student.pipeline.configuration import choice
from grasping_student.pipeline.errors import require_extra
from grasping_student.simulation.config import SimulationConfig
from grasping_student.simulation.solids import Poses, Solid

PALM_THICKNESS = 0.02
"""Metres."""

X, Y, TIP, YAW, LEFT, RIGHT = range(6)
"""Joints of the gripper, in the order of the chain; both fingers hang on the palm that yaw turns."""

CALM_CHECKS, CALM_EVERY, CALM_SPEED = 4, 0.025, 0.01
"""At rest means: slower than this (metres a second) at so many checks in a row, so many seconds apart."""


class GripperPose(NamedTuple):
    """Where an open gripper begins: centre of the finger tips (metres), direction in which they close (radians)."""

    x: float
    y: float
    yaw: float
    tip: float


class PhysicsEngine(ABC):
    """A table, four walls, the solids of a scene and at most one gripper, in an engine.

    Nothing outlives a ``build``: what happens next depends on the poses alone, so no contact cache, body number or
    memory of an earlier scene can change it. Solids are numbered in the order in which they were built.
    """

    time_step: float
    """Seconds of a step."""

    config: SimulationConfig

    @abstractmethod
    def build(
        self, solids: Sequence[Solid], poses: Poses, awake: NDArray[np.bool_], gripper: GripperPose | None = None
    ) -> None:
        """Forget everything, put the solids at their poses, at rest, and an open gripper that holds its place.

        Args:
            solids: of the scene.
            poses: shape ``(count, 7)``.
            awake: which of them move; the others are immovable. Shape ``(count,)``.
            gripper: None for a scene without one.
        """

    @abstractmethod
    def step(self, count: int = 1) -> None:
        """Let so many steps pass."""

    @abstractmethod
    def set_step(self, seconds: float) -> None:
        """Let the steps from now until the next ``build`` last so long."""

    @abstractmethod
    def poses(self) -> Poses:
        """Poses of the solids now; those of removed ones are meaningless."""

    @abstractmethod
    def speed(self, which: NDArray[np.int64]) -> float:
        """Largest speed among some solids, metres a second; turning counts as the speed 2 cm from the centre."""

    @abstractmethod
    def remove(self, index: int) -> None:
        """Take a solid out of the scene; it keeps its number until the next ``build``."""

    @abstractmethod
    def contacts(self) -> list[tuple[int, int]]:
        """Pairs of solids that touch, the lower number first, sorted."""

    @abstractmethod
    def joints(self) -> NDArray[np.float64]:
        """Gripper: x, y, tip height, yaw, and the distance of each finger's pad from the middle; shape ``(6,)``."""

    @abstractmethod
    def finger_contacts(self) -> tuple[set[int], set[int]]:
        """Gripper: solids that the left and the right finger press against."""

    @abstractmethod
    def hold_tip(self, height: float) -> None:
        """Gripper: keep the tips at a height from the next step on."""

    @abstractmethod
    def move_tip(self, velocity: float, force: float) -> None:
        """Gripper: move the tips up (metres a second), with at most this force (newtons)."""

    @abstractmethod
    def move_fingers(self, velocity: float) -> None:
        """Gripper: open each finger (metres a second; negative closes) with at most the configured force."""

    @abstractmethod
    def remove_gripper(self) -> None:
        """Take the gripper out of the scene."""

    @abstractmethod
    def prefer_rest(self) -> None:
        """From now until the next ``build`` nothing is grasped: solve contacts so that a pile does not creep, in air
        that is ``settle_drag`` times as thick."""

    @abstractmethod
    def close(self) -> None:
        """Free the engine; calling it twice does no harm."""

    def steps_of(self, seconds: float) -> int:
        """Steps that so many seconds take."""
        return round(seconds / self.time_step)

    def fall(self, seconds: float) -> None:
        """Let the solids fall in steps of ``fall_step``."""
        self.set_step(self.config.fall_step)
        self.step(round(seconds / self.config.fall_step))
        self.set_step(self.time_step)

    def settle(self, awake: NDArray[np.bool_], seconds: float) -> bool:
        """Step until all awake solids have come to rest; False if that takes longer than ``seconds``."""
        self.prefer_rest()
        which, every = np.flatnonzero(awake), self.steps_of(CALM_EVERY)
        calm = 0
        for _ in range(0, self.steps_of(seconds), every):
            self.step(every)
            calm = calm + 1 if self.speed(which) < CALM_SPEED else 0
            if calm == CALM_CHECKS:
                return True
        return False


_ENGINES: dict[str, tuple[str, str]] = {
    "mujoco": ("mujoco_engine", "MujocoEngine"),
    "pybullet": ("pybullet_engine", "PybulletEngine"),
}
"""Name -> module of this package and class in it."""


def open_engine(config: SimulationConfig) -> PhysicsEngine:
    """The engine that a config names, empty.

    Raises:
        UserError: there is no such engine, or it is not installed.
    """
    module, name = _ENGINES[choice(config.engine, _ENGINES, "physics engine")]
    if config.engine == "pybullet":
        require_extra("paper-engine", "pybullet", otherwise=", or take --engine mujoco")
    make: Callable[[SimulationConfig], PhysicsEngine] = getattr(
        import_module(f"grasping_student.simulation.{module}"), name
    )
    return make(config)
