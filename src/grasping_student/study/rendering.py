"""Pages of results from Jinja2 templates."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jinja2

from grasping_student.study.figures import write_figure
from grasping_student.study.rates import Evidence
from grasping_student.study.run_store import RUNS


def render(template: str, context: Mapping[str, Any]) -> str:
    """The text that a template of this package makes of a context; a name that the context lacks is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,
    )
    return _without_blank_runs(environment.get_template(template).render(context))


def draw_all(results: Path, designs: Iterable[str]) -> dict[str, Evidence]:
    """Evidence of each experiment that has runs on file, its figure drawn anew.

    Raises:
        UserError: a table is damaged.
    """
    names = [name for name in designs if (results / name / RUNS).exists()]
    everything = {name: found for name in names if (found := Evidence.read(results, name))}
    for name, evidence in everything.items():
        write_figure(results / name, evidence)
    return everything


def link(path: Path, page: Path) -> str:
    """Address of a file on a page."""
    return os.path.relpath(path, page.parent).replace(os.sep, "/")


def _without_blank_runs(text: str) -> str:
    """At most one empty line between paragraphs."""
    lines: list[str] = []
    for line in (each.rstrip() for each in text.splitlines()):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).strip() + "\n"
