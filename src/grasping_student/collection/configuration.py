"""What a collection is asked for; nothing heavy is imported here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from grasping_student.pipeline.configuration import check_seeds
from grasping_student.pipeline.executor_base import ExecutorConfig
from grasping_student.simulation.config import DEFAULT_ENGINE, NO_BIN, BinWalls, EngineName, MeshUnit
from grasping_student.simulation.families import Family
from grasping_student.simulation.sensor_config import SensorName

Kind = Literal["attempts", "scenes"]


@dataclass(frozen=True)
class CollectConfig:
    """Fill a dataset from the simulator or a robot cell: labelled attempts of a policy, or scenes that nobody labels.

    The content depends on these options but not on the number of workers.
    """

    kind: Kind = "attempts"
    """attempts: grasps with their outcomes. scenes: heightmaps of every fill level, without grasps."""

    count: int = 300
    """Attempts or scenes to collect."""

    policy: str = "scripted"
    """What chooses the grasps: random, antipodal, scripted, scripted-exact, a checkpoint folder, or exploring: and the
    folder of an affordance network. Unused for scenes."""

    env: Literal["simulation", "robot-cell"] = "simulation"
    """Where to grasp."""

    cell: Path | None = None
    """The robot cell's file, with --env robot-cell (docs/robot-cell.md)."""

    family: Family = "standard"
    """Scene family of the simulator."""

    engine: EngineName = DEFAULT_ENGINE
    """Physics engine of the simulator."""

    sensor: SensorName | None = None
    """Depth sensor of the simulator: ideal, or a stereo camera; None takes the family's own."""

    items: str | None = None
    """Items that lie there: blocks, household, composites or a folder of meshes; None takes the family's own."""

    mesh_unit: MeshUnit = "m"
    """Unit of the meshes of a folder."""

    walls: BinWalls = NO_BIN
    """A bin around the items; without its height the family's own, or none."""

    pixels: int = 112
    """Side of a heightmap, pixels."""

    per_episode: int = 60
    """Most attempts or scenes between two resets: fewer means more different scenes, and more time."""

    judged: int = 0
    """Grasps that the simulator judges in each scene without executing them, which gives many more outcomes an hour; 0
    executes one grasp a scene, as a robot does. Scenes empty as for scenes, and ``per_episode`` counts scenes."""

    failures_in_a_row: int = 5
    """An episode of attempts ends after so many failures in a row (paper, section VI-B)."""

    workers: int = 2
    """Processes."""

    executor: ExecutorConfig = field(default_factory=ExecutorConfig)

    seed: int = 0
    """Scenes and the policy's draws follow from it."""

    out: Path = Path("runs/dataset")
    """Folder of the dataset."""

    resume: bool = False
    """Go on with a collection that was interrupted; the result is the same as without the interruption."""

    overwrite: bool = False
    """Replace what is in ``out``."""

    def __post_init__(self) -> None:
        check_seeds(self, "seed")
        for name in ("count", "per_episode", "failures_in_a_row", "workers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.judged < 0 or (self.judged and self.kind == "scenes"):
            raise ValueError(f"judged is {self.judged} with kind {self.kind}; it is a number of attempts a scene, or 0")
        if (self.env == "robot-cell") != (self.cell is not None):
            raise ValueError("--env robot-cell and --cell FILE belong together: give both or neither")
        if self.cell is not None and (self.kind == "scenes" or self.judged):
            raise ValueError("a robot cell makes attempts: only a simulator collects scenes or judges grasps")
        if self.pixels < 2:
            raise ValueError(f"pixels is {self.pixels}; a heightmap needs at least 2 pixels a side")


def light() -> CollectConfig:
    """4 mm pixels, sized for two processor cores."""
    return CollectConfig()


def paper() -> CollectConfig:
    """The paper's 338 x 338 pixels."""
    return CollectConfig(pixels=338, count=5000)


COLLECT_PRESETS = {"light": light, "paper": paper}
"""Preset name -> function that returns a fresh config."""
