"""A teacher's grasps executed with how sure it was of each: resumed to the same file, rules kept, outcomes told."""

import numpy as np
import pytest
from tests.fakes.boxes import WORKSPACE, BoxWorldSpec

from grasping_student.geometry.grasp import TRAINING_ANGLES
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json
from grasping_student.study.precision import KINDS, SHOTS, PrecisionConfig, read_shots, run, summary


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("precision")
    GraspModel.new(ModelConfig(NetworkConfig(widths=(4, 8)), WORKSPACE), seed=0).save(folder / "teacher")
    config = PrecisionConfig(teacher=folder / "teacher", scenes=5, drawn_angles=3, out=folder / "out")
    run(config, BoxWorldSpec())
    return config


def test_every_scene_has_all_kinds_and_the_rules_are_kept(config):
    shots = read_shots(config.out / SHOTS)
    assert sorted(shots) == list(range(5))
    for scene, own in shots.items():
        assert [each.kind for each in own] == ["best", "room", "grip", "angle", "angle", "angle"]
        best, room, grip, *drawn = own
        assert all(each.confidence <= best.confidence <= 0.0 for each in own), scene
        assert room.outcome == "no_grasp" or (room.room and room.clearance >= 0.0049)
        assert grip.outcome == "no_grasp" or (grip.room and grip.grip)
        assert len({each.angle for each in drawn}) == 3
        assert all(each.outcome in ("success", "collision", "dropped", "missed", "no_grasp") for each in own)
        if best.room:
            assert room.__dict__ | {"kind": ""} == best.__dict__ | {"kind": ""}


def test_confidence_is_the_share_of_the_scenes_softmax(config):
    model = GraspModel.load(config.teacher)
    shots = read_shots(config.out / SHOTS)[2]
    with BoxWorldSpec().make() as world:
        from grasping_student.evaluation.one_shot import prepare_scene

        prepare_scene(world, 2, config.seed, config.emptiest)
        scores = model.allowed_scores(world.observe().heightmap, TRAINING_ANGLES).astype(np.float64)
    share = np.exp(scores) / np.exp(scores[np.isfinite(scores)]).sum()
    for shot in shots:
        if shot.outcome != "no_grasp":
            assert 10**shot.confidence == pytest.approx(share[shot.angle, shot.row, shot.col], rel=1e-4)


def test_a_killed_run_goes_on_to_the_same_file(config):
    log = config.out / SHOTS
    whole, metrics = log.read_bytes(), read_json(config.out / "metrics.json")
    log.write_bytes(whole[: whole.index(b"\n", len(whole) // 2) + 30])
    run(config, BoxWorldSpec())
    assert log.read_bytes() == whole
    assert read_json(config.out / "metrics.json") == metrics


def test_the_summary_counts_scene_by_scene_and_a_foreign_file_is_refused(config, tmp_path):
    metrics = summary(read_shots(config.out / SHOTS))
    assert metrics["scenes"] == 5
    for kind, each in zip(KINDS, (1, 1, 1, 3), strict=True):
        own = metrics["kinds"][kind]
        assert len(own["outcomes"]) == 5 * each
        assert len(own["confidence"].split()) == len(own["angle"].split()) == 5 * each
    (tmp_path / "shots").write_text('{"scene": 1}\n')
    with pytest.raises(UserError, match="line 1 holds no shots of a scene"):
        read_shots(tmp_path / "shots")
