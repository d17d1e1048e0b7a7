"""Both evaluations in the real simulator with a real network: the laws that the report relies on."""

import pytest

from grasping_student.episodes.configuration import StopRule
from grasping_student.episodes.event_log import read_attempts
from grasping_student.evaluation import one_shot, picking_stage
from grasping_student.evaluation.configuration import OneShotConfig, PickingConfig
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "network"
    GraspModel.new(ModelConfig(NetworkConfig(widths=(4, 8))), seed=0).save(folder)
    return folder


def test_a_model_entered_twice_agrees_on_every_scene_of_the_simulator(network, tmp_path):
    models = (f"a={network}", "picker=scripted", f"b={network}", "again=scripted")
    config = OneShotConfig(models=models, scenes=2, family="sparse", out=tmp_path / "shots")
    attempts = read_attempts(one_shot.run(config) / "attempts.jsonl")
    for one, other in (("a", "b"), ("picker", "again")):
        first = [(each.grasp, each.score, each.outcome) for each in attempts if each.policy == one]
        assert first == [(each.grasp, each.score, each.outcome) for each in attempts if each.policy == other]
        assert len(first) == 2


def test_episodes_in_the_simulator_do_not_depend_on_the_number_of_workers(tmp_path):
    def run(workers):
        config = PickingConfig(
            models=("random", "scripted"),
            episodes=1,
            family="sparse",
            workers=workers,
            stop=StopRule(attempts=2),
            out=tmp_path / str(workers),
        )
        folder = picking_stage.run(config)
        return (folder / "attempts.jsonl").read_bytes(), (folder / "metrics.json").read_bytes()

    assert run(1) == run(2)
