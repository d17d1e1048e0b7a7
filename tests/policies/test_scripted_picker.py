"""The stand-in for a person: free blocks, short sides, no fingers on neighbours."""

import math
from dataclasses import replace

import numpy as np
import pytest

from grasping_student.environments.simulated import SceneState, SimulationEnvironment
from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, angle_distance
from grasping_student.policies.base import NothingToGrasp, Policy
from grasping_student.policies.grasp_sampler import GraspSampler
from grasping_student.policies.scripted_picker import ScriptedPicker
from grasping_student.simulation.blocks import Block
from grasping_student.simulation.families import standard

RED = (200, 40, 40)
PLANK = Block("plank", (0.09, 0.035, 0.02), RED)
CUBE = Block("cube", (0.035, 0.035, 0.035), RED)
WIDE = Block("cube", (0.1, 0.1, 0.1), RED)


@pytest.fixture(scope="module")
def environment():
    with SimulationEnvironment(standard()) as made:
        yield made


def place(environment, *placed):
    """Blocks flat on the table: (block, x, y, turn in radians)."""
    poses = [(x, y, b.size[2] / 2, 0.0, 0.0, math.sin(t / 2), math.cos(t / 2)) for b, x, y, t in placed]
    blocks = tuple(block for block, *_ in placed)
    environment.restore_state(SceneState(0, 0, blocks, np.array(poses, dtype=np.float64).reshape(-1, 7)))


def pick(environment, **options):
    return ScriptedPicker(environment, **options)(environment.observe())


@pytest.mark.parametrize("turn", [0.0, 0.4, 2.0])
def test_a_plank_is_gripped_at_its_middle_across_its_short_side(environment, turn):
    place(environment, (PLANK, 0.02, -0.03, turn))
    grasp, score = pick(environment)
    x, y = grasp.xy(environment.workspace)
    assert math.hypot(x - 0.02, y + 0.03) < 0.004
    assert angle_distance(grasp.angle, turn + math.pi / 2) < 0.02
    assert score > -1.0
    assert environment.execute(grasp).success


def test_neighbours_in_the_way_of_the_fingers_turn_the_grip(environment):
    place(environment, (CUBE, 0.0, 0.0, 0.0), (CUBE, 0.05, 0.0, 0.0), (CUBE, -0.05, 0.0, 0.0))
    middle = [each for each in GraspSampler(environment).candidates() if each.block == 0]
    assert angle_distance(middle[0].grasp.angle, math.pi / 2) < 0.02
    across = [grip for grip in middle if angle_distance(grip.grasp.angle, 0.0) < 0.02]
    assert min(grip.cost for grip in across) > middle[0].cost + 1.0


def test_a_covered_block_comes_after_the_one_on_top_of_it(environment):
    place(environment, (PLANK, 0.0, 0.0, 0.0), (CUBE, 0.0, 0.0, 0.0))
    poses = environment.state.poses.copy()
    poses[1, 2] = 0.02 + 0.0175
    environment.restore_state(replace(environment.state, poses=poses))
    assert GraspSampler(environment).candidates()[0].block == 1


def test_what_is_too_wide_or_out_of_reach_is_left_alone(environment):
    place(environment, (WIDE, 0.0, 0.0, 0.0), (CUBE, 0.195, 0.0, 0.0))
    with pytest.raises(NothingToGrasp):
        pick(environment)


def test_a_block_that_was_not_picked_is_not_chosen_again_at_once(environment):
    place(environment, (PLANK, -0.08, 0.0, 0.0), (replace(PLANK), 0.08, 0.0, 1.0))
    policy = ScriptedPicker(environment)
    scene = environment.observe()
    columns = [policy(scene)[0].col for _ in range(3)]
    assert abs(columns[0] - columns[1]) > 20
    policy.begin_episode(0)
    assert policy(scene)[0].col == columns[0]


def test_a_person_turns_coarsely_clicks_inexactly_and_follows_the_seed(environment):
    place(environment, (PLANK, 0.0, 0.0, 0.3))
    policy = ScriptedPicker(environment, noise="person")
    assert isinstance(policy, Policy)
    scene = environment.observe()
    grasps = []
    for seed in range(40):
        policy.begin_episode(seed)
        grasps.append(policy(scene)[0])
    policy.begin_episode(0)
    assert policy(scene)[0] == grasps[0]
    bins = [DEPLOYMENT_ANGLES.index(grasp.angle) for grasp in grasps]
    assert all(angle_distance(g.angle, DEPLOYMENT_ANGLES.angle(b)) < 1e-9 for g, b in zip(grasps, bins, strict=True))
    positions = np.array([grasp.xy(environment.workspace) for grasp in grasps])
    assert 0.003 < positions.std(axis=0).mean() < 0.02
    assert all(environment.workspace.is_graspable(grasp.row, grasp.col) for grasp in grasps)


def test_free_picks_of_a_real_pile_succeed(environment):
    environment.reset(31)
    policy = ScriptedPicker(environment)
    policy.begin_episode(31)
    outcomes = [environment.execute(policy(environment.observe())[0]) for _ in range(5)]
    assert sum(outcome.success for outcome in outcomes) >= 4
