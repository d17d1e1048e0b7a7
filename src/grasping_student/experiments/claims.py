"""The default student against its teachers: what is shown and what is not, from intervals and draws alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grasping_student.experiments import tables
from grasping_student.experiments.arms import ARMS, BY_CHANCE, DEFAULT_STUDENT, TEACHERS, UNRULED_STUDENT
from grasping_student.experiments.designs import DESIGNS
from grasping_student.experiments.drawing import arm_title
from grasping_student.experiments.records import Run
from grasping_student.experiments.tables import CellRuns, Estimate

WANTED = 0.05
"""Lead over the best of its teachers that the student is wanted to have, one-shot."""

FEW_LABELS = (20, 100)
"""From so many to so many labels: the regime that the paper leaves open."""

EPISODES = {
    "taken": "Blocks an episode (differences in blocks)", "all_picks": "All picks",
    "excluding_repeats": "Excluding repeats",
}  # fmt: skip
"""Measures over episodes, with their names."""

MANY = """Each interval of 95 % stands for itself; none is corrected for being one of many.
"""

Cells = Sequence[CellRuns]
_STUDENTS = {DEFAULT_STUDENT: "the default", UNRULED_STUDENT: "without its rule"}


def claims(everything: Mapping[str, Sequence[Run]]) -> str:
    """The section at the head of the page; empty where nothing of it was measured."""
    cells = tables.cells(everything.get("label-fraction", []), DESIGNS["label-fraction"])
    picking = tables.cells(everything.get("picking", []), DESIGNS["picking"])
    parts = [against_best(cells), in_episodes(picking), against_ruled(cells), with_fewer_labels(cells),
             few_labels(cells)]  # fmt: skip
    if not any(parts):
        return ""
    title = f"## The default student: {arm_title(DEFAULT_STUDENT)}\n"
    return "\n".join([title, MANY, *(part for part in parts if part)])


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


def against_best(cells: Cells) -> str:
    """The student at every share of the labels against the best of its teachers."""
    rows = [(cell, arm, tables.difference_of(cell.runs[arm], cell.runs[DEFAULT_STUDENT], "one_shot"))
            for cell in cells if (arm := best_teacher(cell)) is not None]  # fmt: skip
    found = [(cell, arm, each) for cell, arm, each in rows if each is not None]
    if not found:
        return ""
    lines = ["### Against the best of its teachers, one-shot", "",
             "The best is chosen by its measured rate, which favours the teacher a little, among as many as were "
             "measured there: with augmentation, without, and compute-matched. What it *leaves* are the points that it "
             "misses; no student can be further ahead.", "",
             *_table([(cell, arm, DEFAULT_STUDENT, each) for cell, arm, each in found], "one_shot"), ""]  # fmt: skip
    for regime in dict.fromkeys(cell.regime for cell, _, _ in found):
        own = [(cell.setting, each) for cell, _, each in found if cell.regime == regime]
        lines += [_summary(regime, own), ""]
    return "\n".join(lines)


def in_episodes(cells: Cells) -> str:
    """The student against the best of its teachers where each clears bins, pick after pick."""
    lines: list[str] = []
    for measure, title in EPISODES.items():
        rows = []
        for cell in cells:
            arm = best_teacher(cell, measure)
            found = tables.difference_of(cell.runs.get(arm or "", {}), cell.runs.get(DEFAULT_STUDENT, {}), measure)
            if arm is not None and found is not None:
                rows.append((cell, arm, DEFAULT_STUDENT, found))
        if rows:
            lines += [f"{title}:", "", *_table(rows, best_by=measure), ""]
    if not lines:
        return ""
    where = (
        "Bins are emptied pick by pick, until five failures in a row; what counts as a repeat is said in "
        "[evaluation.md](evaluation.md). A rate over attempts does not say how far a bin is emptied; the blocks "
        "that are taken out of it do."
    )
    return "\n".join(["### In episodes, against the best of its teachers", "", where, "", *lines])


def _summary(regime: str, found: Sequence[tuple[str, Estimate]]) -> str:
    """How many shares of the labels show what."""
    told = [(setting, each) for setting, each in found if each.enough]
    groups = {
        "better by both intervals": [s for s, e in told if e.bootstrap.low > 0.0 and told_over_draws(e)],
        "better by the interval over draws and scenes alone": [
            s for s, e in told if e.bootstrap.low > 0.0 and not told_over_draws(e)
        ],
        "worse": [s for s, e in told if e.bootstrap.high < 0.0],
        "not told from its best teacher": [s for s, e in told if not e.bootstrap.excludes_zero],
        "measured with too few draws": [s for s, e in found if not e.enough],
    }
    parts = [f"{word} at {len(settings)} ({', '.join(settings)})" for word, settings in groups.items() if settings]
    text = f"{regime.replace('-', ' ').capitalize()}, of {len(found)} shares of the labels the student is "
    text += ", ".join(parts) + "."
    if told:
        whole = [setting for setting, each in told if each.bootstrap.low >= WANTED]
        only = [setting for setting, each in told if each.value >= WANTED > each.bootstrap.low]
        lead = f"{100 * WANTED:.0f} points"
        text += f" A lead of {lead} is shown by the whole interval at {', '.join(whole) or 'none'}"
        text += f", by the estimate alone at {', '.join(only)}." if only else "."
    return text


def against_ruled(cells: Cells) -> str:
    """The student against its rule by chance and teachers under it, and without it: what it learnt beyond the rule."""
    rows = []
    for cell in cells:
        for arm in cell.runs:
            ruled = arm in ARMS and ARMS[arm].kind == "teacher" and ARMS[arm].rule != "none"
            if ruled or arm == BY_CHANCE:
                found = tables.difference_of(cell.runs[arm], cell.runs.get(DEFAULT_STUDENT, {}), "one_shot")
                if found is not None:
                    rows.append((cell, arm, DEFAULT_STUDENT, found))
        best = best_teacher(cell)
        if best is not None:
            found = tables.difference_of(cell.runs[best], cell.runs.get(UNRULED_STUDENT, {}), "one_shot")
            if found is not None:
                rows.append((cell, best, UNRULED_STUDENT, found))
    if not rows:
        return ""
    return "\n".join([
        "### What the rule does and what the student learnt, one-shot", "",
        "A student obeys the rule of its pseudo-labels when it grasps. A teacher can be given the same rule, and the "
        "student can be made to forget it: the first says what was learnt beyond the rule, the second what was learnt "
        "without it. Besides, one of the grasps that the rule lets pass can be drawn by chance, without any learning.",
        "", *_table(rows), "", *_best_without_rule(cells),
    ])  # fmt: skip


def _best_without_rule(cells: Cells) -> list[str]:
    """Where the best teacher is one that was not measured under the rule."""
    best = [(cell, best_teacher(cell)) for cell in cells]
    rows = [
        f"{cell.regime.replace('-', ' ')} at {cell.setting} ({arm_title(arm)})"
        for cell, arm in best if arm not in (None, "teacher_augmented")
    ]  # fmt: skip
    if not rows:
        return []
    return [f"Under the rule only the augmented teacher was measured. It is not the best one {'; '.join(rows)}.", ""]


def with_fewer_labels(cells: Cells) -> str:
    """The student at 5 and 10 % against the augmented teacher that has all labels (the paper's claim at figure 3)."""
    by = {(cell.regime, cell.setting): cell for cell in cells}
    rows = []
    for (regime, setting), cell in by.items():
        full = by.get((regime, "100 %"))
        if setting in ("5 %", "10 %") and full is not None:
            found = tables.difference_of(
                full.runs.get("teacher_augmented", {}), cell.runs.get(DEFAULT_STUDENT, {}), "one_shot"
            )
            if found is not None:
                rows.append((cell, "teacher_augmented", DEFAULT_STUDENT, found))
    if not rows:
        return ""
    lines = [
        "### With 5 and 10 % of the labels against the augmented teacher that has all, one-shot",
        "",
        *_table(rows),
        "",
    ]
    for cell, _, _, found in rows:
        lines += [f"- {cell.regime.replace('-', ' ').capitalize()}, {cell.setting}: {_reaches(found)}"]
    return "\n".join([*lines, ""])


def _reaches(found: Estimate) -> str:
    if not found.enough:
        return f"{found.draws} {'draw' if found.draws == 1 else 'draws'}, nothing is concluded."
    if found.bootstrap.low > 0.0:
        return "the student passes the teacher with all labels."
    if found.bootstrap.high < 0.0:
        return "the student does not reach the teacher with all labels."
    return (
        "the student cannot be told from the teacher with all labels; the interval leaves room for it to be "
        f"{-100 * found.bootstrap.low:.1f} points behind and {100 * found.bootstrap.high:.1f} ahead."
    )


def few_labels(cells: Cells) -> str:
    """The regime of few labels and thousands of scenes, all arms side by side."""
    own = []
    for cell in cells:
        counts = {run.values.get("labels", 0) for runs in cell.runs.values() for run in runs.values()}
        if counts and FEW_LABELS[0] <= min(counts) and max(counts) <= FEW_LABELS[1]:
            own.append(cell)
    arms = [arm for arm in ("scripted", "teacher", "teacher_augmented", "student", "student_augmented", DEFAULT_STUDENT)
            if any(arm in cell.runs for cell in own)]  # fmt: skip
    if not own or not arms:
        return ""
    lines = [f"### {FEW_LABELS[0]} to {FEW_LABELS[1]} labels, one-shot", "",
             "The regime that the paper names as open: few labels and many unlabelled scenes.", "",
             "| regime | labels | " + " | ".join(arm_title(arm) for arm in arms) + " |",
             "|" + "---|" * (2 + len(arms))]  # fmt: skip
    for cell in own:
        rates = [tables.rate_of(cell.runs.get(arm, {}), "one_shot") for arm in arms]
        cells_ = ["" if rate is None else rate.text() + ("" if rate.enough else "†") for rate in rates]
        lines.append(f"| {cell.regime.replace('-', ' ')} | {labels_of(cell)} | " + " | ".join(cells_) + " |")
    return "\n".join([*lines, ""])


def _room(cell: CellRuns, teacher: str, student: str) -> float:
    """Share of the one-shot scenes that a teacher misses, over the draws that it shares with a student."""
    shared = {draw: run for draw, run in cell.runs[teacher].items() if draw in cell.runs[student]}
    rate = tables.rate_of(shared, "one_shot")
    return 1.0 if rate is None else 1.0 - rate.value


def _table(rows: Sequence[tuple[CellRuns, str, str, Estimate]], best_by: str = "") -> list[str]:
    """Lines of differences.

    Args:
        rows: cell, the arm that is subtracted, the other arm, the difference.
        best_by: measure by which the first arm is the best of the cell's teachers, if it was chosen so.
    """
    wanted = best_by == "one_shot"
    titles = ["regime", "share (labels)", "n", "student", "less", "difference", "over draws (t)", "the student is"]
    titles += [f"{100 * WANTED:.0f} points"] * wanted
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    for cell, first, second, found in rows:
        row = [cell.regime.replace("-", " "), labels_of(cell), f"{found.draws}{'' if found.enough else '†'}",
               _STUDENTS.get(second, arm_title(second)), arm_title(first), found.text(signed=True),
               found.over_draws_text(), standing(found)]  # fmt: skip
        if best_by:
            row[4] += f" (best of {len(teacher_rates(cell, best_by))})"
        if wanted:
            row.append(wanted_lead(found, _room(cell, first, second)) if found.enough else "")
        lines.append("| " + " | ".join(row) + " |")
    return lines
