"""The seam between a simulated scene and what is observed of it, and the depth sensors by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

import numpy as np

from grasping_student.perception.frame import frame_to_heightmap
from grasping_student.perception.heightmap_repair import SMALLEST_COVERAGE, HeightmapRepairConfig, repair_heightmap
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.errors import UserError
from grasping_student.simulation.config import NO_BIN, BinWalls, SimulationConfig
from grasping_student.simulation.depth_noise import add_depth_noise
from grasping_student.simulation.rendering import StillScene
from grasping_student.simulation.sensor_config import DepthNoise, StereoConfig


class DepthSensor(ABC):
    """A sensor above a simulated workspace."""

    @abstractmethod
    def observe(self, scene: StillScene, random: np.random.Generator) -> Observation:
        """One look at a scene; the arrays may be shared with the scene.

        Args:
            scene: what stands on the table.
            random: the sensor's noise; the same scene and state of it give the same observation.

        Raises:
            UserError: the sensor sees nothing of the workspace.
        """


class IdealSensor(DepthSensor):
    """The true heightmap, with the noise of a config."""

    def __init__(self, noise: DepthNoise) -> None:
        self._noise = noise

    def observe(self, scene: StillScene, random: np.random.Generator) -> Observation:
        seen, beyond = add_depth_noise(scene.picture.heightmap, self._noise, random), scene.bin_cells
        if not beyond.any():
            return Observation.of(seen)
        # the cells are known, not looked for as in a camera's picture (perception/bins.py); the rest is the same road
        shown = replace(seen, height=np.where(beyond, np.float32(0.0), seen.height))
        return Observation(shown, beyond, seen.height)


class StereoSensor(DepthSensor):
    """An active stereo camera; its frame becomes an observation on the road of every camera.

    Attributes:
        camera: for the infrared pictures behind an observation.
    """

    def __init__(self, config: SimulationConfig) -> None:
        from grasping_student.simulation.stereo import StereoCamera  # late: an ideal sensor needs no renderer

        self.camera = StereoCamera(config.stereo, config.workspace)
        self._repair = stereo_repair(config.stereo, config.walls)

    def observe(self, scene: StillScene, random: np.random.Generator) -> Observation:
        frame = self.camera.capture(scene, random).frame
        share = frame.measured.mean()
        if share < SMALLEST_COVERAGE:
            raise UserError(
                f"the stereo sensor measured {share:.1%} of its picture, and {SMALLEST_COVERAGE:.0%} is needed: give "
                f"it more light (stereo.exposure is {self.camera.config.exposure:g}), another distance, or take the "
                "ideal sensor"
            )
        return repair_heightmap(frame_to_heightmap(frame, scene.workspace), self._repair, frame)


def stereo_repair(config: StereoConfig, walls: BinWalls = NO_BIN) -> HeightmapRepairConfig:
    """Repairs of a simulated stereo camera's heightmap: its pose is exact, and the floor of a bin known, as if its
    corners had been given by hand; unseen walls need none."""
    half = walls.inside / 2
    floor = (-half, -half, half, half) if walls.height > 0.0 else ()
    return HeightmapRepairConfig(level=False, walls=False, bin=floor, ceiling=config.highest)


def make_sensor(config: SimulationConfig) -> DepthSensor:
    """The sensor that a config names."""
    return IdealSensor(config.noise) if config.sensor == "ideal" else StereoSensor(config)
