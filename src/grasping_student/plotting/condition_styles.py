"""How each condition of the experiments is drawn."""

from __future__ import annotations

from grasping_student.plotting.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION

CONDITION_STYLES: dict[str, tuple[str, str, str]] = {
    "random": (GREY, "x", ":"),
    "antipodal": (GREY, "1", ":"),
    "scripted": (BLACK, "+", ":"),
    "teacher": (ORANGE, "s", "--"),
    "teacher_augmented": (VERMILLION, "D", "--"),
    "teacher_matched": (PURPLE, "^", "--"),
    "teacher_clearance": (VERMILLION, "<", "-."),
    "teacher_antipodal": (VERMILLION, ">", "-."),
    "teacher_failure_avoiding": (VERMILLION, "d", ":"),
    "teacher, all labels": (BLACK, "s", "-"),
    "teacher_augmented, all labels": (BLACK, "o", "-"),
    "student": (SKY, "o", "-"),
    "student_augmented": (BLUE, "o", "-"),
    "student_matched": (PURPLE, "v", "-"),
    "student_clearance": (GREEN, "P", "-"),
    "student_antipodal": (GREEN, "*", "-"),
    "student_unconstrained": (GREEN, "h", "--"),
    "student_failure_avoiding": (GREEN, "X", ":"),
    "student_rank": (PURPLE, "p", "-."),
    "student_score": (BLACK, "X", "-."),
    "student_method": (BLUE, "h", "-."),
    "nearby": (ORANGE, "<", "-."),
    "teacher_paper_antipodal": (ORANGE, ">", "-."),
    "teacher_matched_antipodal": (PURPLE, ">", "-."),
    "student_paper_antipodal": (SKY, ">", "-."),
    "person": (BLACK, "2", ":"),
    "person-exact": (BLACK, "3", ":"),
    "outcomes": (ORANGE, "P", "-"),
    "general": (PURPLE, "*", ":"),
    "general_outcomes": (PURPLE, "D", "-"),
    "student_general": (BLUE, "*", "-"),
    "student_soft": (SKY, "D", "-"),
    "student_one_pass": (GREEN, "^", "-."),
}
"""Colour, marker and line of a condition, the same in every panel: told apart without colours as well."""
