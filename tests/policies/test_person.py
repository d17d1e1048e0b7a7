"""The stand-in for a person: knows which grasps hold, clicks nearly there."""

import math
from dataclasses import replace

import numpy as np
import pytest

from grasping_student.environments.simulated import SceneState, SimulationEnvironment
from grasping_student.episodes.policy_spec import make_policy
from grasping_student.geometry.grasp import Outcome, angle_distance
from grasping_student.pipeline.errors import UserError
from grasping_student.policies.base import NothingToGrasp
from grasping_student.simulation.blocks import Block
from grasping_student.simulation.families import simulation, standard

RED = (200, 40, 40)
CUBE, WIDE = Block("cube", (0.035, 0.035, 0.035), RED), Block("cube", (0.1, 0.1, 0.1), RED)


@pytest.fixture
def environment():
    with SimulationEnvironment(standard()) as environment:
        yield environment


def lay(environment, *placed):
    poses = [(x, y, block.size[2] / 2, 0, 0, 0, 1) for block, x, y in placed]
    environment.restore_state(SceneState(0, 0, tuple(b for b, *_ in placed), np.array(poses, dtype=float)))


def test_it_grasps_the_middle_of_what_lies_free(environment):
    lay(environment, (CUBE, 0.05, -0.03))
    grasp, _ = make_policy("person-exact", environment)(environment.observe())
    assert np.hypot(*np.array(grasp.xy(environment.workspace)) - (0.05, -0.03)) < 0.02
    assert environment.execute(grasp) is Outcome.SUCCESS


def test_what_it_foresees_happens_and_changes_nothing(environment):
    environment.reset(3)
    before = environment.save_state()
    grasp, _ = make_policy("person-exact", environment)(environment.observe())
    foreseen = environment.foresee(grasp)
    assert environment.save_state() is before
    assert environment.execute(grasp) is foreseen is Outcome.SUCCESS


def test_it_clicks_with_a_persons_errors_what_it_would_grasp_without(environment):
    lay(environment, (CUBE, 0.0, 0.0))
    exact, person = (make_policy(name, environment) for name in ("person-exact", "person"))
    offsets, turns = [], []
    for seed in range(25):
        for policy in (exact, person):
            policy.begin_episode(seed)
        meant, clicked = exact(environment.observe())[0], person(environment.observe())[0]
        offsets.append(np.array(clicked.xy(environment.workspace)) - meant.xy(environment.workspace))
        turns.append(angle_distance(clicked.angle, meant.angle))
    person.begin_episode(24)
    assert person(environment.observe())[0] == clicked
    assert 0.0035 < np.std(offsets) < 0.0065
    assert math.radians(2) < np.mean(turns) < math.radians(7)


def test_it_leaves_alone_what_no_gripper_takes(environment):
    lay(environment, (WIDE, 0.0, 0.0))
    with pytest.raises(NothingToGrasp):
        make_policy("person", environment)(environment.observe())


def test_after_a_failure_it_turns_to_something_else(environment):
    lay(environment, (CUBE, -0.08, 0.0), (Block("cube", CUBE.size, RED), 0.08, 0.0))
    person = make_policy("person-exact", environment)
    first, _ = person(environment.observe())
    person.observe_outcome(first, Outcome.DROPPED)
    second, _ = person(environment.observe())
    assert np.sign(first.xy(environment.workspace)[0]) != np.sign(second.xy(environment.workspace)[0])


def test_it_needs_a_simulator_and_the_scripted_picker_needs_blocks():
    class Elsewhere:
        name = "robot-cell"

    with pytest.raises(UserError, match="must know the items"):
        make_policy("person", Elsewhere())
    config = replace(simulation("bin"), sensor="ideal", fewest_blocks=2, most_blocks=2)
    with SimulationEnvironment(config) as household:
        household.reset(0)
        with pytest.raises(UserError, match="--policy person"):
            make_policy("scripted", household)(household.observe())
