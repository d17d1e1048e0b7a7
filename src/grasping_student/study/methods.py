"""Methods of teaching a student: the options that each changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


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

    soft_targets: bool = False
    """The student learns the whole score maps of its teacher, and of the ensemble's, in place of pseudo-labels."""

    steps: float = 1.0
    """Times as many steps as other students."""

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
    "antipodal-from-teacher": Method(
        "antipodal grasps, starts from its teacher's weights", ANTIPODAL, from_teacher=True
    ),
    "pretrained": Method("pretrained on the unlabelled scenes", pretrained=True),
    "online-attempts": Method("attempts of the teacher in the batch, half failures", online_fraction=0.25),
    "keep-half": Method("the half of the scenes that the teacher is surest of", student={"pseudo": {"keep": 0.5}}),
    "weight-confidence": Method("weight by confidence", student={"pseudo": {"weights": "confidence"}}),
    "test-time-augmentation": Method("4 augmented views of the teacher averaged", {"views": 4}),
    "ensemble": Method("3 teachers averaged", ensemble=2),
    "ema-teacher": Method("teacher with averaged weights", teacher={"loop": {"ema": 0.98}}),
    "affordance-filter": Method("affordance network of the same labels as filter", affordance_filter=True),
    "two-rounds": Method("a second round: the plain student teaches", after="plain"),
    "soft-targets": Method(
        "soft targets of 3 teachers, starts from its teacher's weights",
        soft_targets=True,
        from_teacher=True,
        ensemble=2,
    ),
    "one-pass": Method(
        "soft targets of its teacher, all angles at one look",
        student={"network": {"name": "one-pass", "widths": (24, 40, 64, 96)}, "distillation": {"angles": 4}},
        soft_targets=True,
        steps=5.0,
    ),
    "antipodal-two-rounds": Method("antipodal grasps, a second round", ANTIPODAL, after="antipodal"),
}
"""Name -> method."""

_ELSEWHERE = (
    "top3-equal",
    "top3-rank",
    "top3-score",
    "weight-rank",
    "weight-score",
    "antipodal-unconstrained",
    "antipodal-from-teacher",
    "soft-targets",
    "one-pass",
)
ABLATION = tuple(name for name in METHODS if name not in _ELSEWHERE)
"""Levels of the experiment ``methods``. Several labels a scene and their weights are measured by ``labels-per-scene``;
the student of antipodal grasps without its constraint is the condition ``student_unconstrained``; soft
targets are those of the general model with labels, in bins."""

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
