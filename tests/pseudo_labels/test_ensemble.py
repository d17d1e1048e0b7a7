"""Turned views, several teachers, an affordance filter: laws of each, and the table that they make."""

from dataclasses import replace

import numpy as np
import pytest

from grasping_student.datasets.chosen_grasps import best_of_angles
from grasping_student.datasets.pseudo_label_table import PseudoLabelTable
from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.geometry.grasp import TRAINING_ANGLES
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.pipeline.errors import UserError
from grasping_student.pseudo_labels import teacher_pass
from grasping_student.pseudo_labels.configuration import PseudoLabelConfig
from grasping_student.pseudo_labels.ensemble import log_total, scores_of_views

TINY = Workspace(extent=0.08, pixels=20, margin=0.01)
MODEL = ModelConfig(network=NetworkConfig(widths=(4, 8)), workspace=TINY)


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Two teachers, an affordance network, four scenes; the third is empty."""
    folder, random = tmp_path_factory.mktemp("agreement"), np.random.default_rng(0)
    for number, name in enumerate(("one", "two", "affordance_filter")):
        GraspModel.new(MODEL, number, "fp32").save(folder / name)
    (folder / "affordance_filter" / "split.json").write_text("{}")
    with DatasetWriter(folder / "scenes", TINY) as writer:
        for episode in range(4):
            height = random.uniform(0.0, 0.06, TINY.shape) * (random.random(TINY.shape) < 0.7) * (episode != 2)
            seen = Heightmap(height.astype(np.float32), np.zeros((*TINY.shape, 3), np.uint8), TINY)
            writer.append(seen, Attempt(episode=episode, index=0, environment="synthetic"))
    return PseudoLabelConfig(
        teacher=folder / "one", dataset=folder / "scenes", out=folder / "out", scenes_per_part=3, precision="fp32"
    )


def scenes(config):
    dataset = Dataset(config.dataset)
    return {int(i): dataset.heightmap(int(i)) for i in dataset.ids()}


def allowed_scores(path, heightmap):
    return GraspModel.load(path, precision="fp32").allowed_scores(heightmap, TRAINING_ANGLES)


def maxima(maps):
    """Best score of every scene and angle."""
    return np.stack([scores.reshape(64, -1).max(axis=1) for scores in maps])


def test_four_views_see_a_mirrored_or_turned_scene_as_the_same_scene(config):
    teacher, heightmap = GraspModel.load(config.teacher, precision="fp32"), scenes(config)[0]
    maps = scores_of_views(teacher, heightmap, TRAINING_ANGLES, 4)
    back = -np.arange(64) % 64  # mirrored, an angle is what is left to pi
    for rows, cols, bins in ((1, -1, back), (-1, -1, np.arange(64)), (-1, 1, back)):
        seen = replace(heightmap, height=heightmap.height[::rows, ::cols].copy())
        again = scores_of_views(teacher, seen, TRAINING_ANGLES, 4)[bins][:, ::rows, ::cols]
        np.testing.assert_allclose(again, maps, atol=1e-5)
        one = scores_of_views(teacher, seen, TRAINING_ANGLES, 1)[bins][:, ::rows, ::cols]
        inside = np.isfinite(maps)
        assert np.abs(one[inside] - scores_of_views(teacher, heightmap, TRAINING_ANGLES, 1)[inside]).max() > 1e-3


def test_four_views_choose_the_best_of_the_mean(config, tmp_path):
    table, provenance = PseudoLabelTable.load(teacher_pass.run(replace(config, views=4, out=tmp_path / "out")))
    teacher, expected = GraspModel.load(config.teacher, precision="fp32"), []
    for heightmap in scenes(config).values():
        allowed = np.isfinite(teacher.allowed_scores(heightmap, TRAINING_ANGLES))
        expected.append(np.where(allowed, scores_of_views(teacher, heightmap, TRAINING_ANGLES, 4), -np.inf))
    np.testing.assert_allclose(table.score, maxima(expected), atol=1e-5)
    assert provenance.views == 4


def test_several_teachers_choose_by_the_mean_of_their_log_softmax(config, tmp_path):
    out = teacher_pass.run(replace(config, others=(config.teacher.parent / "two",), out=tmp_path / "out"))
    table, provenance = PseudoLabelTable.load(out)
    expected = []
    for heightmap in scenes(config).values():
        both = []
        for name in ("one", "two"):
            maps = allowed_scores(config.teacher.parent / name, heightmap).astype(np.float64)
            with np.errstate(divide="ignore", invalid="ignore"):
                both.append(np.log(np.exp(maps) / np.exp(maps).sum()) if np.isfinite(maps).any() else maps)
        expected.append(np.mean(both, axis=0))
    np.testing.assert_allclose(table.score, maxima(expected), atol=1e-4)
    assert provenance.others == [GraspModel.load(config.teacher.parent / "two").version]


def test_the_total_makes_confidence_a_share_of_the_softmax(config):
    table, _ = PseudoLabelTable.load(teacher_pass.run(replace(config, overwrite=True)))
    chosen = best_of_angles(table, np.arange(64))
    maps = {i: allowed_scores(config.teacher, heightmap) for i, heightmap in scenes(config).items()}
    shares = {
        i: np.exp(each.astype(np.float64)) / np.exp(each.astype(np.float64)).sum()
        for i, each in maps.items()
        if np.isfinite(each).any()
    }
    assert list(chosen.scene) == list(shares)
    np.testing.assert_allclose(chosen.confidence, [each.max() for each in shares.values()], rtol=1e-4)
    assert log_total(np.full((2, 3), -np.inf, dtype=np.float32)) == -np.inf


@pytest.mark.parametrize("least", [0.5, 0.999])
def test_only_what_the_filter_takes_for_a_success_is_chosen_or_else_its_favourite(config, tmp_path, least):
    affordance_filter = config.teacher.parent / "affordance_filter"
    maps = {i: allowed_scores(config.teacher, heightmap) for i, heightmap in scenes(config).items()}
    said = {
        i: 1 / (1 + np.exp(-allowed_scores(affordance_filter, heightmap))) for i, heightmap in scenes(config).items()
    }
    # the middle of what the filter gives leaves some grasps of the scenes that are not empty
    least = float(np.median(said[0][np.isfinite(maps[0])])) if least == 0.5 else least
    filtered = replace(config, affordance_filter=affordance_filter, min_affordance=least, out=tmp_path / "out")
    table, provenance = PseudoLabelTable.load(teacher_pass.run(filtered))
    assert provenance.affordance_filter == GraspModel.load(affordance_filter).version
    seen = set()
    for position, i in enumerate(table.scene):
        expected = np.where(said[i] > least, maps[i], -np.inf)
        lone = np.isfinite(maps[i]).any() and not np.isfinite(expected).any()
        assert table.overruled[position] == lone
        seen.add(bool(lone))
        if lone:
            (angle,) = np.flatnonzero(np.isfinite(table.score[position]))
            place = (angle, table.row[position, angle], table.col[position, angle])
            top, _ = PseudoLabelTable.load(config.out)
            tops = zip(top.top64_angle[position], top.top64_row[position], top.top64_col[position], strict=True)
            assert said[i][place] == max(said[i][each] for each in tops)
        else:
            np.testing.assert_allclose(table.score[position], maxima([expected])[0], atol=1e-5)
    assert (True in seen) == (least == 0.999)


def test_a_teacher_is_no_affordance_filter_and_nonsense_is_refused(config, tmp_path):
    with pytest.raises(UserError, match=r"--affordance-filter .* is no affordance network"):
        teacher_pass.run(replace(config, affordance_filter=config.teacher, out=tmp_path / "out"))
    for options in ({"views": 3}, {"min_affordance": 1.0}):
        with pytest.raises(ValueError, match=next(iter(options))):
            PseudoLabelConfig(**options)
