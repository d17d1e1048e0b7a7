"""The student of soft targets: it learns its teachers' maps, carries their constraint, refuses what does not fit."""

from dataclasses import replace

import pytest
from resuming import weights_of
from synthetic import SMALL, write_dataset

from grasping_student.cli.main import main
from grasping_student.datasets.store import Dataset
from grasping_student.geometry.grasp_constraints import GraspConstraintConfig
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.normalisation import Normalisation
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json
from grasping_student.training import affordance, student, teacher
from grasping_student.training.affordance_configuration import AffordanceConfig
from grasping_student.training.augmentation import AugmentationConfig
from grasping_student.training.configuration import PseudoLabelChoice, StudentConfig, TeacherConfig
from grasping_student.training.distillation_configuration import DistillationConfig
from grasping_student.training.loop_configuration import LoopConfig, OptimiserConfig

TINY = NetworkConfig(widths=(8, 16))
CONSTRAINT = GraspConstraintConfig("clearance", gripper=GripperGeometry(opening=0.03, finger_thickness=0.006))
LOOP = LoopConfig(steps=60, batch=4, threads=1, record_every=15, optimiser=OptimiserConfig(learning_rate=5e-3))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Scenes, and trained teachers of both kinds: ``success`` with a constraint, ``position`` without."""
    folder = tmp_path_factory.mktemp("distillation")
    write_dataset(folder / "scenes", 12, seed=1, labelled=False)
    labels = write_dataset(folder / "labels", 12, seed=2, failures=6)
    loop = replace(LOOP, steps=30)
    affordance.run(AffordanceConfig((labels,), folder / "success", network=TINY, loop=loop, constraint=CONSTRAINT))
    teacher.run(TeacherConfig(labels, folder / "position", network=TINY, loop=loop))
    return folder


def config(folder, kind, out, network=TINY, **options):
    return StudentConfig(
        dataset=folder / "scenes",
        out=out,
        network=network,
        distillation=DistillationConfig((folder / kind,), **options),
        loop=LOOP,
    )


def curve_of(out):
    return read_json(out / "metrics.json")["learning_curve"]


@pytest.mark.parametrize("name", ["compact", "one-pass"])
@pytest.mark.parametrize("kind", ["success", "position"])
def test_a_student_comes_nearer_to_its_teacher(folder, tmp_path, kind, name):
    network = replace(TINY, name=name)
    out = student.run(config(folder, kind, tmp_path / "student", network, angles=3))
    rows = curve_of(out)
    assert rows[-1]["divergence"] < (0.8 if name == "compact" else 0.97) * rows[0]["divergence"]
    own, its = GraspModel.load(out), GraspModel.load(folder / kind)
    assert own.config.network == network
    assert own.config.constraint == its.config.constraint


def test_what_was_learnt_from_stands_in_manifest_and_checkpoint(folder, tmp_path):
    both = config(folder, "success", tmp_path / "student")
    write = replace(both.distillation, teachers=(folder / "success", folder / "position"), targets="success")
    short = replace(both, distillation=write, constrain=False, loop=replace(LOOP, steps=2))
    out = student.run(short)
    inputs = read_json(out / "manifest.json")["inputs"]
    assert inputs[str(folder / "success")] == GraspModel.load(folder / "success").version
    assert inputs[str(folder / "position")] == GraspModel.load(folder / "position").version
    assert inputs[str(folder / "scenes")] == Dataset(folder / "scenes").version
    assert GraspModel.load(out).config.constraint == GraspConstraintConfig()
    # a student teaches as its teachers did
    again = replace(config(folder, "success", tmp_path / "next"), loop=replace(LOOP, steps=2))
    student.run(replace(again, distillation=DistillationConfig((out,))))
    training = read_json(tmp_path / "next" / "config.json")["training"]
    assert training["distillation"]["targets"] == "success"


def test_a_resumed_training_ends_with_the_same_weights(folder, tmp_path, monkeypatch):
    whole = replace(config(folder, "position", tmp_path / "whole", replace(TINY, name="one-pass")), resume=True)
    whole = replace(whole, loop=replace(LOOP, steps=20, precision="fp32"))
    student.run(whole)

    parts = replace(whole, out=tmp_path / "parts")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("grasping_student.training.soft_targets.soft_target_loss", _fails_after(17))
        student.run(parts)
    assert weights_of(student.run(parts)) == weights_of(whole.out)


def _fails_after(calls):
    from grasping_student.training.soft_targets import soft_target_loss

    left = [calls]

    def counted(*arguments):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return soft_target_loss(*arguments)

    return counted


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pseudo": PseudoLabelChoice(keep=0.5)}, "pseudo is for students of pseudo-labels"),
        ({"pseudo_labels": "elsewhere"}, "pseudo_labels is for students of pseudo-labels"),
        ({"constraint_weight": 1.0}, "constraint_weight is for students of pseudo-labels"),
        ({"true_labels": "labels", "labelled_fraction": 0.5}, "true_labels is for students of pseudo-labels"),
        ({"online_attempts": "tries", "online_fraction": 0.5}, "online_attempts is for students of pseudo-labels"),
        ({"augmentation": AugmentationConfig(blocks=1)}, "do not see"),
        ({"distillation": DistillationConfig(angles=3)}, "has options and no teachers"),
    ],
)
def test_options_that_soft_targets_would_not_use_are_refused(folder, tmp_path, change, said):
    with pytest.raises(ValueError, match=said):
        replace(config(folder, "success", tmp_path / "out"), **change)


@pytest.mark.parametrize(
    ("options", "said"), [({"angles": 0}, "at least 1"), ({"targets": "position", "angles": 1}, "2 angles or more")]
)
def test_distillation_that_compares_nothing_is_refused(options, said):
    with pytest.raises(ValueError, match=said):
        DistillationConfig(**options)
    with pytest.raises(ValueError, match="twice"):
        DistillationConfig(("a", "a"))


def test_teachers_that_do_not_fit_are_refused_in_a_sentence(folder, tmp_path):
    fits = config(folder, "position", tmp_path / "out")
    with pytest.raises(UserError, match=r"--distillation\.angles 1"):
        student.run(replace(fits, distillation=DistillationConfig((folder / "position",), angles=1)))
    two = DistillationConfig((folder / "position", folder / "success"))
    with pytest.raises(UserError, match=r"position.*success.*--distillation\.targets"):
        student.run(replace(fits, distillation=two))
    GraspModel.new(ModelConfig(TINY, SMALL), 0).save(tmp_path / "silent")
    with pytest.raises(UserError, match="not told"):
        student.run(replace(fits, distillation=DistillationConfig((tmp_path / "silent",))))
    with pytest.raises(UserError, match="the student Normalisation"):
        student.run(replace(fits, normalisation=Normalisation(std=0.05)))
    GraspModel.new(ModelConfig(TINY), 0).save(tmp_path / "wide")
    with pytest.raises(UserError, match="checkpoint of the same workspace"):
        student.run(replace(fits, distillation=DistillationConfig((tmp_path / "wide",), targets="success")))
    assert not fits.out.exists()


def test_the_command_takes_teachers_and_refuses_what_pseudo_labels_are_for(folder, tmp_path, capsys):
    words = ["train", "student", "--dataset", folder / "scenes", "--distillation.teachers", folder / "success"]
    words += ["--network.name", "one-pass", "--network.widths", 8, 16, "--loop.steps", 1, "--out", tmp_path / "out"]
    assert main([*map(str, words), "--constraint-weight", "1"]) == 2
    said = capsys.readouterr().err
    assert "leave one of them out" in said and len(said.splitlines()) == 1
    assert main([str(word) for word in words]) == 0
    assert main([str(word) for word in [*words[:5], tmp_path / "none", *words[6:]]]) == 2
    assert "is no checkpoint" in capsys.readouterr().err
