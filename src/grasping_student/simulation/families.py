"""Scene families by name: the one list that options, the study and the documentation read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.configuration import choice
from grasping_student.pipeline.errors import UserError
from grasping_student.simulation.config import DEFAULT_ENGINE, NO_BIN, BinWalls, EngineName, MeshUnit, SimulationConfig
from grasping_student.simulation.sensor_config import DepthNoise, SensorName

Family = Literal["standard", "sparse", "dense", "stereo-blocks", "stereo-blocks-test", "bin", "bin-test"]
"""Every family; options that take one offer these."""

TEST_STREAM = 1
"""Stream of the scenes of a test twin."""


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


def stereo_blocks() -> SimulationConfig:
    """The blocks of ``standard`` under a stereo camera: the nearest to the paper's own table (section VI)."""
    return SimulationConfig(family="stereo-blocks", sensor="stereo")


def stereo_blocks_test() -> SimulationConfig:
    """Like ``stereo-blocks``, with scenes that no seed of it gives."""
    return replace(stereo_blocks(), family="stereo-blocks-test", scene_stream=TEST_STREAM)


def bin_of_items() -> SimulationConfig:
    """55 household items of all materials in a heap, under a stereo camera."""
    return SimulationConfig(
        family="bin",
        items="household",
        fewest_blocks=55,
        most_blocks=55,
        scale=(1.05, 1.4),
        spread=0.11,
        fall_time=1.4,
        fall_step=1 / 180,
        drop_time=0.1,
        settle_time=0.3,
        settle_drag=20.0,
        sensor="stereo",
    )


def bin_of_items_test() -> SimulationConfig:
    """Like ``bin``, with items of categories that are not in it."""
    return replace(bin_of_items(), family="bin-test", items="household-test", scene_stream=TEST_STREAM)


FAMILIES: dict[str, Callable[[], SimulationConfig]] = {
    "standard": standard,
    "sparse": sparse,
    "dense": dense,
    "stereo-blocks": stereo_blocks,
    "stereo-blocks-test": stereo_blocks_test,
    "bin": bin_of_items,
    "bin-test": bin_of_items_test,
}
"""Family name -> function that returns a fresh config."""


def simulation(
    family: str,
    engine: EngineName = DEFAULT_ENGINE,
    workspace: Workspace | None = None,
    sensor: SensorName | None = None,
    items: str | None = None,
    mesh_unit: MeshUnit = "m",
    walls: BinWalls = NO_BIN,
) -> SimulationConfig:
    """A scene family in an engine; workspace, depth sensor and items are its own where none are given.

    Args:
        family: its name.
        engine: physics engine.
        workspace: None takes the family's own.
        sensor: None takes the family's own.
        items: None takes the family's own.
        mesh_unit: of the meshes of a folder.
        walls: of the bin; those of height 0 leave the family's own.

    Raises:
        UserError: no such family, or a bin that is larger than the workspace.
    """
    config = FAMILIES[choice(family, FAMILIES, "scene family")]()
    workspace, walls = workspace or config.workspace, walls if walls.height > 0.0 else config.walls
    if walls.height > 0.0 and walls.outside > workspace.extent:
        raise UserError(
            f"the bin is {walls.outside:.3g} m wide with its walls, and the workspace {workspace.extent:.3g} m; take a "
            "smaller walls.inside, slope, height or thickness"
        )
    return replace(
        config,
        engine=engine,
        workspace=workspace,
        sensor=sensor or config.sensor,
        items=items or config.items,
        mesh_unit=mesh_unit,
        walls=walls,
    )
