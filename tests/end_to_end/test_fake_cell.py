"""``cell fake``, and the commands of docs/robot-cell.md on it, one after the other as a newcomer types them."""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("rtde_control", reason="needs ur-rtde: pip install -e '.[robot]'")

from grasping_student.cli.main import main
from grasping_student.episodes.event_log import read_attempts
from grasping_student.fakes.console import HELP
from grasping_student.robots.cell.cell_file import load_cell

PAGE = (Path(__file__).parents[2] / "docs" / "robot-cell.md").read_text(encoding="utf-8")
COMMAND = [sys.executable, "-m", "grasping_student.cli.main"]


class Console:
    """The terminal in which the fakes run."""

    def __init__(self, folder):
        # a busy machine needs looser time limits than the defaults, which the cell's file of the fakes has
        self.process = subprocess.Popen(
            [*COMMAND, "cell", "fake", "--speedup", "20"],
            cwd=folder,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.greeting = self.answer() + self.answer()

    def answer(self):
        return self.process.stdout.readline()

    def type(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def fakes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("newcomer")
    console = Console(folder)
    path = folder / "runs" / "fake-cell" / "cell.yaml"
    text = path.read_text()
    path.write_text(text.replace("frequency: 10.0", "frequency: 1.0").replace("stale_after: 0.2", "stale_after: 1.5"))
    yield console, folder
    console.close()


def documented():
    """The commands of the page's block on the fakes, as lists of words."""
    (block,) = re.findall(r"```bash\n(CELL=.*?)```", PAGE, re.DOTALL)
    first, *lines = block.splitlines()
    cell = first.removeprefix("CELL=")
    return [line.partition("#")[0].replace("$CELL", cell).split()[1:] for line in lines]


def test_the_documented_commands_do_what_the_page_says(fakes):
    _, folder = fakes
    typed = {"teach-reset": "lift\ntip close\n\n", "recover": "yes\n"}
    for words in documented():
        if words[1] == "monitor":  # has tests of its own, in a browser
            continue
        done = subprocess.run(
            [*COMMAND, *words],
            cwd=folder,
            input=typed.get(words[1], ""),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
    assert len(load_cell(folder / "runs/fake-cell/cell.yaml").reset) == 2
    assert (folder / "runs/dry/motions.png").stat().st_size > 5000
    calibration = json.loads((folder / "runs/calibration/calibration.json").read_text())
    assert calibration["residual_mm"] < 1.5
    assert calibration["robot_serial"] == "20225500001", "the arm was there to be asked"
    assert sum(each.counted for each in read_attempts(folder / "runs/first/attempts.jsonl")) >= 2


def test_what_a_person_types_breaks_and_mends_the_fakes(fakes):
    console, folder = fakes
    assert "cell.yaml" in console.greeting and "help" in console.greeting
    recover = [*COMMAND, "cell", "recover", "--yes", "--cell", folder / "runs/fake-cell/cell.yaml"]
    assert console.type("emergency stop") == "emergency stop: now\n"
    refused = subprocess.run(recover, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 2 and "red button" in refused.stderr
    assert "cell recover" in console.type("clear")
    assert subprocess.run(recover, capture_output=True, timeout=60, check=False).returncode == 0
    assert console.type("lead 0.1 -0.4 0.3").startswith("tool at +0.100 -0.400 +0.300 m")
    for line in ("help", "lead 1 2", "lead a b c", "nonsense"):
        said = console.type(line)
        for _ in range(HELP.count("\n")):
            said += console.answer()
        assert said == HELP + "\n", line


def test_without_the_arms_library_the_command_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(importlib.import_module("grasping_student.pipeline.errors"), "find_spec", lambda name: None)
    assert main(["cell", "fake"]) == 2
    assert (
        "extra 'robot': pip install 'grasping-student[robot]', in a clone pip install -e '.[robot]'"
        in capsys.readouterr().err
    )


def test_the_board_is_printed_at_its_true_size(tmp_path, capsys):
    from PIL import Image

    path = tmp_path / "board.png"
    assert main(["cell", "calibrate", "--print-board", str(path)]) == 0
    with Image.open(path) as picture:
        inches = [pixels / dots for pixels, dots in zip(picture.size, picture.info["dpi"], strict=True)]
    assert inches == pytest.approx([240 / 25.4, 180 / 25.4], abs=0.01)
    assert main(["cell", "calibrate", "--print-board", str(path)]) == 2
    assert main(["cell", "calibrate", "--print-board", str(tmp_path / "board.jpg")]) == 2
    assert "ends in .png" in capsys.readouterr().err
