"""Cached maxima against a literal argmax, the table on disk, the stage: resumable, whatever the number of workers."""

import shutil
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grasping_student.datasets.chosen_grasps import best_of_angles, sample_angles, top_of_scenes
from grasping_student.datasets.pseudo_label_table import PseudoLabelTable
from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, TRAINING_ANGLES
from grasping_student.geometry.grasp_constraints import GraspConstraintConfig
from grasping_student.geometry.gripper import GripperGeometry, finger_clearance
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.normalisation import clean_height
from grasping_student.pipeline.configuration import to_plain
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.stage import StageRun
from grasping_student.pseudo_labels import teacher_pass
from grasping_student.pseudo_labels.configuration import PseudoLabelConfig

TINY = Workspace(extent=0.08, pixels=20, margin=0.01)
MODEL = ModelConfig(network=NetworkConfig(widths=(4, 8)), workspace=TINY)


def scene(random):
    height = random.uniform(0.0, 0.06, TINY.shape) * (random.random(TINY.shape) < 0.7)
    return Heightmap(height.astype(np.float32), np.zeros((*TINY.shape, 3), np.uint8), TINY)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A teacher, seven scenes of which the fourth is empty, and their table."""
    folder, random = tmp_path_factory.mktemp("pseudo"), np.random.default_rng(0)
    GraspModel.new(MODEL, 1).save(folder / "teacher")
    with DatasetWriter(folder / "scenes", TINY) as writer:
        for episode in range(7):
            seen = scene(random)
            if episode == 3:
                seen.height[:] = 0.0
            writer.append(seen, Attempt(episode=episode, index=0, environment="synthetic"))
    config = PseudoLabelConfig(
        teacher=folder / "teacher", dataset=folder / "scenes", out=folder / "out", scenes_per_part=3, top=3
    )
    teacher_pass.run(config)
    return config


@pytest.fixture(scope="module")
def maps(stage):
    """Allowed scores of every scene at 64 angles, as the teacher gives them: ``{scene: (64, 20, 20)}``."""
    dataset, teacher = Dataset(stage.dataset), GraspModel.load(stage.teacher)
    return {int(i): teacher.allowed_scores(dataset.heightmap(int(i)), TRAINING_ANGLES) for i in dataset.ids()}


@settings(deadline=None, max_examples=40)
@given(subset=st.lists(st.integers(0, 63), min_size=1, max_size=64, unique=True))
def test_the_table_gives_the_argmax_over_any_subset_of_the_angles(stage, maps, subset):
    table, _ = PseudoLabelTable.load(stage.out)
    chosen = best_of_angles(table, np.array(subset))
    assert set(chosen.scene) == {i for i, scores in maps.items() if np.isfinite(scores).any()}
    for i, row, col, angle, score in zip(chosen.scene, chosen.row, chosen.col, chosen.angle, chosen.score, strict=True):
        scores = maps[i][subset]
        assert score == scores.max()
        assert maps[i][angle, row, col] == score
        assert angle in subset


def test_every_subset_of_six_angles_one_by_one(stage, maps):
    table, _ = PseudoLabelTable.load(stage.out)
    angles = np.array([0, 7, 21, 32, 40, 63])
    for bits in range(1, 64):
        subset = angles[[bool(bits >> k & 1) for k in range(6)]]
        chosen = best_of_angles(table, subset)
        np.testing.assert_array_equal(chosen.score, [maps[i][subset].max() for i in chosen.scene])


def test_each_scene_may_have_a_subset_of_its_own(stage, maps):
    table, _ = PseudoLabelTable.load(stage.out)
    drawn = sample_angles(16, len(table), np.random.default_rng(0))
    assert drawn.shape == (7, 16)
    assert all(len(set(row)) == 16 for row in drawn.tolist())
    chosen = best_of_angles(table, drawn)
    position = {i: n for n, i in enumerate(table.scene)}
    expected = [maps[i][drawn[position[i]]].max() for i in chosen.scene]
    np.testing.assert_array_equal(chosen.score, expected)


@pytest.mark.parametrize("grid", [64, 16])
def test_the_best_grasps_are_those_of_literally_banning_every_near_grasp(stage, maps, grid):
    table, _ = PseudoLabelTable.load(stage.out)
    chosen = top_of_scenes(table, grid, 3)
    bins = np.arange(0, 64, 64 // grid)
    for i, scores in maps.items():
        left = scores.astype(np.float64)
        expected = []
        for _ in range(3):
            best = max((left[k, r, c], k, r, c) for k in bins for r in range(20) for c in range(20))
            if not np.isfinite(best[0]):
                break
            expected.append(best[0])
            for r in range(20):
                for c in range(20):
                    if max(abs(r - best[2]), abs(c - best[3])) * TINY.pixel_size < stage.nms_radius:
                        left[:, r, c] = -np.inf
        of_scene = chosen.scene == i
        np.testing.assert_array_equal(chosen.score[of_scene], np.float32(expected))
        np.testing.assert_array_equal(chosen.rank[of_scene], np.arange(len(expected)))
        places = zip(chosen.angle[of_scene], chosen.row[of_scene], chosen.col[of_scene], strict=True)
        np.testing.assert_array_equal([scores[place] for place in places], np.float32(expected))


def test_more_labels_than_kept_are_refused(stage):
    with pytest.raises(UserError, match=r"keeps 3.*--top 4"):
        top_of_scenes(PseudoLabelTable.load(stage.out)[0], 64, 4)


def same(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in a.__dataclass_fields__)


def test_two_workers_write_the_table_of_one(stage, tmp_path):
    out = teacher_pass.run(replace(stage, out=tmp_path / "two", workers=2))
    assert same(PseudoLabelTable.load(out)[0], PseudoLabelTable.load(stage.out)[0])
    assert sorted(path.name for path in out.iterdir()) == ["manifest.json", "pseudo_labels.parquet"]


def test_an_interrupted_pass_goes_on_where_it_stopped(stage, tmp_path, monkeypatch):
    config = replace(stage, out=tmp_path / "half")
    label_part, done = teacher_pass.label_part, []

    def stops_at_the_third(part):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(part.scenes)
        return label_part(part)

    monkeypatch.setattr(teacher_pass, "label_part", stops_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        teacher_pass.run(config)
    with pytest.raises(UserError, match="exists"):
        teacher_pass.run(config)
    with pytest.raises(UserError, match=r"begun with other values of top \(3, now 2\).*--out, or .*--overwrite"):
        teacher_pass.run(replace(config, resume=True, top=2))
    with monkeypatch.context() as patch, pytest.raises(UserError, match=r"was made by .*precision='other'"):
        patch.setattr(teacher_pass, "resolve_precision", lambda precision: "other")
        teacher_pass.run(replace(config, resume=True))
    done.clear()
    out = teacher_pass.run(replace(config, resume=True))
    assert done == [(6,)]
    assert same(PseudoLabelTable.load(out)[0], PseudoLabelTable.load(stage.out)[0])


def test_a_pass_killed_before_its_manifest_ends_with_one_and_without_left_overs(stage, tmp_path, monkeypatch):
    def killed(*arguments, **facts):
        raise KeyboardInterrupt

    config = replace(stage, out=tmp_path / "killed", resume=True)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(StageRun, "finish", killed)
        teacher_pass.run(config)
    assert (config.out / "pseudo_labels.parquet").exists()
    teacher_pass.run(config)
    assert sorted(path.name for path in config.out.iterdir()) == ["manifest.json", "pseudo_labels.parquet"]
    shutil.copytree(stage.dataset, config.out / "parts")
    teacher_pass.run(config)  # killed while it removed them
    assert sorted(path.name for path in config.out.iterdir()) == ["manifest.json", "pseudo_labels.parquet"]


def test_a_finished_pass_is_resumed_only_with_its_own_config_and_data(stage, tmp_path):
    teacher = GraspModel.new(MODEL, 1)
    teacher.save(tmp_path / "teacher")
    config = replace(stage, teacher=tmp_path / "teacher", out=tmp_path / "out")
    teacher_pass.run(config)
    assert teacher_pass.run(replace(config, resume=True, workers=2)) == config.out
    with pytest.raises(UserError, match=r"begun with other values of nms_radius \(0\.014, now 0\.02\)"):
        teacher_pass.run(replace(config, resume=True, nms_radius=0.02))
    GraspModel.new(MODEL, 2).save(tmp_path / "teacher")
    with pytest.raises(
        UserError, match=rf"other values of the content of {tmp_path / 'teacher'} \({teacher.version[:12]}"
    ):
        teacher_pass.run(replace(config, resume=True))


@pytest.mark.parametrize("name", ["teacher", "dataset", "others", "affordance_filter"])
def test_a_pass_never_overwrites_what_it_reads(stage, tmp_path, name):
    kept = tmp_path / "kept"
    shutil.copytree(getattr(stage, name if name == "dataset" else "teacher"), kept)
    (kept / "split.json").write_text("{}")
    given = {name: (kept,) if name == "others" else kept}
    with pytest.raises(UserError, match="which is read and must not be replaced"):
        teacher_pass.run(replace(stage, out=tmp_path, overwrite=True, **given))
    assert (kept / "split.json").exists()


def test_the_table_names_its_teacher_and_scenes(stage):
    _, provenance = PseudoLabelTable.load(stage.out)
    assert provenance.teacher == GraspModel.load(stage.teacher).version
    assert provenance.dataset == Dataset(stage.dataset).version
    assert provenance.workspace == TINY


def test_a_table_cut_off_missing_or_of_another_kind_is_refused(stage, tmp_path):
    with pytest.raises(UserError, match="pseudo-label"):
        PseudoLabelTable.load(tmp_path)
    file = tmp_path / "pseudo_labels.parquet"
    whole = (stage.out / "pseudo_labels.parquet").read_bytes()
    file.write_bytes(whole[:-200])
    with pytest.raises(UserError, match="cut off"):
        PseudoLabelTable.load(tmp_path)
    pq.write_table(pq.read_table(stage.out / "pseudo_labels.parquet").replace_schema_metadata({}), file)
    with pytest.raises(UserError, match="no table of pseudo-labels"):
        PseudoLabelTable.load(tmp_path)


def test_a_teacher_of_another_workspace_is_refused(stage, tmp_path):
    GraspModel.new(replace(MODEL, workspace=replace(TINY, margin=0.02)), 0).save(tmp_path / "teacher")
    with pytest.raises(UserError, match=r"margin of 0\.02 m.*margin of 0\.01 m"):
        teacher_pass.run(replace(stage, teacher=tmp_path / "teacher", out=tmp_path / "out"))


def test_no_scenes_and_no_teacher_are_named(stage, tmp_path):
    with DatasetWriter(tmp_path / "empty", TINY):
        pass
    with pytest.raises(UserError, match="is empty"):
        teacher_pass.run(replace(stage, dataset=tmp_path / "empty", out=tmp_path / "out"))
    with pytest.raises(UserError, match="is no checkpoint"):
        teacher_pass.run(replace(stage, teacher=tmp_path / "none", out=tmp_path / "out"))
    with pytest.raises(UserError):
        teacher_pass.run(replace(stage, dataset=tmp_path / "missing", out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [{"workers": 0}, {"top": 0}, {"nms_radius": 21.0}, {"angles": 7}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        PseudoLabelConfig(**options)


def test_with_room_for_the_fingers_asked_for_every_pseudo_label_leaves_it(stage, tmp_path):
    gripper = GripperGeometry(opening=0.012, finger_thickness=0.004, finger_width=0.004)  # fits the tiny workspace
    config = replace(stage, out=tmp_path / "out", constraint=GraspConstraintConfig("clearance", -0.01, gripper=gripper))
    table, provenance = PseudoLabelTable.load(teacher_pass.run(config))
    teacher, dataset = GraspModel.load(config.teacher), Dataset(config.dataset)
    assert provenance.constraint == to_plain(config.constraint)
    some = 0
    for position, scene_id in enumerate(table.scene):
        heightmap = dataset.heightmap(int(scene_id))
        free = teacher.allowed_scores(heightmap, TRAINING_ANGLES, config.foreground_only)
        height = clean_height(heightmap, teacher.config.normalisation)
        room = finger_clearance(height, TRAINING_ANGLES.angles, gripper, TINY) >= -0.01
        for angle in range(64):
            best = np.where(room[angle], free[angle], -np.inf).max()
            assert table.score[position, angle] == best
            if np.isfinite(best):
                some += 1
                assert room[angle, table.row[position, angle], table.col[position, angle]]
    assert some > 50


def test_a_teacher_that_looks_at_16_angles_says_what_it_says_at_them_of_64(stage, tmp_path):
    few, provenance = PseudoLabelTable.load(teacher_pass.run(replace(stage, out=tmp_path / "few", angles=16)))
    every, _ = PseudoLabelTable.load(stage.out)
    looked = DEPLOYMENT_ANGLES.indices_in(TRAINING_ANGLES)
    assert provenance.angles == 16
    np.testing.assert_array_equal(few.score[:, looked], every.score[:, looked])
    np.testing.assert_array_equal(few.top16_row, every.top16_row)
    np.testing.assert_array_equal(few.top64_angle, few.top16_angle)
    assert np.isneginf(np.delete(few.score, looked, axis=1)).all()


def test_scenes_that_are_looked_at_together_get_the_labels_of_each_alone(monkeypatch):
    random, model = np.random.default_rng(3), GraspModel.new(MODEL, 1, precision="fp32")
    scenes = [scene(random) for _ in range(5)]
    labeller = teacher_pass.SceneLabeller(model, 3, 0.014, True)
    alone = labeller.label_all(scenes)
    calls = []
    score = model.score_pictures
    monkeypatch.setattr(model, "score_pictures", lambda pictures: calls.append(len(pictures)) or score(pictures))
    monkeypatch.setattr(teacher_pass, "device_of", lambda: "cuda")
    model.pixels_per_call = 2 * 64 * model.canvas.side**2
    together = labeller.label_all(scenes)
    assert calls == [128, 128, 64]
    for one, other in zip(alone, together, strict=True):
        assert all(np.array_equal(one[name], other[name]) for name in ("row", "col", "top16_angle", "overruled"))
        np.testing.assert_allclose(other["score"], one["score"], rtol=1e-4, atol=1e-5)
