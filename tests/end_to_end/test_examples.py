"""The numbered examples run as their first lines say."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, *arguments: object) -> str:
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_01_pick_in_the_simulator(tmp_path):
    printed = run("01_pick_in_the_simulator.py", tmp_path / "pick.png")
    assert printed.count("attempt ") == 6
    assert (tmp_path / "pick.png").stat().st_size > 10_000


def test_02_teacher_and_student(tmp_path):
    printed = run("02_teacher_and_student.py", tmp_path)
    assert "teacher: row" in printed
    assert "student: row" in printed
    for name in ("teacher", "student"):
        assert (tmp_path / name / "model.safetensors").exists()


def test_03_predict_on_a_depth_image(tmp_path):
    if not (EXAMPLES.parent / "src/grasping_student/serving/pretrained/model.safetensors").exists():
        pytest.fail("the package ships no trained student")
    printed = run("03_predict_on_a_depth_image.py", tmp_path)
    assert "grasp at x" in printed
    assert (tmp_path / "grasp" / "grasp.png").exists()


def test_04_label_through_the_page(tmp_path):
    pytest.importorskip("nicegui", reason="needs the extra 'web': pip install -e '.[web]'")
    pytest.importorskip("playwright", reason="needs playwright: pip install -e '.[dev]'")
    if shutil.which("chromium") is None:
        pytest.skip("needs Chromium (Debian package 'chromium')")
    printed = run("04_label_through_the_page.py", tmp_path, "--labels", 3, "--steps", 2, "--scenes", 4, "--tests", 2)
    assert printed.count("Saved attempt") == 3
    assert "student: " in printed


def test_05_robot_cell_through_fakes():
    pytest.importorskip("rtde_control", reason="needs ur-rtde: pip install -e '.[robot]'")
    printed = run("05_robot_cell_through_fakes.py", 4)
    assert printed.count("attempt ") == 4
    assert "never faster than 0.30 m/s" in printed


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_examples_are_short_and_numbered(path):
    assert path.name[:2].isdigit()
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 150
