"""An exported model needs none of the packages that train one; other commands say which they need."""

import json
import subprocess
import sys

import httpx
import pytest
from tests.serving.running_server import RunningServer
from tests.serving.tabletop import arguments, box_under, frame_of, tabletop
from tests.serving.without_training import environment_without_training

from grasping_student.perception.frame_files import save_frame

pytest.importorskip("openvino")


def run(environment, *words):
    command = [sys.executable, "-m", "grasping_student.cli.main", *map(str, words)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=240)


def test_predict_with_the_shipped_student(tmp_path):
    save_frame(frame_of(tabletop()), tmp_path / "scene")
    done = run(environment_without_training(tmp_path / "hide"), *arguments(tmp_path / "scene", tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    grasp = json.loads((tmp_path / "out" / "grasp.json").read_text())["grasp"]
    assert box_under(grasp["x"], grasp["y"])
    assert (tmp_path / "out" / "grasp.png").stat().st_size > 10_000


@pytest.mark.parametrize("words", [["train", "teacher"], ["collect"], ["demo"], ["export"], ["dataset", "info", "x"]])
def test_commands_of_the_training_name_the_extra(tmp_path, words):
    done = run(environment_without_training(tmp_path / "hide"), *words)
    assert done.returncode == 2, done.stderr
    assert "pip install 'grasping-student[train]'" in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_a_checkpoint_is_refused_with_what_to_do(tmp_path):
    save_frame(frame_of(tabletop()), tmp_path / "scene")
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / "config.json").write_text("{}")
    words = arguments(tmp_path / "scene", tmp_path / "out", "--model", tmp_path / "checkpoint")
    done = run(environment_without_training(tmp_path / "hide"), *words)
    assert done.returncode == 2
    assert "torch is not installed" in done.stderr
    assert "or give an exported model" in done.stderr


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["train", "teacher", "--help"], ["predict", "--help"]])
def test_help_is_always_there(tmp_path, words):
    done = run(environment_without_training(tmp_path / "hide"), *words)
    assert done.returncode == 0, done.stderr


def test_serve_with_the_shipped_student(tmp_path, monkeypatch):
    pytest.importorskip("fastapi")
    monkeypatch.setenv("PYTHONPATH", environment_without_training(tmp_path / "hide")["PYTHONPATH"])
    with RunningServer(tmp_path / "log", "--workers", 1) as server:
        (model,) = httpx.get(f"{server.address}/v1/models").json()["models"]
        assert model["backend"] == "openvino"
        assert model["same_grasps"] == 1.0
        answer = server.ask()
        assert answer.status_code == 200, answer.text
        assert box_under(answer.json()["grasps"][0]["x"], answer.json()["grasps"][0]["y"])
