"""Recorded scenes as an environment."""

import numpy as np
import pytest
from tests.fakes.boxes import WORKSPACE, BoxWorld

from grasping_student.environments.recorded import RecordedEnvironment, ScenesInMemory
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError

CENTRE = PlanarGrasp(20, 20, 0.0)


def scenes(count=3):
    world = BoxWorld()
    found = []
    for seed in range(count):
        world.reset(seed)
        found.append(world.observe().heightmap)
    return found


def test_seeds_name_scenes_counted_round():
    heightmaps = scenes()
    with RecordedEnvironment(ScenesInMemory(heightmaps)) as environment:
        for seed in range(7):
            environment.reset(seed)
            np.testing.assert_array_equal(environment.observe().heightmap.height, heightmaps[seed % 3].height)
            assert environment.position == seed % 3


def test_a_judge_names_the_outcome_and_the_scene_stays():
    seen = []

    def judge(observation, grasp):
        seen.append((observation.heightmap.height.sum(), grasp))
        return Outcome.DROPPED

    environment = RecordedEnvironment(ScenesInMemory(scenes()), judge)
    before = environment.observe().heightmap.height
    assert environment.execute(CENTRE) is Outcome.DROPPED
    assert seen == [(before.sum(), CENTRE)]
    np.testing.assert_array_equal(environment.observe().heightmap.height, before)


def test_nobody_is_asked_about_a_grasp_outside():
    environment = RecordedEnvironment(ScenesInMemory(scenes()), lambda observation, grasp: Outcome.SUCCESS)
    assert environment.execute(PlanarGrasp(0, 20, 0.0)) is Outcome.OUT_OF_REACH


def test_without_a_judge_execute_says_what_is_missing():
    with pytest.raises(UserError, match="no robot"):
        RecordedEnvironment(ScenesInMemory(scenes())).execute(CENTRE)


def test_state_comes_back_and_pictures_are_the_callers_own():
    environment = RecordedEnvironment(ScenesInMemory(scenes()))
    environment.reset(1)
    state = environment.save_state()
    mine = environment.observe().heightmap
    original = mine.height.copy()
    mine.height[:] = 9.0
    environment.reset(2)
    environment.restore_state(state)
    np.testing.assert_array_equal(environment.observe().heightmap.height, original)
    assert environment.name == "recorded" and environment.workspace == WORKSPACE


def test_no_scenes_and_mixed_workspaces_are_refused():
    with pytest.raises(UserError, match="no recorded scenes"):
        RecordedEnvironment(ScenesInMemory([]))
    other = Workspace(extent=0.4, pixels=20, margin=0.05)
    odd = Heightmap(np.zeros(other.shape, np.float32), np.zeros((*other.shape, 3), np.uint8), other)
    with pytest.raises(UserError, match="different workspaces"):
        ScenesInMemory([*scenes(1), odd])
