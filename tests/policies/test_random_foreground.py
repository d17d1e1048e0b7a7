"""Chance, evenly."""

import numpy as np
import pytest

from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import light_workspace
from grasping_student.perception.observation import Observation
from grasping_student.policies.base import NothingToGrasp, Policy
from grasping_student.policies.random_foreground import RandomForeground

WORKSPACE = light_workspace()


def scene(height):
    return Observation.of(Heightmap(height, np.zeros((*WORKSPACE.shape, 3), np.uint8), WORKSPACE))


def test_it_draws_evenly_from_the_graspable_foreground_and_from_all_angles():
    height = np.zeros(WORKSPACE.shape, np.float32)
    height[10:20, 50:54] = 0.03  # half of it lies in the margin
    height[60, 60] = np.nan
    policy = RandomForeground()
    assert isinstance(policy, Policy)
    grasps = [policy(scene(height))[0] for _ in range(2000)]
    counts = np.zeros(WORKSPACE.shape, int)
    for grasp in grasps:
        counts[grasp.row, grasp.col] += 1
    chosen = counts[15:20, 50:54]
    assert chosen.sum() == 2000
    assert chosen.min() > 50
    angles = np.histogram([grasp.angle for grasp in grasps], bins=8, range=(0, np.pi))[0]
    assert angles.min() > 180


def test_an_episode_follows_its_seed():
    height = np.full(WORKSPACE.shape, 0.03, np.float32)
    policy = RandomForeground(seed=9)
    traces = []
    for seed in (4, 4, 5):
        policy.begin_episode(seed)
        traces.append([policy(scene(height))[0] for _ in range(5)])
    assert traces[0] == traces[1]
    assert traces[0] != traces[2]


def test_an_empty_table_offers_nothing():
    with pytest.raises(NothingToGrasp):
        RandomForeground()(scene(np.zeros(WORKSPACE.shape, np.float32)))
