"""Training a network that scores all angles at one look: the labelled grasp lies at the angle of its channel."""

import math
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import SMALL, bars, direction_across, write_dataset

from grasping_student.cli.main import main
from grasping_student.datasets.store import Dataset
from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, TRAINING_ANGLES, AngleGrid, angle_distance
from grasping_student.models.configuration import NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.normalisation import Normalisation
from grasping_student.models.rotation import Canvas
from grasping_student.training import affordance, teacher
from grasping_student.training.affordance_configuration import AffordanceConfig
from grasping_student.training.augmentation import AugmentationConfig
from grasping_student.training.batches import BalancedBatches, PairBatches
from grasping_student.training.configuration import TeacherConfig
from grasping_student.training.loop_configuration import LoopConfig, OptimiserConfig

SEEDS = st.integers(0, 2**32 - 1)
TINY = NetworkConfig("one-pass", widths=(8, 16))


def drawn(kind, seed):
    varied = AugmentationConfig(mirror=True, shift=0.008)
    return kind((bars(seed),), Canvas(SMALL, 4), Normalisation(), varied, seed, 9, outputs=DEPLOYMENT_ANGLES)


@settings(deadline=None, max_examples=15)
@given(SEEDS)
def test_the_grasp_of_a_pair_lies_at_its_channels_angle_and_far_from_it_in_the_second_map(seed):
    batch = drawn(PairBatches, seed)[0]
    pictures, channels = batch["pictures"].numpy(), batch["channel"].numpy()
    seen = np.array([direction_across(picture) for picture in pictures])
    away = angle_distance(seen, DEPLOYMENT_ANGLES.angles[channels])
    assert away[:4].max() < math.radians(5.0)  # the next channel is 11.25 degrees away
    assert away[4:].min() > math.radians(10 * 180 / TRAINING_ANGLES.count - 5.0)


@settings(deadline=None, max_examples=15)
@given(SEEDS)
def test_the_grasp_of_an_attempt_is_looked_up_in_its_channel_on_its_bar(seed):
    batches = drawn(BalancedBatches, seed)
    batch, side = batches[0], batches.canvas.side
    for picture, label in zip(batch["pictures"].numpy(), batch["label"].numpy(), strict=True):
        channel, pixel = divmod(int(label), side * side)
        assert angle_distance(direction_across(picture), DEPLOYMENT_ANGLES.angle(channel)) < math.radians(5.0)
        row, col = divmod(pixel, side)
        assert picture[row - 1 : row + 2, col - 1 : col + 2].max() > picture.min() + 0.5


def test_every_channel_is_asked_as_often_and_one_channel_draws_nothing():
    many = np.concatenate([drawn(PairBatches, 3).channels(step, 64) for step in range(100)])
    assert np.bincount(many, minlength=16).min() > 300
    one = PairBatches((bars(0),), Canvas(SMALL, 4), Normalisation(), AugmentationConfig(), 0, 9)
    assert not one[0]["channel"].any()
    again = PairBatches((bars(0),), Canvas(SMALL, 4), Normalisation(), AugmentationConfig(), 0, 9, outputs=AngleGrid(1))
    np.testing.assert_array_equal(one[0]["pictures"], again[0]["pictures"])


def test_it_learns_the_angle_of_a_grasp_from_labels(tmp_path):
    loop = LoopConfig(steps=250, batch=8, threads=1, optimiser=OptimiserConfig(learning_rate=5e-3))
    config = TeacherConfig(
        dataset=write_dataset(tmp_path / "labels", 60, seed=1),
        out=tmp_path / "teacher",
        network=TINY,
        augmentation=AugmentationConfig(mirror=True),
        loop=loop,
    )
    model, dataset = GraspModel.load(teacher.run(config)), Dataset(config.dataset)
    assert model.config.network == TINY
    off = []
    for each in dataset.attempts(labelled=True):
        maps = model.score_maps(dataset.heightmap(each.id))
        at_grasp = maps[:, each.grasp.row, each.grasp.col]
        off.append(angle_distance(DEPLOYMENT_ANGLES.angle(int(at_grasp.argmax())), each.grasp.angle))
    assert np.degrees(np.mean(off)) < 38.0  # 45 by chance


def test_it_learns_from_outcomes_and_its_log_odds_tell_them_apart(tmp_path):
    loop = LoopConfig(steps=150, batch=16, threads=1, optimiser=OptimiserConfig(learning_rate=5e-3))
    labels = write_dataset(tmp_path / "labels", 60, seed=2, failures=30)  # failures are gripped the long way
    config = AffordanceConfig(datasets=(labels,), out=tmp_path / "success", network=TINY, loop=loop)
    model, dataset = GraspModel.load(affordance.run(config)), Dataset(labels)
    right = []
    for each in dataset.attempts(labelled=True):
        score = model.scores_at(dataset.heightmap(each.id), [each.grasp.angle])[0, each.grasp.row, each.grasp.col]
        right.append((score > 0) == each.success)
    assert np.mean(right) > 0.75


def test_it_cannot_start_from_a_rotating_network(tmp_path, capsys):
    labels = write_dataset(tmp_path / "labels", 3, seed=1)
    loop = LoopConfig(steps=1, batch=2, threads=1)
    rotating = TeacherConfig(
        dataset=labels, out=tmp_path / "rotating", network=replace(TINY, name="compact"), loop=loop
    )
    teacher.run(rotating)
    words = ["train", "teacher", "--dataset", labels, "--out", tmp_path / "one", "--initial", rotating.out]
    words += ["--network.name", "one-pass", "--network.widths", 8, 16, "--loop.steps", 1]
    assert main([str(word) for word in words]) == 2
    said = capsys.readouterr().err
    assert "is of another network" in said and len(said.splitlines()) == 1


def test_pretraining_gives_it_weights_to_start_from(tmp_path):
    scenes = write_dataset(tmp_path / "scenes", 4, seed=1, labelled=False)
    words = ["train", "pretraining", "--dataset", scenes, "--out", tmp_path / "start", "--network.name", "one-pass"]
    words += ["--network.widths", 8, 16, "--loop.steps", 2, "--loop.batch", 2]
    assert main([str(word) for word in words]) == 0
    labels = write_dataset(tmp_path / "labels", 3, seed=2)
    config = TeacherConfig(dataset=labels, out=tmp_path / "teacher", network=TINY, initial=tmp_path / "start")
    assert (teacher.run(replace(config, loop=LoopConfig(steps=1, batch=2, threads=1))) / "manifest.json").exists()
