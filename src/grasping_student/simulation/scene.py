"""Scenes: random items, dropped and settled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from grasping_student.simulation.blocks import rotation_of
from grasping_student.simulation.config import SimulationConfig
from grasping_student.simulation.engine import GripperPose, PhysicsEngine
from grasping_student.simulation.item_sets import open_item_set
from grasping_student.simulation.items import Item
from grasping_student.simulation.solids import Poses

DROP_GAP = 0.004
"""Air between an item and what lies below it when it is let go, metres."""

DROP_CELL = 0.01
"""Cell of the coarse map of what lies below, metres."""

MOST_FILLED = 0.08
"""Items are dropped until the boxes around them would fill the bin so high, metres: large ones are fewer."""


def sample_items(config: SimulationConfig, random: np.random.Generator) -> tuple[Item, ...]:
    """Random items, as many as the config says, or fewer where these would overfill the bin."""
    item_set, count = open_item_set(config), int(random.integers(config.fewest_blocks, config.most_blocks + 1))
    room = MOST_FILLED * config.workspace.extent**2
    items: list[Item] = []
    while len(items) < count and room > 0.0:
        items.append(item_set.sample(random))
        room -= float(np.prod(np.ptp(items[-1].triangles, axis=(0, 1))))
    return tuple(items)


def stack_poses(items: tuple[Item, ...], config: SimulationConfig, random: np.random.Generator) -> Poses:
    """Random positions and orientations, each item just above those before it, none touching."""
    half = config.workspace.extent / 2
    cells = int(np.ceil(2 * half / DROP_CELL))
    top = np.zeros((cells, cells))
    poses = np.empty((len(items), 7))
    for index, item in enumerate(items):
        quaternion = random.normal(size=4)
        quaternion /= np.linalg.norm(quaternion)
        corners = item.triangles.reshape(-1, 3) @ rotation_of(quaternion).T
        low, high = corners.min(axis=0), corners.max(axis=0)
        room = (config.walls.inside / 2 if config.walls.height > 0.0 else half) - 0.002
        x, y = np.clip(random.uniform(-config.spread, config.spread, size=2), -room - low[:2], room - high[:2])
        first = np.floor((np.array([x, y]) + low[:2] + half) / DROP_CELL).astype(int).clip(0, cells - 1)
        last = np.floor((np.array([x, y]) + high[:2] + half) / DROP_CELL).astype(int).clip(0, cells - 1)
        under = top[first[0] : last[0] + 1, first[1] : last[1] + 1]
        bottom = under.max() + DROP_GAP
        under[:] = bottom + high[2] - low[2]
        poses[index] = (x, y, bottom - low[2], *quaternion)
    return poses


def drop_scene(engine: PhysicsEngine, seed: int) -> tuple[tuple[Item, ...], Poses]:
    """The items of a scene and where they lie after they have fallen and settled."""
    stream = engine.config.scene_stream
    random = np.random.default_rng([seed, 0, stream] if stream else [seed, 0])
    items = sample_items(engine.config, random)
    poses = stack_poses(items, engine.config, random)
    awake = np.ones(len(items), dtype=bool)
    build_scene(engine, items, poses, awake)
    engine.fall(engine.config.fall_time)
    engine.settle(awake, engine.config.drop_time)
    return _inside(items, engine.poses(), engine.config.workspace.extent / 2)


def _inside(items: tuple[Item, ...], poses: Poses, half: float) -> tuple[tuple[Item, ...], Poses]:
    """The items that did not fall out of the bin, and their poses."""
    kept = (np.abs(poses[:, :2]).max(axis=1, initial=0.0) < half) & (poses[:, 2] > 0.0)
    if kept.all():
        return items, poses
    return tuple(items[i] for i in np.flatnonzero(kept)), poses[kept]


def build_scene(
    engine: PhysicsEngine,
    items: Sequence[Item],
    poses: Poses,
    awake: NDArray[np.bool_],
    gripper: GripperPose | None = None,
) -> None:
    """Put items into an engine, at rest; see ``PhysicsEngine.build``."""
    engine.build([item.solid for item in items], poses, awake, gripper)
