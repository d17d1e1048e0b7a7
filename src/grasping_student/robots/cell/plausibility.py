"""Plausibility of a cell's lengths and angles: a number in another unit or a contradiction is refused in one sentence.

Degrees in place of radians turn the workspace away under the gripper; millimetres in
place of metres put it outside the room.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from grasping_student.pipeline.errors import UserError
from grasping_student.robots.arms.safety import FARTHEST
from grasping_student.robots.cell.config import CellConfig
from grasping_student.robots.pose import tool_down

THINNEST_BOX = 0.05
"""Shortest side of a safe box that a tool can work in, metres."""

FASTEST_WAYPOINT = 1.0
"""Metres a second; the largest limit that a safe box may have."""

LEAST_STROKE_MM = 1.0
"""A smaller opening that is not zero was meant in metres."""

ANGLES = {"workspace_in_base": "yaw", "safe_box": "steepest_tilt"}
"""Angles of a cell's file: part and name."""


def read_angles(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a cell's file with angles as numbers of radians.

    An angle may be text with its unit, as in ``1.5 deg`` or ``0.5 rad``. A plain number is radians; a round one
    from 1 on may be meant in degrees as well, and is refused.

    Raises:
        UserError: an angle that could be meant in degrees, or text without a known unit.
    """
    read = dict(values)
    for part, name in ANGLES.items():
        if isinstance(values.get(part), dict) and name in values[part]:
            read[part] = {**values[part], name: _radians(f"{part}.{name}", values[part][name])}
    return read


def _radians(what: str, given: Any) -> Any:
    if isinstance(given, str):
        match = re.fullmatch(r"\s*([-+]?[\d.]+(?:e[-+]?\d+)?)\s*(deg|degrees|rad|radians)\s*", given, re.IGNORECASE)
        if match is None:
            raise UserError(f"{what} is '{given}'; give radians, or a number with its unit as in '1.5 deg'")
        return math.radians(float(match[1])) if match[2].lower().startswith("deg") else float(match[1])
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        return given  # refused where types are checked
    # A measured angle in radians has three decimals: 0.05 rad move the border of the workspace by a centimetre.
    if abs(given) > math.pi or (abs(given) >= 1.0 and round(given, 1) == given):
        raise UserError(
            f"{what} is {given:g} without a unit: angles are in radians, and this may be meant in degrees; write "
            f"'{given:g} deg' or '{given:g} rad'"
        )
    return given


def check_units(cell: CellConfig) -> None:
    """Refuse lengths and speeds that can only be meant in another unit.

    Raises:
        UserError: what is implausible, with the unit that is wanted.
    """
    place, drop, box = cell.workspace_in_base, cell.drop, cell.safe_box
    _check_reach("workspace_in_base", (place.x, place.y, place.z))
    if abs(place.yaw) > math.pi:
        raise UserError(f"workspace_in_base.yaw is {place.yaw:g} rad, more than half a turn: were these degrees?")
    _check_reach("drop", (drop.x, drop.y, drop.z))
    sides = np.subtract(box.high, box.low)
    if sides.min() < THINNEST_BOX:
        raise UserError(
            f"safe_box measures {' x '.join(f'{side:g}' for side in sides)} m; each side must be at least "
            f"{THINNEST_BOX:g} m, or the tool has no room"
        )
    for waypoint in cell.reset:
        what = f"waypoint '{waypoint.name}'"
        _check_reach(f"{what}: pose", waypoint.pose[:3])
        if np.linalg.norm(waypoint.pose[3:]) > 2.0 * math.pi:
            raise UserError(
                f"{what}: pose turns the tool by {np.linalg.norm(waypoint.pose[3:]):g} rad, more than a whole turn: "
                "its last three numbers are a rotation vector in radians; were these degrees?"
            )
        if not 0.0 < waypoint.speed <= FASTEST_WAYPOINT:
            raise UserError(
                f"{what}: speed is {waypoint.speed:g} m/s; it must lie above 0 and at most {FASTEST_WAYPOINT:g}: were "
                "these millimetres a second?"
            )
        if waypoint.stroke_mm is not None and 0.0 < waypoint.stroke_mm < LEAST_STROKE_MM:
            raise UserError(
                f"{what}: stroke_mm is {waypoint.stroke_mm:g} mm, an all but closed gripper: were these metres?"
            )


def _check_reach(what: str, point: Iterable[float]) -> None:
    place = [float(value) for value in point]
    if max(map(abs, place)) > FARTHEST:
        where = ", ".join(f"{value:g}" for value in place)
        raise UserError(f"{what} is ({where}) m, farther than any arm reaches: were these millimetres?")


def check_agreement(cell: CellConfig) -> None:
    """Make sure that the parts of a cell fit together.

    Raises:
        UserError: a place outside the safe box, or a speed or force above its limit; the message names the keys.
    """
    box, pick, place = cell.safe_box, cell.pick, cell.workspace_in_base
    places = {
        "drop": cell.drop_pose(),
        "the workspace's centre at pick.travel_height": tool_down(place.x, place.y, cell.travel_z(), 0.0),
    }
    half = cell.workspace.extent / 2 - cell.workspace.margin
    for x, y in ((-half, -half), (half, -half), (half, half), (-half, half)):
        corner = place.tool_pose(x, y, pick.travel_height, 0.0)
        places["a corner of the workspace where grasps are allowed"] = corner
        if not box.contains(corner):
            break
    for what, pose in places.items():
        if not box.contains(pose):
            where = ", ".join(f"{value:.4g}" for value in pose.values[:3])
            raise UserError(f"{what}, at ({where}) m, lies outside safe_box {box.low} to {box.high}")
    lowest = place.z + cell.gripper_geometry.clearance
    if lowest < box.low[2] - 1e-9:
        raise UserError(
            f"the finger tips go down to workspace_in_base.z + gripper_geometry.clearance = {lowest:.4g} m, below the "
            f"floor of the safe box, safe_box.low z = {box.low[2]:g} m: measure both again"
        )
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
