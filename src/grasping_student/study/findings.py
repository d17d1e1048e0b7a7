"""What the runs say, in words that follow from intervals and draws alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from grasping_student.evaluation.table import points
from grasping_student.study import rate_tables, tables
from grasping_student.study.comparisons import standing
from grasping_student.study.conditions import ARMS, CONTROLS, DEFAULT_STUDENT
from grasping_student.study.designs import DESIGNS, Design
from grasping_student.study.figures import arm_title, setting_title
from grasping_student.study.records import Run
from grasping_student.study.tables import CellRuns, Estimate

DEFAULT_METHOD = ARMS[DEFAULT_STUDENT].method
"""The row of the methods that is the default student's."""


ENTROPY_PAIRS = (
    ("teacher", "student"),
    ("teacher_augmented", "student_augmented"),
    ("teacher_matched", "student_matched"),
    ("teacher_augmented", DEFAULT_STUDENT),
    ("teacher", "teacher_augmented"),
    ("teacher_augmented", "teacher_matched"),
)


def relabelling_lines(cells: Sequence[CellRuns]) -> list[str]:
    """How far corrections lie from the person's grasps."""
    lines = []
    for cell in cells:
        for arm in ("nearby", "teacher_augmented"):
            values = [run.values["one_shot"] for run in cell.runs.get(arm, {}).values()]
            moved = np.concatenate([v["moved_mm"] for v in values]) if values else np.array([])
            turned = np.concatenate([v["turned_degrees"] for v in values]) if values else np.array([])
            if len(moved):
                what = "best near the person's grasp" if arm == "nearby" else "best of the scene"
                other = (moved > 0) | (turned > 180 / 64 / 2)
                found = tables.difference_of(cell.runs.get("scripted", {}), cell.runs[arm], "one_shot")
                lines.append(
                    f"- {cell.setting}: the teacher's {what} is another grasp in {100 * float(other.mean()):.0f} % of "
                    f"{len(moved)} scenes, {np.median(moved):.0f} mm (median) and {np.median(turned):.0f} degrees from "
                    f"the person's; {100 * float((moved > 10).mean()):.0f} % lie more than 10 mm away, "
                    f"{100 * float((turned > 15).mean()):.0f} % are turned by more than 15 degrees.{_which(found)}"
                )
    return lines


def entropy_lines(cells: Sequence[CellRuns]) -> list[str]:
    """Whether students are surer than their teachers, as the paper says; and what augmentation alone does."""
    lines = []
    for cell in cells:
        for first, second in ENTROPY_PAIRS:
            pairs = [
                (a, b)
                for draw, run in cell.runs.get(first, {}).items()
                if draw in cell.runs.get(second, {})
                and (a := tables.entropy_of(run)) is not None
                and (b := tables.entropy_of(cell.runs[second][draw])) is not None
            ]
            if pairs:
                lower = sum(b < a for a, b in pairs)
                lines.append(
                    f"- {cell.setting}: {arm_title(second)} has the lower entropy in {lower} of {len(pairs)} draws "
                    f"(means {np.mean([b for _, b in pairs]):.2f} and, {arm_title(first)}, "
                    f"{np.mean([a for a, _ in pairs]):.2f} bits)."
                )
    return lines


def _which(found: Estimate | None) -> str:
    if found is None:
        return ""
    return (
        f" Executed from the same states it differs by {found.text(signed=True)} points from the person's: "
        f"{standing(found)}."
    )


def methods_lines(cells: Sequence[CellRuns]) -> list[str]:
    """The controls, then each method's student; all against the plain one, the default and the augmented teacher."""
    design = DESIGNS["methods"]
    students = {cell.setting: cell.runs.get("student_method", {}) for cell in cells}
    titles = [
        "who, or how the student is taught",
        "n",
        "one-shot",
        "less the plain student",
        "",
        "less the default",
        "",
        "less the augmented teacher",
        "",
    ]
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    teacher = _of_all_cells(cells, "teacher_augmented")
    default = students.get(DEFAULT_METHOD, {})
    controls = _beside_methods(cells)
    titled = [*controls.items(), *((setting_title(design, name), runs) for name, runs in students.items())]
    against_default = []
    for title, own in titled:
        rate = tables.rate_of(own, "one_shot")
        if rate is None:
            continue
        row = [title, f"{rate.draws}{'' if rate.enough else '†'}", rate.text()]
        for other in (students.get("plain", {}), default, teacher):
            found = None if other is own else tables.difference_of(other, own, "one_shot")
            row += ["", ""] if found is None else [found.text(signed=True), standing(found)]
            if other is default and found is not None and found.enough and title not in controls:
                against_default.append(found)
        lines.append("| " + " | ".join(row) + " |")
    if against_default:
        better = sum(found.bootstrap.low > 0.0 for found in against_default)
        worse = sum(found.bootstrap.high < 0.0 for found in against_default)
        lines += [
            "",
            f"The default is “{setting_title(design, DEFAULT_METHOD)}”. Of {len(against_default)} other methods, by "
            f"the interval over draws and scenes, better than it: {better}; worse: {worse}; not told from it: "
            f"{len(against_default) - better - worse}.",
        ]
    return lines


def _beside_methods(cells: Sequence[CellRuns]) -> dict[str, dict[int, Run]]:
    """Controls by title, without those whose models are a method's students: they are rows already."""
    students = {run.values["model"] for cell in cells for run in cell.runs.get("student_method", {}).values()}
    found: dict[str, dict[int, Run]] = {}
    for arm in CONTROLS:
        runs = _of_all_cells(cells, arm)
        if not any(run.values["model"] in students for run in runs.values()):
            found[arm_title(arm)] = runs
    return found


def _of_all_cells(cells: Sequence[CellRuns], arm: str) -> dict[int, Run]:
    """Runs of an arm by draw, where all cells have the same ones."""
    return {draw: run for cell in cells for draw, run in cell.runs.get(arm, {}).items()}


def chance_note(cells: Sequence[CellRuns]) -> str:
    """How many of so many intervals exclude zero by chance."""
    count = sum("student_method" in cell.runs for cell in cells) - 1
    return (
        f"Of {count} methods' intervals of 95 % in a column, {count / 20:.2g} or more exclude zero by chance: with few "
        "draws the interval over draws and scenes is too narrow."
        if count > 1
        else ""
    )


def trend_lines(cells: Sequence[CellRuns], design: Design) -> list[str]:
    """The last setting against the first, for every student, beside the paper's difference."""
    by = {cell.setting: cell for cell in cells}
    settings = [setting for setting in design.settings if setting in by]
    lines: list[str] = []
    if len(settings) < 2:
        return lines
    first, last = settings[0], settings[-1]
    for arm in by[last].runs:
        if not arm.startswith("student") or arm not in by[first].runs:
            continue
        parts = []
        for measure, title in (("one_shot", "one-shot"), ("proxy", "proxy")):
            found = tables.difference_of(by[first].runs[arm], by[last].runs[arm], measure)
            if found is not None:
                parts.append(f"{title} {found.text(signed=True)}, {standing(found)}")
        averaged = rate_tables.mean_difference(
            rate_tables.AVERAGED_PROXY, by[first].runs[arm], by[last].runs[arm], tables.FEWEST_DRAWS
        )
        if averaged:
            parts.append(f"proxy, averaged, {averaged} over draws")
        paper = [design.paper.get(arm, {}).get(setting) for setting in (first, last)]
        if None not in paper:
            parts.append(f"paper, proxy, averaged, {points(float(paper[1] or 0) - float(paper[0] or 0))}")
        if parts:
            lines.append(f"- {arm_title(arm)}, {last} less {first} ({design.varies}): {'; '.join(parts)}.")
    return lines
