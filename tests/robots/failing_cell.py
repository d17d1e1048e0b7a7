"""A cell in memory whose devices fail on cue."""

import numpy as np

from grasping_student.environments.robot_cell import RobotCell
from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import paper_workspace
from grasping_student.perception.observation import Observation
from grasping_student.robots.arms.base import Descent
from grasping_student.robots.cell.config import CellConfig
from grasping_student.robots.cell.dry_run import DryRunArm, DryRunGripper, MotionLog
from grasping_student.robots.cell.view import View
from grasping_student.robots.faults import DeviceFault, Fault, GripperFault
from grasping_student.robots.grippers.base import GripperState
from grasping_student.robots.pose import tool_down

WORKSPACE = paper_workspace()


GRASP = PlanarGrasp(150, 180, DEPLOYMENT_ANGLES.angle(3))


class Block(View):
    """A block of 30 mm in the middle."""

    def __init__(self):
        self.fails = False

    def connect(self):
        pass

    def close(self):
        pass

    def observe(self):
        if self.fails:
            raise DeviceFault(Fault.NO_PICTURE, "no picture")
        height = np.zeros(WORKSPACE.shape, np.float32)
        height[140:200, 140:200] = 0.03
        return Observation.of(Heightmap(height, np.full((*WORKSPACE.shape, 3), 90, np.uint8), WORKSPACE))


class FailingArm(DryRunArm):
    """Raises what ``faults`` holds at the n-th motion."""

    def __init__(self, notes, faults):
        super().__init__(notes)
        self.faults, self.count, self.stops, self.contact = faults, 0, 0, False

    def move(self, pose, speed, acceleration):
        self._maybe_fail()
        return super().move(pose, speed, acceleration)

    def descend(self, pose, speed, acceleration, force):
        self._maybe_fail()
        if self.contact:
            return Descent(pose.at_height(pose.z + 0.01), True, 20.0)
        return super().descend(pose, speed, acceleration, force)

    def _maybe_fail(self):
        self.count += 1
        if self.count in self.faults:
            raise self.faults[self.count]

    def stop(self):
        self.stops += 1


class FailingGripper(DryRunGripper):
    """Holds, misses, or loses what it held once the tool has risen."""

    fails, loses = False, False

    def move(self, stroke_mm):
        if self.fails:
            raise GripperFault(Fault.GRIPPER_FAULT, "gripper: it is too hot")
        if self.loses and stroke_mm == 0.0 and self._notes.here.z > 0.2:
            self._object_mm = -1.0
        return super().move(stroke_mm)

    def state(self):
        stroke = max(self._stroke_mm, 0.0)
        return GripperState(stroke, 0.0 < stroke <= self._object_mm, stroke <= 0.0)


def make_cell(faults=None, **config):
    notes = MotionLog(tool_down(0.0, -0.45, 0.4, 0.0), log=lambda line: None)
    arm, gripper, view = FailingArm(notes, faults or {}), FailingGripper(notes), Block()
    asked = []
    cell = RobotCell(CellConfig(workspace=WORKSPACE, **config), arm, gripper, view, asked.append)
    return cell, arm, gripper, view, notes, asked
