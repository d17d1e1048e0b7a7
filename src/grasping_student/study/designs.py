"""Designs of all experiments: levels, conditions, measures, and the paper's numbers."""

from __future__ import annotations

from grasping_student.study.bin_designs import BIN_DESIGNS, BIN_DOMAINS
from grasping_student.study.conditions import CONDITIONS, CONTROLS, DEFAULT_STUDENT, TEACHERS, UNCONSTRAINED_STUDENT
from grasping_student.study.design import Design, Domain, Level, ReferenceRuns
from grasping_student.study.methods import ABLATION, NAMED_ONLY

PAPER_DOMAINS: dict[str, Domain] = {
    "in-distribution": Domain("standard", "standard"),
    "domain-shift": Domain("sparse", "dense"),
}


def domain_title(domain: str) -> str:
    """Name of a domain in tables and figures."""
    return domain.replace("-", " ").capitalize()


FRACTIONS = {"1 %": 0.01, "2 %": 0.02, "5 %": 0.05, "10 %": 0.1, "20 %": 0.2, "50 %": 0.5, "100 %": 1.0}
_WHOLE = ("5 %", "20 %", "100 %")
"""Shares of the labels at which all controls are measured, in both domains."""

_BOUNDS = ("random", "antipodal", "scripted")
_EVERYWHERE = (*_BOUNDS, "teacher", "teacher_augmented", "student", "student_augmented")
_CONSTRAINED = {"antipodal": "teacher_antipodal", "clearance": "teacher_clearance"}
"""Teacher under the constraint behind a student's pseudo-labels when it grasps: the effect of the constraint alone."""


def _with_default(*conditions: str) -> tuple[str, ...]:
    """The conditions, the default student, a teacher under its constraint, and itself without."""
    constrained = _CONSTRAINED[CONDITIONS[DEFAULT_STUDENT].method]
    return tuple(dict.fromkeys((*conditions, constrained, UNCONSTRAINED_STUDENT, DEFAULT_STUDENT)))


def _fraction_conditions(level: str, domain: str) -> tuple[str, ...]:
    if level in _WHOLE:
        return _with_default(*_EVERYWHERE, "teacher_matched", "student_matched")
    return _with_default(*_EVERYWHERE) if domain == "in-distribution" else ()


def _angle_conditions(level: str, domain: str) -> tuple[str, ...]:
    controls = ("student_augmented", "student_matched") if level in ("1", "64") else ()
    return ("random", "scripted", *TEACHERS, "student", *controls)


def _per_scene_conditions(level: str, domain: str) -> tuple[str, ...]:
    controls = ("student_augmented", "student_matched") if level in ("1", "4") else ()
    weighted = ("student_rank", "student_score") if level == "3" else ()
    return ("random", "scripted", *TEACHERS, "student", *controls, *weighted)


def _picking_conditions(level: str, domain: str) -> tuple[str, ...]:
    return tuple(each for each in _fraction_conditions(level, domain) if each != UNCONSTRAINED_STUDENT)


def _failure_avoidance_conditions(level: str, domain: str) -> tuple[str, ...]:
    asked = (("in-distribution", "100 %"), ("domain-shift", "20 %"))
    return ("teacher_failure_avoiding", "student_failure_avoiding") if (domain, level) in asked else ()


def _precision_conditions(level: str, domain: str) -> tuple[str, ...]:
    return ("teacher", "teacher_augmented") if level == "5 %" else ("teacher_augmented",)


PAPER_DESIGNS: dict[str, Design] = {
    "label-fraction": Design(
        "Scaling the number of labelled examples",
        "share of the labels",
        {name: Level(share) for name, share in FRACTIONS.items()},
        _fraction_conditions,
        domains=("in-distribution", "domain-shift"),
        extra_replicates={"1 %": 5},
        paper={
            "teacher": dict(zip(FRACTIONS, (0.5556, 0.6204, 0.6333, 0.6747, 0.7020, 0.7109, 0.7240), strict=True)),
            "student": dict(zip(FRACTIONS, (0.5813, 0.6825, 0.7445, 0.7562, 0.8545, 0.8326, 0.8516), strict=True)),
        },
        paper_source="table III and figure 3, proxy",
    ),
    "angles": Design(
        "Angles when obtaining labels from the teacher",
        "angles in pseudo-labelling",
        {str(n): Level(student={"pseudo": {"angles": n}}, angles=64) for n in (1, 2, 4, 8, 16, 32, 64)},
        _angle_conditions,
        paper={
            "student": {"1": 0.5833, "2": 0.6820, "4": 0.7353, "8": 0.8109, "16": 0.8516, "32": 0.8858, "64": 0.8865}
        },
        paper_source="table IV and figure 5, proxy",
    ),
    "labels-per-scene": Design(
        "Several labels a scene",
        "labels a scene",
        {str(n): Level(student={"pseudo": {"angles": 64, "labels_per_scene": n}}) for n in (1, 2, 3, 4)},
        _per_scene_conditions,
        paper={"student": {"1": 0.8516, "2": 0.8339, "3": 0.7288, "4": 0.6792}},
        paper_source="table V and figure 6, proxy",
    ),
    "entropy": Design(
        "Low entropy predictions of the student",
        "share of the labels",
        {name: Level(FRACTIONS[name]) for name in _WHOLE},
        lambda level, domain: (*TEACHERS, "student", "student_augmented", "student_matched", DEFAULT_STUDENT),
        measures=("entropy", "one_shot"),
        reference=ReferenceRuns("label-fraction", measures=("proxy",)),
        paper_source="section IV-C and figure 4, in words only",
    ),
    "picking": Design(
        "Grasping in the simulation",
        "share of the labels",
        {name: Level(FRACTIONS[name]) for name in _WHOLE},
        _picking_conditions,
        measures=("picking", "one_shot"),
        domains=("in-distribution", "domain-shift"),
        reference=ReferenceRuns("label-fraction", measures=("proxy",)),
        paper={"teacher": {"20 %": 0.6005}, "student": {"20 %": 0.6769}},
        paper_source="table I, all picks, trained on real scenes",
    ),
    "failure-avoidance": Design(
        "Failure avoidance within an episode",
        "share of the labels",
        {name: Level(FRACTIONS[name]) for name in ("20 %", "100 %")},
        _failure_avoidance_conditions,
        measures=("picking",),
        domains=("in-distribution", "domain-shift"),
        named_only=("100 %",),
        reference=ReferenceRuns("picking", ("antipodal", *CONTROLS, DEFAULT_STUDENT)),
    ),
    "methods": Design(
        "Students by method, from the augmented teacher at 5 % of the labels",
        "method",
        {name: Level(0.05, method=name) for name in ABLATION},
        lambda level, domain: ("teacher_augmented", "student_method"),
        measures=("one_shot",),
        domains=("domain-shift",),
        named_only=NAMED_ONLY,
        reference=ReferenceRuns("label-fraction", CONTROLS, level="5 %"),
    ),
    "affordance": Design(
        "The affordance network",
        "scene family",
        {"all": Level(1.0)},
        lambda level, domain: ("affordance",),
        measures=(),
        domains=("in-distribution", "domain-shift"),
    ),
    "relabelling": Design(
        "Relabelling the person's grasps",
        "share of the labels",
        {name: Level(FRACTIONS[name]) for name in _WHOLE},
        lambda level, domain: ("scripted", "nearby", "teacher_augmented"),
        measures=(),
        max_scenes=80,
    ),
    "precision": Design(
        "Precision of pseudo-labels",
        "share of the labels",
        {name: Level(FRACTIONS[name]) for name in ("5 %", "100 %")},
        _precision_conditions,
        measures=(),
        domains=("in-distribution", "domain-shift"),
        max_scenes=60,
    ),
}
"""Name -> experiment of the paper's world, in the order of the results page."""

DOMAINS = PAPER_DOMAINS | BIN_DOMAINS
DESIGNS = PAPER_DESIGNS | BIN_DESIGNS
"""Name -> experiment."""
