"""A teacher's grasps executed with its confidence: resumed to the same file, constraints kept, outcomes told."""

import numpy as np
import pytest
from tests.fakes.boxes import WORKSPACE, BoxWorldSpec

from grasping_student.geometry.grasp import TRAINING_ANGLES
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json
from grasping_student.study.precision import GRASPS, KINDS, PrecisionConfig, read_grasps, read_log, run


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("precision")
    GraspModel.new(ModelConfig(NetworkConfig(widths=(4, 8)), WORKSPACE), seed=0).save(folder / "teacher")
    config = PrecisionConfig(teacher=folder / "teacher", scenes=5, random_angles=3, out=folder / "out")
    run(config, BoxWorldSpec())
    return config


def test_every_scene_has_all_kinds_and_the_constraints_are_kept(config):
    found = read_log(config.out / GRASPS)
    assert sorted(found) == list(range(5))
    for scene, own in found.items():
        assert [each.kind for each in own] == ["best", "clearance", "antipodal", "angle", "angle", "angle"]
        best, clear, antipodal, *others = own
        assert all(each.confidence <= best.confidence <= 0.0 for each in own), scene
        assert clear.outcome == "no_grasp" or (clear.clear and clear.clearance >= 0.0049)
        assert antipodal.outcome == "no_grasp" or (antipodal.clear and antipodal.antipodal)
        assert len({each.angle for each in others}) == 3
        assert all(each.outcome in ("success", "collision", "dropped", "missed", "no_grasp") for each in own)
        if best.clear:
            assert clear.__dict__ | {"kind": ""} == best.__dict__ | {"kind": ""}


def test_confidence_is_the_share_of_the_scenes_softmax(config):
    model = GraspModel.load(config.teacher)
    grasps = read_log(config.out / GRASPS)[2]
    with BoxWorldSpec().make() as world:
        from grasping_student.evaluation.one_shot import prepare_scene

        prepare_scene(world, 2, config.seed, config.max_removed_fraction)
        scores = model.allowed_scores(world.observe().heightmap, TRAINING_ANGLES).astype(np.float64)
    share = np.exp(scores) / np.exp(scores[np.isfinite(scores)]).sum()
    for each in grasps:
        if each.outcome != "no_grasp":
            assert 10**each.confidence == pytest.approx(share[each.angle, each.row, each.col], rel=1e-4)


def test_a_killed_run_goes_on_to_the_same_file(config):
    log = config.out / GRASPS
    whole, metrics = log.read_bytes(), read_json(config.out / "metrics.json")
    log.write_bytes(whole[: whole.index(b"\n", len(whole) // 2) + 30])
    run(config, BoxWorldSpec())
    assert log.read_bytes() == whole
    assert read_json(config.out / "metrics.json") == metrics


def test_the_rows_hold_every_grasp_once_and_a_foreign_file_is_refused(config, tmp_path):
    rows, version = read_grasps(config.out)
    assert version == GraspModel.load(config.teacher).version
    assert not rows.duplicated(["part", "index"]).any()
    sizes = rows.groupby("part").size()
    assert [sizes[kind] for kind in KINDS] == [5, 5, 5, 15]
    assert (rows["attempts"] == (rows["outcome"] != "no_grasp")).all()
    (tmp_path / "grasps").write_text('{"scene": 1}\n')
    with pytest.raises(UserError, match="line 1 holds no grasps of a scene"):
        read_log(tmp_path / "grasps")
