"""Who is compared: policies, teachers and students by name, and the options that a student's method changes.

To add a student, add a ``Method`` and a ``Condition``; to compare it, name the condition in ``designs.py`` or with
``--conditions``.
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

    labelled_fraction: float = 0.0
    """Share of a batch that is the teacher's own true labels."""

    from_teacher: bool = False
    """The student starts from its teacher's weights."""

    pretrained: bool = False
    """The student starts from weights that learned to restore the unlabelled scenes."""

    online_fraction: float = 0.0
    """Share of a batch that is attempts of its teacher in the simulator, half of them failures."""

    teacher: dict[str, Any] = field(default_factory=dict)
    """Options of ``train teacher`` that differ: its teacher is trained anew."""

    ensemble: int = 0
    """Further teachers of other training seeds on the same labels, whose log-softmax is averaged with its own."""

    affordance_filter: bool = False
    """An affordance network of its teacher's labels must agree with the pseudo-labels."""

    relabelled: bool = False
    """The students see the pool's scenes as well, the teacher's own labelled ones among them, relabelled by it."""

    after: str = ""
    """A second round: a student of this method labels for it, in place of the teacher."""


def _three(weights: str) -> dict[str, Any]:
    return {"pseudo": {"angles": 64, "labels_per_scene": 3, "weights": weights}}


ANTIPODAL = {"constraint": {"name": "antipodal"}}
CLEARANCE = {"constraint": {"name": "clearance"}}

METHODS: dict[str, Method] = {
    "plain": Method("pseudo-labels only (the student of the augmented teacher)"),
    "true-labels": Method("true labels kept in the batch", labelled_fraction=0.25),
    "top3-equal": Method("3 labels a scene, equal", student=_three("equal")),
    "top3-rank": Method("3 labels a scene, weight 1 / rank", student=_three("rank")),
    "top3-score": Method("3 labels a scene, weight by score", student=_three("score")),
    "weight-rank": Method("weight 1 / rank", student={"pseudo": {"weights": "rank"}}),
    "weight-score": Method("weight by score", student={"pseudo": {"weights": "score"}}),
    "relabelled": Method("the pool's scenes too, relabelled (the paper's students see all scenes)", relabelled=True),
    "clearance": Method("clearance for the open fingers", CLEARANCE),
    "antipodal": Method("antipodal grasps", ANTIPODAL),
    "antipodal-unconstrained": Method(
        "antipodal grasps, unconstrained when it grasps", ANTIPODAL, {"constrain": False}
    ),
    "antipodal-learnt": Method(
        "antipodal grasps, and the constraint itself to learn", ANTIPODAL, {"constraint_weight": 1.0}
    ),
    "antipodal-true-labels": Method("antipodal grasps, true labels in the batch", ANTIPODAL, labelled_fraction=0.25),
    "bare-table": Method("bare table may be a pseudo-label", {"foreground_only": False}),
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
    "online-attempts": Method("attempts of the teacher in the batch, half failures", online_fraction=0.25),
    "keep-half": Method("the half of the scenes that the teacher is surest of", student={"pseudo": {"keep": 0.5}}),
    "weight-confidence": Method("weight by confidence", student={"pseudo": {"weights": "confidence"}}),
    "test-time-augmentation": Method("4 augmented views of the teacher averaged", {"views": 4}),
    "ensemble": Method("3 teachers averaged", ensemble=2),
    "ema-teacher": Method("teacher with averaged weights", teacher={"loop": {"ema": 0.98}}),
    "affordance-filter": Method("affordance network of the same labels as filter", affordance_filter=True),
    "two-rounds": Method("a second round: the plain student teaches", after="plain"),
    "antipodal-two-rounds": Method("antipodal grasps, a second round", ANTIPODAL, after="antipodal"),
}
"""Name -> method."""

_ELSEWHERE = ("top3-equal", "top3-rank", "top3-score", "weight-rank", "weight-score", "antipodal-unconstrained")
ABLATION = tuple(name for name in METHODS if name not in _ELSEWHERE)
"""Levels of the experiment ``methods``. Several labels a scene and their weights are measured by ``labels-per-scene``;
the student of antipodal grasps without its constraint is the condition ``student_unconstrained``."""

NAMED_ONLY = (
    "relabelled",
    "clearance",
    "antipodal-learnt",
    "antipodal-true-labels",
    "bare-table",
    "no-augmentation",
    "from-teacher",
    "weight-confidence",
    "ensemble",
    "antipodal-two-rounds",
)
"""Levels of ``methods`` that ``experiment all`` leaves out, to stay within its hours; ``experiment methods`` has
them."""

Constraint = Literal["none", "clearance", "antipodal", "unconstrained", "failure-avoiding"]


@dataclass(frozen=True)
class Condition:
    """One line of the tables."""

    title: str
    kind: Literal["policy", "teacher", "student"]

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

POLICIES = ("random", "antipodal", "scripted")
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
