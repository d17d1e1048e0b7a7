"""Who is compared: policies, teachers and students by name, and the options that a student's method changes.

To add a student, add a ``Method`` and an ``Arm``; to compare it, name the arm in ``designs.py`` or with ``--arms``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Method:
    """How a student is taught; what is not named here is as in the ``light-plain`` and ``light`` presets."""

    title: str
    pseudo_labels: dict[str, Any] = field(default_factory=dict)
    """Options of ``pseudo-label`` that differ."""

    student: dict[str, Any] = field(default_factory=dict)
    """Options of ``train student`` that differ."""

    true_share: float = 0.0
    """Share of a batch that is the teacher's own true labels."""

    from_teacher: bool = False
    """The student starts from its teacher's weights."""

    pretrained: bool = False
    """The student starts from weights that learned to restore the unlabelled scenes."""

    experience_share: float = 0.0
    """Share of a batch that is attempts of its teacher in the simulator, half of them failures."""

    teacher: dict[str, Any] = field(default_factory=dict)
    """Options of ``train teacher`` that differ: its teacher is trained anew."""

    others: int = 0
    """Further teachers of other training seeds on the same labels, whose log-softmax is averaged with its own."""

    judged: bool = False
    """An affordance network of its teacher's labels must agree with the pseudo-labels."""

    relabelled: bool = False
    """The students see the pool's scenes as well, the teacher's own labelled ones among them, relabelled by it."""

    after: str = ""
    """A second round: a student of this method labels for it, in place of the teacher."""


def _three(weights: str) -> dict[str, Any]:
    return {"pseudo": {"angles": 64, "labels_per_scene": 3, "weights": weights}}


GRIP = {"rule": {"name": "grip"}}

METHODS: dict[str, Method] = {
    "plain": Method("pseudo-labels only (the student of the augmented teacher)"),
    "true-labels": Method("true labels kept beside", true_share=0.25),
    "top3-equal": Method("3 labels a scene, equal", student=_three("equal")),
    "top3-rank": Method("3 labels a scene, weight 1 / rank", student=_three("rank")),
    "top3-score": Method("3 labels a scene, weight by score", student=_three("score")),
    "weight-rank": Method("weight 1 / rank", student={"pseudo": {"weights": "rank"}}),
    "weight-score": Method("weight by score", student={"pseudo": {"weights": "score"}}),
    "relabelled": Method("the pool's scenes too, relabelled (the paper's students see all scenes)", relabelled=True),
    "room": Method("only where the open fingers find room", pseudo_labels={"rule": {"name": "room"}}),
    "grip": Method("good grips", GRIP),
    "grip-unruled": Method("good grips, the rule forgotten when it picks", GRIP, {"obey_rule": False}),
    "grip-learnt": Method("good grips, and the rule itself to learn", GRIP, {"rule_weight": 1.0}),
    "grip-true": Method("good grips, true labels beside", GRIP, true_share=0.25),
    "bare-table": Method("bare table may be a pseudo-label", pseudo_labels={"foreground_only": False}),
    "no-augmentation": Method(
        "student without augmentation",
        student={"augmentation": {"mirror": False, "shift": 0.0, "yaw": 0.0, "noise": 0.0}},
    ),
    "strong": Method(
        "strong augmentation",
        student={"augmentation": {"noise": 0.002, "height_scale": 0.15, "holes": 6, "blocks": 2, "yaw": 8.0}},
    ),
    "from-teacher": Method("starts from its teacher's weights", from_teacher=True),
    "pretrained": Method("pretrained on the unlabelled scenes", pretrained=True),
    "experience": Method("attempts of the teacher beside, half failures", experience_share=0.25),
    "keep-half": Method("the half of the scenes that the teacher is surest of", student={"pseudo": {"keep": 0.5}}),
    "weight-confidence": Method("weight by confidence", student={"pseudo": {"weights": "confidence"}}),
    "views-4": Method("4 views of the teacher averaged", pseudo_labels={"views": 4}),
    "agreement": Method("3 teachers averaged", others=2),
    "ema-teacher": Method("teacher with averaged weights", teacher={"loop": {"ema": 0.98}}),
    "judge": Method("affordance network of the same labels as judge", judged=True),
    "two-rounds": Method("a second round: the plain student teaches", after="plain"),
    "grip-two-rounds": Method("good grips, a second round", GRIP, after="grip"),
}
"""Name -> method."""

_ELSEWHERE = ("top3-equal", "top3-rank", "top3-score", "weight-rank", "weight-score", "grip-unruled")
ABLATION = tuple(name for name in METHODS if name not in _ELSEWHERE)
"""Rows of the experiment ``methods``. Several labels a scene and their weights are rows of ``labels-per-scene``; the
student of good grips without its rule is the arm ``student_bare``."""

NAMED_ONLY = (
    "relabelled",
    "room",
    "grip-learnt",
    "grip-true",
    "bare-table",
    "no-augmentation",
    "from-teacher",
    "weight-confidence",
    "agreement",
    "grip-two-rounds",
)
"""Rows of ``methods`` that ``experiment all`` leaves out, to stay within its hours; ``experiment methods`` has them."""


@dataclass(frozen=True)
class Arm:
    """One line of the tables."""

    title: str
    kind: Literal["policy", "teacher", "student"]

    what: str
    """What it is, in words."""

    augmented: bool = False
    """Teachers: trained with the student's augmentation."""

    matched: bool = False
    """Teachers: trained for as many steps as teacher and student together."""

    teacher: str = ""
    """Students: the teacher that labels for them."""

    method: str = "plain"
    """Students: how they are taught."""

    rule: Literal["none", "room", "grip", "bare", "memory"] = "none"
    """When grasping, it chooses only among grasps that this rule lets pass; ``bare`` forgets the student's own, and
    ``memory`` keeps away from where it has failed in the episode."""


ARMS: dict[str, Arm] = {
    "random": Arm("random foreground pixel", "policy", "any pixel of an item, any angle, drawn by chance"),
    "antipodal": Arm(
        "by chance, of the good grips", "policy", "one of all good grips in the scene, drawn by chance: no learning"
    ),
    "scripted": Arm(
        "scripted picker", "policy", "knows where the blocks lie, errs as a person does; it made the labels"
    ),
    "teacher": Arm("teacher", "teacher", "learns from the labels, without augmentation, as in the paper"),
    "teacher_augmented": Arm(
        "teacher, augmented", "teacher", "the same with the student's augmentation", augmented=True
    ),
    "teacher_matched": Arm(
        "compute-matched teacher",
        "teacher",
        "the augmented teacher, trained for as many steps as teacher and student together",
        augmented=True,
        matched=True,
    ),
    "student": Arm(
        "student of the teacher",
        "student",
        "learns from that teacher's pseudo-labels, as in the paper",
        teacher="teacher",
    ),
    "student_augmented": Arm(
        "student of the augmented teacher",
        "student",
        "learns from that teacher's pseudo-labels",
        teacher="teacher_augmented",
    ),
    "student_matched": Arm(
        "student of the compute-matched teacher",
        "student",
        "learns from that teacher's pseudo-labels",
        teacher="teacher_matched",
    ),
    "teacher_room": Arm(
        "teacher, augmented, room demanded",
        "teacher",
        "chooses only among grasps at which the open fingers find room",
        augmented=True,
        rule="room",
    ),
    "teacher_grip": Arm(
        "teacher, augmented, under the rule",
        "teacher",
        "the augmented teacher, choosing only among good grips",
        augmented=True,
        rule="grip",
    ),
    "student_room": Arm(
        "student of grasps with room",
        "student",
        "its pseudo-labels and its choice have room for the open fingers",
        teacher="teacher_augmented",
        method="room",
    ),
    "student_grip": Arm(
        "student of good grips",
        "student",
        "of the augmented teacher; learns from the teacher's best good grips, and chooses among good grips itself",
        teacher="teacher_augmented",
        method="grip",
    ),
    "student_bare": Arm(
        "student of good grips, rule forgotten",
        "student",
        "the same network, choosing among all grasps",
        teacher="teacher_augmented",
        method="grip",
        rule="bare",
    ),
    "teacher_memory": Arm(
        "teacher, augmented, with memory",
        "teacher",
        "keeps away from where it has failed, until it succeeds",
        augmented=True,
        rule="memory",
    ),
    "student_memory": Arm(
        "student of good grips, with memory",
        "student",
        "keeps away from where it has failed, until it succeeds",
        teacher="teacher_augmented",
        method="grip",
        rule="memory",
    ),
    "student_rank": Arm(
        "student, weight 1 / rank",
        "student",
        "student of the teacher; of several labels a scene the lower count less",
        teacher="teacher",
        method="weight-rank",
    ),
    "student_score": Arm(
        "student, weight by score",
        "student",
        "student of the teacher; of several labels a scene each counts by the teacher's score",
        teacher="teacher",
        method="weight-score",
    ),
}
"""Name -> arm."""

POLICIES = ("random", "antipodal", "scripted")
TEACHERS = ("teacher", "teacher_augmented", "teacher_matched")
CONTROLS = ("random", "scripted", *TEACHERS, "student", "student_augmented", "student_matched")
"""Who stands in every table that compares models, beside what it is about."""

DEFAULT_STUDENT = "student_grip"
"""The student that the claims of the results page are about."""

UNRULED_STUDENT = "student_bare"
"""The default student that no longer obeys the rule of its pseudo-labels."""

BY_CHANCE = "antipodal"
"""What the default student's rule does without a model: one of the grasps that it lets pass, drawn by chance."""
