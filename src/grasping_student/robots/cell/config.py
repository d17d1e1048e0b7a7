"""Options of a robot cell: devices, places, limits and motions. Importing this loads nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.limits_config import GraspLimitsConfig
from grasping_student.geometry.workspace import Workspace, paper_workspace
from grasping_student.robots.arms.safety import SafeBox
from grasping_student.robots.pose import ToolPose, WorkspaceInBase, tool_down


@dataclass(frozen=True)
class DeviceConfig:
    """One device: its driver, and the options of that driver's own config."""

    RENAMED_VALUES: ClassVar[dict[str, dict[str, str]]] = {"kind": {"twin": "remote"}}

    kind: str = ""
    """Name under which the driver registered its config class."""

    options: dict[str, Any] = field(default_factory=dict)
    """Options of the driver, checked against its config when the cell is opened."""


@dataclass(frozen=True)
class PickConfig:
    """How one grasp is done. Paper, section VI-D; speeds and depths are the authors'."""

    opening: Literal["full", "fitted"] = "full"
    """``full`` opens the fingers as wide as they go before every grasp, as in the paper; ``fitted`` as wide as the item
    under the grasp needs, which is the ``width`` that ``predict`` gives."""

    approach: float = 0.06
    """The guarded descent begins this far above the highest thing near the grasp, metres; at ``travel_height`` beside
    walls and what the camera could not see."""

    travel_height: float = 0.25
    """Height above the table at which the tool goes sideways: above the walls of both boxes, metres."""

    travel_speed: float = 0.30
    """Metres a second."""

    acceleration: float = 0.8
    """Metres a second squared."""

    descent_speed: float = 0.05
    """Metres a second."""

    contact_force: float = 15.0
    """A descent that feels more has met something, newtons."""

    def __post_init__(self) -> None:
        for name, most in _MOST.items():
            if not 0.0 <= getattr(self, name) <= most:
                hint = ": were these millimetres?" if name in _LENGTHS or name.endswith("_speed") else ""
                raise ValueError(f"{name} is {getattr(self, name)}; it must lie in [0, {most:g}]{hint}")


_LENGTHS = {"approach": 0.5, "travel_height": 2.0}
_MOST = {**_LENGTHS, "travel_speed": 1.0, "acceleration": 5.0, "descent_speed": 1.0, "contact_force": 150.0}


@dataclass(frozen=True)
class Drop:
    """Place above the second box where picked items are let go."""

    x: float = 0.45
    """Base x, metres."""

    y: float = -0.45
    """Base y, metres."""

    z: float = 0.25
    """Base z of the tool when the fingers open, metres."""


@dataclass(frozen=True)
class Waypoint:
    """One step of the automatic reset: a pose of the tool, and what the fingers do there."""

    name: str = ""
    """For messages and drawings."""

    pose: tuple[float, float, float, float, float, float] = (0.0, -0.45, 0.3, 3.141592653589793, 0.0, 0.0)
    """Tool pose in the base frame: metres, rotation vector in radians."""

    speed: float = 0.2
    """Metres a second on the way here."""

    stroke_mm: float | None = None
    """Opening of the fingers once there, millimetres; None leaves them."""

    pause: float = 0.0
    """Seconds to wait there, for things to settle."""

    def __post_init__(self) -> None:
        if self.stroke_mm is not None and not 0.0 <= self.stroke_mm <= 200.0:
            raise ValueError(f"waypoint '{self.name}': stroke_mm is {self.stroke_mm}; it must lie in [0, 200]")
        if not 0.0 <= self.pause <= 60.0:
            raise ValueError(f"waypoint '{self.name}': pause is {self.pause} s; it must lie in [0, 60]")

    @property
    def tool_pose(self) -> ToolPose:
        return ToolPose.from_values(self.pose)


@dataclass(frozen=True)
class CellConfig:
    """A robot cell (paper, section VI)."""

    RENAMED: ClassVar[dict[str, str]] = {
        "pick.finger_depth": "gripper_geometry.finger_depth",
        "pick.clearance": "gripper_geometry.clearance",
        "live": "telemetry",
        "view.options.mending": "view.options.repair",
    }

    arm: DeviceConfig = field(default_factory=lambda: DeviceConfig("ur5e"))
    """The arm."""

    gripper: DeviceConfig = field(default_factory=lambda: DeviceConfig("robotiq-2f85"))
    """The gripper."""

    view: DeviceConfig = field(default_factory=lambda: DeviceConfig("realsense"))
    """The camera, or another source of heightmaps."""

    workspace: Workspace = field(default_factory=paper_workspace)
    """Extent, pixels and margin of the heightmaps."""

    workspace_in_base: WorkspaceInBase = field(default_factory=WorkspaceInBase)
    """Pose of the workspace in the arm's base frame."""

    safe_box: SafeBox = field(default_factory=SafeBox)
    """Limits of the tool in place and speed."""

    gripper_geometry: GripperGeometry = field(default_factory=GripperGeometry)
    """Measures of the fingers: how wide they open, how far they go below the surface, how near to the table."""

    pick: PickConfig = field(default_factory=PickConfig)
    """Motions of one grasp."""

    limits: GraspLimitsConfig = field(default_factory=GraspLimitsConfig)
    """Which grasps are chosen and done; every other one is refused."""

    drop: Drop = field(default_factory=Drop)
    """Place for picked items."""

    reset: tuple[Waypoint, ...] = ()
    """Recorded waypoints that fill the workspace anew; empty asks a person to do it."""

    telemetry: Path | None = None
    """Folder for what the cell sees and does now, which ``cell monitor`` shows; None writes nothing."""

    def __post_init__(self) -> None:
        if not 0.0 < self.gripper_geometry.clearance < self.pick.travel_height:
            raise ValueError(
                f"gripper_geometry.clearance is {self.gripper_geometry.clearance} m; it must lie above 0 and below "
                f"pick.travel_height, {self.pick.travel_height} m"
            )

    def drop_pose(self) -> ToolPose:
        """The tool over the second box."""
        return tool_down(self.drop.x, self.drop.y, self.drop.z, 0.0)

    def travel_z(self) -> float:
        """Base z at which the tool goes sideways, metres."""
        return self.workspace_in_base.z + self.pick.travel_height
