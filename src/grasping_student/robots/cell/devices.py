"""Drivers of a cell's devices, by the names and options in the cell's file."""

from __future__ import annotations

from grasping_student.cameras.base import CAMERAS
from grasping_student.pipeline.configuration import choice, with_values
from grasping_student.robots.arms.base import ARMS, Arm, ArmConfig
from grasping_student.robots.cell.camera_view import CameraViewConfig
from grasping_student.robots.cell.config import CellConfig
from grasping_student.robots.cell.remote_view import RemoteViewConfig
from grasping_student.robots.cell.view import View
from grasping_student.robots.grippers.base import GRIPPERS, Gripper, GripperConfig

REMOTE = "remote"
"""The view that is no camera: heightmaps of a simulated cell in another process."""


def arm_config(cell: CellConfig) -> ArmConfig:
    """Options of a cell's arm, which also reach an arm that another process drives.

    Raises:
        UserError: no such driver, an option that it does not have, or a value that makes no sense.
    """
    return ARMS.config(cell.arm.kind, cell.arm.options)


def gripper_config(cell: CellConfig) -> GripperConfig:
    """Options of a cell's gripper; errors as in ``arm_config``."""
    return GRIPPERS.config(cell.gripper.kind, cell.gripper.options)


def view_config(cell: CellConfig) -> CameraViewConfig | RemoteViewConfig:
    """Options of a cell's view; errors as in ``arm_config``."""
    kind = choice(cell.view.kind, [*CAMERAS.classes, REMOTE], "view.kind")
    if kind == REMOTE:
        return with_values(RemoteViewConfig(), cell.view.options, "view.options")
    return with_values(CameraViewConfig(camera=CAMERAS.default(kind)), cell.view.options, "view.options")


def make_arm(cell: CellConfig) -> Arm:
    """Driver of a cell's arm; nothing is connected yet. Errors as in ``arm_config``."""
    return arm_config(cell).make()


def make_gripper(cell: CellConfig) -> Gripper:
    """Driver of a cell's gripper; nothing is connected yet. Errors as in ``arm_config``."""
    return gripper_config(cell).make()


def make_view(cell: CellConfig) -> View:
    """View of a cell's workspace; nothing is connected yet. Errors as in ``arm_config``."""
    return view_config(cell).make(cell.workspace, cell.workspace_in_base)


def check_devices(cell: CellConfig) -> None:
    """Make sure that drivers and options exist; nothing is opened. Errors as in ``arm_config``."""
    arm_config(cell), gripper_config(cell), view_config(cell)
