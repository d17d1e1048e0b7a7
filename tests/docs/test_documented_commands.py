"""Every command and every Python block of the documentation works, and every name in it exists."""

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from tests.docs.pages import PAGES, ROOT, blocks, commands, inline_code, page_id
from tests.docs.run_page import check_page

LANGUAGES = {"bash", "python", "yaml", "json", "text"}
WITH_PYTHON = [page for page in PAGES if any(blocks(page, "python"))]
WITH_COMMANDS = [page for page in PAGES if commands(page) and page not in WITH_PYTHON]
HISTORY = {"CHANGELOG.md", "lab-notebook.md"}
"""Pages that speak of files of their time."""


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_blocks_say_what_they_hold(page):
    for block in blocks(page):
        assert block.language in LANGUAGES, f"line {block.line - 1}: {block.language!r} is none of {LANGUAGES}"


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=page_id)
def test_commands_are_understood(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_page(page)


@pytest.mark.parametrize("page", WITH_PYTHON, ids=page_id)
def test_python_blocks_run(page, tmp_path):
    """In a process of its own: blocks register classes under names. They find the committed results."""
    (tmp_path / "results").symlink_to(ROOT / "results")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("run_page.py")), str(page)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in HISTORY], ids=page_id)
def test_files_that_are_named_exist(page):
    """``obstacles.py`` or ``robots/cell/`` is the end of a path of the repository."""
    known = repository_names()
    for code in inline_code(page):
        for name in re.findall(r"(?<![\w<*])[\w/-]+\.py\b|(?<![\w/.*<])[a-z_]+(?:/[a-z_]+)+/(?=$|\s)", code):
            new = name.endswith("/acme.py")  # the file that the reader writes
            assert new or name.rstrip("/") in known, f"`{name}` is no file of the repository"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in HISTORY], ids=page_id)
def test_options_that_are_named_exist(page):
    """Every part of ``--loop.steps`` is a field of some config, or an option that a program spells out."""
    known = option_parts()
    for code in inline_code(page):
        for option in re.findall(r"(?<![\w-])--([a-z][\w.-]*)", code):
            for part in option.removeprefix("no-").rstrip(".").split("."):
                assert part.replace("-", "_") in known, f"no config or program has an option --{option}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in HISTORY], ids=page_id)
def test_names_of_the_code_exist(page):
    """A name such as ``fit_floor`` or ``GripperGeometry`` is a word of the sources or of the page's own example."""
    own = "".join(block.text for block in blocks(page))
    known = set(re.findall(r"\w+", sources() + own))
    for code in inline_code(page):
        if re.fullmatch(r"[a-z]+_\w+|([A-Z][a-z0-9]+){2,}", code):
            assert code in known, f"`{code}` is no name in the sources"


@cache
def sources() -> str:
    """The text of all programs."""
    folders = ("src", "tests", "benchmarks", "examples")
    return "\n".join(path.read_text(encoding="utf-8") for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def option_parts() -> set[str]:
    """Names of fields and options in the sources, with underscores."""
    found = re.findall(r"^    (\w+): |[\"']--([\w-]+)[\"']", sources(), re.MULTILINE)
    return {name.replace("-", "_") for names in found for name in names}


@cache
def repository_names() -> set[str]:
    """Every path of the repository, and every ending of it that begins at a folder or file name."""
    folders = ("src", "tests", "benchmarks", "examples", "docs", "results")
    paths = [path.relative_to(ROOT).parts for folder in folders for path in (ROOT / folder).rglob("*")]
    return {"/".join(parts[start:]) for parts in paths for start in range(len(parts))}
