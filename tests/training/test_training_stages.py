"""Teacher and student as stages: from datasets on disk to a student that grasps, and what they refuse."""

import math
from dataclasses import replace

import numpy as np
import pytest
from synthetic import SMALL, draw_scene, write_dataset

from grasping_student.cli.main import main
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.geometry.grasp import angle_distance
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.configuration import NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json
from grasping_student.pseudo_labels import teacher_pass
from grasping_student.pseudo_labels.configuration import PseudoLabelConfig
from grasping_student.training import student, teacher
from grasping_student.training.augmentation import standard_augmentation
from grasping_student.training.configuration import (
    STUDENT_PRESETS,
    TEACHER_PRESETS,
    PseudoLabelChoice,
    StudentConfig,
    TeacherConfig,
)
from grasping_student.training.labels import read_labels
from grasping_student.training.loop_configuration import LoopConfig, OptimiserConfig
from grasping_student.training.module import cosine_rate

NETWORK = NetworkConfig(widths=(12, 16, 24))
LOOP = LoopConfig(steps=100, batch=6, record_every=50, threads=1)
SHORT = replace(LOOP, steps=2)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A teacher from 12 labels, one of them a failure, pseudo-labels of 30 scenes, and their student."""
    folder = tmp_path_factory.mktemp("stages")
    write_dataset(folder / "labels", 12, seed=0, failures=1)
    write_dataset(folder / "scenes", 30, seed=1, labelled=False)
    teaching = TeacherConfig(
        dataset=folder / "labels",
        out=folder / "teacher",
        network=NETWORK,
        loop=LOOP,
        augmentation=standard_augmentation(),
    )
    teacher.run(teaching)
    labelling = PseudoLabelConfig(teacher=folder / "teacher", dataset=folder / "scenes", out=folder / "pseudo", top=2)
    teacher_pass.run(labelling)
    learning = StudentConfig(
        dataset=folder / "scenes", pseudo_labels=folder / "pseudo", out=folder / "student", network=NETWORK, loop=LOOP
    )
    student.run(learning)
    return teaching, learning


def share_of_good_grasps(path):
    """Of fresh scenes with one box: grasped near its centre, across its short side."""
    model, random = GraspModel.load(path, SMALL), np.random.default_rng(5)
    good = 0
    for _ in range(20):
        scene, best = draw_scene(SMALL, random, boxes=1)
        grasp, _ = model.best_grasp(scene)
        near = math.hypot(grasp.row - best.row, grasp.col - best.col) <= 5
        good += near and angle_distance(grasp.angle, best.angle) < 0.4
    return good / 20


def test_teacher_and_student_grasp_boxes_across_their_short_side(trained):
    teaching, learning = trained
    assert share_of_good_grasps(teaching.out) >= 0.8
    assert share_of_good_grasps(learning.out) >= 0.8


def test_a_checkpoint_folder_holds_weights_config_curve_and_manifest(trained):
    teaching, learning = trained
    names = {path.name for path in teaching.out.iterdir()}
    assert names == {"model.safetensors", "config.json", "metrics.json", "manifest.json", "tensorboard"}
    curve = read_json(teaching.out / "metrics.json")["learning_curve"]
    assert [row["step"] for row in curve] == [50, 100]
    assert curve[1]["loss"] < curve[0]["loss"]
    manifest = read_json(learning.out / "manifest.json")
    assert manifest["scenes"] == 30
    assert manifest["inputs"][str(learning.dataset)] == Dataset(learning.dataset).version
    assert read_json(teaching.out / "manifest.json")["successes"] == 11


def test_labels_are_drawn_in_nested_subsets_with_their_failures(trained):
    dataset = Dataset(trained[0].dataset)
    few, more = read_labels(dataset, ("script",), count=4), read_labels(dataset, ("script",), count=8)
    assert len(few) == 4
    assert set(few.scene) <= set(more.scene)
    assert len(read_labels(dataset, ("script",), fraction=0.5)) == 6
    assert set(read_labels(dataset, ("script",), count=4, seed=1).scene) != set(few.scene)
    assert read_labels(dataset, ("script",)).success.sum() == 11


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": 13}, "has 12 labels"),
        ({"sources": ("human",)}, "no label inside the graspable area from human"),
        ({"network": NetworkConfig("fpn-resnet19")}, "unknown encoder"),
        ({"initial": "student"}, "--initial .* is no checkpoint"),
    ],
)
def test_a_teacher_that_cannot_be_trained_says_why(trained, tmp_path, options, message):
    if "initial" in options:
        options, message = {"initial": tmp_path / "nothing"}, "is no checkpoint"
    with pytest.raises(UserError, match=message):
        teacher.run(replace(trained[0], out=tmp_path / "out", **options))


def test_missing_empty_and_hopeless_datasets_are_named(trained, tmp_path):
    with DatasetWriter(tmp_path / "empty", SMALL):
        pass
    write_dataset(tmp_path / "failures", 3, seed=0, failures=3)
    write_dataset(tmp_path / "unlabelled", 3, seed=0, labelled=False)
    messages = {"missing": "missing", "empty": "is empty", "failures": "no successful", "unlabelled": "no labelled"}
    for name, message in messages.items():
        with pytest.raises(UserError, match=message):
            teacher.run(replace(trained[0], dataset=tmp_path / name, out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_an_existing_output_is_kept_unless_told_otherwise(trained):
    before = (trained[0].out / "model.safetensors").read_bytes()
    with pytest.raises(UserError, match="exists"):
        teacher.run(trained[0])
    assert (trained[0].out / "model.safetensors").read_bytes() == before


def test_a_student_starts_from_a_checkpoint_and_sees_true_labels_beside(trained, tmp_path):
    teaching, learning = trained
    config = replace(
        learning,
        out=tmp_path / "out",
        loop=SHORT,
        initial=teaching.out,
        true_labels=teaching.dataset,
        labelled_fraction=0.5,
        pseudo=PseudoLabelChoice(labels_per_scene=2, weights="score"),
    )
    student.run(config)
    manifest = read_json(tmp_path / "out" / "manifest.json")
    assert manifest["pseudo_labels"] > manifest["scenes"] == 30
    assert str(teaching.dataset) in manifest["inputs"]
    # two steps do not take it far from where it started
    assert share_of_good_grasps(tmp_path / "out") >= 0.5


def test_weights_of_a_scenes_labels_sum_to_one_and_fall(trained):
    from grasping_student.datasets.pseudo_label_table import PseudoLabelTable

    table, _ = PseudoLabelTable.load(trained[1].pseudo_labels)
    labels = student.pseudo_labels_as_labels(table, PseudoLabelChoice(labels_per_scene=2, weights="score"), 0)
    for scene in np.unique(labels.scene):
        weights = labels.weight[labels.scene == scene]
        assert weights.sum() == pytest.approx(1.0, rel=1e-5)
        assert (np.diff(weights) <= 0).all()
    ranks = student.pseudo_labels_as_labels(table, PseudoLabelChoice(labels_per_scene=2, weights="rank"), 0)
    assert set(ranks.weight) <= {1.0, 0.5}


def test_pseudo_labels_of_other_scenes_are_refused(trained, tmp_path):
    other = write_dataset(tmp_path / "other", 3, seed=9, labelled=False)
    wide = write_dataset(tmp_path / "wide", 2, seed=9, labelled=False, workspace=Workspace(0.2, 50, 0.02))
    with pytest.raises(UserError, match="another version of the scenes"):
        student.run(replace(trained[1], dataset=other, out=tmp_path / "out"))
    with pytest.raises(UserError, match=r"0\.16 m in 40 pixels.*0\.2 m in 50 pixels"):
        student.run(replace(trained[1], dataset=wide, out=tmp_path / "out"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TeacherConfig(labels=3, label_fraction=0.5), "exclude"),
        (lambda: LoopConfig(batch=0), "batch"),
        (lambda: StudentConfig(labelled_fraction=0.5), "true_labels"),
        (lambda: PseudoLabelChoice(angles=65), "angles"),
        (lambda: PseudoLabelChoice(angles=12, draw="even"), "divide 64"),
        (lambda: PseudoLabelChoice(angles=8, labels_per_scene=2), "several labels"),
    ],
)
def test_impossible_configs_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("words", [["train", "teacher"], ["train", "student"], ["pseudo-label"]])
def test_the_commands_print_their_config_and_refuse_unknown_presets(words, capsys):
    assert main([*words, "--print-config"]) == 0
    assert "seed: 0" in capsys.readouterr().out
    assert main([*words, "--preset", "heavy"]) == 2
    assert "unknown preset 'heavy'" in capsys.readouterr().err


def test_the_paper_preset_is_the_papers():
    for preset in (TEACHER_PRESETS["paper"](), STUDENT_PRESETS["paper"]()):
        assert (preset.network.name, preset.network.encoder_weights) == ("fpn-resnet50", "imagenet")
        assert preset.loop.total_steps(2000) == 30 * 250
        assert preset.loop.batch == 8
        rates = [cosine_rate(preset.loop.optimiser, step, 7500, 250) for step in range(7500)]
        assert (rates[0], rates[-1]) == (1e-3, pytest.approx(2e-6))
        assert len(set(rates)) == 30
    assert STUDENT_PRESETS["paper"]().pseudo.angles == 16


def test_the_cosine_falls_from_the_first_to_the_final_rate():
    rates = [cosine_rate(OptimiserConfig(), step, 100, 10) for step in range(100)]
    assert (rates[0], rates[-1]) == (1e-3, pytest.approx(2e-6))
    assert (np.diff(rates) < 0).all()
