"""Heightmaps from an RGB-D camera: frame, projection, mending."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grasping_student.cameras.base import Camera, CameraError
from grasping_student.cameras.configuration import RealSenseConfig, RecordedConfig
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.frame_files import FrameFormat
from grasping_student.perception.heightmap_repair import HeightmapRepairConfig, observe_frame
from grasping_student.perception.observation import Observation
from grasping_student.perception.pose_files import read_pose
from grasping_student.pipeline.errors import UserError
from grasping_student.robots.cell.view import View
from grasping_student.robots.faults import DeviceFault, Fault
from grasping_student.robots.pose import WorkspaceInBase


@dataclass(frozen=True)
class RealSenseViewConfig:
    """A RealSense camera above the workspace."""

    camera_to_base: Path = Path("camera_to_base.txt")
    """Where the camera stands, seen from the arm's base: 4 x 4 numbers, written by ``cell calibrate``."""

    camera: RealSenseConfig = field(default_factory=RealSenseConfig)
    """Which camera and how."""

    mending: HeightmapRepairConfig = field(default_factory=HeightmapRepairConfig)
    """Repairs of the heightmap."""


@dataclass(frozen=True)
class RecordedViewConfig:
    """Recorded frames in place of a camera; their own poses place them in the workspace."""

    camera: RecordedConfig = field(default_factory=RecordedConfig)
    """Which frames."""

    mending: HeightmapRepairConfig = field(default_factory=HeightmapRepairConfig)
    """Repairs of the heightmap."""


class CameraView(View):
    """What a camera sees of the workspace.

    Args:
        camera: gives frames whose ``camera_to_world`` means the workspace's world.
        workspace: the cells.
        mending: repairs of the heightmap.
    """

    def __init__(self, camera: Camera, workspace: Workspace, mending: HeightmapRepairConfig) -> None:
        self._camera, self._workspace, self._mending = camera, workspace, mending
        self._told: set[str] = set()

    def connect(self) -> None:
        try:
            self._camera.connect()
        except CameraError as error:
            raise DeviceFault(Fault.NO_PICTURE, str(error)) from None

    def close(self) -> None:
        self._camera.disconnect()

    def observe(self) -> Observation:
        try:
            seen = observe_frame(self._camera.read(), self._workspace, self._mending)
        except UserError as error:  # no frame, or one that shows no workspace
            raise DeviceFault(Fault.NO_PICTURE, str(error)) from None
        for note in seen.notes:  # each kind of repair once: its numbers change with every picture
            if note.code not in self._told:
                self._told.add(note.code)
                logging.getLogger(__name__).warning("the camera's picture was repaired: %s", note)
        return seen


def camera_to_world(camera_to_base: NDArray[np.float64], place: WorkspaceInBase) -> NDArray[np.float64]:
    """A camera's pose in the workspace's world, from its pose in the arm's base; both 4 x 4."""
    pose: NDArray[np.float64] = np.linalg.inv(place.world_to_base) @ camera_to_base
    return pose


def calibrated_pose(config: RealSenseViewConfig, place: WorkspaceInBase) -> NDArray[np.float64]:
    """``camera_to_world`` of a cell's camera: its stored pose and where the workspace lies now, 4 x 4.

    Raises:
        UserError: the file of the stored pose is missing or holds no pose.
    """
    if not config.camera_to_base.exists():
        raise UserError(
            f"{config.camera_to_base} does not exist: `grasping-student cell calibrate` writes it into its folder; "
            "view.options.camera_to_base in the cell's file names it"
        )
    return camera_to_world(read_pose(config.camera_to_base), place)


def realsense_view(config: RealSenseViewConfig, workspace: Workspace, place: WorkspaceInBase) -> CameraView:
    """The view of a calibrated RealSense camera."""
    from grasping_student.cameras.realsense import RealSenseCamera

    camera = RealSenseCamera(config.camera, calibrated_pose(config, place))
    return CameraView(camera, workspace, config.mending)


def recorded_view(config: RecordedViewConfig, workspace: Workspace, place: WorkspaceInBase) -> CameraView:
    """The view of recorded frames."""
    from grasping_student.cameras.recorded import RecordedCamera

    camera = RecordedCamera(config.camera.folder, config.camera.repeat, FrameFormat.of(config.camera))
    return CameraView(camera, workspace, config.mending)
