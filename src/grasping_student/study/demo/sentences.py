"""What the numbers say, in words that follow from the numbers: an interval that holds zero is called that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grasping_student.evaluation.table import interval, percent, points

Rate = Mapping[str, Any]

ARM_NAMES = {
    "random": "random foreground pixel",
    "scripted": "scripted picker",
    "teacher": "teacher",
    "teacher_augmented": "teacher with augmentation",
    "teacher_ruled": "augmented teacher under the rule",
    "student": "student",
    "student_bare": "student without the rule",
}
"""Arm -> its name in tables and sentences."""

FEWEST_UNITS = 10
"""With fewer scenes or episodes a bootstrap interval is too narrow to conclude anything from."""


def compare(first: str, second: str, measured: str, difference: Rate | None) -> str:
    """One sentence on a paired difference and one on whether it can be told from zero.

    Args:
        first: arm that is subtracted.
        second: the other arm.
        measured: name of the rate and its units, as in ``one-shot, over scenes``.
        difference: success_rate, bootstrap_95 and units of the difference, or None.
    """
    one, other = ARM_NAMES.get(first, first), ARM_NAMES.get(second, second)
    if difference is None:
        return f"The {other} and the {one} cannot be compared ({measured}): one of them has no attempts."
    estimate, bounds = difference["success_rate"], difference["bootstrap_95"]
    start = f"{other} less {one} ({measured}): {points(estimate)} points, 95 % interval {interval(bounds, True)}."
    start = start[0].upper() + start[1:]
    if difference["units"] < FEWEST_UNITS:
        return f"{start} With {difference['units']} of them only, nothing can be concluded from it."
    if bounds[0] > 0.0:
        return f"{start} The interval lies above zero: these two models differ, and the {other} is the better."
    if bounds[1] < 0.0:
        return f"{start} The interval lies below zero: these two models differ, and the {other} is the worse."
    return f"{start} The interval includes zero: this run does not tell which of the two is better."


def headroom(student: Rate | None, ceiling: Rate | None) -> str:
    """Whether the scenes leave room between the student and the picker that labelled."""
    if not student or not ceiling or student["success_rate"] is None or ceiling["success_rate"] is None:
        return "The student and the scripted picker were not both measured, so the room above is unknown."
    gap = ceiling["success_rate"] - student["success_rate"]
    if gap <= 0:
        return (
            f"The student ({percent(student['success_rate'])}) is level with or above the scripted picker whose noisy "
            f"labels it learnt from ({percent(ceiling['success_rate'])}), one-shot: here labels were not the limit."
        )
    return (
        f"The scripted picker, which knows the blocks, reaches {percent(ceiling['success_rate'])} one-shot: "
        f"{100 * gap:.1f} points of room above the student."
    )


def limits(labels: int, scenes: int, family: str) -> list[str]:
    """What a run like this cannot show, whatever its numbers."""
    return [
        f"There is one draw of {labels} labels and one training seed. Draws differ more than scenes do, so the "
        "intervals say how these models differ, not how the method does on other labels.",
        f"Labels, the {scenes} unlabelled scenes and the test scenes all come from the simulator's {family} family; "
        "nothing here is measured on a real robot or on other objects.",
        "Attempts inside an episode depend on each other. Wilson's interval takes them as independent and is too "
        "narrow there; the bootstrap over episodes is not.",
        "A higher rate can come from taking the easy blocks first. The one-shot test gives every model the same "
        "scene; the episodes do not after the first grasp.",
    ]


def entropy_sentence(entropy: Mapping[str, float]) -> str:
    """How the student's certainty compares with that of the augmented teacher, who labelled for it."""
    plain, teacher, student = (entropy[arm] for arm in ("teacher", "teacher_augmented", "student"))
    relation = "lower than" if student < teacher else "not lower than"
    return (
        f"Mean entropy at the horizontal angle: teacher {plain:.2f} bits, teacher with augmentation {teacher:.2f} "
        f"bits, student {student:.2f} bits, so the student's is {relation} that of its teacher, the one with "
        "augmentation; the paper (section IV-C) finds it lower. A low entropy says that a model is sure, not that it "
        "is right."
    )
