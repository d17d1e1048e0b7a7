"""Scenes that nobody labels, quickly: no gripper, visible blocks vanish one or two at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.geometry.heightmap import Heightmap

_TAKEN = 2  # keeps these draws apart from those of the scene, which has the same seed


def scene_episode(environment: SimulationEnvironment, seed: int, most: int) -> Iterator[Heightmap]:
    """Scenes of falling fill level, from a fresh one until the graspable area is empty, or ``most``.

    Args:
        environment: reset here.
        seed: of the scene and of what is taken away.
        most: scenes at most.
    """
    random = np.random.default_rng([seed, _TAKEN])
    environment.reset(seed)
    inside = environment.workspace.graspable_slice
    for number in range(most):
        heightmap = environment.observe().heightmap
        if heightmap.is_empty():
            return
        yield heightmap
        visible = np.unique(environment.picture().block[inside])
        visible = visible[visible >= 0]
        if number + 1 == most or not len(visible):
            return
        taken = random.choice(visible, size=min(int(random.integers(1, 3)), len(visible)), replace=False)
        environment.take_away(sorted(taken.tolist()))
