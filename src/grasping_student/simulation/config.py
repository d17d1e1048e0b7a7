"""What a simulated scene, its gripper and its depth picture are made of; no physics is imported here."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.workspace import Workspace, light_workspace
from grasping_student.simulation.sensor_config import DepthNoise, SensorName, StereoConfig

ShapeName = Literal["cube", "cuboid", "plank", "cylinder", "half_cylinder", "arch", "hexagonal_prism"]
EngineName = Literal["mujoco", "pybullet"]
ENGINE_NAMES: tuple[EngineName, ...] = get_args(EngineName)

ENGINE_TITLES: dict[str, str] = {"mujoco": "MuJoCo", "pybullet": "PyBullet"}
"""Names of the engines in tables and sentences."""

DEFAULT_ENGINE: EngineName = "mujoco"
"""Physics engine of whatever names none."""

MeshUnit = Literal["m", "cm", "mm", "in"]
METRES: dict[MeshUnit, float] = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254}
"""Metres in each unit of a mesh."""

SHAPES: tuple[ShapeName, ...] = ("cube", "cuboid", "plank", "cylinder", "half_cylinder", "arch", "hexagonal_prism")
"""The seven shapes (paper, section V, which leaves triangles out)."""

SMALLEST_SIDE, LARGEST_SIDE = 0.02, 0.10
"""Every side of every block lies between these, metres."""


@dataclass(frozen=True)
class GripperConfig:
    """A two-finger gripper and how it moves. Paper, section V: five prismatic joints and one revolute."""

    RENAMED: ClassVar[dict[str, str]] = {
        "stroke": "geometry.opening",
        "finger_thickness": "geometry.finger_thickness",
        "finger_width": "geometry.finger_width",
        "finger_depth": "geometry.finger_depth",
        "clearance": "geometry.clearance",
    }

    geometry: GripperGeometry = field(default_factory=GripperGeometry)
    """Its measures."""

    finger_length: float = 0.08
    """From the finger tips to the palm, metres."""

    descend_speed: float = 0.30
    """Metres a second on the way down."""

    descend_force: float = 18.0
    """Newtons before the descent counts as stalled; at 60 it would plough through the pile."""

    close_speed: float = 0.20
    """Metres a second of each finger."""

    close_force: float = 10.0
    """Newtons of each finger."""

    lift_speed: float = 0.5
    """Metres a second on the way up."""

    lift_height: float = 0.08
    """How far a block is lifted before the grasp is judged, metres."""

    empty_gap: float = 0.004
    """With less between the fingers nothing is held, metres."""

    friction: float = 0.9
    """Sliding friction of the finger pads."""

    rolling_friction: float = 0.003
    """Rolling friction of the finger pads: without it lying cylinders roll out."""

    spinning_friction: float = 0.02
    """Friction of the finger pads against turning about the line between them."""


@dataclass(frozen=True)
class BinWalls:
    """Four walls of a square bin around the middle of the workspace, which cameras see and grippers meet."""

    height: float = 0.0
    """Of the rim above the table, metres; 0 for no bin: unseen walls at the border of the workspace keep items in."""

    slope: float = 8.0
    """How far the walls lean outwards, degrees from upright."""

    thickness: float = 0.02
    """Of the walls, which is the width of the rim, metres."""

    inside: float = 0.34
    """Side of the square of floor between the walls, metres."""

    def __post_init__(self) -> None:
        if not (self.height == 0.0 or 0.01 <= self.height <= 0.3):
            raise ValueError(f"height is {self.height}; it must lie between 0.01 and 0.3 m, or be 0 for no bin")
        if not 0.0 <= self.slope <= 45.0:
            raise ValueError(f"slope is {self.slope}; it must lie between 0 and 45 degrees")
        if not 0.001 <= self.thickness <= 0.05:
            raise ValueError(f"thickness is {self.thickness}; it must lie between 0.001 and 0.05 m")
        if not 0.15 <= self.inside <= 2.0:
            raise ValueError(f"inside is {self.inside}; it must lie between 0.15 and 2 m")

    @property
    def top(self) -> float:
        """Distance of the inner edge of the rim from the middle along x and y, metres."""
        return self.inside / 2 + self.height * math.tan(math.radians(self.slope))

    @property
    def outside(self) -> float:
        """Side of the square that the whole bin covers, metres."""
        return 2 * (self.top + self.thickness)


NO_BIN = BinWalls()


@dataclass(frozen=True)
class SimulationConfig:
    """A simulated workspace: which blocks fall in, what grasps them, how it is seen."""

    family: str = "standard"
    """Name of the scene family (``families.py``), kept with what is collected."""

    workspace: Workspace = field(default_factory=light_workspace)
    """Extent, pixels and margin."""

    items: str = "blocks"
    """Item set: ``blocks``, ``household``, ``household-test``, ``composites``, or a folder of meshes."""

    mesh_unit: MeshUnit = "m"
    """Unit of the meshes of a folder."""

    scene_stream: int = 0
    """Scenes of the same seed and another stream are others: it keeps those of a test apart."""

    shapes: tuple[ShapeName, ...] = SHAPES
    """Shapes to draw from, each equally often."""

    fewest_blocks: int = 50
    """Smallest number of blocks dropped into a scene."""

    most_blocks: int = 50
    """Largest number of blocks dropped into a scene."""

    scale: tuple[float, float] = (0.9, 1.35)
    """Range of the random scale of a block."""

    stretch: float = 0.12
    """Each axis is stretched by a further factor within one plus or minus this."""

    spread: float = 0.14
    """Blocks are dropped within this distance of the centre along x and y, metres."""

    block_friction: float = 0.6
    """Sliding friction of blocks, table and walls."""

    density: float = 700.0
    """Kilograms a cubic metre (beech)."""

    fall_time: float = 100 / 240
    """While items fall, seconds; contacts that are solved more coarsely will do."""

    fall_step: float = 1 / 240
    """Step of the engine while items fall, seconds."""

    drop_time: float = 4.0
    """Longest time that a scene may take to come to rest, seconds; what still creeps then is stopped."""

    settle_time: float = 1.0
    """Longest time that disturbed items may take to come to rest, seconds."""

    settle_drag: float = 1.0
    """So many times as thick as where items fall and are grasped is the air in which they come to rest."""

    gripper: GripperConfig = field(default_factory=GripperConfig)
    """The gripper."""

    sensor: SensorName = "ideal"
    """Depth sensor that looks at the workspace."""

    noise: DepthNoise = field(default_factory=DepthNoise)
    """What the ideal sensor adds."""

    stereo: StereoConfig = field(default_factory=StereoConfig)
    """The stereo sensor."""

    walls: BinWalls = NO_BIN
    """The bin around the items."""

    engine: EngineName = DEFAULT_ENGINE
    """Physics engine."""

    awake_radius: float = 0.11
    """Blocks whose centre lies nearer to a grasp move; the others are frozen, metres."""

    def __post_init__(self) -> None:
        if not self.shapes:
            raise ValueError(f"shapes is empty; choose from: {', '.join(SHAPES)}")
        if not 0 <= self.fewest_blocks <= self.most_blocks <= 200:
            raise ValueError(
                f"fewest_blocks is {self.fewest_blocks}, most_blocks {self.most_blocks}; "
                "they must satisfy 0 <= fewest <= most <= 200"
            )
        if not 0.0 < self.scale[0] <= self.scale[1]:
            raise ValueError(f"scale is {self.scale}; it must be a range of positive factors, small one first")
