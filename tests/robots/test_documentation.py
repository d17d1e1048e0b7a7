"""The cell's documentation holds what it promises."""

import re
from pathlib import Path

from grasping_student.cli.commands import COMMANDS
from grasping_student.robots.cell.cell_file import load_cell
from grasping_student.robots.cell.config import CellConfig
from grasping_student.robots.cell.devices import make_arm, make_gripper

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "robot-cell.md").read_text(encoding="utf-8")


def test_the_documented_cell_is_the_default_one_but_for_its_files():
    cell = load_cell(ROOT / "docs" / "cell.yaml")
    default = CellConfig()
    for part in ("workspace", "workspace_in_base", "safe_box", "pick", "drop", "reset"):
        assert getattr(cell, part) == getattr(default, part), part
    make_arm(cell)
    make_gripper(cell)


def test_every_command_and_file_that_the_page_names_exists():
    for words in re.findall(r"grasping-student ((?:cell|evaluate) [a-z-]+)", PAGE):
        assert words in COMMANDS, words
    for path in re.findall(r"(?:benchmarks|examples|docs)/[\w/.-]+\.(?:py|yaml|json)", PAGE):
        assert (ROOT / path).exists(), path
