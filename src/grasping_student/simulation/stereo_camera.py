"""The simulated stereo camera as a driver: a robot cell's file names it like a real one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from grasping_student.cameras.base import Camera, CameraConfig, CameraError, register_camera
from grasping_student.cameras.simulated import Box, looking_down
from grasping_student.geometry.workspace import Workspace, light_workspace
from grasping_student.perception.frame import Intrinsics, RgbdFrame
from grasping_student.simulation.blocks import Block
from grasping_student.simulation.rendering import StillScene
from grasping_student.simulation.sensor_config import StereoConfig
from grasping_student.simulation.stereo import StereoCamera

GREY = (150, 150, 150)


@register_camera("simulated-stereo")
@dataclass(frozen=True)
class SimulatedStereoConfig(CameraConfig):
    """A rendered stereo camera above boxes on a table, to try a cell's file with a real camera's faults."""

    frames_have_poses: ClassVar[bool] = True

    tilt: float = 0.0
    """Against straight down, radians."""

    boxes: tuple[tuple[float, float, float, float], ...] = ((0.0, 0.0, 0.04, 0.03),)
    """Boxes on the table: x, y, width and height of each, metres."""

    workspace: Workspace = field(default_factory=light_workspace)
    """The part of the table that its pictures show."""

    stereo: StereoConfig = field(default_factory=StereoConfig)
    """Eyes, projector and matcher."""

    seed: int = 0
    """Of the noise."""

    def __post_init__(self) -> None:
        if not abs(self.tilt) <= 0.5:
            raise ValueError(f"tilt is {self.tilt} rad; it must lie in [-0.5, 0.5]: were these degrees?")

    def make(self, camera_to_world: NDArray[np.float64]) -> Camera:
        scene = blocks_on_table((Box(*each) for each in self.boxes), self.workspace)
        pose = looking_down(self.stereo.distance, self.tilt)
        return SimulatedStereoCamera(lambda: scene, self.stereo, self.workspace, pose, self.seed)


def blocks_on_table(boxes: Iterable[Box], workspace: Workspace) -> StillScene:
    """Upright grey blocks on a table."""
    placed = list(boxes)
    blocks = tuple(Block("cuboid", (box.width, box.width, box.height), GREY) for box in placed)
    poses = np.array([(box.x, box.y, box.height / 2, 0.0, 0.0, 0.0, 1.0) for box in placed])
    return StillScene(blocks, poses.reshape(-1, 7), workspace)


class SimulatedStereoCamera(Camera):
    """Shots of a simulated scene by a stereo camera.

    Args:
        scene: gives the scene as it is now, for instance an environment's ``still_scene``.
        config: of the camera.
        workspace: the part of the table that the pictures show.
        camera_to_world: of the left eye, 4 x 4; None hangs the camera over the middle, looking straight down.
        seed: of the noise.
    """

    def __init__(
        self,
        scene: Callable[[], StillScene],
        config: StereoConfig,
        workspace: Workspace,
        camera_to_world: NDArray[np.float64] | None = None,
        seed: int = 0,
    ) -> None:
        self._scene = scene
        self._camera = StereoCamera(config, workspace, camera_to_world)
        self._random = np.random.default_rng(seed)
        self._connected = False

    @property
    def name(self) -> str:
        return "simulated-stereo"

    @property
    def serial(self) -> str:
        return "simulated"

    @property
    def intrinsics(self) -> Intrinsics:
        self._check_connected()
        return self._camera.intrinsics

    def connect(self) -> None:
        self._connected = True

    def disconnect(self) -> None:
        self._connected = False

    def read(self) -> RgbdFrame:
        self._check_connected()
        return self._camera.capture(self._scene(), self._random).frame

    def _check_connected(self) -> None:
        if not self._connected:
            raise CameraError("the simulated stereo camera is not connected; call connect() first")
