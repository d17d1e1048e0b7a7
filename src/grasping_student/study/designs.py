"""Every experiment: what it varies, whom it compares, what it measures, and the paper's numbers for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from grasping_student.study.conditions import (
    ABLATION,
    ARMS,
    CONTROLS,
    DEFAULT_STUDENT,
    METHODS,
    NAMED_ONLY,
    TEACHERS,
    UNRULED_STUDENT,
)

Measure = Literal["one_shot", "proxy", "entropy", "picking"]


@dataclass(frozen=True)
class Regime:
    """Where labels come from and where the models must work: families of simulated scenes."""

    labels: Literal["standard", "sparse", "dense"]
    target: Literal["standard", "sparse", "dense"]


REGIMES: dict[str, Regime] = {
    "in-distribution": Regime("standard", "standard"),
    "domain-shift": Regime("sparse", "dense"),
}


@dataclass(frozen=True)
class Point:
    """What one setting of an experiment means."""

    share: float | None = None
    """Share of the pool that the teacher learns from; None takes ``sizes.ablated_share``."""

    student: dict[str, Any] = field(default_factory=dict)
    """Options of ``train student`` that this setting gives every student arm."""

    angles: int | None = None
    """Angles at which teachers look at unlabelled scenes; None takes ``sizes.angles``."""

    method: str | None = None
    """Method of the arm ``student_method`` at this setting."""


@dataclass(frozen=True)
class Beside:
    """What an experiment's tables take from another, which measured on the same scenes."""

    experiment: str = ""
    arms: tuple[str, ...] = ()
    """Whose runs stand there too."""

    setting: str = ""
    """The other experiment's setting at which all of the own ones are: its arms stand there, before those. Empty where
    both have the same settings."""

    measures: tuple[Measure, ...] = ()
    """What the other experiment measured of the same models and the own one does not."""


@dataclass(frozen=True)
class Design:
    """An experiment."""

    title: str
    varies: str
    """Words for the axis."""

    settings: dict[str, Point]
    arms: Callable[[str, str], tuple[str, ...]]
    """From setting and regime to the arms compared there; none where the setting is left out."""

    measures: tuple[Measure, ...] = ("one_shot", "proxy")
    regimes: tuple[str, ...] = ("in-distribution",)
    named_only: tuple[str, ...] = ()
    """Settings that ``experiment all --preset light`` leaves out, to stay within its hours; naming the experiment runs
    them too."""

    most_scenes: int | None = None
    """Test scenes a draw where the invocation names no number; None takes ``sizes.one_shot_scenes``."""

    beside: Beside = field(default_factory=Beside)

    extra_draws: dict[str, int] = field(default_factory=dict)
    """Settings that need more draws than the others: setting -> at least so many."""

    paper: dict[str, dict[str, float]] = field(default_factory=dict)
    """Arm -> setting -> the paper's success rate (tables I, III, IV, V)."""

    paper_source: str = ""


FRACTIONS = {"1 %": 0.01, "2 %": 0.02, "5 %": 0.05, "10 %": 0.1, "20 %": 0.2, "50 %": 0.5, "100 %": 1.0}
_WHOLE = ("5 %", "20 %", "100 %")
"""Shares of the labels at which all controls stand, in both regimes."""

_BOUNDS = ("random", "antipodal", "scripted")
_EVERYWHERE = (*_BOUNDS, "teacher", "teacher_augmented", "student", "student_augmented")
_RULED = {"grip": "teacher_grip", "room": "teacher_room"}
"""Teacher to whom the rule behind a student's pseudo-labels is given when it grasps: what the rule alone does."""


def _with_default(*arms: str) -> tuple[str, ...]:
    """The arms, the default student, a teacher that has its rule, and itself without."""
    rule = METHODS[ARMS[DEFAULT_STUDENT].method].pseudo_labels.get("rule", {}).get("name")
    controls = (_RULED[rule], UNRULED_STUDENT) if rule else ()
    return tuple(dict.fromkeys((*arms, *controls, DEFAULT_STUDENT)))


def _fraction_arms(setting: str, regime: str) -> tuple[str, ...]:
    if setting in _WHOLE:
        return _with_default(*_EVERYWHERE, "teacher_matched", "student_matched")
    return _with_default(*_EVERYWHERE) if regime == "in-distribution" else ()


def _angle_arms(setting: str, regime: str) -> tuple[str, ...]:
    controls = ("student_augmented", "student_matched") if setting in ("1", "64") else ()
    return ("random", "scripted", *TEACHERS, "student", *controls)


def _per_scene_arms(setting: str, regime: str) -> tuple[str, ...]:
    controls = ("student_augmented", "student_matched") if setting in ("1", "4") else ()
    weighted = ("student_rank", "student_score") if setting == "3" else ()
    return ("random", "scripted", *TEACHERS, "student", *controls, *weighted)


def _picking_arms(setting: str, regime: str) -> tuple[str, ...]:
    return tuple(arm for arm in _fraction_arms(setting, regime) if arm != UNRULED_STUDENT)


def _memory_arms(setting: str, regime: str) -> tuple[str, ...]:
    asked = (("in-distribution", "100 %"), ("domain-shift", "20 %"))
    return ("teacher_memory", "student_memory") if (regime, setting) in asked else ()


def _precision_arms(setting: str, regime: str) -> tuple[str, ...]:
    return ("teacher", "teacher_augmented") if setting == "5 %" else ("teacher_augmented",)


DESIGNS: dict[str, Design] = {
    "label-fraction": Design(
        "Scaling the number of labelled examples",
        "share of the labels",
        {name: Point(share) for name, share in FRACTIONS.items()},
        _fraction_arms,
        regimes=("in-distribution", "domain-shift"),
        extra_draws={"1 %": 5},
        paper={
            "teacher": {
                "1 %": 0.5556,
                "2 %": 0.6204,
                "5 %": 0.6333,
                "10 %": 0.6747,
                "20 %": 0.7020,
                "50 %": 0.7109,
                "100 %": 0.7240,
            },
            "student": {
                "1 %": 0.5813,
                "2 %": 0.6825,
                "5 %": 0.7445,
                "10 %": 0.7562,
                "20 %": 0.8545,
                "50 %": 0.8326,
                "100 %": 0.8516,
            },
        },
        paper_source="table III and figure 3, proxy",
    ),
    "angles": Design(
        "Angles when obtaining labels from the teacher",
        "angles in pseudo-labelling",
        {str(n): Point(student={"pseudo": {"angles": n}}, angles=64) for n in (1, 2, 4, 8, 16, 32, 64)},
        _angle_arms,
        paper={
            "student": {"1": 0.5833, "2": 0.6820, "4": 0.7353, "8": 0.8109, "16": 0.8516, "32": 0.8858, "64": 0.8865}
        },
        paper_source="table IV and figure 5, proxy",
    ),
    "labels-per-scene": Design(
        "Several labels a scene",
        "labels a scene",
        {str(n): Point(student={"pseudo": {"angles": 64, "labels_per_scene": n}}) for n in (1, 2, 3, 4)},
        _per_scene_arms,
        paper={"student": {"1": 0.8516, "2": 0.8339, "3": 0.7288, "4": 0.6792}},
        paper_source="table V and figure 6, proxy",
    ),
    "entropy": Design(
        "Low entropy predictions of the student",
        "share of the labels",
        {name: Point(FRACTIONS[name]) for name in _WHOLE},
        lambda setting, regime: (*TEACHERS, "student", "student_augmented", "student_matched", DEFAULT_STUDENT),
        measures=("entropy", "one_shot"),
        beside=Beside("label-fraction", measures=("proxy",)),
        paper_source="section IV-C and figure 4, in words only",
    ),
    "picking": Design(
        "Grasping in the simulation",
        "share of the labels",
        {name: Point(FRACTIONS[name]) for name in _WHOLE},
        _picking_arms,
        measures=("picking", "one_shot"),
        regimes=("in-distribution", "domain-shift"),
        beside=Beside("label-fraction", measures=("proxy",)),
        paper={"teacher": {"20 %": 0.6005}, "student": {"20 %": 0.6769}},
        paper_source="table I, all picks, trained on real scenes",
    ),
    "memory": Design(
        "Models that remember what has failed in the episode",
        "share of the labels",
        {name: Point(FRACTIONS[name]) for name in ("20 %", "100 %")},
        _memory_arms,
        measures=("picking",),
        regimes=("in-distribution", "domain-shift"),
        named_only=("100 %",),
        beside=Beside("picking", ("antipodal", *CONTROLS, DEFAULT_STUDENT)),
    ),
    "methods": Design(
        "Students by method, from the augmented teacher at 5 % of the labels",
        "method",
        {name: Point(0.05, method=name) for name in ABLATION},
        lambda setting, regime: ("teacher_augmented", "student_method"),
        measures=("one_shot",),
        regimes=("domain-shift",),
        named_only=NAMED_ONLY,
        beside=Beside("label-fraction", CONTROLS, setting="5 %"),
    ),
    "affordance": Design(
        "The affordance network",
        "scene family",
        {"all": Point(1.0)},
        lambda setting, regime: ("affordance",),
        measures=(),
        regimes=("in-distribution", "domain-shift"),
    ),
    "relabelling": Design(
        "Relabelling the person's grasps",
        "share of the labels",
        {name: Point(FRACTIONS[name]) for name in _WHOLE},
        lambda setting, regime: ("scripted", "nearby", "teacher_augmented"),
        measures=(),
        most_scenes=80,
    ),
    "precision": Design(
        "Precision of pseudo-labels",
        "share of the labels",
        {name: Point(FRACTIONS[name]) for name in ("5 %", "100 %")},
        _precision_arms,
        measures=(),
        regimes=("in-distribution", "domain-shift"),
        most_scenes=60,
    ),
}
"""Name -> experiment, in the order of the results page."""
