"""The simulator's scenes in place of a camera, for rehearsals without a robot."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from grasping_student.environments.robot_cell.view import View
from grasping_student.heightmap import Heightmap
from grasping_student.workspace import Workspace


class SimulatedView(View):
    """A scene of the simulator that nothing is ever taken from.

    Args:
        workspace: what the heightmaps cover.
        family: scene family of the simulator.
    """

    def __init__(self, workspace: Workspace, family: Literal["standard", "sparse", "dense"] = "standard") -> None:
        from grasping_student.environments.simulation.config import FAMILIES
        from grasping_student.environments.simulation.environment import SimulationEnvironment

        self._world = SimulationEnvironment(replace(FAMILIES[family](), workspace=workspace))

    def connect(self) -> None:
        """Nothing to connect."""

    def close(self) -> None:
        self._world.close()

    def heightmap(self) -> Heightmap:
        return self._world.observe()

    def new_scene(self, seed: int) -> bool:
        self._world.reset(seed)
        return True
