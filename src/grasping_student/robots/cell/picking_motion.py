"""One grasp as motions of arm and gripper (paper, section VI-D): over it, down, close, up, away, let go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.gripper import tip_height
from grasping_student.perception.observation import Observation
from grasping_student.robots.arms.base import Arm
from grasping_student.robots.cell.config import CellConfig
from grasping_student.robots.grippers.base import Gripper, close_on_object, still_holding
from grasping_student.robots.pose import ToolPose

NEARBY = 0.06
"""What stands within this distance of a grasp decides where the guarded descent begins, metres."""


@dataclass(frozen=True)
class GraspPlan:
    """Poses of one grasp: over it at travel height, where the guarded descent begins, and with the fingers in place."""

    over: ToolPose
    approach: ToolPose
    grasp: ToolPose


def plan_grasp(observation: Observation, grasp: PlanarGrasp, config: CellConfig) -> GraspPlan:
    """Where the tool goes for a grasp, in the base frame.

    The guarded descent begins at travel height where something near the grasp was not seen or lies beyond the picture.

    Args:
        observation: the one that the grasp was chosen on.
        grasp: pixel and angle.
        config: of the cell.
    """
    workspace, pick = config.workspace, config.pick
    tip = tip_height(observation.heightmap.height, grasp.row, grasp.col, config.gripper_geometry)
    reach = round(NEARBY / workspace.pixel_size)
    near = observation.obstacle_height[
        max(grasp.row - reach, 0) : grasp.row + reach + 1, max(grasp.col - reach, 0) : grasp.col + reach + 1
    ]
    x, y = grasp.xy(workspace)
    pose = config.workspace_in_base.tool_pose(x, y, tip, grasp.angle)
    approach = travel = config.travel_z()
    if near.size == (2 * reach + 1) ** 2 and np.isfinite(near).all():
        highest = max(float(near.max()), tip)
        approach = min(config.workspace_in_base.z + highest + pick.approach, travel)
    return GraspPlan(pose.at_height(travel), pose.at_height(approach), pose)


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
    gripper.move(gripper.longest_stroke_mm)  # the paper opens fully before every grasp
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
