"""Options of a student: which pseudo-labels are kept, how they weigh, and experience beside them."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from synthetic import SMALL, write_dataset

from grasping_student.cli.main import main
from grasping_student.datasets.pseudo_label_table import PseudoLabelTable
from grasping_student.datasets.store import Dataset
from grasping_student.geometry.antipodal import AntipodalContacts
from grasping_student.geometry.grasp_constraints import GraspConstraintConfig
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json
from grasping_student.pseudo_labels import teacher_pass
from grasping_student.pseudo_labels.configuration import PseudoLabelConfig
from grasping_student.training import student
from grasping_student.training.batches import PairBatches
from grasping_student.training.configuration import PseudoLabelChoice, StudentConfig
from grasping_student.training.loop_configuration import LoopConfig
from grasping_student.training.student import pseudo_labels_as_labels

TINY = NetworkConfig(widths=(4, 8))


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Eight scenes with pseudo-labels, true labels, and eleven attempts of a policy, four of them failures."""
    folder = tmp_path_factory.mktemp("options")
    write_dataset(folder / "scenes", 8, seed=1, labelled=False)
    write_dataset(folder / "labels", 5, seed=2)
    write_dataset(folder / "online_attempts", 11, seed=3, failures=4, source="policy")
    GraspModel.new(ModelConfig(TINY, SMALL), 0).save(folder / "teacher")
    table = PseudoLabelConfig(teacher=folder / "teacher", dataset=folder / "scenes", out=folder / "pseudo", top=2)
    teacher_pass.run(table)
    return StudentConfig(
        dataset=folder / "scenes",
        pseudo_labels=folder / "pseudo",
        out=folder / "student",
        network=TINY,
        loop=LoopConfig(steps=2, batch=8, threads=1),
        online_attempts=folder / "online_attempts",
        online_fraction=0.5,
        true_labels=folder / "labels",
        labelled_fraction=0.25,
    )


@pytest.mark.parametrize("choice", [PseudoLabelChoice(), PseudoLabelChoice(labels_per_scene=2)])
def test_kept_are_the_scenes_whose_best_grasp_has_the_largest_share_with_all_their_labels(config, choice):
    table, _ = PseudoLabelTable.load(config.pseudo_labels)
    every = pseudo_labels_as_labels(table, choice, 0)
    kept = pseudo_labels_as_labels(table, replace(choice, keep=0.4), 0)
    share = dict(zip(table.scene, table.score.max(axis=1) - table.total, strict=True))
    best = sorted(share, key=lambda scene: -share[scene])[:4]  # 0.4 of 8, rounded up
    assert set(kept.scene) == set(best)
    assert len(kept) == np.isin(every.scene, best).sum()
    assert len(every) == 8 * choice.labels_per_scene


def test_weights_by_confidence_are_proportional_to_it_and_one_on_average(config):
    table, _ = PseudoLabelTable.load(config.pseudo_labels)
    weights = pseudo_labels_as_labels(table, PseudoLabelChoice(weights="confidence", keep=0.5), 0).weight
    assert weights.mean() == pytest.approx(1.0, rel=1e-5)
    shares = np.exp(table.score.max(axis=1) - table.total)
    kept = shares >= np.sort(shares)[-4]
    np.testing.assert_allclose(weights, shares[kept] / shares[kept].mean(), rtol=1e-4)


def test_a_table_without_confidence_says_so(config):
    table, _ = PseudoLabelTable.load(config.pseudo_labels)
    old = replace(table, total=np.full(len(table), np.nan, dtype=np.float32))
    assert len(pseudo_labels_as_labels(old, PseudoLabelChoice(), 0)) == 8
    with pytest.raises(UserError, match="'pseudo-label' again"):
        pseudo_labels_as_labels(old, PseudoLabelChoice(keep=0.5), 0)


def test_a_batch_holds_as_many_successes_as_failures_of_experience(config, tmp_path, monkeypatch):
    seen, batch_of = [], PairBatches.__getitem__

    def recorded(self, step):
        seen.append((self.groups, batch_of(self, step)))
        return seen[-1][1]

    monkeypatch.setattr(PairBatches, "__getitem__", recorded)
    out = student.run(replace(config, out=tmp_path / "student"))
    groups, batch = seen[0]
    assert [group.share for group in groups] == [2, 2, 2, 2] == list(config.shares)
    np.testing.assert_array_equal(batch["success"], [1, 1, 1, 1, 1, 1, 0, 0])
    assert (len(groups[2].labels), len(groups[3].labels)) == (7, 4)
    failed = [each.id for each in Dataset(config.online_attempts).attempts(success=False)]
    assert set(groups[3].labels.scene) == set(failed)
    assert (
        read_json(out / "manifest.json")["inputs"][str(config.online_attempts)]
        == Dataset(config.online_attempts).version
    )


@pytest.mark.parametrize("option", ["dataset", "pseudo_labels", "true_labels", "online_attempts"])
def test_a_student_never_overwrites_what_it_reads(config, option, tmp_path):
    kept = tmp_path / "kept"
    shutil.copytree(getattr(config, option), kept)
    with pytest.raises(UserError, match=r"--out .* holds .*kept, which is read and must not be replaced"):
        student.run(replace(config, out=tmp_path, overwrite=True, **{option: kept}))
    assert any(kept.iterdir())


def test_a_student_does_not_go_on_with_changed_data(config, tmp_path, monkeypatch):
    def killed(*arguments):
        raise KeyboardInterrupt

    options = ("pseudo_labels", "true_labels", "online_attempts")
    copies = {option: tmp_path / option for option in options}
    for option, path in copies.items():
        shutil.copytree(getattr(config, option), path)
    own = replace(config, out=tmp_path / "out", resume=True, **copies)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(GraspModel, "save", killed)
        student.run(own)
    for option, words in zip(options, ("pseudo-label table", *map(str, list(copies.values())[1:])), strict=True):
        kept = tmp_path / "kept"
        copies[option].rename(kept)
        if option == "pseudo_labels":
            table, provenance = PseudoLabelTable.load(kept)
            copies[option].mkdir()
            replace(table, score=table.score + 1).save(copies[option] / "pseudo_labels.parquet", provenance)
        else:
            write_dataset(
                copies[option], 6, seed=9, failures=3, source="policy" if option == "online_attempts" else "script"
            )
        with pytest.raises(UserError, match=rf"other values of the content of {words} \("):
            student.run(own)
        shutil.rmtree(copies[option])
        kept.rename(copies[option])
    assert (student.run(own) / "manifest.json").exists()


def test_experience_without_failures_or_of_a_person_is_refused(config, tmp_path):
    good = write_dataset(tmp_path / "good", 3, seed=0, source="policy")
    with pytest.raises(UserError, match="holds no failure"):
        student.run(replace(config, online_attempts=good, out=tmp_path / "out"))
    with pytest.raises(UserError, match="no label inside the graspable area from policy"):
        student.run(replace(config, online_attempts=config.true_labels, out=tmp_path / "out"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PseudoLabelChoice(keep=0.0), "keep"),
        (lambda: LoopConfig(ema=1.0), "ema"),
        (lambda: PseudoLabelChoice(weights="confidence", labels_per_scene=2), "one label a scene"),
        (lambda: StudentConfig(online_fraction=0.5), "needs online_attempts"),
        (lambda: StudentConfig(online_attempts="tries"), "online_attempts tries is not used with online_fraction 0"),
        (lambda: StudentConfig(true_labels="labels"), "true_labels labels is not used with labelled_fraction 0"),
        (
            lambda: StudentConfig(true_labels="labels", labelled_fraction=0.05),
            "up to 0.0625 is no place in a batch of 8, 0.125",
        ),
        (
            lambda: StudentConfig(true_labels="labels", labelled_fraction=0.05, loop=LoopConfig(batch=1)),
            "take a larger batch",
        ),
        (lambda: StudentConfig(labels=5), "labels draws from true_labels"),
        (lambda: StudentConfig(label_seed=5), "label_seed draws from true_labels"),
    ],
)
def test_impossible_options_are_refused(config, make, message):
    with pytest.raises(ValueError, match=message):
        make()
    with pytest.raises(ValueError, match="no place for pseudo-labels"):
        replace(config, labelled_fraction=0.5)


def test_the_smallest_share_named_is_a_place():
    config = StudentConfig(true_labels="labels", labelled_fraction=0.125, online_attempts="tries", online_fraction=0.25)
    assert config.shares == (5, 1, 1, 1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--online-fraction", "0.1"], "up to 0.125 is no place in a batch of 8, 0.25 is a success and a failure"),
        (["--online-fraction", "0.1", "--loop.batch", "2"], "take a larger batch"),
        (["--pseudo.weights", "rank"], "pseudo.weights rank weighs the labels of a scene against each other"),
        (["--pseudo.weights", "score"], "give pseudo.labels_per_scene 2 or more"),
        (["--true-labels", "TRIES", "--labelled-fraction", "0.05"], "0.125 is one"),
        (["--labels", "5"], "name the dataset that holds them"),
    ],
)
def test_the_command_refuses_options_that_the_student_would_be_the_same_without(
    config, options, said, tmp_path, capsys
):
    experience = ["--online-attempts", str(config.online_attempts)] if "--online-fraction" in options else []
    words = [
        "train",
        "student",
        "--dataset",
        str(config.dataset),
        "--pseudo-labels",
        str(config.pseudo_labels),
        "--out",
        str(tmp_path / "out"),
        "--network.widths",
        "4",
        "8",
        "--loop.steps",
        "1",
    ]
    assert main([*words, *experience, *options]) == 2
    message = capsys.readouterr().err
    assert said in message and len(message.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_the_rule_of_the_pseudo_labels_can_be_learnt_too_and_wants_one(config, tmp_path):
    ruled = replace(
        config,
        out=tmp_path / "student",
        online_attempts=None,
        online_fraction=0.0,
        true_labels=None,
        labelled_fraction=0.0,
        constraint_weight=1.0,
    )
    with pytest.raises(UserError, match="--constraint antipodal"):
        student.run(ruled)
    gripper = GripperGeometry(opening=0.03, finger_thickness=0.006, finger_width=0.012)
    table = PseudoLabelConfig(
        teacher=config.pseudo_labels.parent / "teacher",
        dataset=config.dataset,
        out=tmp_path / "ruled",
        constraint=GraspConstraintConfig("antipodal", gripper=gripper),
    )
    teacher_pass.run(table)
    student.run(replace(ruled, pseudo_labels=tmp_path / "ruled"))
    curve = read_json(tmp_path / "student" / "metrics.json")["learning_curve"]
    assert curve[-1]["constraint_loss"] > 0.0
    assert curve[-1]["loss"] > curve[-1]["constraint_loss"]
    own = GraspConstraintConfig("antipodal", gripper=gripper)
    assert GraspModel.load(tmp_path / "student").config.constraint == own
    student.run(replace(ruled, pseudo_labels=tmp_path / "ruled", out=tmp_path / "bare", constrain=False))
    assert GraspModel.load(tmp_path / "bare").config.constraint == GraspConstraintConfig()
    assert own.make() == AntipodalContacts(gripper)
