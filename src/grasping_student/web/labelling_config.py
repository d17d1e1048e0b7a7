"""What ``grasping-student label`` can be told; importing this loads neither torch nor a web server."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.limits_config import GraspLimitsConfig
from grasping_student.geometry.workspace import Workspace, light_workspace, paper_workspace
from grasping_student.simulation.config import DEFAULT_ENGINE, NO_BIN, BinWalls, EngineName, MeshUnit
from grasping_student.simulation.families import Family
from grasping_student.simulation.sensor_config import SensorName

EnvironmentName = Literal["simulation", "robot-cell", "recorded"]


@dataclass(frozen=True)
class LabelConfig(GraspLimitsConfig):
    """Label grasps in the browser: click a point, drag to turn, execute; each attempt is saved at once."""

    dataset: Path = Path("runs/my-labels")
    """Folder that the labels go into; made if it is missing, gone on with if it exists."""

    env: EnvironmentName = "simulation"
    """What tries the grasps: the simulator, the robot cell, or nobody, where you judge recorded scenes."""

    scenes: Path | None = None
    """For --env recorded: a dataset, or a folder of frames (each a folder with depth.npy, camera.json, pose.txt)."""

    depth_unit: Literal["m", "mm"] = "m"
    """For frames: unit of the stored depth, metres or millimetres."""

    depth_scale: float | None = None
    """Metres of one stored unit, for instance 0.00025; None takes the depth unit."""

    depth_is_range: bool = False
    """Stored numbers are distances along each pixel's ray, not along the optical axis."""

    cell: Path | None = None
    """For --env robot-cell: the cell's YAML file."""

    family: Family = "standard"
    """For --env simulation: how full the workspace is."""

    engine: EngineName = DEFAULT_ENGINE
    """For --env simulation: physics engine."""

    sensor: SensorName | None = None
    """For --env simulation: depth sensor, ideal, or a stereo camera; None takes the family's own."""

    items: str | None = None
    """For --env simulation: blocks, household, composites or a folder of meshes; None takes the family's own."""

    mesh_unit: MeshUnit = "m"
    """For --env simulation: unit of the meshes of a folder."""

    walls: BinWalls = NO_BIN
    """A bin around the items of the simulator; without its height the family's own, or none."""

    workspace: Workspace = field(default_factory=light_workspace)
    """Extent, pixels and margin of the heightmaps; of recorded datasets their own is taken."""

    gripper: GripperGeometry = field(default_factory=GripperGeometry)
    """For --env recorded: the gripper that the page draws and checks."""

    model: Path | None = None
    """Checkpoint whose best grasps are suggested; None suggests nothing."""

    suggestions: int = 5
    """How many grasps the model suggests, 1 to 9."""

    queue: Literal["in-order", "uncertain"] = "in-order"
    """Order of the scenes: as they come, or those first of which the model is least sure."""

    pool: int = 8
    """For --queue uncertain: how many scenes are compared at a time."""

    labels_per_scene: int = 1
    """On recorded scenes: labels before the next scene comes."""

    host: str = "127.0.0.1"
    """Address to serve on; another than this machine's own needs --token."""

    port: int = 8080
    """0 takes any free port."""

    token: str | None = None
    """Word that opens the page; 'auto' makes one, as does --env robot-cell by default."""

    seed: int = 0
    """First scene of the simulator, or first recorded scene."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.suggestions <= 9:
            raise ValueError(f"suggestions is {self.suggestions}; it must be 1 to 9, one for each number key")
        if self.pool < 1 or self.labels_per_scene < 1:
            raise ValueError(f"pool is {self.pool}, labels_per_scene {self.labels_per_scene}; both must be at least 1")
        if self.scenes is not None and self.env != "recorded":
            raise ValueError(
                f"--scenes {self.scenes} is not read with --env {self.env}: give --env recorded too, or neither"
            )
        if self.cell is not None and self.env != "robot-cell":
            raise ValueError(
                f"--cell {self.cell} is not read with --env {self.env}: give --env robot-cell too, or neither"
            )
        if self.gripper != GripperGeometry() and self.env != "recorded":
            raise ValueError(
                f"--gripper is not read with --env {self.env}, which has one of its own: give --env recorded too, or "
                "neither"
            )
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}; it counts from 0")


def light() -> LabelConfig:
    """4 mm pixels, for the networks of preset ``light``."""
    return LabelConfig()


def paper() -> LabelConfig:
    """The paper's 338 x 338 pixels (section VI-C)."""
    return LabelConfig(workspace=paper_workspace())


PRESETS = {"light": light, "paper": paper}
