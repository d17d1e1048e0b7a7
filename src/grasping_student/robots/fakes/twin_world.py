"""The twin's physics in a process of its own, so that the fakes' sockets never wait for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasping_student.environments.simulated import SceneState, SimulationEnvironment
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.pipeline.executor import begin_worker
from grasping_student.simulation.config import SimulationConfig


@dataclass
class _World:
    environment: SimulationEnvironment
    kept: SceneState | None = None
    """The scene after the grasp that was foreseen and has not happened yet."""


_worlds: list[_World] = []


def open_environment(config: SimulationConfig, seed: int, parent: int) -> None:
    """Make this process's world, which ends with the process ``parent``."""
    begin_worker(parent)
    _worlds[:] = [_World(SimulationEnvironment(config))]
    _worlds[0].environment.reset(seed)


def surface() -> NDArray[np.float32]:
    """Height of the scene without camera noise, metres, ``(pixels, pixels)``."""
    return _worlds[0].environment.picture().heightmap.height


def reset(seed: int) -> NDArray[np.float32]:
    """A new scene; returns its surface."""
    _worlds[0].environment.reset(seed)
    return surface()


def observe() -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Height and colour as the camera sees them."""
    seen = _worlds[0].environment.observe().heightmap
    return seen.height, seen.rgb


def foresee(grasp: PlanarGrasp) -> tuple[Outcome, float]:
    """How a grasp would end, and the height of its finger tips; the scene stays as it is."""
    world = _worlds[0]
    before, tip = world.environment.save_state(), world.environment.tip_height(grasp)
    outcome = world.environment.execute(grasp)
    world.kept = world.environment.save_state()
    world.environment.restore_state(before)
    return outcome, tip


def carry_out() -> NDArray[np.float32]:
    """Let the foreseen grasp have happened; returns the surface after it."""
    world = _worlds[0]
    assert world.kept is not None, "nothing was foreseen"
    world.environment.restore_state(world.kept)
    world.kept = None
    return surface()


def count_blocks() -> int:
    """Blocks that are left."""
    return len(_worlds[0].environment.state.blocks)
