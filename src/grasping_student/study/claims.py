"""The default student against its teachers: what is shown and what is not, from intervals and draws alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grasping_student.study import tables
from grasping_student.study.comparisons import WANTED, Cells, best_teacher, difference_table, labels_of, told_over_draws
from grasping_student.study.conditions import ARMS, BY_CHANCE, CONTROLS, DEFAULT_STUDENT, UNRULED_STUDENT
from grasping_student.study.designs import DESIGNS
from grasping_student.study.episode_claims import EPISODES, in_episodes, with_memory
from grasping_student.study.figures import arm_title
from grasping_student.study.records import Run
from grasping_student.study.tables import CellRuns, Estimate

FEW_LABELS = (20, 100)
"""From so many to so many labels: the regime that the paper leaves open."""

MANY = """Each interval of 95 % stands for itself; none is corrected for being one of many.
"""


def claims(everything: Mapping[str, Sequence[Run]]) -> str:
    """The section at the head of the page; empty where nothing of it was measured."""
    cells = tables.cells(everything.get("label-fraction", []), DESIGNS["label-fraction"])
    picking = tables.cells(everything.get("picking", []), DESIGNS["picking"])
    remembering = tables.cells(everything.get("memory", []), DESIGNS["memory"])
    parts = [
        against_best(cells),
        in_episodes(picking),
        with_memory(remembering),
        against_ruled(cells),
        of_the_paper(cells, picking),
        with_fewer_labels(cells),
        few_labels(cells),
    ]
    if not any(parts):
        return ""
    title = f"## The default student: {arm_title(DEFAULT_STUDENT)}\n"
    return "\n".join([title, MANY, *(part for part in parts if part)])


def against_best(cells: Cells) -> str:
    """The student at every share of the labels against the best of its teachers."""
    rows = [
        (cell, arm, tables.difference_of(cell.runs[arm], cell.runs[DEFAULT_STUDENT], "one_shot"))
        for cell in cells
        if (arm := best_teacher(cell)) is not None
    ]
    found = [(cell, arm, each) for cell, arm, each in rows if each is not None]
    if not found:
        return ""
    lines = [
        "### Against the best of its teachers, one-shot",
        "",
        "The best is chosen by its measured rate, which favours the teacher a little, among as many as were "
        "measured there: with augmentation, without, and compute-matched. What it *leaves* are the points that it "
        "misses; no student can be further ahead.",
        "",
        *difference_table([(cell, arm, DEFAULT_STUDENT, each) for cell, arm, each in found], "one_shot"),
        "",
    ]
    for regime in dict.fromkeys(cell.regime for cell, _, _ in found):
        own = [(cell.setting, each) for cell, _, each in found if cell.regime == regime]
        lines += [_summary(regime, own, "the student", "its best teacher") + _lead(own), ""]
    return "\n".join(lines)


def _summary(regime: str, found: Sequence[tuple[str, Estimate]], who: str, other: str) -> str:
    """How many shares of the labels show what."""
    told = [(setting, each) for setting, each in found if each.enough]
    groups = {
        "better by both intervals": [s for s, e in told if e.bootstrap.low > 0.0 and told_over_draws(e)],
        "better by the interval over draws and scenes alone": [
            s for s, e in told if e.bootstrap.low > 0.0 and not told_over_draws(e)
        ],
        "worse": [s for s, e in told if e.bootstrap.high < 0.0],
        f"not told from {other}": [s for s, e in told if not e.bootstrap.excludes_zero],
        "measured with too few draws": [s for s, e in found if not e.enough],
    }
    parts = [f"{word} at {len(settings)} ({', '.join(settings)})" for word, settings in groups.items() if settings]
    text = f"{regime.replace('-', ' ').capitalize()}, of {len(found)} shares of the labels {who} is "
    return text + ", ".join(parts) + "."


def _lead(found: Sequence[tuple[str, Estimate]]) -> str:
    """At how many shares of the labels the wanted lead is shown; empty where nothing is concluded."""
    told = [(setting, each) for setting, each in found if each.enough]
    if not told:
        return ""
    whole = [setting for setting, each in told if each.bootstrap.low >= WANTED]
    only = [setting for setting, each in told if each.value >= WANTED > each.bootstrap.low]
    text = f" A lead of {100 * WANTED:.0f} points is shown by the whole interval at {', '.join(whole) or 'none'}"
    return text + (f", by the estimate alone at {', '.join(only)}." if only else ".")


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
    return "\n".join(
        [
            "### What the rule does and what the student learnt, one-shot",
            "",
            "A student obeys the rule of its pseudo-labels when it grasps. A teacher can be given the same rule, and "
            "the student can be made to forget it: the first says what was learnt beyond the rule, the second what was "
            "learnt without it. Besides, one of the grasps that the rule lets pass can be drawn by chance, without any "
            "learning. "
            "The rule's three thresholds were chosen on 500 other scenes of the simulator, half of them dense "
            "([notebook](lab-notebook.md)); these count as no labels. The table of the methods, in which the default "
            "stands beside the others, is measured on the same scenes as the claim under domain shift at 5 %.",
            "",
            *difference_table(rows),
            "",
            *_best_without_rule(cells),
        ]
    )


def _best_without_rule(cells: Cells) -> list[str]:
    """Where the best teacher is one that was not measured under the rule."""
    best = [(cell, best_teacher(cell)) for cell in cells]
    rows = [
        f"{cell.regime.replace('-', ' ')} at {cell.setting} ({arm_title(arm)})"
        for cell, arm in best
        if arm not in (None, "teacher_augmented")
    ]
    if not rows:
        return []
    return [f"Under the rule only the augmented teacher was measured. It is not the best one {'; '.join(rows)}.", ""]


PAPERS_PAIRS = {
    ("teacher", "student"): "the paper's student, against the teacher that labelled for it,",
    ("teacher_augmented", "student"): "the same student, against the augmented teacher,",
    ("teacher_augmented", "student_augmented"): "the augmented teacher's own student, against it,",
    ("teacher_matched", "student_matched"): "the compute-matched teacher's own student, against it,",
}
"""Pairs that say how the paper's method fares without the rule: less, who -> in words."""


def of_the_paper(cells: Cells, picking: Cells) -> str:
    """The paper's own students: against the teachers that labelled for them, and against an augmented one."""
    rows, said = _papers_pairs(cells, "one_shot")
    for measure in ("all_picks", "taken"):
        said += _papers_pairs(picking, measure)[1]
    if not rows and not said:
        return ""
    return "\n".join(
        [
            "### The paper's method without the rule",
            "",
            "The default adds a rule about the gripper and an augmented teacher to the paper's method. Without them, "
            "one-shot; what is said of episodes follows from the table under *Grasping in the simulation*:",
            "",
            *difference_table(rows),
            "",
            *said,
            "",
        ]
    )


def _papers_pairs(cells: Cells, measure: str) -> tuple[list[tuple[CellRuns, str, str, Estimate]], list[str]]:
    """Differences of all such pairs under a measure, and at how many shares of the labels they show what."""
    title = f"{EPISODES[measure].split(' (')[0]}: " if measure in EPISODES else ""
    rows, said = [], []
    for (first, second), words in PAPERS_PAIRS.items():
        own = [
            (cell, first, second, found)
            for cell in cells
            if (found := tables.difference_of(cell.runs.get(first, {}), cell.runs.get(second, {}), measure)) is not None
        ]
        rows += own
        for regime in dict.fromkeys(cell.regime for cell, *_ in own):
            shares = [(cell.setting, found) for cell, _, _, found in own if cell.regime == regime]
            said.append(f"- {title}{_summary(regime, shares, words, 'it')}")
    return rows, said


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
        *difference_table(rows),
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


def _scenes(cells: Cells) -> str:
    """How many unlabelled scenes the students saw."""
    found = {
        run.values["asked"]["sizes"]["scenes"] for cell in cells for runs in cell.runs.values() for run in runs.values()
    }
    return " or ".join(map(str, sorted(found)))


def few_labels(cells: Cells) -> str:
    """The regime of few labels and thousands of scenes, all arms side by side."""
    own = []
    for cell in cells:
        counts = {run.values.get("labels", 0) for runs in cell.runs.values() for run in runs.values()}
        if counts and FEW_LABELS[0] <= min(counts) and max(counts) <= FEW_LABELS[1]:
            own.append(cell)
    arms = [arm for arm in (*CONTROLS, DEFAULT_STUDENT) if any(arm in cell.runs for cell in own)]
    if not own or not arms:
        return ""
    lines = [
        f"### {FEW_LABELS[0]} to {FEW_LABELS[1]} labels, one-shot",
        "",
        f"The regime that the paper names as open: few labels, many unlabelled scenes (here {_scenes(own)}).",
        "",
        "| regime | labels | " + " | ".join(arm_title(arm) for arm in arms) + " |",
        "|" + "---|" * (2 + len(arms)),
    ]
    for cell in own:
        rates = [tables.rate_of(cell.runs.get(arm, {}), "one_shot") for arm in arms]
        cells_ = ["" if rate is None else rate.text() + ("" if rate.enough else "†") for rate in rates]
        lines.append(f"| {cell.regime.replace('-', ' ')} | {labels_of(cell)} | " + " | ".join(cells_) + " |")
    return "\n".join([*lines, ""])
