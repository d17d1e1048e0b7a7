"""Collections: the same for any number of workers and any interruption, refusals in words."""

from dataclasses import replace

import numpy as np
import pytest

from grasping_student.cli.main import main
from grasping_student.collection.collect import _SCENES, run, simulation_of
from grasping_student.collection.configuration import CollectConfig
from grasping_student.datasets.store import Dataset
from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json
from grasping_student.policies.random_foreground import RandomForeground
from grasping_student.simulation.sensor_config import SENSOR_NAMES

SMALL = CollectConfig(family="sparse", policy="random", count=7, per_episode=3, workers=1, seed=4)


def make_policy(spec, environment):
    if spec != "random":
        raise UserError(f"unknown model '{spec}'")
    return RandomForeground()


def collect(out, **options):
    return Dataset(run(replace(SMALL, out=out, **options), make_policy))


def test_attempts_are_whole_and_numbered_by_episode(tmp_path):
    dataset = collect(tmp_path / "d")
    attempts = dataset.attempts()
    assert [(each.episode, each.index) for each in attempts] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0)]
    assert all(each.labelled and each.source == "script" and each.policy == "random" for each in attempts)
    assert all(each.z is not None and 0.0 < each.z < 0.2 for each in attempts)
    facts = read_json(dataset.path / "manifest.json")
    assert facts["dataset_version"] == dataset.version
    assert sum(facts["outcomes"].values()) == facts["attempts"] == 7


def test_a_stored_attempt_is_what_the_simulator_does(tmp_path):
    attempt = collect(tmp_path / "d", count=1).attempts()[0]
    from grasping_student.collection.collect import EpisodeJob, collect_episode

    heightmap, made = collect_episode(EpisodeJob(SMALL, make_policy, 0))[0]
    assert (attempt.grasp, attempt.outcome) == (made.grasp, made.outcome)
    stored = Dataset(tmp_path / "d").heightmap(attempt.id)
    np.testing.assert_allclose(stored.height, heightmap.height, atol=6e-5)
    np.testing.assert_array_equal(stored.rgb, heightmap.rgb)


def test_judged_grasps_end_as_executed_ones_from_the_same_scene_would(tmp_path):
    dataset = collect(tmp_path / "d", count=11, judged=4, per_episode=2)
    attempts = dataset.attempts()
    assert [(each.episode, each.index) for each in attempts] == [(0, n) for n in range(8)] + [(1, n) for n in range(3)]
    first, second = (dataset.heightmap(attempts[n].id).height for n in (0, 4))
    assert all(np.array_equal(dataset.heightmap(each.id).height, first) for each in attempts[:4])
    assert (first != second).any()
    seed = int(np.random.SeedSequence([_SCENES, SMALL.seed, 0]).generate_state(1)[0])
    with SimulationEnvironment(simulation_of(SMALL)) as environment:
        environment.reset(seed)
        state = environment.save_state()
        for each in attempts[:4]:
            environment.restore_state(state)
            assert environment.execute(each.grasp) is each.outcome


@pytest.mark.parametrize("sensor", SENSOR_NAMES)
def test_workers_change_nothing(tmp_path, sensor):
    one, two = (collect(tmp_path / f"{workers}", workers=workers, sensor=sensor) for workers in (1, 2))
    assert one.version == two.version


@pytest.mark.parametrize("kind", ["attempts", "scenes"])
@pytest.mark.parametrize("first", [3, 5])
def test_an_interrupted_collection_goes_on_as_if_nothing_had_happened(tmp_path, kind, first):
    collect(tmp_path / "d", kind=kind, count=first)
    resumed = collect(tmp_path / "d", kind=kind, resume=True)
    assert len(resumed) == 7
    assert resumed.version == collect(tmp_path / "whole", kind=kind).version


def test_scenes_are_unlabelled_and_come_at_every_fill_level(tmp_path):
    dataset = collect(tmp_path / "d", kind="scenes", count=12, per_episode=60)
    attempts = dataset.attempts()
    assert not any(each.labelled or each.grasp or each.source for each in attempts)
    filled = [dataset.heightmap(each.id).graspable_foreground().sum() for each in attempts if each.episode == 0]
    assert filled[-1] < 0.4 * filled[0]
    assert min(filled) > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--policy", "scriptd"], "did you mean 'scripted'"),
        (["--preset", "lite"], "did you mean 'light'"),
        (["--config", "none.yaml"], "none.yaml does not exist"),
        (["--family", "sparse", "--seed", "5", "--resume"], "begun with other values of seed (4, now 5)"),
        ([], "--resume to go on"),
    ],
)
def test_what_a_user_can_mend_is_told_and_nothing_is_lost(tmp_path, capsys, options, message):
    dataset = collect(tmp_path / "d", count=2)
    before = dataset.version
    asked = [
        "collect",
        "--family",
        "sparse",
        "--policy",
        "random",
        "--per-episode",
        "3",
        "--workers",
        "1",
        "--out",
        str(dataset.path),
        *options,
    ]
    assert main(asked) == 2
    assert message in capsys.readouterr().err
    assert Dataset(dataset.path).version == before


@pytest.mark.parametrize("name", ["count", "per_episode", "failures_in_a_row", "workers"])
def test_a_number_below_one_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} is 0"):
        CollectConfig(**{name: 0})


def test_a_policy_that_finds_nothing_ends_the_collection_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr(SimulationEnvironment, "reset", _reset_to_nothing)
    with pytest.raises(UserError, match="finds no grasp"):
        collect(tmp_path / "d")


def _reset_to_nothing(self, seed):
    from grasping_student.environments.simulated import SceneState

    self.restore_state(SceneState(seed, 0, (), np.empty((0, 7))))


def test_the_item_set_is_kept_and_decides_what_lies_there(tmp_path):
    found = collect(tmp_path / "d", items="household", count=2)
    assert read_json(found.path / "manifest.json")["config"]["items"] == "household"
    blocks = collect(tmp_path / "blocks", count=2)
    assert not np.array_equal(found.heightmap(0).height, blocks.heightmap(0).height)


def test_an_item_set_that_is_not_there_is_told_before_anything_is_written(tmp_path, capsys):
    out = tmp_path / "d"
    assert main(["collect", "--items", str(tmp_path / "nothing"), "--out", str(out)]) == 2
    assert "blocks, household" in capsys.readouterr().err
    assert not out.exists()
