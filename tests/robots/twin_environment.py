"""A robot cell that starts its own twin and ends it when it is closed."""

from dataclasses import replace

from grasping_student.environments.robot_cell import RobotCell
from grasping_student.geometry.workspace import light_workspace
from grasping_student.pipeline.configuration import to_plain
from grasping_student.robots.cell.view import View
from grasping_student.robots.fakes.launch import FakeCell
from grasping_student.robots.fakes.twin_cell import twin_config
from grasping_student.robots.registry import make_arm, make_gripper, make_view
from grasping_student.simulation.config import standard


class OwnedView(View):
    """A view of the twin that ends the twin with itself."""

    def __init__(self, view, fakes):
        self._view, self._fakes = view, fakes

    def connect(self):
        self._view.connect()

    def close(self):
        self._view.close()
        self._fakes.close()

    def observe(self):
        return self._view.observe()

    def new_scene(self, seed):
        return self._view.new_scene(seed)


def twin_environment():
    """A cell in front of a new twin."""
    world = replace(standard(), workspace=light_workspace())
    fakes = FakeCell(20.0, twin={"simulation": to_plain(world)})
    config = twin_config(fakes, world, patience=10.0)
    return RobotCell(config, make_arm(config), make_gripper(config), OwnedView(make_view(config), fakes))
