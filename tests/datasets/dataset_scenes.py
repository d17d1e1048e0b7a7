"""Small scenes that the dataset tests append."""

import numpy as np

from grasping_student.datasets.schema import Attempt
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace

SMALL = Workspace(extent=0.12, pixels=12, margin=0.01)


def scene(seed: int, workspace: Workspace = SMALL) -> Heightmap:
    """Noise of a few centimetres with some holes; every seed another."""
    random = np.random.default_rng(seed)
    height = random.uniform(-0.01, 0.09, workspace.shape).astype(np.float32)
    height[random.random(workspace.shape) < 0.1] = np.nan
    return Heightmap(height, random.integers(0, 256, (*workspace.shape, 3), dtype=np.uint8), workspace)


def fill(writer, count: int, per_episode: int = 5, first: int = 0) -> list[int]:
    """Append ``count`` attempts: every third a scene, the others grasps that succeed and miss in turn."""
    ids = []
    for number in range(first, first + count):
        values = {"episode": number // per_episode, "index": number % per_episode, "environment": "simulation"}
        if number % 3:
            values |= {
                "source": "script",
                "policy": "scripted",
                "policy_version": "1",
                "grasp": PlanarGrasp(number % 12, 5, 0.1 * number),
                "z": 0.02,
                "outcome": Outcome.SUCCESS if number % 3 == 1 else Outcome.MISSED,
            }
        ids.append(writer.append(scene(number), Attempt(**values)).id)
    return ids
