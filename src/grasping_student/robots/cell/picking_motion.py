"""One grasp as motions of arm and gripper (paper, section VI-D): over it, down, close, up, away, let go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.perception.observation import Observation
from grasping_student.perception.placement import place_grasp
from grasping_student.robots.arms.base import Arm
from grasping_student.robots.cell.config import CellConfig
from grasping_student.robots.grippers.base import Gripper, close_on_object, still_holding
from grasping_student.robots.pose import ToolPose

NEARBY = 0.06
"""What stands within this distance of a grasp decides where the guarded descent begins, metres."""


@dataclass(frozen=True)
class GraspPlan:
    """One grasp in the base frame.

    Attributes:
        over: the tool over the grasp at travel height.
        approach: where the guarded descent begins.
        grasp: the fingers in place.
        opening: gap between the fingers that the grasp asks for, metres.
    """

    over: ToolPose
    approach: ToolPose
    grasp: ToolPose
    opening: float


def plan_grasp(observation: Observation, grasp: PlanarGrasp, config: CellConfig) -> GraspPlan:
    """Where the tool goes for a grasp, in the base frame: where ``place_grasp`` puts the fingers.

    The guarded descent begins at travel height where something near the grasp was not seen or lies beyond the picture.

    Args:
        observation: the one that the grasp was chosen on.
        grasp: pixel and angle.
        config: of the cell.
    """
    place = place_grasp(observation, grasp, config.gripper_geometry)
    reach = round(NEARBY / config.workspace.pixel_size)
    near = observation.obstacle_height[
        max(grasp.row - reach, 0) : grasp.row + reach + 1, max(grasp.col - reach, 0) : grasp.col + reach + 1
    ]
    pose = config.workspace_in_base.tool_pose(place.x, place.y, place.z, grasp.angle)
    approach = travel = config.travel_z()
    if near.size == (2 * reach + 1) ** 2 and np.isfinite(near).all():
        highest = max(float(near.max()), place.tip) + place.floor
        approach = min(config.workspace_in_base.z + highest + config.pick.approach, travel)
    return GraspPlan(pose.at_height(travel), pose.at_height(approach), pose, place.opening)


def pick(
    arm: Arm,
    gripper: Gripper,
    plan: GraspPlan,
    config: CellConfig,
    notify: Callable[[str], object] = lambda phase: None,
) -> Outcome:
    """Carry out a plan; the tool ends over the second box with the fingers open, out of the camera's sight.

    Args:
        arm: behind its safe box.
        gripper: connected.
        plan: where to go.
        config: of the cell.
        notify: called with the phase that begins now, while the arm stands still.

    Raises:
        DeviceFault: a device failed; the tool stays where it is.
    """
    settings = config.pick
    stroke_mm = gripper.longest_stroke_mm
    gripper.move(stroke_mm if settings.opening == "full" else min(stroke_mm, 1000.0 * plan.opening))
    travel(arm, plan.approach, config)
    notify("going down")
    descent = arm.descend(plan.grasp, settings.descent_speed, settings.acceleration, settings.contact_force)
    if descent.contact:
        outcome = Outcome.COLLISION
    else:
        notify("closing")
        outcome = Outcome.SUCCESS if close_on_object(gripper) else Outcome.MISSED
    notify("lifting")
    arm.move(plan.over, settings.travel_speed, settings.acceleration)
    if outcome is Outcome.SUCCESS and not still_holding(gripper):
        outcome = Outcome.DROPPED
    notify("carrying off")
    let_go(arm, gripper, config)
    return outcome


def let_go(arm: Arm, gripper: Gripper, config: CellConfig) -> None:
    """Go over the second box and open the fingers."""
    travel(arm, config.drop_pose(), config)
    gripper.move(gripper.longest_stroke_mm)


def travel(arm: Arm, target: ToolPose, config: CellConfig) -> None:
    """Straight up to travel height if lower, sideways, then straight up or down to the target."""
    settings = config.pick
    here = arm.state().pose
    if here.is_at(target):
        return
    high = max(config.travel_z(), target.z)
    if here.z < high - 1e-3:
        here = arm.move(here.at_height(high), settings.travel_speed, settings.acceleration)
    for pose in (target.at_height(high), target):
        if not here.is_at(pose):
            here = arm.move(pose, settings.travel_speed, settings.acceleration)
