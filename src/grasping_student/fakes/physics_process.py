"""Physics of the simulated cell in a process of its own, so that the fakes' sockets never wait for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasping_student.environments.simulated import SceneState, SimulationEnvironment
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.perception.frame import RgbdFrame
from grasping_student.pipeline.executor import begin_worker
from grasping_student.simulation.config import SimulationConfig


@dataclass
class _Scene:
    environment: SimulationEnvironment
    after: SceneState | None = None
    """The scene after the grasp that was foreseen and has not happened yet."""


_scenes: list[_Scene] = []


def open_environment(config: SimulationConfig, parent: int) -> None:
    """Make this process's only scene; the process ends with the process ``parent``."""
    begin_worker(parent)
    _scenes[:] = [_Scene(SimulationEnvironment(config))]
    _scenes[0].environment.reset(0)


def surface() -> NDArray[np.float32]:
    """Height of the scene without camera noise, metres, ``(pixels, pixels)``."""
    return _scenes[0].environment.picture().heightmap.height


def reset(seed: int) -> NDArray[np.float32]:
    """A new scene; returns its surface."""
    _scenes[0].environment.reset(seed)
    return surface()


def observe() -> Heightmap | RgbdFrame:
    """The picture of the sensor's camera, or the heightmap of a sensor that is none."""
    seen = _scenes[0].environment.observe()
    return seen.heightmap if seen.frame is None else seen.frame


def foresee(grasp: PlanarGrasp) -> tuple[Outcome, float]:
    """Outcome that a grasp would have, and the height of its finger tips; the scene stays as it is."""
    scene = _scenes[0]
    before, tip = scene.environment.save_state(), scene.environment.tip_height(grasp)
    outcome = scene.environment.execute(grasp)
    scene.after = scene.environment.save_state()
    scene.environment.restore_state(before)
    return outcome, tip


def carry_out() -> NDArray[np.float32]:
    """Let the foreseen grasp have happened; returns the surface after it."""
    scene = _scenes[0]
    assert scene.after is not None, "nothing was foreseen"
    scene.environment.restore_state(scene.after)
    scene.after = None
    return surface()


def count_blocks() -> int:
    """Blocks that are left."""
    return len(_scenes[0].environment.state.items)
