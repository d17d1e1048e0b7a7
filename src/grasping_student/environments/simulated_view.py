"""The simulator's scenes in place of a camera, for rehearsals without a robot."""

from __future__ import annotations

from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.observation import Observation
from grasping_student.robots.cell.view import View
from grasping_student.simulation.config import DEFAULT_ENGINE, EngineName
from grasping_student.simulation.families import Family, simulation
from grasping_student.simulation.sensor_config import SensorName


class SimulatedView(View):
    """A scene of the simulator that nothing is ever taken from.

    Args:
        workspace: what the heightmaps cover.
        family: scene family of the simulator.
        engine: its physics engine.
        sensor: its depth sensor; None takes the family's own.
    """

    def __init__(
        self,
        workspace: Workspace,
        family: Family = "standard",
        engine: EngineName = DEFAULT_ENGINE,
        sensor: SensorName | None = None,
    ) -> None:
        self._environment = SimulationEnvironment(simulation(family, engine, workspace, sensor))

    def connect(self) -> None:
        """Nothing to connect."""

    def close(self) -> None:
        self._environment.close()

    def observe(self) -> Observation:
        return self._environment.observe()

    def new_scene(self, seed: int) -> bool:
        self._environment.reset(seed)
        return True
