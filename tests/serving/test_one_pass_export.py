"""A model of one pass is exported and served as any other: the same scores, the same grasps, one picture a scene."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.serving.tabletop import BOXES, LIGHT, arguments, frame_of, tabletop

from grasping_student.cli.main import main
from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, TRAINING_ANGLES
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.perception.frame_files import save_frame
from grasping_student.serving.backends import load_exported
from grasping_student.serving.parity import sample_scenes

pytest.importorskip("onnxscript")
pytest.importorskip("openvino")

EXAMPLE = Path(__file__).parents[2] / "examples" / "07_grasp_with_an_exported_model.py"
CONFIG = ModelConfig(NetworkConfig("one-pass", widths=(8, 12)), LIGHT)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A model, beside its checkpoint its export, and a frame."""
    folder = tmp_path_factory.mktemp("one-pass")
    model = GraspModel.new(CONFIG, seed=3, precision="fp32")
    model.save(folder / "checkpoint")
    assert main(["export", "--model", str(folder / "checkpoint"), "--out", str(folder / "exported")]) == 0
    save_frame(frame_of(tabletop(BOXES), tilt=0.0), folder / "scene")
    return model, folder


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_its_scores_are_those_of_the_checkpoint_at_any_angle_and_extent(exported, backend):
    model, folder = exported
    other = load_exported(folder / "exported", backend, LIGHT, precision="fp32", threads=1)
    (scene,) = sample_scenes(LIGHT, 5, 1)
    for grid in (DEPLOYMENT_ANGLES, TRAINING_ANGLES):
        ours, theirs = model.score_maps(scene, grid), other.score_maps(scene, grid)
        inside = np.isfinite(ours)
        assert np.abs(theirs[inside] - ours[inside]).max() < 1e-3 * ours[inside].std()
    assert other.best_grasp(scene)[0] == model.best_grasp(scene)[0]


def test_one_picture_is_made_of_a_scene(exported, monkeypatch):
    model, _ = exported
    seen = []
    monkeypatch.setattr(
        model, "score_pictures", lambda pictures: seen.append(pictures.shape) or np.zeros((1, 16, 128, 128))
    )
    model.score_maps(sample_scenes(LIGHT, 5, 1)[0])
    assert [shape[0] for shape in seen] == [1]


def test_the_export_tells_which_output_belongs_to_which_angle(exported):
    told = json.loads((exported[1] / "exported" / "export.json").read_text())
    assert told["output"]["shape"] == ["batch", 16, "side", "side"]
    assert told["preprocessing"]["turns"] == [0.0]
    assert told["postprocessing"]["maps"] == [[0, channel] for channel in range(16)]
    assert told["parity"]["same_grasps"] == 1.0


def test_predict_takes_checkpoint_and_export_on_every_backend_and_the_example_needs_none_of_them(exported, tmp_path):
    _, folder = exported
    found = []
    for model, backend in (("checkpoint", "torch"), ("exported", "onnx"), ("exported", "openvino")):
        words = arguments(folder / "scene", tmp_path / backend, "--model", folder / model, "--backend", backend)
        assert main(words) == 0
        found.append(json.loads((tmp_path / backend / "grasp.json").read_text())["grasp"])
    files = [folder / "scene" / name for name in ("depth.npy", "camera.json", "pose.txt")]
    command = [sys.executable, EXAMPLE, folder / "exported", *files]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=True, timeout=240)
    alone = json.loads(done.stdout)
    onnx = found[1]
    assert (alone["row"], alone["col"], alone["angle"]) == (onnx["row"], onnx["col"], onnx["angle"])
    assert alone["score"] == pytest.approx(onnx["score"], abs=1e-3)
    for each in found:  # torch and OpenVINO may compute in bf16
        assert each["score"] == pytest.approx(onnx["score"], rel=0.05)


def test_in_8_bits_each_scene_calibrates_with_one_picture(exported, tmp_path, monkeypatch):
    from grasping_student.serving import export, quantisation

    model, _ = exported
    pictures = list(quantisation._turned(model, sample_scenes(LIGHT, 1, 3)))
    assert [picture.shape for picture in pictures] == [(1, 1, model.canvas.side, model.canvas.side)] * 3
    monkeypatch.setattr(export, "MOST_OTHER_GRASPS", 1.0)
    found = export.export_model(model, tmp_path, scenes=sample_scenes(LIGHT, 2, 6), int8=True)
    assert 0.0 < found.largest_difference < 1.0
    assert load_exported(tmp_path, "onnxruntime").score_maps(sample_scenes(LIGHT, 3, 1)[0]).shape == (16, 112, 112)
