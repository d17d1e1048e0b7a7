"""One grasp in the engine: down, close, up, judge, and let what was disturbed come to rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.grasp import Outcome
from grasping_student.simulation.engine import GripperPose, PhysicsEngine
from grasping_student.simulation.gripper import Gripper
from grasping_student.simulation.items import Item
from grasping_student.simulation.scene import build_scene
from grasping_student.simulation.solids import Poses

APPROACH = 0.015
"""The tips start this far above the highest point of what can move, metres."""

MOVED = 0.001
"""An item that moved farther may have left what it carried in the air, metres."""

SUPPORT_RADIUS = 0.05
"""Blocks this near to one that lost its support settle with it, metres."""

ROUNDS = 4
"""How often items that lost their support are looked for after an attempt."""


class GraspResult(NamedTuple):
    """How a grasp ended, which items left with the gripper, and where all items lie now (removed ones too)."""

    outcome: Outcome
    removed: list[int]
    poses: Poses


def attempt_grasp(engine: PhysicsEngine, items: Sequence[Item], poses: Poses, grasp: GripperPose) -> GraspResult:
    """Grasp at a point; ``grasp.tip`` is the height to which the tips go down."""
    present = np.ones(len(items), dtype=bool)
    gripper, awake = begin_grasp(engine, items, poses, grasp)
    touching = engine.contacts()
    outcome, removed = _grasp(gripper, grasp.tip)
    engine.remove_gripper()
    for index in removed:
        engine.remove(index)
    present[removed] = False
    engine.settle(awake & present, engine.config.settle_time)
    after = engine.poses()
    after[~awake] = poses[~awake]
    after = _settle_unsupported(engine, items, poses, after, present, awake, touching)
    return GraspResult(outcome, removed, after)


def judge_grasp(engine: PhysicsEngine, items: Sequence[Item], poses: Poses, grasp: GripperPose) -> Outcome:
    """The outcome of ``attempt_grasp``, without what comes after it."""
    gripper, _ = begin_grasp(engine, items, poses, grasp)
    outcome, _ = _grasp(gripper, grasp.tip)
    return outcome


def begin_grasp(
    engine: PhysicsEngine, items: Sequence[Item], poses: Poses, grasp: GripperPose
) -> tuple[Gripper, NDArray[np.bool_]]:
    """The open gripper above a grasp, one step after the scene was built, and which items can move."""
    awake = near(poses, np.array([[grasp.x, grasp.y]]), engine.config.awake_radius)
    tops = [float(poses[i, 2]) + items[i].reach for i in np.flatnonzero(awake).tolist()]
    top = max(*tops, grasp.tip, engine.config.walls.height)
    build_scene(engine, items, poses, awake, grasp._replace(tip=top + APPROACH))
    engine.step()
    return Gripper(engine), awake


def settle_without(engine: PhysicsEngine, items: Sequence[Item], poses: Poses, removed: Sequence[int]) -> Poses:
    """Where the items lie after some were taken away by an invisible hand (poses of those taken are meaningless)."""
    present = np.ones(len(items), dtype=bool)
    present[list(removed)] = False
    awake = near(poses, poses[list(removed), :2], engine.config.awake_radius) & present
    after, touching = _settle(engine, items, poses, present, awake)
    return _settle_unsupported(engine, items, poses, after, present, awake, touching)


def near(poses: Poses, points: NDArray[np.float64], radius: float) -> NDArray[np.bool_]:
    """Which items' centres lie within a horizontal distance of any of some points (metres, ``(count, 2)``)."""
    distance = np.linalg.norm(poses[:, None, :2] - points[None], axis=2)
    return (distance < radius).any(axis=1)


def _grasp(gripper: Gripper, tip: float) -> tuple[Outcome, list[int]]:
    if not gripper.descend(tip) or gripper.spans_a_wall():
        gripper.lift()
        return Outcome.COLLISION, []
    gripper.close()
    held = gripper.held()
    gripper.lift()
    if not held:
        return Outcome.MISSED, []
    held = gripper.held()
    return (Outcome.SUCCESS, held) if held else (Outcome.DROPPED, [])


def _settle(
    engine: PhysicsEngine, items: Sequence[Item], poses: Poses, present: NDArray[np.bool_], awake: NDArray[np.bool_]
) -> tuple[Poses, list[tuple[int, int]]]:
    """Where the items lie after some of them have come to rest, and which touched each other before."""
    kept = np.flatnonzero(present)
    build_scene(engine, [items[int(i)] for i in kept], poses[kept], awake[kept])
    engine.step()
    touching = [(int(kept[a]), int(kept[b])) for a, b in engine.contacts()]
    engine.settle(awake[kept], engine.config.settle_time)
    after = poses.copy()
    after[kept[awake[kept]]] = engine.poses()[awake[kept]]
    return after, touching


def _settle_unsupported(
    engine: PhysicsEngine,
    items: Sequence[Item],
    before: Poses,
    after: Poses,
    present: NDArray[np.bool_],
    awake: NDArray[np.bool_],
    touching: list[tuple[int, int]],
) -> Poses:
    """Let frozen items fall that touched something that has moved or is gone, and what touched those, and so on."""
    for _ in range(ROUNDS):
        moved = ~present | (np.linalg.norm(after[:, :3] - before[:, :3], axis=1) > MOVED)
        loose = {
            still
            for pair in touching
            for mover, still in (pair, pair[::-1])
            if moved[mover] and not awake[still] and present[still]
        }
        if not loose:
            break
        before, awake = after, near(after, after[sorted(loose), :2], SUPPORT_RADIUS) & present
        after, touching = _settle(engine, items, before, present, awake)
    return after
