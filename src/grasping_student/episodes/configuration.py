"""Specs of environments, and the rule that ends an episode; nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from grasping_student.simulation.config import DEFAULT_ENGINE, NO_BIN, BinWalls, EngineName, MeshUnit
from grasping_student.simulation.families import Family
from grasping_student.simulation.sensor_config import SensorName

if TYPE_CHECKING:  # its heightmaps need OpenCV, which --help must not wait for
    from grasping_student.environments.base import Environment


class EnvironmentSpec(Protocol):
    """Recipe for an environment in any process; frozen and picklable, equal specs make equal environments."""

    @property
    def outlives_program(self) -> bool:
        """True for a real workspace, which stays as a killed program left it; False for one that is made anew."""

    def make(self) -> Environment:
        """A new environment."""


@dataclass(frozen=True)
class SimulationSpec:
    """A simulated environment by its scene family, resolution, physics engine, sensor, items and bin."""

    family: Family = "standard"
    pixels: int = 112
    engine: EngineName = DEFAULT_ENGINE
    sensor: SensorName | None = None
    items: str | None = None
    mesh_unit: MeshUnit = "m"
    walls: BinWalls = NO_BIN
    outlives_program: bool = False

    def make(self) -> Environment:
        from dataclasses import replace

        from grasping_student.environments.simulated import SimulationEnvironment
        from grasping_student.simulation.families import simulation

        workspace = replace(simulation(self.family).workspace, pixels=self.pixels)
        return SimulationEnvironment(
            simulation(self.family, self.engine, workspace, self.sensor, self.items, self.mesh_unit, self.walls)
        )


@dataclass(frozen=True)
class RobotCellSpec:
    """A robot cell by its file."""

    cell: Path
    outlives_program: bool = True

    def make(self, ask_person: Callable[[str], object] | None = None) -> Environment:
        """The cell; ``ask_person`` shows what it asks of a person and waits, by default at the terminal.

        Raises:
            UserError: the cell's file is wrong, or lacks what no arm is driven without.
        """
        from grasping_student.environments.robot_cell import RobotCell
        from grasping_student.robots.cell.cell_file import load_cell
        from grasping_student.robots.cell.resets import ask_at_terminal

        return RobotCell.of(load_cell(self.cell, to_move=True), ask_person or ask_at_terminal)


@dataclass(frozen=True)
class StopRule:
    """Limits that end an episode, besides an empty workspace and a policy that finds nothing."""

    failures_in_a_row: int = 5
    """Failed attempts one after the other, counted inside the episode (paper, section VI-B)."""

    attempts: int | None = None
    """Most attempts of an episode; None sets no limit."""

    faults_in_a_row: int = 3
    """A device's fault is no attempt and the grasp is chosen anew; so many in a row end the episode as ``fault``."""

    def __post_init__(self) -> None:
        for name in ("failures_in_a_row", "faults_in_a_row", "attempts"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")
