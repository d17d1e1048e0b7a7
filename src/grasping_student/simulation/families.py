"""Scene families by name: the one list that options, the study and the documentation read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.configuration import choice
from grasping_student.simulation.config import DEFAULT_ENGINE, EngineName, SimulationConfig
from grasping_student.simulation.sensor_config import DepthNoise, SensorName

Family = Literal["standard", "sparse", "dense"]
"""Every family; options that take one offer these."""


def standard() -> SimulationConfig:
    """50 blocks of seven shapes, seen without noise (paper, section V)."""
    return SimulationConfig()


def sparse() -> SimulationConfig:
    """8 to 20 blocks of three shapes, seen without noise: the easy end of a transfer test."""
    return SimulationConfig(
        family="sparse", shapes=("cube", "cuboid", "cylinder"), fewest_blocks=8, most_blocks=20, spread=0.16
    )


def dense() -> SimulationConfig:
    """50 blocks of seven shapes and other scales, seen with noise and holes: the hard end of a transfer test."""
    return SimulationConfig(
        family="dense",
        scale=(0.75, 1.5),
        stretch=0.2,
        spread=0.12,
        noise=DepthNoise(sigma=0.001, step=0.001, edge_holes=0.35, random_holes=0.005),
    )


FAMILIES: dict[str, Callable[[], SimulationConfig]] = {"standard": standard, "sparse": sparse, "dense": dense}
"""Family name -> function that returns a fresh config."""


def simulation(
    family: str,
    engine: EngineName = DEFAULT_ENGINE,
    workspace: Workspace | None = None,
    sensor: SensorName | None = None,
) -> SimulationConfig:
    """A scene family in an engine, in the light workspace or another, under its own depth sensor or another.

    Raises:
        UserError: no such family.
    """
    config = FAMILIES[choice(family, FAMILIES, "scene family")]()
    return replace(config, engine=engine, workspace=workspace or config.workspace, sensor=sensor or config.sensor)
