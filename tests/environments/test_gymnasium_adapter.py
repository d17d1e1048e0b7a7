"""Our environments for reinforcement learning libraries."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from grasping_student.environments.gymnasium_adapter import GymnasiumAdapter
from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.simulation.families import dense, sparse


def small(family):
    return SimulationEnvironment(replace(family(), fewest_blocks=3, most_blocks=5))


@pytest.mark.parametrize("family", [sparse, dense])
def test_gymnasiums_own_checks_pass_without_a_warning(family):
    adapter = GymnasiumAdapter(small(family), render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*not having a spec.*")
        check_env(adapter, skip_render_check=False)


def test_reward_end_and_outcome_follow_the_grasp():
    adapter = GymnasiumAdapter(small(sparse), failures_in_a_row=2)
    observation, _ = adapter.reset(seed=0)
    assert observation["measured"].all()
    ends = [adapter.step(np.array([0, 0, 0])) for _ in range(2)]  # in the margin
    assert [(reward, truncated, info["outcome"]) for _, reward, _, truncated, info in ends] == [
        (0.0, False, "out_of_reach"),
        (0.0, True, "out_of_reach"),
    ]
    adapter.reset(seed=0)
    while len(adapter.environment.state.items):
        adapter.environment.take_away([0])
    _, _, terminated, _, info = adapter.step(np.array([56, 56, 3]))
    assert terminated
    assert info["outcome"] == "missed"
    adapter.close()
