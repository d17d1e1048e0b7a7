"""The pages of the documentation as the tests read them: fenced blocks, commands, links, headings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^( *)```([^\n]*)\n(.*?)^ *```[ ]*$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A fenced block: the word after the fence, its text, and the line of the page where the text begins."""

    language: str
    text: str
    line: int


def page_id(page: Path) -> str:
    """The name of a test's page."""
    return page.name


def blocks(page: Path, language: str | None = None) -> Iterator[Block]:
    """The fenced blocks of a page, all or those of one language."""
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        if language in (None, found[2]):
            yield Block(found[2], found[3], text.count("\n", 0, found.start(3)) + 1)


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def commands(page: Path) -> list[list[str]]:
    """The commands of a page's ``bash`` blocks as lists of words; ``NAME=value`` lines are put in for ``$NAME``."""
    found = []
    for block in blocks(page, "bash"):
        values: dict[str, str] = {}
        for line in block.text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if len(words) == 1 and re.fullmatch(r"[A-Z]+=.+", words[0]):
                name, _, values[name] = words[0].partition("=")
            elif words:
                for name, value in values.items():
                    words = [word.replace(f"${name}", value) for word in words]
                found.append(words)
    return found


def inline_code(page: Path) -> list[str]:
    """The texts between single backticks, line breaks as spaces."""
    return [" ".join(code.split()) for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", prose(page))]
