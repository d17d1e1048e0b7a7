"""The demo's rates as a Markdown table, for pages that quote a committed ``report.json``.

``python -m grasping_student.study.demo.readme_table results/demo/report.json README.md`` puts it between the page's
markers.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_text
from grasping_student.study.demo.page import environment, headline
from grasping_student.study.demo.report import CONDITION_NAMES, DIFFERENCES, SHORT_NAMES

BEGIN, END = "<!-- demo table: begin -->", "<!-- demo table: end -->"
TEMPLATE = "readme_table.md.j2"


def with_table(page: str, report: Mapping[str, Any]) -> str:
    """The page with the table between its markers.

    Raises:
        UserError: the page has no markers.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UserError(f"the page has no lines '{BEGIN}' and '{END}' to put the table between")
    names = {name: title for name, title in CONDITION_NAMES.items() if name in report}
    pairs = [report[name] for name in DIFFERENCES if name in report]
    table = (
        environment()
        .get_template(TEMPLATE)
        .render(report=report, names=names, pairs=pairs, short=SHORT_NAMES, headline=headline(report))
    )
    return f"{before}{BEGIN}\n{table.strip()}\n{END}{after}"


if __name__ == "__main__":
    quoted = Path(sys.argv[2])
    write_text(quoted, with_table(quoted.read_text(encoding="utf-8"), read_json(Path(sys.argv[1]))))
