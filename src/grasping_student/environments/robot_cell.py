"""Arm, gripper and camera as one environment, driven by the same picking loop as the simulator."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from functools import cached_property
from typing import Self

from grasping_student.environments.base import Environment
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.grasp_limits import GraspLimits
from grasping_student.perception.observation import Observation
from grasping_student.robots.arms.base import Arm
from grasping_student.robots.arms.safety import GuardedArm
from grasping_student.robots.cell.config import CellConfig
from grasping_student.robots.cell.devices import make_arm, make_gripper, make_view
from grasping_student.robots.cell.picking_motion import let_go, pick, plan_grasp, travel
from grasping_student.robots.cell.resets import ask_at_terminal, replay
from grasping_student.robots.cell.telemetry import TelemetryFolder
from grasping_student.robots.cell.view import View
from grasping_student.robots.faults import ArmFault, CellStopped, DeviceFault, Fault, UnsafeMotion
from grasping_student.robots.grippers.base import Gripper

BUTTON = "the stop button was pressed"
INTERRUPTED = "the program was ended"


class RobotCell(Environment):
    """A real workspace (paper, section VI), or a simulated cell.

    A device fault ends an attempt as ``Outcome.FAULT``, which is no attempt; the arm is stopped, the fingers stay as
    they are, and everything further raises ``CellStopped`` until ``recover`` is called on the operator's word.

    Args:
        config: what stands where and what is allowed.
        arm: the driver; it is put behind the safe box here.
        gripper: the driver.
        view: where heightmaps come from.
        ask_person: shows a text and waits, for resets without waypoints.
    """

    def __init__(
        self,
        config: CellConfig,
        arm: Arm,
        gripper: Gripper,
        view: View,
        ask_person: Callable[[str], object] = ask_at_terminal,
    ) -> None:
        self.config = config
        self._arm, self._gripper, self._view = GuardedArm(arm, config.safe_box, self._may_move), gripper, view
        self._ask_person = ask_person
        self._telemetry = TelemetryFolder(config.telemetry)
        self._stopped: str | None = None
        self._interrupted = False
        self._seen: Observation | None = None
        self._connected = self._in_sight = False

    @classmethod
    def of(cls, config: CellConfig, ask_person: Callable[[str], object] = ask_at_terminal) -> Self:
        """The cell with the devices that its config names; nothing is connected yet.

        Raises:
            UserError: no such driver, an option that makes no sense, or a missing calibration.
        """
        return cls(config, make_arm(config), make_gripper(config), make_view(config), ask_person)

    @property
    def name(self) -> str:
        return "robot-cell"

    @property
    def workspace(self) -> Workspace:
        return self.config.workspace

    @property
    def gripper(self) -> GripperGeometry:
        return self.config.gripper_geometry

    @property
    def stopped(self) -> str | None:
        """Why the cell waits for its operator, or None."""
        return self._stopped

    def connect(self) -> None:
        """Take all devices; done by the first reset or observation if not before.

        Raises:
            CellStopped: a device failed, or the stop button was pressed; the message says what to do.
        """
        if self._connected:
            return
        self._refuse_if_stopped()
        self._telemetry.begin()
        try:
            self._arm.connect()  # first: whoever has it may use the others
            self._view.connect()
            self._gripper.connect()  # last: it may open and close its fingers to find its bearings
            self._connected = self._in_sight = True
            self._show_devices("ready")
        except DeviceFault as fault:
            self._release()
            raise CellStopped(f"the cell can't begin: {fault}") from fault

    def reset(self, seed: int) -> None:
        self._begin()
        self._seen = None
        try:
            self._clear_sight()
            self._telemetry.update("reset")
            if self.config.reset:
                config = self.config
                replay(self._arm, self._gripper, config.reset, config.safe_box, config.pick.acceleration)
                let_go(self._arm, self._gripper, config)
            filled = self._view.new_scene(seed) or bool(self.config.reset)
        except DeviceFault as fault:
            raise self._stop(fault) from fault
        if not filled:
            self._ask_person("Fill the workspace anew, leave the cell, press Enter (at the page: Done): ")

    def observe(self) -> Observation:
        self._begin()
        try:
            self._clear_sight()
            self._seen = self._within_limits(self._view.observe())
            frame = self._seen.frame
            self._telemetry.scene(self._seen.heightmap, None if frame is None else frame.rgb)
            self._show_devices("waiting for a grasp")
        except DeviceFault as fault:
            raise self._stop(fault) from fault
        return self._seen.copy()

    def execute(self, grasp: PlanarGrasp) -> Outcome:
        self._begin()
        if not self.workspace.is_graspable(grasp.row, grasp.col):
            return Outcome.OUT_OF_REACH
        seen = self._seen if self._seen is not None else self.observe()
        if seen.excluded[grasp.row, grasp.col]:
            return self._refuse("it lies on a wall, on the robot or in a shadow, where nothing is grasped")
        if not seen.within_limits(grasp):
            return self._refuse("it lies outside the limits of the cell's file")
        plan = plan_grasp(seen, grasp, self.config)
        try:
            for pose in (plan.over, plan.approach, plan.grasp):
                self.config.safe_box.check_pose(pose)
        except UnsafeMotion as error:
            return self._refuse(str(error))
        self._telemetry.grasp(grasp)
        self._seen, self._in_sight = None, True
        try:
            outcome = pick(self._arm, self._gripper, plan, self.config, self._show_devices)
            self._in_sight = False
        except DeviceFault as fault:
            self._stop(fault)
            outcome = Outcome.FAULT
        except BaseException:  # Ctrl-C, or a bug of ours: the arm stops, the fingers stay
            self._arm.stop()
            raise
        self._telemetry.update("done" if self._stopped is None else "stopped", outcome=outcome.value)
        if self._stopped is None:
            with contextlib.suppress(DeviceFault):  # the grasp is over: whatever fails now is met at the next one
                self._show_devices("done")
        return outcome

    @cached_property
    def _limits(self) -> GraspLimits | None:
        return GraspLimits.of(self.config.limits)

    def _within_limits(self, observation: Observation) -> Observation:
        return observation if self._limits is None else self._limits.over(observation)

    def _refuse(self, reason: str) -> Outcome:
        """A grasp that is not tried; the arm stays where it is."""
        self._telemetry.update("refused a grasp", reason=reason)
        logging.getLogger(__name__).warning("a grasp was refused: %s", reason)
        return Outcome.OUT_OF_REACH

    def recover(self) -> None:
        """On the operator's word: clear stops, take the devices again, rise and carry off what is held.

        Raises:
            CellStopped: a device still fails.
        """
        try:
            self._telemetry.clear_stop()
            self._arm.recover()
            self._gripper.close()
            self._gripper.connect()
            self._view.close()
            self._view.connect()
        except DeviceFault as fault:
            raise self._stop(fault) from fault
        self._connected = self._in_sight = True
        self._stopped = self._seen = None
        self._show_devices("ready")

    def interrupt(self) -> None:
        """From another thread than the one that drives the cell: brake, and begin no further motion until the end.

        The fingers stay as they are. What the other thread does now ends as after a device fault, and ``recover``
        does not undo it: close the cell.
        """
        self._interrupted = True
        for _ in range(2):  # a motion that had passed the gate before the flag was up has begun when the second comes
            self._arm.stop()

    def close(self) -> None:
        self._release()

    def _begin(self) -> None:
        self._refuse_if_stopped()
        self.connect()

    def _refuse_if_stopped(self) -> None:
        if (why := self._wish_to_stop) is not None and self._stopped is None:
            self._arm.stop()
            self._stopped = why
            self._telemetry.update("stopped", reason=self._stopped)
        if self._stopped is not None:
            raise CellStopped(
                f"the cell is stopped: {self._stopped}. No attempt was counted; when the cause is removed, "
                "`grasping-student cell recover --cell FILE` clears it, and --resume goes on"
            )

    @property
    def _wish_to_stop(self) -> str | None:
        """Why nothing may move although no device failed, or None."""
        if self._interrupted:
            return INTERRUPTED
        return BUTTON if self._telemetry.stop_requested else None

    def _may_move(self) -> None:
        """The gate's last question before every motion."""
        if (why := self._wish_to_stop) is not None:
            raise ArmFault(Fault.STOPPED, why)

    def _clear_sight(self) -> None:
        """Take the arm out of the camera's sight, carrying off what the fingers may still hold."""
        if self._in_sight:
            let_go(self._arm, self._gripper, self.config)
            self._in_sight = False
        else:
            travel(self._arm, self.config.drop_pose(), self.config)

    def _stop(self, fault: DeviceFault) -> CellStopped:
        self._arm.stop()
        self._stopped = self._wish_to_stop or str(fault)
        self._telemetry.update("stopped", reason=self._stopped)
        return CellStopped(f"the cell stopped: {self._stopped}")

    def _show_devices(self, phase: str) -> None:
        self._telemetry.devices(self._arm.state(), self._gripper.state())
        self._telemetry.update(phase)

    def _release(self) -> None:
        for device in (self._arm, self._gripper, self._view):
            device.close()
        self._connected = False
