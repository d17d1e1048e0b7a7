"""Comparison of the methods of teaching a student: against the plain one, the default and the augmented teacher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grasping_student.evaluation.statistics import Counts
from grasping_student.study.conditions import CONDITIONS, CONTROLS, DEFAULT_STUDENT, condition_title
from grasping_student.study.rates import Estimate, Evidence, difference, rate


@dataclass(frozen=True)
class MethodRow:
    """A method's student, or a control, against the plain student, the default and the augmented teacher."""

    title: str
    rate: Estimate
    control: bool
    against: Mapping[str, Estimate | None]
    """``plain``, ``default``, ``teacher`` -> one-shot difference; None against itself."""


def method_rows(evidence: Evidence, domain: str) -> list[MethodRow]:
    """Controls, then each method's student; a control whose model is a method's student stands there once."""
    design, levels = evidence.design, evidence.levels(domain)
    students = {level: evidence.counts(domain, level, "student_method", "one_shot") for level in levels}
    models = set(evidence.runs.loc[evidence.runs["condition"] == "student_method", "model"])
    controls = {}
    for name in CONTROLS:
        own = evidence.runs[(evidence.runs["condition"] == name) & (evidence.runs["domain"] == domain)]
        if not models & set(own["model"]):
            controls[condition_title(name)] = _at_all_levels(evidence, domain, name)
    plain, default = students.get("plain", {}), students.get(CONDITIONS[DEFAULT_STUDENT].method, {})
    others = {"plain": plain, "default": default, "teacher": _at_all_levels(evidence, domain, "teacher_augmented")}
    named = [*controls.items(), *((design.level_title(level), own) for level, own in students.items())]
    return [
        MethodRow(
            title,
            rate(list(own.values())),
            title in controls,
            {name: None if other is own else difference(other, own) for name, other in others.items()},
        )
        for title, own in named
        if own
    ]


def _at_all_levels(evidence: Evidence, domain: str, condition: str) -> dict[int, Counts]:
    """Counts of a condition by replicate, where all levels have the same ones."""
    levels = evidence.levels(domain)
    return {n: c for level in levels for n, c in evidence.counts(domain, level, condition, "one_shot").items()}


def method_counts(rows: Sequence[MethodRow]) -> dict[str, int]:
    """How many other methods are better than the default, worse, and not told from it."""
    found = [e for row in rows if not row.control and (e := row.against["default"]) is not None and e.enough]
    better, worse = sum(each.better for each in found), sum(each.worse for each in found)
    return {"of": len(found), "better": better, "worse": worse, "not_told": len(found) - better - worse}
