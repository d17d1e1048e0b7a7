"""Scenes of the proxy: what may be asked for, which pixels are judged, and that an episode's scenes count together."""

from dataclasses import replace

import numpy as np
import pytest
from tests.training.synthetic import SMALL, draw_scene, write_dataset

from grasping_student.datasets.store import Dataset
from grasping_student.evaluation import proxy
from grasping_student.evaluation.configuration import ProxyConfig
from grasping_student.evaluation.statistics import Counts, bootstrap_interval
from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.pipeline.errors import UserError

MODEL = GraspModel.new(ModelConfig(NetworkConfig(widths=(4, 8)), SMALL), 0)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Twelve labelled scenes in episodes of five, five and two."""
    return Dataset(write_dataset(tmp_path_factory.mktemp("proxy-scenes") / "held-out", 12, seed=2, an_episode=5))


@pytest.mark.parametrize("pixel", [(-1, 5), (5, -1), (SMALL.pixels, 5), (5, SMALL.pixels)])
def test_a_pixel_outside_the_picture_is_refused_and_one_outside_the_graspable_area_never_succeeds(pixel):
    scene, grasp = draw_scene(SMALL, np.random.default_rng(0))
    with pytest.raises(ValueError, match="lies outside the picture"):
        proxy.success_probability(MODEL, scene, PlanarGrasp(*pixel, grasp.angle))
    assert not SMALL.is_graspable(0, 0)
    assert proxy.success_probability(MODEL, scene, PlanarGrasp(0, 0, grasp.angle)) == 0.0


def test_no_more_scenes_than_there_are(dataset):
    assert len(proxy.read_proxy_scenes(MODEL, dataset, 12)) == len(proxy.read_proxy_scenes(MODEL, dataset)) == 12
    with pytest.raises(UserError, match=r"--scenes 13: dataset .* has 12 labelled scenes; ask for fewer"):
        proxy.read_proxy_scenes(MODEL, dataset, 13)
    with pytest.raises(ValueError, match="count is -3"):
        proxy.read_proxy_scenes(MODEL, dataset, -3)


def test_hits_are_counted_by_the_episode_of_their_scene():
    hits = np.array([True, True, False, False, True, True])
    counts = proxy.counts_by_episode(hits, (7, 3, 3, 7, 9, 7))
    assert (counts.successes.tolist(), counts.attempts.tolist()) == ([1, 2, 1], [2, 3, 1])


def test_the_interval_is_over_episodes_and_everything_else_over_scenes(dataset, tmp_path):
    MODEL.save(tmp_path / "model")
    scenes = proxy.read_proxy_scenes(MODEL, dataset)
    assert scenes.episodes == (*[0] * 5, *[1] * 5, *[2] * 2)
    likely = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 1], dtype=bool)  # alike inside an episode
    maps = tuple(np.full_like(each, hit) for each, hit in zip(scenes.probability, likely, strict=True))
    row = proxy.proxy_metrics(tmp_path / "model", replace(scenes, probability=maps), ProxyConfig())
    assert row["hits"] == "".join(map(str, likely.astype(int)))
    assert (row["successes"], row["attempts"]) == (7, 12)
    assert row["bootstrap_95"] == list(bootstrap_interval(Counts([5, 1, 1], [5, 5, 2]), 0))
