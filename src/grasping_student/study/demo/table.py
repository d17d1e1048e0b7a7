"""The demo's rates as a Markdown table, for pages that quote a committed ``report.json``.

``python -m grasping_student.study.demo.table results/demo/report.json README.md`` puts it between the page's markers.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grasping_student.evaluation.table import interval, percent, points
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_text
from grasping_student.study.demo.sentences import ARM_NAMES

BEGIN, END = "<!-- demo table: begin -->", "<!-- demo table: end -->"


def markdown_table(report: Mapping[str, Any]) -> str:
    """One row a model: one-shot and episode rates with their denominators and 95 % bootstrap intervals."""
    lines = [
        "| model | one-shot | 95 % | successes / scenes | episodes, all picks | 95 % | successes / attempts |",
        "|---|---|---|---|---|---|---|",
    ]
    for arm, name in ARM_NAMES.items():
        if arm in report:
            cells = [name]
            for key in ("one_shot", "episodes"):
                values = report[arm][key]
                if values is None:
                    cells += ["", "", ""]
                    continue
                cells += [percent(values["success_rate"]), interval(values["bootstrap_95"])]
                cells += [f"{values['successes']} / {values['attempts']}"]
            lines.append("| " + " | ".join(cells) + " |")
    lines += [""]
    for key in ("difference", "difference_to_augmented", "difference_to_ruled"):
        if key in report:
            shot, picks = report[key]["one_shot"], report[key]["episodes"]["all_picks"]
            line = f"- Student less {ARM_NAMES[report[key]['first']]}, on the same scenes: "
            line += f"{points(shot['success_rate'])} points one-shot {interval(shot['bootstrap_95'], True)}"
            if picks:
                line += f", {points(picks['success_rate'])} in episodes {interval(picks['bootstrap_95'], True)}"
            lines.append(f"{line}.")
    total = sum(report["timing_s"].values())
    lines += [
        "",
        f"Seed {report['seed']}, {report['labels']} labels, {report['scenes']} scenes, one draw; "
        f"{total / 60:.1f} minutes in all stages on: {report['machine']}.",
    ]
    return "\n".join(lines)


def with_table(page: str, report: Mapping[str, Any]) -> str:
    """The page with the table between its markers.

    Raises:
        UserError: the page has no markers.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UserError(f"the page has no lines '{BEGIN}' and '{END}' to put the table between")
    return f"{before}{BEGIN}\n{markdown_table(report)}\n{END}{after}"


def main(report: Path, page: Path) -> None:
    """Renew the table of one page."""
    write_text(page, with_table(page.read_text(encoding="utf-8"), read_json(report)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
