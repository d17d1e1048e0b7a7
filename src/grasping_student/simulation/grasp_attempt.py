"""One grasp in the engine: down, close, up, judge, and let what was disturbed come to rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.grasp import Outcome
from grasping_student.simulation.blocks import Block
from grasping_student.simulation.gripper import Gripper
from grasping_student.simulation.physics import Physics, Poses

APPROACH = 0.015
"""The tips start this far above the highest point of what can move, metres."""

SETTLE_STEPS = 240
"""Longest time that disturbed blocks may take to come to rest, physics steps."""

MOVED = 0.001
"""A block that moved farther may have left what it carried in the air, metres."""

ROUNDS = 4
"""How often blocks that lost their support are looked for after an attempt."""


class Attempt(NamedTuple):
    """How a grasp ended, which blocks left with the gripper, and where all blocks lie now (removed ones too)."""

    outcome: Outcome
    removed: list[int]
    poses: Poses


def attempt_grasp(
    physics: Physics, blocks: Sequence[Block], poses: Poses, x: float, y: float, yaw: float, tip: float
) -> Attempt:
    """Grasp at a point with the finger line at ``yaw`` and the tips at height ``tip``; metres, radians."""
    present = np.ones(len(blocks), dtype=bool)
    awake = near(poses, np.array([[x, y]]), physics.config.awake_radius)
    physics.build(blocks, poses, awake)
    gripper = Gripper(physics, x, y, yaw, max(_highest(blocks, poses, awake), tip) + APPROACH)
    physics.step()
    touching = physics.block_contacts()
    outcome, removed = _grasp(gripper, tip)
    physics.call("removeBody", gripper.body)
    for index in removed:
        physics.remove(index)
    present[removed] = False
    physics.settle(awake & present, SETTLE_STEPS)
    after = physics.poses()
    after[~awake] = poses[~awake]
    after = _wake_unsupported(physics, blocks, poses, after, present, awake, touching)
    return Attempt(outcome, removed, after)


def settle_without(physics: Physics, blocks: Sequence[Block], poses: Poses, removed: Sequence[int]) -> Poses:
    """Where the blocks lie after some were taken away by an invisible hand (poses of those taken are meaningless)."""
    present = np.ones(len(blocks), dtype=bool)
    present[list(removed)] = False
    awake = near(poses, poses[list(removed), :2], physics.config.awake_radius) & present
    return _settle(physics, blocks, poses, present, awake)


def near(poses: Poses, points: NDArray[np.float64], radius: float) -> NDArray[np.bool_]:
    """Which blocks' centres lie within a horizontal distance of any of some points (metres, ``(count, 2)``)."""
    distance = np.linalg.norm(poses[:, None, :2] - points[None], axis=2)
    return (distance < radius).any(axis=1)


def _grasp(gripper: Gripper, tip: float) -> tuple[Outcome, list[int]]:
    if not gripper.descend(tip):
        gripper.lift()
        return Outcome.COLLISION, []
    gripper.close()
    held = gripper.held()
    gripper.lift()
    if not held:
        return Outcome.MISSED, []
    held = gripper.held()
    return (Outcome.SUCCESS, held) if held else (Outcome.DROPPED, [])


def _highest(blocks: Sequence[Block], poses: Poses, awake: NDArray[np.bool_]) -> float:
    tops = [float(poses[i, 2]) + blocks[i].reach for i in np.flatnonzero(awake).tolist()]
    return max(tops, default=0.0)


def _settle(
    physics: Physics, blocks: Sequence[Block], poses: Poses, present: NDArray[np.bool_], awake: NDArray[np.bool_]
) -> Poses:
    """Let some blocks move until they rest, and then whatever they have left in the air."""
    kept = np.flatnonzero(present)
    physics.build([blocks[int(i)] for i in kept], poses[kept], awake[kept])
    physics.step()
    touching = [(int(kept[a]), int(kept[b])) for a, b in physics.block_contacts()]
    physics.settle(awake[kept], SETTLE_STEPS)
    after = poses.copy()
    after[kept[awake[kept]]] = physics.poses()[awake[kept]]
    return _wake_unsupported(physics, blocks, poses, after, present, awake, touching)


def _wake_unsupported(
    physics: Physics,
    blocks: Sequence[Block],
    before: Poses,
    after: Poses,
    present: NDArray[np.bool_],
    awake: NDArray[np.bool_],
    touching: list[tuple[int, int]],
    rounds: int = ROUNDS,
) -> Poses:
    moved = ~present | (np.linalg.norm(after[:, :3] - before[:, :3], axis=1) > MOVED)
    loose = {
        still
        for pair in touching
        for mover, still in (pair, pair[::-1])
        if moved[mover] and not awake[still] and present[still]
    }
    if not loose or rounds == 0:
        return after
    again = near(after, after[sorted(loose), :2], 0.05) & present
    kept = np.flatnonzero(present)
    physics.build([blocks[int(i)] for i in kept], after[kept], again[kept])
    physics.step()
    touching = [(int(kept[a]), int(kept[b])) for a, b in physics.block_contacts()]
    physics.settle(again[kept], SETTLE_STEPS)
    later = after.copy()
    later[kept[again[kept]]] = physics.poses()[again[kept]]
    return _wake_unsupported(physics, blocks, after, later, present, again, touching, rounds - 1)
