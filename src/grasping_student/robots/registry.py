"""Drivers by the names that a cell's file uses. A new one goes into the table of its kind (docs/add-an-arm.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from grasping_student.pipeline.configuration import choice, with_values
from grasping_student.robots.arms import ur_dashboard
from grasping_student.robots.arms.base import Arm
from grasping_student.robots.arms.ur5e import Ur5e, Ur5eConfig
from grasping_student.robots.cell.camera_view import (
    RealSenseViewConfig,
    RecordedViewConfig,
    realsense_view,
    recorded_view,
)
from grasping_student.robots.cell.config import CellConfig, DeviceConfig
from grasping_student.robots.cell.view import View
from grasping_student.robots.fakes.twin_view import TwinView, TwinViewConfig
from grasping_student.robots.grippers.base import Gripper
from grasping_student.robots.grippers.robotiq_2f85 import Robotiq2F85, Robotiq2F85Config

Device = TypeVar("Device")


class Driver(NamedTuple):
    """A driver's config class and the driver itself, made from such a config."""

    config: Callable[[], Any]
    make: Callable[..., Any]
    brake: Callable[[Any], bool] | None = None
    """Stops an arm that another process drives; False if it did not answer."""
    words: Callable[[Any], str] | None = None
    """What an arm that another process drives says of itself, or a gripper that nobody drives; nothing moves."""
    serial: Callable[[Any], str] | None = None
    """Serial number of a device, empty if it does not answer."""


ARMS: dict[str, Driver] = {
    "ur5e": Driver(
        Ur5eConfig,
        Ur5e,
        brake=lambda config: ur_dashboard.stop_program(config.host) is not None,
        words=lambda config: ur_dashboard.words(config.host),
        serial=lambda config: ur_dashboard.serial(config.host),
    )
}
GRIPPERS: dict[str, Driver] = {
    "robotiq-2f85": Driver(Robotiq2F85Config, Robotiq2F85, words=lambda config: Robotiq2F85(config).words())
}
VIEWS: dict[str, Driver] = {
    "realsense": Driver(RealSenseViewConfig, realsense_view),
    "recorded": Driver(RecordedViewConfig, recorded_view),
    "twin": Driver(TwinViewConfig, lambda config, workspace, place: TwinView(config)),
}
"""A view is made from its config, the cell's workspace and where that lies in the base frame."""


def make_arm(cell: CellConfig) -> Arm:
    """The arm that a cell names; nothing is connected yet.

    Raises:
        UserError: no such driver, or an option that it does not have.
    """
    arm: Arm = _make(cell.arm, ARMS, "arm")
    return arm


def make_gripper(cell: CellConfig) -> Gripper:
    """The gripper that a cell names; see ``make_arm``."""
    gripper: Gripper = _make(cell.gripper, GRIPPERS, "gripper")
    return gripper


def make_view(cell: CellConfig) -> View:
    """What sees the workspace of a cell; see ``make_arm``."""
    view: View = _make(cell.view, VIEWS, "view", cell.workspace, cell.workspace_in_base)
    return view


def brake_arm(cell: CellConfig) -> bool:
    """Stop a cell's arm whoever drives it; False if it did not answer or its driver can't."""
    driver, options = _resolve(cell.arm, ARMS, "arm")
    return driver.brake(options) if driver.brake is not None else False


def arm_words(cell: CellConfig) -> str:
    """What a cell's arm says of itself now, whoever drives it."""
    driver, options = _resolve(cell.arm, ARMS, "arm")
    return driver.words(options) if driver.words is not None else "its driver does not tell"


def gripper_words(cell: CellConfig) -> str:
    """What a cell's gripper says of itself now; nothing moves, because it is not activated.

    Raises:
        GripperFault: no answer, or the gripper reports a fault.
    """
    driver, options = _resolve(cell.gripper, GRIPPERS, "gripper")
    return driver.words(options) if driver.words is not None else "the gripper's driver does not tell its state"


def arm_serial(cell: CellConfig) -> str:
    """Serial number of a cell's arm; empty where it does not answer or its driver can't tell."""
    driver, options = _resolve(cell.arm, ARMS, "arm")
    return driver.serial(options) if driver.serial is not None else ""


def check_devices(cell: CellConfig) -> None:
    """Make sure that drivers and options exist; nothing is opened, not even a calibration.

    Raises:
        UserError: no such driver, or an option that it does not have or that makes no sense.
    """
    for device, drivers, what in (
        (cell.arm, ARMS, "arm"),
        (cell.gripper, GRIPPERS, "gripper"),
        (cell.view, VIEWS, "view"),
    ):
        _resolve(device, drivers, what)


def _make(device: DeviceConfig, drivers: dict[str, Driver], what: str, *values: Any) -> Any:
    driver, options = _resolve(device, drivers, what)
    return driver.make(options, *values)


def _resolve(device: DeviceConfig, drivers: dict[str, Driver], what: str) -> tuple[Driver, Any]:
    driver = drivers[choice(device.kind, drivers, f"{what}.kind")]
    return driver, with_values(driver.config(), device.options, f"{what}.options")
