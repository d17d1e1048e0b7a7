"""The cell's file: what stands where, how it is reached, what it may do. Nothing heavy is imported here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from grasping_student.configuration import load_yaml
from grasping_student.environments.robot_cell.pose import ToolPose, WorkspaceInBase, tool_down
from grasping_student.environments.robot_cell.safety import SafeBox
from grasping_student.workspace import Workspace, paper_workspace


@dataclass(frozen=True)
class DeviceConfig:
    """One device: which driver, and the options of that driver's own config."""

    kind: str = ""
    """Name of the driver in ``devices.py``."""

    options: dict[str, Any] = field(default_factory=dict)
    """Options of the driver, checked against its config when the cell is opened."""


@dataclass(frozen=True)
class PickConfig:
    """How one grasp is done. Paper, section VI-D; speeds and depths are the authors'."""

    finger_depth: float = 0.015
    """How far the finger tips go below the surface at the grasp, metres."""

    clearance: float = 0.007
    """Lowest height of the finger tips above the table, metres."""

    approach: float = 0.06
    """The guarded descent begins this far above the highest thing near the grasp, metres."""

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
        if not 0.0 < self.clearance < self.travel_height:
            raise ValueError(f"clearance {self.clearance} m must lie above 0 and below travel_height")


@dataclass(frozen=True)
class Drop:
    """Where picked items are let go: above the second box."""

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

    @property
    def tool_pose(self) -> ToolPose:
        return ToolPose.from_values(self.pose)


@dataclass(frozen=True)
class CellConfig:
    """A robot cell (paper, section VI)."""

    arm: DeviceConfig = field(default_factory=lambda: DeviceConfig("ur5e"))
    """The arm."""

    gripper: DeviceConfig = field(default_factory=lambda: DeviceConfig("robotiq-2f85"))
    """The gripper."""

    view: DeviceConfig = field(default_factory=lambda: DeviceConfig("realsense"))
    """Where heightmaps come from."""

    workspace: Workspace = field(default_factory=paper_workspace)
    """Extent, pixels and margin of the heightmaps."""

    workspace_in_base: WorkspaceInBase = field(default_factory=WorkspaceInBase)
    """Where the workspace lies, seen from the arm's base."""

    safe_box: SafeBox = field(default_factory=SafeBox)
    """Where the tool may be and how fast it may go."""

    pick: PickConfig = field(default_factory=PickConfig)
    """How one grasp is done."""

    drop: Drop = field(default_factory=Drop)
    """Where picked items go."""

    reset: tuple[Waypoint, ...] = ()
    """Recorded waypoints that fill the workspace anew; empty asks a person to do it."""

    live: Path | None = None
    """Folder for ``cell watch``: what the cell sees and does, now. None writes nothing."""

    def drop_pose(self) -> ToolPose:
        """The tool over the second box."""
        return tool_down(self.drop.x, self.drop.y, self.drop.z, 0.0)

    def travel_z(self) -> float:
        """Base z at which the tool goes sideways, metres."""
        return self.workspace_in_base.z + self.pick.travel_height


PATH_OPTIONS = ("camera_to_base", "folder", "recording")
"""Options of devices that name files; relative ones are meant from where the cell's file lies."""


def load_cell(path: Path) -> CellConfig:
    """The cell of a YAML file; relative paths in it are taken from where the file lies.

    Raises:
        UserError: the file is missing, no YAML, or holds an unknown key or a wrong value.
    """
    config = load_yaml(path, CellConfig())
    view = replace(config.view, options=_beside(path.parent, config.view.options))
    live = config.live if config.live is None else path.parent / config.live
    return replace(config, view=view, live=live)


def _beside(folder: Path, options: dict[str, Any]) -> dict[str, Any]:
    placed: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, dict):
            value = _beside(folder, value)
        elif name in PATH_OPTIONS and isinstance(value, str):
            value = str(folder / value)  # an absolute path stays as it is
        placed[name] = value
    return placed
