"""``--device``: one choice for all networks, refused in words where it cannot be had; a GPU gives the same numbers."""

import numpy as np
import pytest
import torch

from grasping_student.cli.main import main
from grasping_student.cli.options import parse
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.inference import device_of, resolve_accelerator
from grasping_student.pipeline import device
from grasping_student.pipeline.device import VARIABLE, choose_device, chosen_device, uses_gpu
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.manifest import write_manifest
from grasping_student.pipeline.ray_executor import RayExecutor
from grasping_student.pseudo_labels.configuration import PseudoLabelConfig
from grasping_student.serving.loading import PRETRAINED, fastest_backend, load_model

SMALL = Workspace(extent=0.16, pixels=40, margin=0.02)
CONFIG = ModelConfig(network=NetworkConfig(widths=(4, 8)), workspace=SMALL)
GPU = torch.cuda.is_available()


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch):
    monkeypatch.setenv(VARIABLE, "")  # and what a test chooses is forgotten after it


def scene(seed=0):
    height = np.random.default_rng(seed).uniform(0.0, 0.06, SMALL.shape).astype(np.float32)
    return Heightmap(height, np.zeros((*SMALL.shape, 3), np.uint8), SMALL)


def test_the_choice_is_kept_for_the_program_and_its_processes(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert chosen_device() == "auto" and device_of() == "cuda"
    assert parse("pseudo-label", PseudoLabelConfig, ["--device", "cpu", "--top", "3"]).top == 3
    assert (chosen_device(), device_of(), resolve_accelerator(), uses_gpu()) == ("cpu", "cpu", "cpu", False)
    assert device_of("gpu") == "cuda"  # --loop.accelerator is about one training, and more exact
    choose_device("cuda")
    assert (chosen_device(), device_of(), resolve_accelerator(), uses_gpu()) == ("cuda", "cuda", "gpu", True)


def test_a_gpu_runs_checkpoints_in_torch_by_itself(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(device, "_DRIVER", tmp_path)
    assert fastest_backend(exported=False) == "torch" and fastest_backend(exported=True) != "torch"
    choose_device("cuda")
    assert fastest_backend(exported=True) == "torch"
    with pytest.raises(UserError, match="--device cuda: --backend openvino runs on the processor"):
        load_model(PRETRAINED, None, "openvino")
    (tmp_path / "export.json").write_text("{}")
    with pytest.raises(UserError, match="which is exported, runs on the processor; give a checkpoint"):
        load_model(tmp_path, None)
    with pytest.raises(UserError, match="--device cuda with --executor ray"):
        RayExecutor().check()


def test_the_manifest_says_the_device(tmp_path):
    choose_device("cpu")
    write_manifest(tmp_path, "stage", CONFIG, 0.0)
    assert '"device": "cpu"' in (tmp_path / "manifest.json").read_text()


@pytest.mark.skipif(GPU, reason="there is a GPU here")
@pytest.mark.parametrize("command", ["predict", "serve", "train teacher", "evaluate one-shot", "pseudo-label"])
def test_a_gpu_that_is_not_there_is_refused_in_words(command, capsys):
    assert main([*command.split(), "--device", "cuda"]) == 2
    told = "grasping-student: --device cuda: torch finds no GPU on this machine; leave --device out, or give cpu\n"
    assert capsys.readouterr().err == told


def test_another_device_is_refused(capsys, monkeypatch):
    assert main(["predict", "--device", "tpu"]) == 2
    assert "unknown --device 'tpu'; valid are: auto, cpu, cuda" in capsys.readouterr().err
    monkeypatch.setenv(VARIABLE, "gpu")
    with pytest.raises(UserError, match=f"unknown device in {VARIABLE} 'gpu'"):
        chosen_device()


@pytest.mark.skipif(not GPU, reason="there is no GPU here")
@pytest.mark.parametrize(("precision", "apart"), [("fp32", 1e-3), ("bf16", 0.05)])
def test_a_gpu_gives_the_numbers_of_the_processor_within_rounding(precision, apart):
    """Differences as a share of the spread of the scene's scores; TF32 rounds like bf16 where torch allows it."""
    scores = {}
    for name in ("cpu", "cuda"):
        choose_device(name)
        model = GraspModel.new(CONFIG, seed=0, precision="fp32" if name == "cpu" else precision)
        scores[name] = model.score_maps(scene())
    inside = np.isfinite(scores["cpu"])
    spread = np.ptp(scores["cpu"][inside])
    assert np.abs(scores["cuda"][inside] - scores["cpu"][inside]).max() <= apart * spread
