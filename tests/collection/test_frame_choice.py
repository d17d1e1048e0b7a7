"""Choosing frames to label: each measure by what it promises, whole datasets, and what is refused."""

import json

import numpy as np
import pytest
from tests.fakes.boxes import WORKSPACE

from grasping_student.cli.main import main
from grasping_student.collection.frame_choice import histograms, run, spread
from grasping_student.collection.frame_choice_configuration import FrameChoiceConfig
from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.models.confidence import Confidence
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_choice import choose
from grasping_student.models.grasp_model import GraspModel
from grasping_student.perception.observation import Observation

FRAMES = 9


def scene(number):
    height = np.zeros(WORKSPACE.shape, np.float32)
    height[10 : 12 + number, 12:18] = 0.01 * (1 + number)
    return Heightmap(height, np.zeros((*WORKSPACE.shape, 3), np.uint8), WORKSPACE)


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames") / "frames"
    with DatasetWriter(folder, WORKSPACE) as writer:
        for number in range(FRAMES):
            writer.append(scene(number), Attempt(episode=number, index=0, environment="recorded"))
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder, found = tmp_path_factory.mktemp("models"), []
    for seed in range(2):
        model = GraspModel.new(ModelConfig(NetworkConfig(widths=(4, 4)), WORKSPACE), seed)
        model.save(folder / f"model-{seed}")
        found.append(folder / f"model-{seed}")
    return found


def told(out):
    return json.loads((out / "origin.json").read_text())["chosen"]["order"]


def order_of(out):
    return [each["id"] for each in told(out)]


def test_doubt_takes_the_frames_whose_chance_is_nearest_to_one_half(frames, models, tmp_path):
    model = GraspModel.load(models[0])
    scores = [choose(Observation.of(scene(number)), model).best[1] for number in range(FRAMES)]
    middle = sorted(scores)[4]
    Confidence(3.0, 0.0, middle, model.version, 60, 30).save(models[0])  # a chance of one half at the middle score
    out = run(FrameChoiceConfig(frames, tmp_path / "out", count=3, by="doubt", models=(models[0],)))
    assert order_of(out) == sorted(range(FRAMES), key=lambda number: abs(scores[number] - middle))[:3]


def test_models_that_are_the_same_agree_and_others_do_not(frames, models, tmp_path):
    same = run(FrameChoiceConfig(frames, tmp_path / "same", count=2, by="disagreement", models=(models[0],) * 2))
    other = run(FrameChoiceConfig(frames, tmp_path / "other", count=FRAMES, by="disagreement", models=tuple(models)))
    worth = {out: [each["worth"] for each in told(out)] for out in (same, other)}
    assert worth[same] == [0.0, 0.0]
    assert worth[other] == sorted(worth[other], reverse=True) and 0.0 < worth[other][0] <= 1.0


def test_novelty_takes_the_farthest_from_all_before_as_a_literal_search_does():
    random = np.random.default_rng(0)
    features, known = list(random.random((30, 5))), list(random.random((3, 5)))
    order, _ = spread(features, known, 12)
    seen = list(known)
    for chosen in order:
        far = [min(np.linalg.norm(each - other) for other in seen) for each in features]
        assert far[chosen] == pytest.approx(max(far))
        seen.append(features[chosen])
    assert len(set(order.tolist())) == 12
    first, _ = spread(features, [], 30)
    assert sorted(first.tolist()) == list(range(30))


def test_a_turned_scene_is_not_new():
    one = scene(4)
    turned = Heightmap(np.rot90(one.height).copy(), one.rgb, one.workspace)
    np.testing.assert_allclose(histograms(one), histograms(turned), atol=1e-12)
    assert np.linalg.norm(histograms(one) - histograms(scene(8))) > 0.01


def test_the_chosen_frames_are_copied_whole_and_chance_follows_its_seed(frames, tmp_path):
    outs = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        outs.append(run(FrameChoiceConfig(frames, tmp_path / name, count=4, by="random", seed=seed)))
    assert order_of(outs[0]) == order_of(outs[1]) != order_of(outs[2])
    chosen = Dataset(outs[0])
    assert chosen.ids().tolist() == sorted(order_of(outs[0]))
    for number in chosen.ids():
        before = Dataset(frames).heightmap(int(number))
        np.testing.assert_array_equal(chosen.heightmap(int(number)).height, before.height)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--count", "10"), "holds 9 frames"),
        (("--by", "doubt"), "needs one checkpoint"),
        (("--by", "disagreement", "--models", "general"), "two to nine"),
        (("--models", "general"), "needs no checkpoint"),
        (("--by", "random", "--labelled", "x"), "does not look at it"),
        (("--by", "doubt", "--models", "MODEL"), "train confidence"),
        (("--by", "doubt", "--models", "nowhere"), "nowhere"),
    ],
)
def test_what_a_user_can_mend_is_told(frames, models, tmp_path, capsys, options, message):
    words = [str(models[1]) if each == "MODEL" else each for each in options]
    count = () if "--count" in words else ("--count", "3")
    assert main(["dataset", "choose", str(frames), "--out", str(tmp_path / "out"), *count, *words]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
