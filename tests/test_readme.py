"""The README's numbers are those of the committed report, and its links lead somewhere."""

import json
import re
from pathlib import Path

from benchmarks import simulator_page

from grasping_student.cli.main import COMMANDS
from grasping_student.study.demo.table import with_table

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_is_the_committed_reports():
    report = json.loads((ROOT / "results" / "demo" / "report.json").read_text(encoding="utf-8"))
    assert with_table(README, report) == README


def test_links_to_files_exist():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_nobody_is_told_to_install_from_an_index_that_does_not_hold_it():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "src").rglob("*.py")]
    told = re.compile(r"pip install '?grasping[-_]student")
    assert [page.name for page in pages if told.search(page.read_text(encoding="utf-8"))] == []


def test_commands_shown_exist():
    for page in (ROOT / "README.md", ROOT / "docs" / "own-bin.md", ROOT / "docs" / "add-a-method.md"):
        for words in re.findall(r"grasping-student ((?:[a-z-]+ ?){1,2})", page.read_text(encoding="utf-8")):
            first, second = [*words.split(), ""][:2]
            assert first in COMMANDS or f"{first} {second}" in COMMANDS or first == "--help", words


def test_the_simulators_page_holds_the_committed_numbers():
    page = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
    assert simulator_page.with_numbers(page) == page
