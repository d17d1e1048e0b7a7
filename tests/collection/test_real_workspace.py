"""Collecting in a workspace that stays as it is left: a stop loses nothing, a fault is no attempt, the end is told."""

from dataclasses import dataclass, replace

import pytest
from tests.fakes.boxes import BoxPolicy, BoxWorld

from grasping_student.cli.main import main
from grasping_student.collection import collect, online
from grasping_student.collection.configuration import CollectConfig
from grasping_student.collection.online_configuration import OnlineConfig
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.episodes.policy_spec import make_policy
from grasping_student.models.configuration import NetworkConfig
from grasping_student.pipeline.errors import UserError
from grasping_student.training.affordance_configuration import AffordanceConfig
from grasping_student.training.loop_configuration import LoopConfig


class Stopped(Exception):
    """The program was killed."""


class LastingWorld(BoxWorld):
    """Boxes that lie where they lay when the program comes back."""

    def close(self):
        pass


@dataclass(frozen=True)
class OneWorld:
    """Gives the same world to every program."""

    world: LastingWorld
    outlives_program: bool = True

    def make(self):
        return self.world


def policy(spec, environment):
    return BoxPolicy(spec)


def config(out, **options):
    return CollectConfig(**{"count": 18, "policy": "random", "per_episode": 7, "out": out, **options})


@pytest.mark.parametrize("stop", [1, 5, 8, 15])
def test_a_run_that_is_stopped_goes_on_in_the_workspace_as_it_was_left(tmp_path, monkeypatch, stop):
    spec, append, calls = OneWorld(LastingWorld()), DatasetWriter.append, [0]

    def stopping(self, *entry):
        calls[0] += 1
        if calls[0] == stop:
            raise Stopped
        return append(self, *entry)

    monkeypatch.setattr(DatasetWriter, "append", stopping)
    with pytest.raises(Stopped):
        collect.run(config(tmp_path / "out"), policy, spec)
    kept = Dataset(tmp_path / "out").attempts()
    assert len(kept) == stop - 1
    begun, resets = kept[-1].episode if kept else -1, len(spec.world.resets)
    collect.run(config(tmp_path / "out", resume=True), policy, spec)
    attempts = Dataset(tmp_path / "out").attempts()
    assert len(attempts) == 18 and {each.environment for each in attempts} == {"boxes"}
    for number in {each.episode for each in attempts}:
        own = [each.index for each in attempts if each.episode == number]
        assert own == list(range(len(own))) and len(own) <= 7
    # a reset would have refilled the bin of an episode that had begun
    assert len(spec.world.resets) - resets == attempts[-1].episode - begun


def test_a_devices_fault_is_no_attempt_and_three_in_a_row_end_the_run_until_it_is_repaired(tmp_path):
    spec = OneWorld(LastingWorld(faults=(3, 9, 10, 11)))
    with pytest.raises(UserError, match="after 7 of 12 attempts; nothing is lost"):
        collect.run(config(tmp_path / "out", count=12), policy, spec)
    collect.run(config(tmp_path / "out", count=12, resume=True), policy, spec)
    assert [each.counted for each in Dataset(tmp_path / "out").attempts()] == [True] * 12


def test_a_policy_that_finds_nothing_is_told(tmp_path):
    with pytest.raises(UserError, match="3 episodes in a row gave nothing"):
        collect.run(config(tmp_path / "out", policy="lazy"), policy, OneWorld(LastingWorld()))


def test_a_robot_learns_from_its_own_attempts_in_a_workspace(tmp_path):
    spec = OneWorld(LastingWorld(boxes=12))
    own = OnlineConfig(
        attempts=(24, 44),
        first_policy="random",
        collect=CollectConfig(per_episode=8),
        affordance=AffordanceConfig(network=NetworkConfig(widths=(4, 8)), loop=LoopConfig(steps=4, batch=4)),
        out=tmp_path / "run",
    )
    out = online.run(own, make_policy, spec)
    rounds = [Dataset(out / f"round-{number}" / "attempts") for number in range(2)]
    assert [len(each) for each in rounds] == [24, 20]
    assert {each.environment for dataset in rounds for each in dataset.attempts()} == {"boxes"}
    assert all(each.z is not None and each.z < 0.03 for each in rounds[0].attempts())
    assert online.run(replace(own, resume=True), make_policy, spec) == out
    assert (out / "model" / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--env", "robot-cell"), "belong together"),
        (("--cell", "cell.yaml"), "belong together"),
        (("--env", "robot-cell", "--cell", "cell.yaml", "--kind", "scenes"), "only a simulator collects scenes"),
        (("--env", "robot-cell", "--cell", "cell.yaml", "--judged", "3"), "only a simulator collects scenes"),
        (("--env", "robot-cell", "--cell", "nowhere.yaml"), "nowhere.yaml"),
    ],
)
def test_what_a_user_can_mend_is_told_before_anything_moves(tmp_path, capsys, options, message):
    assert main(["collect", *options, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
