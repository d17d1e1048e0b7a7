"""A robot cell that starts its own fakes and ends them when it is closed."""

from dataclasses import replace

from grasping_student.environments.robot_cell import RobotCell
from grasping_student.fakes.launch import FakeCell, simulated_cell_config
from grasping_student.geometry.workspace import light_workspace
from grasping_student.robots.cell.devices import make_arm, make_gripper, make_view
from grasping_student.robots.cell.view import View
from grasping_student.simulation.families import standard


class OwnedView(View):
    """A view of the simulated cell that ends the fakes with itself."""

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


def simulated_cell_environment():
    """A cell in front of new fakes."""
    simulation = replace(standard(), workspace=light_workspace())
    fakes = FakeCell(20.0, simulation)
    config = simulated_cell_config(fakes, simulation, patience=10.0)
    return RobotCell(config, make_arm(config), make_gripper(config), OwnedView(make_view(config), fakes))
