"""Chances of success: they are true where scores tell, and modest where they do not; kept with the checkpoint."""

import json
import math

import numpy as np
import pytest

from grasping_student.cli.main import main
from grasping_student.datasets.schema import Attempt
from grasping_student.episodes.event_log import EventLog
from grasping_student.evaluation.confidence import ScoredAttempts, out_of_fold_chances, risk_by_coverage, summary
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.models.confidence import Confidence
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.pipeline.errors import UserError


def drawn(count, slope=1.5, offset=0.5, seed=0, centre=40.0):
    """Attempts whose true chance is a logistic curve of their score."""
    random = np.random.default_rng(seed)
    scores = centre + 2.0 * random.normal(size=count)
    chances = 1.0 / (1.0 + np.exp(-(slope * (scores - centre) / 2.0 + offset)))
    return ScoredAttempts(scores, random.random(count) < chances, np.arange(count) // 3), chances


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("slope", "offset"), [(0.0, 1.0), (0.5, -1.0), (2.0, 1.5)])
def test_the_curve_that_made_the_attempts_is_found_again(seed, slope, offset):
    attempts, true = drawn(6000, slope, offset, seed)
    curve = Confidence.fit(attempts.scores, attempts.successes, "v")
    assert np.abs([curve.chance(score) for score in attempts.scores] - true).max() < 0.06
    assert curve.chance(1e9) <= 1.0 and curve.chance(-1e9) >= 0.0


def test_chances_out_of_fold_are_true_within_what_their_number_allows():
    attempts, _ = drawn(3000)
    row = summary(attempts, out_of_fold_chances(attempts, 5, 0), 0)
    assert row["calibration_error"] < 0.05
    assert row["calibration_error"] < 2.0 * row["calibration_error_if_true"]
    assert row["bootstrap_95"][0] <= row["bootstrap_95"][1]
    assert sum(row["reliability"]["attempts"]) == 3000


def test_a_score_that_says_the_opposite_is_not_believed():
    attempts, _ = drawn(2000, slope=-2.0, offset=0.0)
    curve = Confidence.fit(attempts.scores, attempts.successes, "v")
    chances = [curve.chance(score) for score in (30.0, 40.0, 50.0)]
    assert max(chances) - min(chances) < 0.01
    assert chances[0] == pytest.approx(attempts.successes.mean(), abs=0.02)


def test_scores_that_part_successes_from_failures_make_no_infinite_slope():
    scores = np.linspace(0.0, 1.0, 200)
    curve = Confidence.fit(scores, scores > 0.5, "v")
    assert math.isfinite(curve.slope) and curve.chance(0.9) > 0.95 and curve.chance(0.1) < 0.05


def test_too_few_attempts_make_no_curve():
    for successes in (np.ones(30, bool), np.r_[np.ones(195, bool), np.zeros(5, bool)]):
        with pytest.raises(ValueError, match="at least 50 attempts"):
            Confidence.fit(np.arange(len(successes), dtype=float), successes, "v")


def test_risk_falls_where_chances_tell_and_ends_at_the_failure_rate():
    attempts, true = drawn(4000)
    risk = risk_by_coverage(true, attempts.successes)
    assert [row["coverage"] for row in risk] == sorted(row["coverage"] for row in risk)
    assert risk[-1]["coverage"] == 1.0 and risk[-1]["risk"] == pytest.approx(1.0 - attempts.successes.mean())
    assert risk[4]["risk"] < risk[-1]["risk"] / 2


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    from grasping_student.geometry.workspace import Workspace

    folder = tmp_path_factory.mktemp("model") / "checkpoint"
    config = ModelConfig(network=NetworkConfig(widths=(4, 8)), workspace=Workspace(0.2, 40, 0.02))
    GraspModel.new(config, 0).save(folder)
    return folder


def write_evaluation(folder, version, count, seed=0, offset=0.5):
    attempts, _ = drawn(count, seed=seed, offset=offset)
    folder.mkdir(parents=True)
    with EventLog(folder / "attempts.jsonl") as log:
        for number, (score, good) in enumerate(zip(attempts.scores, attempts.successes, strict=True)):
            log.append(
                Attempt(
                    episode=number,
                    index=0,
                    environment="simulation",
                    source="policy",
                    policy="student",
                    policy_version=version,
                    grasp=PlanarGrasp(20, 20, 0.0),
                    score=float(score),
                    outcome=Outcome.SUCCESS if good else Outcome.DROPPED,
                )
            )


def test_the_command_makes_a_checkpoint_whose_chances_are_read_again(checkpoint, tmp_path, capsys):
    version = GraspModel.load(checkpoint).version
    write_evaluation(tmp_path / "one-shot", version, 600)
    write_evaluation(tmp_path / "dense", version, 300, seed=1, offset=-1.0)
    folders = ["--attempts", str(tmp_path / "one-shot"), "--shifted", str(tmp_path / "dense")]
    command = ["train", "confidence", "--checkpoint", str(checkpoint), *folders, "--out", str(tmp_path / "out")]
    assert main(command) == 0
    assert "out of fold" in capsys.readouterr().out
    model = GraspModel.load(tmp_path / "out")
    assert model.version == version and model.confidence is not None
    assert model.confidence.chance(44.0) > model.confidence.chance(36.0)
    assert model.unconstrained().confidence is None
    report = json.loads((tmp_path / "out" / "confidence-report.json").read_text())
    (shifted,) = report["shifted"].values()
    assert shifted["calibration_error"] > report["in_distribution"]["calibration_error"]
    assert (tmp_path / "out" / "confidence.png").stat().st_size > 10_000
    assert main(command) == 2  # an output is not replaced unasked


def test_attempts_of_another_model_are_refused(checkpoint, tmp_path, capsys):
    write_evaluation(tmp_path / "one-shot", "another", 100)
    command = ["train", "confidence", "--checkpoint", str(checkpoint), "--attempts", str(tmp_path / "one-shot")]
    assert main([*command, "--out", str(tmp_path / "out")]) == 2
    assert "grasped nothing (there: another)" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "damage",
    [{"slope": None}, {"slope": "x"}, {"attempts": -1}, {"more": 1}, {"schema_version": 9}, {"successes": 1e9}],
)
def test_a_damaged_confidence_is_refused(checkpoint, tmp_path, damage):
    import shutil

    folder = shutil.copytree(checkpoint, tmp_path / "damaged")
    attempts, _ = drawn(200)
    Confidence.fit(attempts.scores, attempts.successes, GraspModel.load(folder).version).save(folder)
    assert GraspModel.load(folder).confidence is not None
    path = folder / "confidence.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | damage))
    with pytest.raises(UserError, match="holds no confidence"):
        GraspModel.load(folder)


def test_a_confidence_of_other_weights_is_refused(checkpoint, tmp_path):
    import shutil

    folder = shutil.copytree(checkpoint, tmp_path / "other")
    attempts, _ = drawn(200)
    Confidence.fit(attempts.scores, attempts.successes, "0123").save(folder)
    with pytest.raises(UserError, match="belongs to the model 0123"):
        GraspModel.load(folder)
