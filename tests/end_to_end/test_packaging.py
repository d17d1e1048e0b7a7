"""The wheel works outside of the repository, and the container and the workflow do what their first lines say."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import yaml
from tests.serving.without_training import environment_without_training

ROOT = Path(__file__).parents[2]
MOST_IMAGE_BYTES = 1_500_000_000


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of a copy of the source, made without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("src", "examples"):
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source" / name)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder)]
    command = [sys.executable, "-m", "pip", "wheel", *options, str(folder / "source")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_holds_weights_pages_and_examples_and_is_small(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "serving/pretrained/model.onnx",
        "serving/pretrained/export.json",
        "serving/pretrained/model.safetensors",
        "serving/page/index.html",
        "study/demo/report.html.j2",
        "py.typed",
    ):
        assert f"grasping_student/{wanted}" in names
    examples = {each.name for each in (ROOT / "examples").glob("*.py")}
    assert examples == {Path(each).name for each in names if "/share/grasping-student/examples/" in each}
    assert wheel.stat().st_size < 10_000_000


def test_predict_from_the_wheel_in_an_empty_folder_without_torch(wheel, tmp_path):
    (tmp_path / "empty").mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    environment = environment_without_training(tmp_path / "hide")
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path / "hide"), str(tmp_path / "installed")])
    (example,) = (tmp_path / "installed").glob("*.data/data/share/grasping-student/examples/03_*.py")
    told = "import grasping_student; print(grasping_student.__file__)"
    for command in ([sys.executable, "-c", told], [sys.executable, str(example), "frame"]):
        done = subprocess.run(
            command, cwd=tmp_path / "empty", env=environment, capture_output=True, text=True, check=False, timeout=240
        )
        assert done.returncode == 0, done.stderr
        if "-c" in command:
            assert done.stdout.startswith(str(tmp_path / "installed"))
    grasp = json.loads((tmp_path / "empty" / "frame" / "grasp" / "grasp.json").read_text())["grasp"]
    assert abs(grasp["x"]) < 0.2 and abs(grasp["y"]) < 0.2


def test_the_workflow_runs_what_ci_runs_on_every_python():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "check.yml").read_text(encoding="utf-8"))
    jobs = workflow["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    steps = {name: [step.get("run", "") for step in job["steps"]] for name, job in jobs.items()}
    assert ".ci/run" in steps["test"]
    assert {"make check", "make docs"} <= set(steps["lint"])
    assert any("python -m build" in step for step in steps["wheel"])
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for step in (each for job in steps.values() for each in job):
        for target in re.findall(r"\bmake ([a-z-]+)", step):
            assert target in targets


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.full"])
def test_a_container_copies_what_is_there_and_runs_as_nobody_special(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for words in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        for path in words.split()[:-1]:
            assert (ROOT / path).exists(), path
            assert f"!{path}" in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", text, re.MULTILINE)
    assert "--token" in text or "serve" not in re.findall(r"^CMD (.+)$", text, re.MULTILINE)[0]


def engine():
    """A container engine that works here; skips the test where there is none."""
    for name in ("docker", "podman"):
        if shutil.which(name) is not None:
            done = subprocess.run([name, "info"], capture_output=True, check=False, timeout=60)
            if done.returncode == 0:
                return name
    pytest.skip("needs a running Docker or Podman")
    raise AssertionError("unreachable: skip raises")


@pytest.mark.timeout(1800)
def test_the_slim_container_is_small_and_serves():
    run = [engine()]
    tag = "grasping-student-test"
    subprocess.run([*run, "build", "-q", "-t", tag, str(ROOT)], check=True, timeout=1500)
    size = subprocess.run(
        [*run, "image", "inspect", "-f", "{{.Size}}", tag], capture_output=True, text=True, check=True
    )
    assert int(size.stdout) < MOST_IMAGE_BYTES
    started = [*run, "run", "-d", "--rm", "-p", "127.0.0.1::8090", tag]
    container = subprocess.run(started, capture_output=True, text=True, check=True).stdout.strip()
    try:
        ask = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8090/readyz').status)"
        for _ in range(60):
            done = subprocess.run(
                [*run, "exec", container, "python", "-c", ask], capture_output=True, text=True, check=False
            )
            if done.stdout.strip() == "200":
                break
            time.sleep(1.0)
        assert done.stdout.strip() == "200", done.stderr
        who = subprocess.run([*run, "exec", container, "id", "-u"], capture_output=True, text=True, check=True)
        assert who.stdout.strip() != "0"
    finally:
        subprocess.run([*run, "stop", container], check=True, capture_output=True)
