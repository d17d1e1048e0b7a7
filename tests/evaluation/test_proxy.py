"""The affordance network from training to verdict, and the proxy that it makes of it."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from tests.training.synthetic import SMALL, draw_scene, write_dataset

from grasping_student.cli.main import main
from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import Dataset
from grasping_student.evaluation import proxy
from grasping_student.evaluation.configuration import ProxyConfig
from grasping_student.evaluation.network_metrics import evaluate_affordance
from grasping_student.evaluation.statistics import moving_average
from grasping_student.geometry.grasp import AngleGrid, PlanarGrasp
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.normalisation import Normalisation
from grasping_student.models.rotation import Canvas
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json
from grasping_student.training import affordance, teacher
from grasping_student.training.affordance_configuration import AFFORDANCE_PRESETS, AffordanceConfig
from grasping_student.training.augmentation import no_augmentation
from grasping_student.training.batches import BalancedBatches, Group
from grasping_student.training.configuration import TeacherConfig
from grasping_student.training.labels import HEIGHT_UNIT, labels_of_attempts, read_scenes
from grasping_student.training.loop_configuration import LoopConfig

NETWORK = NetworkConfig(widths=(12, 16, 24))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two datasets with many more failures than a batch would show, an affordance network, a teacher, their scenes."""
    folder = tmp_path_factory.mktemp("proxy")
    write_dataset(folder / "first", 40, seed=0, failures=26, an_episode=2)
    write_dataset(folder / "second", 30, seed=1, failures=18, an_episode=2)
    write_dataset(folder / "held-out", 12, seed=2)
    config = AffordanceConfig(
        datasets=(folder / "first", folder / "second"),
        out=folder / "affordance",
        network=NETWORK,
        loop=LoopConfig(steps=140, batch=12, threads=1, record_every=70),
    )
    affordance.run(config)
    teaching = TeacherConfig(
        dataset=folder / "second",
        out=folder / "teacher",
        network=NETWORK,
        loop=LoopConfig(steps=60, batch=6, threads=1, record_every=20, keep_rounds=True),
    )
    teacher.run(teaching)
    return folder, config


def test_an_affordance_network_tells_the_short_side_from_the_long(trained):
    folder, _ = trained
    metrics = evaluate_affordance(folder / "affordance")
    assert metrics["attempts"] == 14
    assert metrics["balanced_accuracy"] >= 0.75
    assert metrics["by_source"].keys() == {"script"}


def test_no_episode_is_learnt_from_and_held_out(trained):
    folder, _ = trained
    stored = read_json(folder / "affordance" / "split.json")["datasets"]
    learnt = 0
    for side, (dataset, held_out) in zip(stored, affordance.held_out_attempts(folder / "affordance"), strict=True):
        assert sorted(side["train"] + side["held_out"]) == dataset.episodes().tolist()
        assert [each.id for each in held_out] == dataset.ids(episodes=side["held_out"]).tolist()
        assert len(held_out) == 2 * len(side["held_out"])
        learnt += len(dataset.ids(episodes=side["train"]))
    assert read_json(folder / "affordance" / "manifest.json")["attempts"] == learnt


def test_batches_are_half_successes_whatever_the_data_and_hold_the_label_at_its_height(trained):
    folder, _ = trained
    dataset = Dataset(folder / "first")
    labels = labels_of_attempts(dataset.attempts())
    scenes = read_scenes(dataset, labels.scene, Normalisation())
    good = labels.success > 0.5
    groups = (Group(labels.take(good), scenes, 5), Group(labels.take(~good), scenes, 5))
    canvas, plain = Canvas(SMALL, NETWORK.stride), no_augmentation()
    batches = BalancedBatches(groups, canvas, Normalisation(mean=0.0, std=1.0), plain, 0, 4)
    for step in range(4):
        batch = batches[step]
        assert batch["success"].tolist() == [1.0] * 5 + [0.0] * 5
        at_label = batch["pictures"].flatten(1).gather(1, batch["label"][:, None])
        assert (at_label > 0.015).all()  # every synthetic label lies on a box
        again = batches[step]
        assert all(bool((batch[name] == again[name]).all()) for name in batch)
    assert scenes.heights.max() * HEIGHT_UNIT <= 0.05 + HEIGHT_UNIT


def test_scores_at_any_angle_agree_with_the_maps_of_a_grid():
    model = GraspModel.new(ModelConfig(NETWORK, SMALL), 0)
    scene, _ = draw_scene(SMALL, np.random.default_rng(0))
    grid = AngleGrid(8)
    # one angle a call and twelve a call sum in another order: equal to rounding, not to the bit
    alone = model.scores_at(scene, [grid.angle(3)])[0]
    np.testing.assert_allclose(alone, model.score_maps(scene, grid)[3], rtol=1e-4, atol=1e-5)


def test_the_best_pixel_is_the_literal_argmax_over_graspable_foreground():
    model = GraspModel.new(ModelConfig(NETWORK, SMALL), 1)
    scene, _ = draw_scene(SMALL, np.random.default_rng(4))
    scores = model.scores_at(scene, [0.7])[0]
    row, col = proxy.best_pixel(model, scene, 0.7)
    allowed = scene.graspable_foreground()
    assert allowed[row, col]
    assert scores[row, col] == scores[allowed].max()
    empty = replace(scene, height=np.zeros_like(scene.height))
    assert proxy.best_pixel(model, empty, 0.7) is None
    assert proxy.best_pixel(model, empty, 0.7, foreground_only=False) is not None


def test_the_probability_of_a_grasp_is_its_pixel_of_the_map(trained):
    folder, _ = trained
    model = GraspModel.load(folder / "affordance")
    scene, grasp = draw_scene(SMALL, np.random.default_rng(9))
    probability = proxy.success_map(model, scene, grasp.angle)
    assert proxy.success_probability(model, scene, grasp) == pytest.approx(probability[grasp.row, grasp.col])
    assert np.isnan(probability[0, 0])
    across = PlanarGrasp(grasp.row, grasp.col, grasp.angle + np.pi / 2)
    assert 0.0 <= proxy.success_probability(model, scene, across) <= 1.0


def test_the_stage_scores_all_models_on_the_same_scenes_and_averages_over_kept_rounds(trained, tmp_path):
    folder, _ = trained
    spec = folder / "teacher"
    config = ProxyConfig(
        models=(f"one={spec}", f"other={spec}"),
        affordance=folder / "affordance",
        dataset=folder / "held-out",
        scenes=10,
        out=tmp_path / "out",
    )
    proxy.run(config)
    metrics = read_json(tmp_path / "out" / "metrics.json")
    one, other = metrics["models"]["one"], metrics["models"]["other"]
    assert one == other
    assert metrics["scenes"] == one["attempts"] == len(one["hits"]) == 10
    assert one["hits"].count("1") == one["successes"]
    assert len(one["rounds"]) == 3
    assert one["average"] == pytest.approx(moving_average(one["rounds"])[-1])
    # literally: the affordance at the teacher's best pixel of each scene
    model, judge = GraspModel.load(spec), GraspModel.load(folder / "affordance")
    dataset = Dataset(folder / "held-out")
    for attempt, hit in zip(dataset.attempts(), one["hits"], strict=False):
        scene, angle = dataset.heightmap(attempt.id), attempt.grasp.angle
        grasp = PlanarGrasp(*proxy.best_pixel(model, scene, angle), angle)
        assert (proxy.success_probability(judge, scene, grasp) > 0.5) == (hit == "1")


def test_a_teacher_in_the_affordance_networks_place_is_refused_and_nothing_is_written(trained, tmp_path, capsys):
    folder, _ = trained
    words = [
        "evaluate",
        "proxy",
        "--models",
        str(folder / "teacher"),
        "--affordance",
        str(folder / "teacher"),
        "--dataset",
        str(folder / "held-out"),
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(words) == 2
    message = (
        f"--affordance {folder / 'teacher'} is no affordance network; 'grasping-student train affordance' makes one"
    )
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["dataset", "affordance", "models"])
def test_a_proxy_never_overwrites_what_it_reads(trained, tmp_path, option):
    folder, _ = trained
    read = {"dataset": folder / "held-out", "affordance": folder / "affordance", "models": folder / "teacher"}
    kept = tmp_path / "kept"
    shutil.copytree(read[option], kept)
    read[option] = kept
    models = (f"one={read.pop('models')}",)
    with pytest.raises(UserError, match="which is read and must not be replaced"):
        proxy.run(ProxyConfig(models=models, scenes=1, out=tmp_path, overwrite=True, **read))
    assert any(kept.iterdir())


def test_what_cannot_be_trained_or_compared_says_why(trained, tmp_path):
    folder, config = trained
    other = replace(config, out=tmp_path / "out")
    wide = write_dataset(tmp_path / "wide", 3, seed=0, workspace=Workspace(0.2, 50, 0.02))
    sure = write_dataset(tmp_path / "sure", 6, seed=0)
    with pytest.raises(UserError, match="datasets of one workspace"):
        affordance.run(replace(other, datasets=(*config.datasets, wide)))
    with pytest.raises(UserError, match="0 failures; an affordance network needs both"):
        affordance.run(replace(other, datasets=(sure,)))
    with pytest.raises(UserError, match="no labelled attempt of human"):
        affordance.run(replace(other, sources=("human",)))
    proxies = ProxyConfig(models=(f"t={folder / 'teacher'}",), affordance=folder / "affordance", out=tmp_path / "p")
    with pytest.raises(UserError, match="of the same preset"):
        proxy.run(replace(proxies, dataset=wide))
    with pytest.raises(UserError, match="is no checkpoint"):
        proxy.run(replace(proxies, dataset=sure, models=("t=random",)))
    assert not (tmp_path / "out").exists()


def test_a_dataset_that_changed_since_is_noticed(trained, tmp_path):
    _, config = trained
    path = write_dataset(tmp_path / "data", 10, seed=3, failures=5)
    out = affordance.run(
        replace(config, datasets=(path,), out=tmp_path / "a", loop=LoopConfig(steps=1, batch=2, threads=1))
    )
    Dataset(path).close()
    from grasping_student.datasets.store import DatasetWriter

    with DatasetWriter(path, SMALL) as writer:
        writer.append(
            draw_scene(SMALL, np.random.default_rng(0))[0], Attempt(episode=10, index=0, environment="synthetic")
        )
    with pytest.raises(UserError, match="has changed since"):
        evaluate_affordance(out)


def test_the_paper_preset_is_the_papers_and_impossible_configs_are_refused():
    paper = AFFORDANCE_PRESETS["paper"]()
    assert (paper.network.name, paper.network.encoder_weights) == ("unet-resnet50", "imagenet")
    assert (paper.loop.batch, paper.loop.epochs, paper.loop.steps) == (16, 30, 0)
    assert paper.loop.optimiser.schedule == "epoch"
    for wrong in ({"datasets": ()}, {"held_out": 1.0}, {"loop": LoopConfig(batch=1)}):
        with pytest.raises(ValueError, match=next(iter(wrong)) if "loop" not in wrong else "batch"):
            AffordanceConfig(**wrong)
    with pytest.raises(ValueError, match="alpha"):
        ProxyConfig(alpha=1.0)


def test_the_command_refuses_scenes_that_a_network_has_learnt_from(trained, tmp_path, capsys):
    folder, _ = trained
    command = ["evaluate", "proxy", "--models", f"t={folder / 'teacher'}", "--affordance", str(folder / "affordance")]
    for data, learnt in (("first", ["affordance"]), ("second", ["affordance", "teacher"])):
        assert main([*command, "--dataset", str(folder / data), "--out", str(tmp_path / data)]) == 2
        said = capsys.readouterr().err
        named = ", ".join(str(folder / name) for name in learnt)
        assert f"{named} learnt from the scenes of --dataset {folder / data}" in said
        assert not (tmp_path / data).exists()
    assert main([*command, "--dataset", str(folder / "held-out"), "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "metrics.json").exists()


@pytest.mark.parametrize("words", [["train", "affordance"], ["evaluate", "proxy"]])
def test_the_commands_print_their_config(words, capsys):
    assert main([*words, "--print-config"]) == 0
    assert "seed: 0" in capsys.readouterr().out
