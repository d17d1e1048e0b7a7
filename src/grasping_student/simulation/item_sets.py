"""Item sets by name."""

from __future__ import annotations

from pathlib import Path

from grasping_student.simulation.blocks import BlockSet
from grasping_student.simulation.composites import CompositeSet
from grasping_student.simulation.config import SimulationConfig
from grasping_student.simulation.household.item_set import TEST, TRAINING, HouseholdSet
from grasping_student.simulation.items import ItemSet

HOUSEHOLD = {"household": TRAINING, "household-test": TEST}
"""Name of a set -> its categories."""


def open_item_set(config: SimulationConfig) -> ItemSet:
    """The item set that a config names.

    Raises:
        UserError: there is none of this name and no folder, or a mesh in the folder is no item.
    """
    if config.items == "blocks":
        return BlockSet(config)
    if config.items in HOUSEHOLD:
        return HouseholdSet(HOUSEHOLD[config.items], config.scale)
    if config.items == "composites":
        return CompositeSet(config.scale)
    from grasping_student.simulation.meshes.mesh_set import open_mesh_folder

    return open_mesh_folder(Path(config.items).expanduser(), config.mesh_unit, config.gripper.geometry.opening)
