"""Failure avoidance: no repeats of what has failed, nothing kept across successes and episodes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grasping_student.datasets.schema import Attempt
from grasping_student.episodes.configuration import StopRule
from grasping_student.episodes.event_log import attempts_in
from grasping_student.episodes.loop import Episode, EventRecorder, run_episode
from grasping_student.episodes.policy_spec import make_policy
from grasping_student.evaluation import rates
from grasping_student.geometry.grasp import REPEAT_ANGLE, REPEAT_DISTANCE, AngleGrid, Outcome, PlanarGrasp
from grasping_student.geometry.grasp_constraints import ExclusionZone
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.perception.observation import Observation
from grasping_student.policies.base import NothingToGrasp, OutcomeObserver
from grasping_student.policies.failure_avoiding import AWAY, FailureAvoidingPolicy
from grasping_student.policies.greedy_network import GreedyNetworkPolicy

WORKSPACE = Workspace(pixels=40)
MODEL = GraspModel.new(ModelConfig(NetworkConfig(widths=(4, 4)), WORKSPACE), seed=0)


def scene(side=12):
    height = np.zeros(WORKSPACE.shape, np.float32)
    height[14 : 14 + side, 14 : 14 + side] = 0.03
    return Observation.of(Heightmap(height, np.zeros((*WORKSPACE.shape, 3), np.uint8), WORKSPACE))


def missed(*grasps):
    return [Attempt(episode=0, index=n, grasp=each, outcome=Outcome.MISSED) for n, each in enumerate(grasps)]


@given(st.integers(0, 39), st.integers(0, 39), st.floats(0.0, 3.14), st.integers(0, 15), st.data())
@settings(max_examples=50, deadline=None)
def test_the_rule_refuses_exactly_what_the_rates_count_as_a_repeat(row, col, angle, bin_, data):
    grid = AngleGrid(16)
    allowed = ExclusionZone((PlanarGrasp(row, col, angle),), REPEAT_DISTANCE, REPEAT_ANGLE).allows(
        scene().heightmap.height, grid.angles, WORKSPACE
    )
    other_row, other_col = (data.draw(st.integers(max(0, at - 3), min(39, at + 3))) for at in (row, col))
    attempts = missed(PlanarGrasp(row, col, angle), PlanarGrasp(other_row, other_col, grid.angle(bin_)))
    assert allowed[bin_, other_row, other_col] != rates.is_repeat(attempts, 1, WORKSPACE)


def test_without_failures_it_grasps_as_the_model_does():
    policy, plain = FailureAvoidingPolicy(MODEL, "m"), GreedyNetworkPolicy(MODEL, "m")
    assert isinstance(policy, OutcomeObserver)
    assert not isinstance(plain, OutcomeObserver)
    grasp, score = policy(scene())
    assert (grasp, score) == plain(scene())
    policy.observe_outcome(grasp, Outcome.DROPPED)
    other, lower = policy(scene())
    assert np.hypot(other.row - grasp.row, other.col - grasp.col) * WORKSPACE.pixel_size > AWAY
    assert lower <= score
    policy.observe_outcome(other, Outcome.FAULT)
    assert policy(scene())[0] == other, "a device's fault says nothing of a grasp"
    policy.observe_outcome(other, Outcome.SUCCESS)
    assert policy(scene())[0] == grasp, "the scene has changed"
    policy.observe_outcome(grasp, Outcome.MISSED)
    policy.begin_episode(1)
    assert policy(scene())[0] == grasp


def test_where_nothing_is_left_away_from_failures_it_tries_what_is_new_beside_them():
    policy = FailureAvoidingPolicy(MODEL, "m")
    grasp, _ = policy(scene(side=2))
    policy.observe_outcome(grasp, Outcome.MISSED)
    other, _ = policy(scene(side=2))
    assert np.hypot(other.row - grasp.row, other.col - grasp.col) * WORKSPACE.pixel_size <= AWAY
    assert not rates.is_repeat(missed(grasp, other), 1, WORKSPACE)


def test_where_everything_has_failed_there_is_nothing_to_grasp():
    policy = FailureAvoidingPolicy(MODEL, "m")
    with pytest.raises(NothingToGrasp):
        for _ in range(100):
            policy.observe_outcome(policy(scene(side=2))[0], Outcome.MISSED)


class Stubborn:
    """A scene that no grasp changes."""

    name, workspace = "stubborn", WORKSPACE

    def __init__(self):
        self.grasps = []

    def reset(self, seed):
        self.grasps = []

    def observe(self):
        return scene()

    def execute(self, grasp):
        self.grasps.append(grasp)
        return Outcome.MISSED


def test_an_episode_has_no_repeats_and_goes_on_after_a_stop_as_if_there_had_been_none():
    environment, stop = Stubborn(), StopRule(failures_in_a_row=6)

    def run(earlier=()):
        events = []
        episode = Episode.of_run("m", 0, 3, stop, earlier)
        run_episode(environment, FailureAvoidingPolicy(MODEL, "m"), episode, [EventRecorder(events.append)])
        return events

    events = run()
    attempts = attempts_in(events)
    assert len(attempts) == 6
    assert not any(rates.is_repeat(attempts, position, WORKSPACE) for position in range(6))
    assert run(attempts[:2]) == events[2:]


def test_a_checkpoint_that_avoids_failures_is_named_by_a_spec(tmp_path):
    MODEL.save(tmp_path / "model")
    policy = make_policy(f"failure-avoiding:{tmp_path / 'model'}", Stubborn())
    assert isinstance(policy, FailureAvoidingPolicy)
    assert policy.version == f"{MODEL.version}-failure-avoiding"
    assert policy.name == "model"
