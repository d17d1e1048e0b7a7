"""Observations of the workspace through an RGB-D camera: frame, projection, repair."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grasping_student.cameras.base import CAMERAS, Camera, CameraConfig, CameraError
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.heightmap_repair import HeightmapRepairConfig, observe_frame
from grasping_student.perception.observation import Observation
from grasping_student.perception.pose_files import read_pose
from grasping_student.pipeline.errors import UserError
from grasping_student.robots.cell.view import View
from grasping_student.robots.faults import DeviceFault, Fault
from grasping_student.robots.pose import WorkspaceInBase

CAMERA_TO_BASE = Path("camera_to_base.txt")


@dataclass(frozen=True)
class CameraViewConfig:
    """A camera above the workspace."""

    camera_to_base: Path = CAMERA_TO_BASE
    """Pose of the camera in the arm's base: 4 x 4 numbers, written by ``cell calibrate``."""

    camera: CameraConfig = field(default_factory=lambda: CAMERAS.default("realsense"))
    """Options of the camera."""

    repair: HeightmapRepairConfig = field(default_factory=HeightmapRepairConfig)
    """Repairs of the heightmap."""

    def __post_init__(self) -> None:
        if self.camera.frames_have_poses and self.camera_to_base != CAMERA_TO_BASE:
            raise ValueError("the frames of this camera have poses of their own; leave camera_to_base out")

    def make(self, workspace: Workspace, place: WorkspaceInBase) -> CameraView:
        """The view; nothing is opened yet.

        Raises:
            UserError: the camera's pose is missing.
        """
        pose = np.eye(4) if self.camera.frames_have_poses else calibrated_pose(self, place)
        return CameraView(self.camera.make(pose), workspace, self.repair)


class CameraView(View):
    """The workspace as a camera sees it.

    Args:
        camera: gives frames whose ``camera_to_world`` means the workspace's world.
        workspace: the cells.
        repair: options of the heightmap's repair.
    """

    def __init__(self, camera: Camera, workspace: Workspace, repair: HeightmapRepairConfig) -> None:
        self._camera, self._workspace, self._repair = camera, workspace, repair
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
            seen = observe_frame(self._camera.read(), self._workspace, self._repair)
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


def calibrated_pose(config: CameraViewConfig, place: WorkspaceInBase) -> NDArray[np.float64]:
    """``camera_to_world`` of a cell's camera: its stored pose and where the workspace lies now, 4 x 4.

    Raises:
        UserError: the file of the stored pose is missing or holds no plausible pose.
    """
    if not config.camera_to_base.exists():
        raise UserError(
            f"{config.camera_to_base} does not exist: `grasping-student cell calibrate` writes it into its folder; "
            "view.options.camera_to_base in the cell's file names it"
        )
    return camera_to_world(read_pose(config.camera_to_base), place)
