"""What a process keeps open: every policy while the weights fit, then those that fit and one more."""

import gc
import weakref

import pytest
from tests.fakes.boxes import WORKSPACE, BoxWorldSpec

from grasping_student.episodes import process_cache
from grasping_student.episodes.policy_spec import make_policy, weights_bytes
from grasping_student.evaluation import one_shot
from grasping_student.evaluation.configuration import OneShotConfig
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel

WORLD = BoxWorldSpec()
SCENES = 4


def save_model(folder, seed):
    GraspModel.new(ModelConfig(NetworkConfig(widths=(4, 4)), WORKSPACE), seed).save(folder)
    return folder


@pytest.fixture
def folders(tmp_path):
    """Four checkpoints of one size."""
    return [save_model(tmp_path / f"model-{seed}", seed) for seed in range(4)]


@pytest.fixture
def loads(monkeypatch):
    """Names of the folders that were loaded, in order, and the models that came of them, weakly."""
    load, names, models = GraspModel.load, [], []

    def counted(path, *rest):
        model = load(path, *rest)
        names.append(path.name)
        models.append(weakref.ref(model))
        return model

    monkeypatch.setattr(GraspModel, "load", counted)
    return names, models


def shoot(folders, out):
    models = tuple(f"{folder.name}={folder}" for folder in folders)
    one_shot.run(OneShotConfig(models=("chance=random", *models), scenes=SCENES, out=out), WORLD)
    return (out / "attempts.jsonl").read_bytes()


@pytest.mark.parametrize(("room", "stay"), [(0.0, 0), (2.5, 2), (4.0, 4)])
def test_models_that_do_not_fit_are_loaded_anew_and_grasp_the_same(folders, loads, room, stay, tmp_path, monkeypatch):
    whole = shoot(folders, tmp_path / "whole")
    names, _ = loads
    assert names == [folder.name for folder in folders]
    names.clear()
    monkeypatch.setattr(process_cache, "WEIGHTS_KEPT", room * weights_bytes(folders[0]))
    assert shoot(folders, tmp_path / "limited") == whole
    # once to tell the versions, then on every scene
    assert [names.count(folder.name) for folder in folders] == [1] * stay + [1 + SCENES] * (4 - stay)


def test_only_what_fits_and_one_more_is_in_memory(folders, loads, monkeypatch):
    monkeypatch.setattr(process_cache, "WEIGHTS_KEPT", 2 * weights_bytes(folders[0]))
    try:
        for folder in (*folders, *folders):
            assert process_cache.open_policy(WORLD, str(folder), make_policy).name == folder.name
            gc.collect()
            assert sum(model() is not None for model in loads[1]) <= 3
    finally:
        process_cache.close_environments()


def test_policies_by_one_checkpoint_under_several_rules_share_its_model(folders, loads):
    world, folder = WORLD.make(), folders[0]
    policies = [
        make_policy(f"{prefix}{folder}", world) for prefix in ("", "antipodal:", "clearance:", "unconstrained:")
    ]
    assert loads[0] == [folder.name]
    assert len({policy.version for policy in policies}) == 3
    save_model(folder, 9)
    anew = make_policy(str(folder), world)
    assert anew.version != policies[0].version
    assert loads[0] == [folder.name] * 2
