"""Numbers that no stage can work with are refused with one message, before anything is read or written."""

from pathlib import Path

import pytest

from grasping_student.cli.main import main
from grasping_student.collection.configuration import CollectConfig
from grasping_student.evaluation.configuration import OneShotConfig, PickingConfig, ProxyConfig
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.pipeline.configuration import SEEDS
from grasping_student.serving.configuration import PredictConfig
from grasping_student.study.configuration import MAX_REPLICATE, MAX_SEED, ExperimentConfig, Sizes
from grasping_student.study.demo.configuration import DemoConfig
from grasping_student.training.affordance_configuration import AffordanceConfig
from grasping_student.training.configuration import StudentConfig, TeacherConfig
from grasping_student.training.loop_configuration import LoopConfig, OptimiserConfig
from grasping_student.training.pretraining_configuration import PretrainingConfig

SEEDED = [
    (TeacherConfig, "seed", SEEDS),
    (TeacherConfig, "label_seed", SEEDS),
    (StudentConfig, "seed", SEEDS),
    (StudentConfig, "label_seed", SEEDS),
    (AffordanceConfig, "seed", SEEDS),
    (AffordanceConfig, "split_seed", SEEDS),
    (AffordanceConfig, "label_seed", SEEDS),
    (PretrainingConfig, "seed", SEEDS),
    (CollectConfig, "seed", SEEDS),
    (OneShotConfig, "seed", SEEDS),
    (PickingConfig, "seed", SEEDS),
    (ProxyConfig, "seed", SEEDS),
    (DemoConfig, "seed", SEEDS - 3),
    (ExperimentConfig, "seed", MAX_SEED + 1),
]
"""Config, its field, and the smallest number that is too large."""


@pytest.mark.parametrize(("kind", "name", "below"), SEEDED)
def test_a_seed_is_not_negative_and_fits_into_32_bits(kind, name, below):
    drawn_from = {"true_labels": Path("labels"), "labelled_fraction": 0.5} if kind is StudentConfig else {}
    for wrong in (-1, below):
        with pytest.raises(ValueError, match=rf"^{name} is {wrong}; give a whole number from 0 to {below - 1}$"):
            kind(**{name: wrong}, **drawn_from)
    for right in (0, below - 1):
        assert getattr(kind(**{name: right}, **drawn_from), name) == right


@pytest.mark.parametrize(
    ("kind", "name", "wrong"),
    [
        *((OptimiserConfig, "learning_rate", wrong) for wrong in (0.0, -1e-3, 1.5, float("nan"), float("inf"))),
        *((OptimiserConfig, "final_learning_rate", wrong) for wrong in (-1e-9, float("nan"), float("inf"))),
        *((OptimiserConfig, "weight_decay", wrong) for wrong in (-1e-9, float("nan"), float("inf"))),
        (LoopConfig, "loader_workers", -1),
        (LoopConfig, "threads", -1),
        (LoopConfig, "threads", 1025),
        *((kind, "pixels", wrong) for kind in (CollectConfig, OneShotConfig, PickingConfig, Sizes) for wrong in (0, 1)),
        *((PredictConfig, "ceiling", wrong) for wrong in (0.0, -0.1, float("nan"), float("inf"))),
        *((Sizes, "angles", wrong) for wrong in (5, 32)),
        *((GripperGeometry, "opening", wrong) for wrong in (0.0, 0.9, 85.0, float("nan"))),
        *((GripperGeometry, "finger_width", wrong) for wrong in (0.0, 22.0)),
        (GripperGeometry, "finger_depth", 15.0),
    ],
)
def test_numbers_without_a_meaning_are_refused_by_name(kind, name, wrong):
    with pytest.raises(ValueError, match=f"{name} is {wrong}"):
        kind(**{name: wrong})


def test_replicates_of_an_experiment_leave_room_for_its_seed():
    for wrong in ({"replicate_ids": (0, MAX_REPLICATE + 1)}, {"replicates": MAX_REPLICATE + 2}):
        with pytest.raises(ValueError, match=f"replicate {MAX_REPLICATE + 1} is asked for"):
            ExperimentConfig(**wrong)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "teacher", "--seed", "-1"], "seed is -1; give a whole number from 0"),
        (["train", "student", "--loop.optimiser.learning-rate", "nan"], "learning_rate is nan; it must lie in (0, 1]"),
        (["collect", "--pixels", "1"], "pixels is 1; a heightmap needs at least 2"),
        (["predict", "--ceiling", "0"], "ceiling is 0.0; it must be a finite number above 0"),
        (["experiment", "label-fraction", "--sizes.angles", "5", "--dry-run"], "angles is 5; 16 and 64 are possible"),
    ],
    ids=lambda value: value[1] if isinstance(value, list) else "",
)
def test_the_command_line_says_it_in_one_message(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said and len(said.splitlines()) == 1
    assert not list(tmp_path.iterdir())
