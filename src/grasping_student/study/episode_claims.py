"""The default student in episodes: against the best of its teachers, and with memory of what has failed."""

from __future__ import annotations

from grasping_student.policies.failure_avoiding import AWAY
from grasping_student.study import tables
from grasping_student.study.comparisons import Cells, best_teacher, difference_table
from grasping_student.study.conditions import BY_CHANCE, DEFAULT_STUDENT

REMEMBERING_STUDENT = "student_memory"

EPISODES = {
    "taken": "Blocks an episode (differences in blocks)",
    "all_picks": "All picks",
    "excluding_repeats": "Excluding repeats",
}
"""Measures over episodes, with their names."""


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
        for cell in cells:
            found = tables.difference_of(cell.runs.get(BY_CHANCE, {}), cell.runs.get(DEFAULT_STUDENT, {}), measure)
            if found is not None:
                rows.append((cell, BY_CHANCE, DEFAULT_STUDENT, found))
        if rows:
            lines += [f"{title}:", "", *difference_table(rows, best_by=measure), ""]
    if not lines:
        return ""
    where = (
        "Bins are emptied pick by pick, until five failures in a row; what counts as a repeat is said in "
        "[evaluation.md](evaluation.md). A rate over attempts does not say how far a bin is emptied; the blocks "
        "that are taken out of it do. Below the best teacher stands the default's own rule without a model: one of the "
        "grasps that it lets pass, drawn by chance."
    )
    return "\n".join(
        ["### In episodes, against the best of its teachers and its rule by chance", "", where, "", *lines]
    )


def with_memory(cells: Cells) -> str:
    """What it brings to tell a model that a grasp has failed, in blocks an episode."""
    pairs = (
        (DEFAULT_STUDENT, REMEMBERING_STUDENT),
        (BY_CHANCE, REMEMBERING_STUDENT),
        ("teacher_memory", REMEMBERING_STUDENT),
        ("teacher_augmented", "teacher_memory"),
    )
    rows = []
    for cell in cells:
        for first, second in pairs:
            found = tables.difference_of(cell.runs.get(first, {}), cell.runs.get(second, {}), "taken")
            if found is not None:
                rows.append((cell, first, second, found))
    if not rows:
        return ""
    what = (
        "A model that fails sees nearly the same scene again and does nearly the same again. With memory it is told "
        "how its grasps end, and until its next success it keeps away from where it failed (`memory:FOLDER` in "
        f"`evaluate picking`). The distance, {1000 * AWAY:.0f} mm, was chosen on draw 0 in distribution at 100 % of "
        "the labels, which is one of the draws here; the other draws and settings had no part in it. Of the teachers "
        "only the augmented one was given a memory; it is not everywhere the best one."
    )
    return "\n".join(
        ["### With memory of what has failed, blocks an episode", "", what, "", *difference_table(rows), ""]
    )
