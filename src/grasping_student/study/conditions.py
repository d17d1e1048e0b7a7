"""Conditions that are compared: policies, teachers and students by name.

To add a student, add a ``Method`` (``methods.py``) and a ``Condition``; to compare it, name the condition in
``designs.py`` or with ``--conditions``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Constraint = Literal["none", "clearance", "antipodal", "unconstrained", "failure-avoiding"]


@dataclass(frozen=True)
class Condition:
    """One line of the tables."""

    title: str
    kind: Literal["policy", "teacher", "student", "outcomes", "general"]

    description: str
    """One clause for the list of conditions."""

    augmented: bool = False
    """Teachers: trained with the student's augmentation."""

    matched: bool = False
    """Teachers: trained for as many steps as teacher and student together."""

    teacher: str = ""
    """Students: the teacher that labels for them."""

    method: str = "plain"
    """Students: how they are taught."""

    from_general: bool = False
    """Models of success: training starts from the general model that ships with the package."""

    constraint: Constraint = "none"
    """When grasping, it chooses only among grasps that this constraint lets pass; ``unconstrained`` drops the student's
    own, and ``failure-avoiding`` keeps away from where it has failed in the episode."""


CONDITIONS: dict[str, Condition] = {
    "random": Condition("random foreground pixel", "policy", "any pixel of an item, any angle, at random"),
    "antipodal": Condition(
        "random antipodal grasp", "policy", "one of all antipodal grasps in the scene, at random: no learning"
    ),
    "scripted": Condition(
        "scripted picker", "policy", "knows where the blocks lie, errs as a person does; it made the labels"
    ),
    "teacher": Condition("teacher", "teacher", "learns from the labels, without augmentation, as in the paper"),
    "teacher_augmented": Condition(
        "augmented teacher", "teacher", "the same with the student's augmentation", augmented=True
    ),
    "teacher_matched": Condition(
        "compute-matched teacher",
        "teacher",
        "the augmented teacher, trained for as many steps as teacher and student together",
        augmented=True,
        matched=True,
    ),
    "student": Condition(
        "student of the teacher",
        "student",
        "learns from that teacher's pseudo-labels, as in the paper",
        teacher="teacher",
    ),
    "student_augmented": Condition(
        "student of the augmented teacher",
        "student",
        "learns from that teacher's pseudo-labels",
        teacher="teacher_augmented",
    ),
    "student_matched": Condition(
        "student of the compute-matched teacher",
        "student",
        "learns from that teacher's pseudo-labels",
        teacher="teacher_matched",
    ),
    "teacher_clearance": Condition(
        "augmented teacher, clearance constraint",
        "teacher",
        "chooses only among grasps with clearance for the open fingers",
        augmented=True,
        constraint="clearance",
    ),
    "teacher_antipodal": Condition(
        "augmented teacher, antipodal constraint",
        "teacher",
        "the augmented teacher, choosing only among antipodal grasps",
        augmented=True,
        constraint="antipodal",
    ),
    "student_clearance": Condition(
        "student of grasps with clearance",
        "student",
        "its pseudo-labels and its choice have clearance for the open fingers",
        teacher="teacher_augmented",
        method="clearance",
    ),
    "student_antipodal": Condition(
        "student of antipodal grasps",
        "student",
        "learns from the augmented teacher's best antipodal grasps, and chooses among antipodal grasps itself",
        teacher="teacher_augmented",
        method="antipodal",
    ),
    "student_unconstrained": Condition(
        "student of antipodal grasps, unconstrained",
        "student",
        "the same network, choosing among all grasps",
        teacher="teacher_augmented",
        method="antipodal",
        constraint="unconstrained",
    ),
    "teacher_failure_avoiding": Condition(
        "augmented teacher, failure avoidance",
        "teacher",
        "keeps away from where it has failed, until it succeeds",
        augmented=True,
        constraint="failure-avoiding",
    ),
    "student_failure_avoiding": Condition(
        "student of antipodal grasps, failure avoidance",
        "student",
        "keeps away from where it has failed, until it succeeds",
        teacher="teacher_augmented",
        method="antipodal",
        constraint="failure-avoiding",
    ),
    "teacher_paper_antipodal": Condition(
        "teacher, antipodal constraint",
        "teacher",
        "the teacher without augmentation, choosing only among antipodal grasps",
        constraint="antipodal",
    ),
    "teacher_matched_antipodal": Condition(
        "compute-matched teacher, antipodal constraint",
        "teacher",
        "the compute-matched teacher, choosing only among antipodal grasps",
        augmented=True,
        matched=True,
        constraint="antipodal",
    ),
    "student_paper_antipodal": Condition(
        "student of the teacher, antipodal constraint",
        "student",
        "the paper's student, choosing only among antipodal grasps",
        teacher="teacher",
        constraint="antipodal",
    ),
    "person": Condition("a person's stand-in", "policy", "knows which grasps hold, and clicks with a person's errors"),
    "person-exact": Condition("a person's stand-in, exact", "policy", "the same without errors: what is possible"),
    "outcomes": Condition(
        "model of success",
        "outcomes",
        "learns from the outcomes of the labels, failures too; chooses among antipodal grasps",
        augmented=True,
        constraint="antipodal",
    ),
    "general": Condition(
        "general model", "general", "ships with the package: learnt from simulated outcomes, has seen no label"
    ),
    "general_outcomes": Condition(
        "general model, labels",
        "outcomes",
        "the general model, trained further on the outcomes of the labels",
        augmented=True,
        from_general=True,
        constraint="antipodal",
    ),
    "student_general": Condition(
        "student of the general model, labels",
        "student",
        "starts from the general model with the labels, and learns from its best antipodal grasps on the photos",
        teacher="general_outcomes",
        method="antipodal-from-teacher",
    ),
    "student_soft": Condition(
        "student of soft targets of the general model, labels",
        "student",
        "as the one before, but it learns the whole score maps of three such models and not their best grasps",
        teacher="general_outcomes",
        method="soft-targets",
        constraint="antipodal",
    ),
    "student_one_pass": Condition(
        "one-pass student of the general model, labels",
        "student",
        "learns that model's whole score maps on the photos; one look at a scene scores all angles",
        teacher="general_outcomes",
        method="one-pass",
        constraint="antipodal",
    ),
    "student_rank": Condition(
        "student, weight 1 / rank",
        "student",
        "student of the teacher; of several labels a scene the lower count less",
        teacher="teacher",
        method="weight-rank",
    ),
    "student_score": Condition(
        "student, weight by score",
        "student",
        "student of the teacher; of several labels a scene each counts by the teacher's score",
        teacher="teacher",
        method="weight-score",
    ),
}
"""Name -> condition."""

POLICIES = ("random", "antipodal", "scripted", "person", "person-exact")
TEACHERS = ("teacher", "teacher_augmented", "teacher_matched")
CONTROLS = ("random", "scripted", *TEACHERS, "student", "student_augmented", "student_matched")
"""Conditions of every table that compares models, whatever it is about."""

DEFAULT_STUDENT = "student_antipodal"
"""The student that the claims of the results page are about."""

UNCONSTRAINED_STUDENT = "student_unconstrained"
"""The default student without the constraint of its pseudo-labels."""

RANDOM_ANTIPODAL = "antipodal"
"""The default student's constraint without a model: one of the grasps that it lets pass, at random."""

_OTHER_TITLES = {
    "nearby": "teacher's best near the person's",
    "student_method": "student by method",
    "affordance": "affordance",
}


def condition_title(condition: str) -> str:
    """Name of a condition in tables and figures."""
    return CONDITIONS[condition].title if condition in CONDITIONS else _OTHER_TITLES.get(condition, condition)


OLD_NAMES = {
    "teacher_room": "teacher_clearance",
    "teacher_grip": "teacher_antipodal",
    "teacher_memory": "teacher_failure_avoiding",
    "student_room": "student_clearance",
    "student_grip": "student_antipodal",
    "student_bare": "student_unconstrained",
    "student_memory": "student_failure_avoiding",
    "room": "clearance",
    "grip": "antipodal",
    "grip-unruled": "antipodal-unconstrained",
    "grip-learnt": "antipodal-learnt",
    "grip-true": "antipodal-true-labels",
    "grip-two-rounds": "antipodal-two-rounds",
    "experience": "online-attempts",
    "views-4": "test-time-augmentation",
    "agreement": "ensemble",
    "judge": "affordance-filter",
    "memory": "failure-avoidance",
}
"""Names of conditions, levels and experiments in the release before -> their names now; read for one release."""
