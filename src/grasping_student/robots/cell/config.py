"""The cell's file: what stands where, how it is reached, what it may do. Nothing heavy is imported here."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from grasping_student.geometry.workspace import Workspace, paper_workspace
from grasping_student.pipeline.configuration import read_yaml, with_values
from grasping_student.pipeline.errors import UserError
from grasping_student.robots.arms.safety import FARTHEST, SafeBox
from grasping_student.robots.pose import ToolPose, WorkspaceInBase, tool_down


@dataclass(frozen=True)
class DeviceConfig:
    """One device: which driver, and the options of that driver's own config."""

    kind: str = ""
    """Name under which the driver registered its config class."""

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
                hint = ": were these millimetres?" if name in _LENGTHS else ""
                raise ValueError(f"{name} is {getattr(self, name)}; it must lie in [0, {most:g}]{hint}")
        if not 0.0 < self.clearance < self.travel_height:
            raise ValueError(f"clearance {self.clearance} m must lie above 0 and below travel_height")


_LENGTHS = {"finger_depth": 0.1, "clearance": 0.1, "approach": 0.5, "travel_height": 2.0}
_MOST = {**_LENGTHS, "travel_speed": 1.0, "acceleration": 5.0, "descent_speed": 1.0, "contact_force": 150.0}


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

    telemetry: Path | None = None
    """Folder for what the cell sees and does now, which ``cell monitor`` shows; None writes nothing."""

    def drop_pose(self) -> ToolPose:
        """The tool over the second box."""
        return tool_down(self.drop.x, self.drop.y, self.drop.z, 0.0)

    def travel_z(self) -> float:
        """Base z at which the tool goes sideways, metres."""
        return self.workspace_in_base.z + self.pick.travel_height


PATH_OPTIONS = ("camera_to_base", "folder", "recording")
"""Options of devices that name files; relative ones are meant from where the cell's file lies."""


REQUIRED: dict[str, tuple[str, ...]] = {
    "arm": ("kind",),
    "gripper": ("kind",),
    "view": ("kind",),
    "workspace": (),
    "workspace_in_base": ("x", "y", "z"),
    "safe_box": ("low", "high"),
    "drop": ("x", "y", "z"),
}
"""What a cell's file must say itself before anything is driven by it: defaults would be guesses about walls."""


def load_cell(path: Path, to_move: bool = False) -> CellConfig:
    """The cell of a YAML file; relative paths in it are taken from where the file lies.

    Args:
        path: of the file.
        to_move: the arm will be driven, so the file must name every part of ``REQUIRED``.

    Raises:
        UserError: the file is missing, no YAML, holds an unknown key or a wrong value, contradicts itself, or lacks a
            part.
    """
    values = _with_new_names(read_yaml(path, "--cell") or {}, path)
    config = with_values(CellConfig(), values, where=str(path))
    place = config.workspace_in_base
    if max(abs(place.x), abs(place.y), abs(place.z)) > FARTHEST:
        raise UserError(f"{path}: workspace_in_base is {place}, farther than any arm reaches: were these millimetres?")
    if to_move:
        _refuse_gaps(path, values)
        try:
            _refuse_contradictions(config)
        except UserError as error:
            raise UserError(f"{path}: {error}") from None
    view = replace(config.view, options=_beside(path.parent, config.view.options))
    telemetry = config.telemetry if config.telemetry is None else path.parent / config.telemetry
    return replace(config, view=view, telemetry=telemetry)


def _with_new_names(values: Any, path: Path) -> Any:
    """The values of a cell's file with keys and names of the last release replaced, each of which is logged."""
    if not isinstance(values, dict):
        return values
    values = dict(values)
    _rename(values, "live", "telemetry", path)
    view = values.get("view")
    if isinstance(view, dict):
        values["view"] = view = dict(view)
        if view.get("kind") == "twin":
            view["kind"] = "remote"
            _warn_of_old_name(path, "view: {kind: twin}", "view: {kind: remote}")
        if isinstance(view.get("options"), dict):
            view["options"] = dict(view["options"])
            _rename(view["options"], "mending", "repair", path)
    return values


def _rename(values: dict[str, Any], old: str, new: str, path: Path) -> None:
    if old in values and new not in values:
        values[new] = values.pop(old)
        _warn_of_old_name(path, old, new)


def _warn_of_old_name(path: Path, old: str, new: str) -> None:
    logging.getLogger(__name__).warning(
        "%s: `%s` is now called `%s`; the old name is read for one release", path, old, new
    )


def _refuse_gaps(path: Path, said: dict[str, Any]) -> None:
    missing = [part for part in REQUIRED if part not in said]
    missing += [
        f"{part}.{name}" for part in REQUIRED if part in said for name in REQUIRED[part] if name not in said[part]
    ]
    if missing:
        raise UserError(
            f"{path} lacks {', '.join(missing)}: no arm is driven by defaults; docs/cell.yaml shows all of them"
        )


def _refuse_contradictions(config: CellConfig) -> None:
    """Make sure that the parts of a cell fit together.

    Raises:
        UserError: a place outside the safe box, or a speed or force above its limit; the message names the keys.
    """
    box, pick, place = config.safe_box, config.pick, config.workspace_in_base
    over = tool_down(place.x, place.y, config.travel_z(), 0.0)
    for what, pose in (("drop", config.drop_pose()), ("the workspace's centre at pick.travel_height", over)):
        if not box.contains(pose):
            where = ", ".join(f"{value:g}" for value in pose.values[:3])
            raise UserError(f"{what}, at ({where}) m, lies outside safe_box {box.low} to {box.high}")
    for name, value, limit_name, limit in (
        ("travel_speed", pick.travel_speed, "fastest", box.fastest),
        ("descent_speed", pick.descent_speed, "fastest_descent", box.fastest_descent),
        ("acceleration", pick.acceleration, "hardest_acceleration", box.hardest_acceleration),
        ("contact_force", pick.contact_force, "strongest_contact", box.strongest_contact),
    ):
        if not 0.0 < value <= limit:
            raise UserError(
                f"pick.{name} is {value:g}; above 0 and at most safe_box.{limit_name} = {limit:g} is allowed"
            )


def _beside(folder: Path, options: dict[str, Any]) -> dict[str, Any]:
    placed: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, dict):
            value = _beside(folder, value)
        elif name in PATH_OPTIONS and isinstance(value, str):
            value = str(folder / value)  # an absolute path stays as it is
        placed[name] = value
    return placed
