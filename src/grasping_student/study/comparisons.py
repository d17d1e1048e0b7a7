"""How a student stands against another arm: words and table rows that follow from intervals and draws alone."""

from __future__ import annotations

from collections.abc import Sequence

from grasping_student.study import tables
from grasping_student.study.conditions import DEFAULT_STUDENT, TEACHERS
from grasping_student.study.figures import arm_title
from grasping_student.study.tables import CellRuns, Estimate

WANTED = 0.05
"""Lead over the best of its teachers that the student is wanted to have, one-shot."""

Cells = Sequence[CellRuns]


def labels_of(cell: CellRuns) -> str:
    """A setting with the number of labels behind it, where the runs say it."""
    counts = {run.values.get("labels") for runs in cell.runs.values() for run in runs.values()} - {None}
    return f"{cell.setting} ({counts.pop()})" if len(counts) == 1 else cell.setting


def best_teacher(cell: CellRuns, measure: str = "one_shot") -> str | None:
    """The teacher arm with the highest rate in a cell, of those that share most draws with the student, on these."""
    known = teacher_rates(cell, measure)
    return max(known, key=lambda arm: known[arm]) if known else None


def teacher_rates(cell: CellRuns, measure: str = "one_shot") -> dict[str, float]:
    """Rates of the teacher arms that share most draws with the student, on these draws."""
    tested = {
        arm: {draw: run for draw, run in cell.runs.get(arm, {}).items() if run.counts(measure)}
        for arm in (*TEACHERS, DEFAULT_STUDENT)
    }
    student = tested.pop(DEFAULT_STUDENT)
    shared = {arm: {draw: run for draw, run in runs.items() if draw in student} for arm, runs in tested.items()}
    most = max(len(runs) for runs in shared.values())
    rates = {arm: tables.rate_of(runs, measure) for arm, runs in shared.items() if runs and len(runs) == most}
    return {arm: rate.value for arm, rate in rates.items() if rate is not None}


def standing(found: Estimate) -> str:
    """Whether a difference can be told from zero."""
    if not found.enough:
        return f"nothing concluded: {found.draws} {'draw' if found.draws == 1 else 'draws'}"
    if not found.bootstrap.excludes_zero:
        return "not told apart"
    word = "better" if found.bootstrap.low > 0.0 else "worse"
    if told_over_draws(found):
        return f"**{word}**, by both intervals"
    return f"**{word}** on these draws; {found.draws} draws do not show it for others"


def told_over_draws(found: Estimate) -> bool:
    """Whether the interval over draws tells a difference from zero."""
    return found.over_draws is not None and found.over_draws.excludes_zero


def wanted_lead(found: Estimate, room: float) -> str:
    """Whether the wanted lead was reached: by the whole interval over draws and scenes, by the estimate, or not.

    Args:
        found: the student less the teacher, as shares.
        room: share of the scenes in which the teacher fails: more than that nobody can be ahead of it.
    """
    if found.bootstrap.low >= WANTED:
        return "yes, the whole interval"
    if found.value >= WANTED:
        return "the estimate, not the interval"
    return f"no: the teacher leaves {100 * room:.1f}" if room < WANTED else "no"


def difference_table(rows: Sequence[tuple[CellRuns, str, str, Estimate]], best_by: str = "") -> list[str]:
    """Lines of differences.

    Args:
        rows: cell, the arm that is subtracted, the other arm, the difference.
        best_by: measure by which the first arm is the best of the cell's teachers, if it was chosen so.
    """
    wanted = best_by == "one_shot"
    titles = ["regime", "share (labels)", "n", "who", "less", "difference", "over draws (t)", "so it is"]
    titles += [f"{100 * WANTED:.0f} points"] * wanted
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    for cell, first, second, found in rows:
        row = [
            cell.regime.replace("-", " "),
            labels_of(cell),
            f"{found.draws}{'' if found.enough else '†'}",
            arm_title(second),
            arm_title(first),
            found.text(signed=True),
            found.over_draws_text(),
            standing(found),
        ]
        if best_by and first in TEACHERS:
            row[4] += f" (best of {len(teacher_rates(cell, best_by))})"
        if wanted:
            row.append(wanted_lead(found, _room(cell, first, second)) if found.enough else "")
        lines.append("| " + " | ".join(row) + " |")
    return lines


def _room(cell: CellRuns, teacher: str, student: str) -> float:
    """Share of the one-shot scenes that a teacher misses, over the draws that it shares with a student."""
    shared = {draw: run for draw, run in cell.runs[teacher].items() if draw in cell.runs[student]}
    rate = tables.rate_of(shared, "one_shot")
    return 1.0 if rate is None else 1.0 - rate.value
