"""Learning from the robot's own attempts: rounds, what they leave, and how a stopped run goes on."""

import json
from dataclasses import replace

import numpy as np
import pytest

from grasping_student.collection import collect
from grasping_student.collection.configuration import CollectConfig
from grasping_student.collection.online import run
from grasping_student.collection.online_configuration import OnlineConfig
from grasping_student.datasets.store import Dataset
from grasping_student.episodes.policy_spec import make_policy
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.configuration import NetworkConfig
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.errors import UserError
from grasping_student.policies.exploring import ExploringPolicy
from grasping_student.training.affordance_configuration import AffordanceConfig
from grasping_student.training.loop_configuration import LoopConfig

PIXELS = 56


def config(out, **options):
    own = {
        "attempts": (24, 48),
        "first_policy": "random",
        "collect": CollectConfig(family="sparse", pixels=PIXELS, per_episode=6, workers=1),
        "affordance": AffordanceConfig(network=NetworkConfig(widths=(4, 8)), loop=LoopConfig(steps=4, batch=4)),
        "out": out,
    }
    return OnlineConfig(**{**own, **options})


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return run(config(tmp_path_factory.mktemp("online") / "run"), make_policy)


def test_every_round_leaves_its_attempts_and_a_model_of_all_so_far(finished):
    rounds = json.loads((finished / "curve.json").read_text())["rounds"]
    assert [row["attempts"] for row in rounds] == [24, 48] and [row["made"] for row in rounds] == [24, 24]
    datasets = [Dataset(finished / f"round-{number}" / "attempts") for number in range(2)]
    assert [len(dataset) for dataset in datasets] == [24, 24]
    assert {attempt.policy for attempt in datasets[0].attempts()} == {"random"}
    assert all(attempt.policy_version.endswith("-exploring") for attempt in datasets[1].attempts())
    learnt_from = json.loads((finished / "round-1" / "model" / "split.json").read_text())["datasets"]
    assert [side["dataset_version"] for side in learnt_from] == [dataset.version for dataset in datasets]
    assert (finished / "model" / "model.safetensors").read_bytes() == (
        finished / "round-1" / "model" / "model.safetensors"
    ).read_bytes()


def test_a_run_that_stopped_at_any_attempt_ends_as_one_that_never_did(finished, tmp_path, monkeypatch):
    class Stopped(Exception):
        pass

    made = [0]
    append = collect.DatasetWriter.append

    def stop_at_the_thirtieth(self, *arguments):
        made[0] += 1
        if made[0] == 30:
            raise Stopped
        return append(self, *arguments)

    monkeypatch.setattr(collect.DatasetWriter, "append", stop_at_the_thirtieth)
    again = config(tmp_path / "run")
    with pytest.raises(Stopped):
        run(again, make_policy)
    assert len(Dataset(tmp_path / "run" / "round-1" / "attempts")) == 5
    run(replace(again, resume=True), make_policy)
    for name in ("round-0/attempts", "round-1/attempts"):
        assert Dataset(tmp_path / "run" / name).version == Dataset(finished / name).version
    assert (tmp_path / "run" / "curve.json").read_text() == (finished / "curve.json").read_text()


def test_recorded_attempts_are_learnt_from_as_well(finished, tmp_path):
    recorded = finished / "round-0" / "attempts"
    out = run(config(tmp_path / "run", attempts=(20,), recorded=(recorded,), seed=5), make_policy)
    learnt_from = json.loads((out / "model" / "split.json").read_text())["datasets"]
    assert learnt_from[0]["dataset"] == str(recorded) and len(learnt_from) == 2


def test_rounds_without_a_failure_go_on_by_chance_and_the_end_tells(tmp_path):
    with pytest.raises(UserError, match="of 24 attempts all succeeded, or all failed"):
        run(config(tmp_path / "run", attempts=(24,), first_policy="antipodal"), make_policy)


@pytest.mark.parametrize("attempts", [(), (10,), (50, 60), (100, 50)])
def test_rounds_that_teach_nothing_are_refused(attempts):
    with pytest.raises(ValueError, match="growing numbers"):
        OnlineConfig(attempts=attempts)


def test_only_an_affordance_network_explores(tmp_path):
    from grasping_student.models.configuration import ModelConfig
    from grasping_student.models.grasp_model import GraspModel

    class Simulation:
        workspace = Workspace(0.2, 40, 0.02)

    model = GraspModel.new(ModelConfig(NetworkConfig(widths=(4, 8)), Simulation.workspace), 0)
    model.save(tmp_path / "teacher")
    Simulation.gripper = model.query.gripper
    with pytest.raises(UserError, match="is no affordance network"):
        make_policy(f"exploring:{tmp_path / 'teacher'}", Simulation())


def test_the_general_model_explores():
    from grasping_student.models.grasp_model import GraspModel
    from grasping_student.serving.loading import PRETRAINED

    class Simulation:
        workspace = GraspModel.load(PRETRAINED).workspace
        gripper = GraspModel.load(PRETRAINED).query.gripper

    assert isinstance(make_policy(f"exploring:{PRETRAINED}", Simulation()), ExploringPolicy)


class TwoBars:
    """A model of success: the left bar's grasps have log-odds ``better`` above the right bar's."""

    version = "bars"

    def __init__(self, better):
        self.workspace = Workspace(0.3, 60, 0.02)
        self.better = better
        height = np.zeros(self.workspace.shape, np.float32)
        height[20:40, 12:16] = height[20:40, 40:44] = 0.03
        self.scene = Observation.of(Heightmap(height, np.zeros((60, 60, 3), np.uint8), self.workspace))

    @property
    def query(self):
        from grasping_student.models.grasp_choice import GraspQuery

        return GraspQuery()

    def score_maps(self, heightmap, grid):
        scores = np.full((grid.count, *self.workspace.shape), -20.0, np.float32)
        scores[0, 30, 13], scores[0, 30, 42] = self.better, 0.0
        return scores


def test_what_is_unsure_is_tried_and_what_is_sure_is_taken():
    for better, low, high in ((0.0, 0.2, 0.8), (2.0, 0.7, 1.0), (9.0, 1.0, 1.0)):
        model = TwoBars(better)
        policy = ExploringPolicy(model, "bars")
        policy.begin_episode(3)
        left = np.mean([policy(model.scene)[0].col < 30 for _ in range(30)])
        assert low <= left <= high, better
