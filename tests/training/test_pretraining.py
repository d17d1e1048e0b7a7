"""Pretraining: what a batch holds, that a network learns to restore, and that other trainings start from it."""

from dataclasses import replace

import numpy as np
import pytest
from synthetic import SMALL, write_dataset

from grasping_student.datasets.store import Dataset
from grasping_student.models.configuration import NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.normalisation import normalise
from grasping_student.models.rotation import Canvas
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json
from grasping_student.training import pretraining, teacher
from grasping_student.training.configuration import TeacherConfig
from grasping_student.training.labels import read_scenes
from grasping_student.training.loop_configuration import LoopConfig, OptimiserConfig
from grasping_student.training.pretraining_configuration import PretrainingConfig


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretraining")
    return PretrainingConfig(
        dataset=write_dataset(folder / "scenes", 12, seed=0),
        out=folder / "out",
        network=NetworkConfig(widths=(8, 12)),
        holes=3,
        hole_size=0.02,
        loop=LoopConfig(steps=60, batch=6, record_every=20, threads=1, optimiser=OptimiserConfig(learning_rate=0.01)),
    )


def test_a_batch_is_corrupted_only_by_noise_and_holes_and_the_same_again(config):
    dataset = Dataset(config.dataset)
    scenes = read_scenes(dataset, dataset.ids(), config.normalisation)
    canvas = Canvas(SMALL, config.network.stride)
    quiet = replace(config, noise=0.0)
    batches = pretraining.DenoisingBatches(scenes, canvas, quiet, 4)
    batch, again, other = batches[2], batches[2], batches[3]
    assert (batch["pictures"] == again["pictures"]).all()
    assert (batch["whole"] != other["whole"]).any()
    table = normalise(np.zeros(1, np.float32), config.normalisation)[0]
    taken = batch["pictures"] != batch["whole"]
    assert 0.0 < taken.float().mean() < 0.3
    assert (batch["pictures"][taken] == float(table)).all()
    noisy = pretraining.DenoisingBatches(scenes, canvas, replace(config, holes=0, noise=0.003), 1)[0]
    error = (noisy["pictures"] - noisy["whole"]) * config.normalisation.std
    assert float(error.std()) == pytest.approx(0.003, rel=0.05)


def test_a_network_learns_to_restore_and_a_teacher_starts_from_it(config, tmp_path):
    out = pretraining.run(config)
    curve = read_json(out / "metrics.json")["learning_curve"]
    assert curve[-1]["loss"] < 0.6 * curve[0]["loss"]
    teaching = TeacherConfig(
        dataset=config.dataset, out=tmp_path / "teacher", initial=out, network=config.network, loop=LoopConfig(steps=1)
    )
    assert (teacher.run(teaching) / "model.safetensors").exists()
    with pytest.raises(UserError, match=r"restores pictures.*train teacher --initial"):
        GraspModel.load(out)


@pytest.mark.parametrize("wrong", [{"holes": -1}, {"holes": 0, "noise": 0.0}, {"hole_size": 30.0}])
def test_impossible_options_are_refused(wrong):
    with pytest.raises(ValueError, match=r"holes|hole_size"):
        PretrainingConfig(**wrong)
