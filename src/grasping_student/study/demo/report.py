"""The numbers of the demo's report, from the folders that its stages wrote."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grasping_student
from grasping_student.episodes.configuration import EnvironmentSpec, SimulationSpec
from grasping_student.episodes.event_log import Event, read_events
from grasping_student.evaluation.picking_stage import ATTEMPTS, read_asked, read_metrics
from grasping_student.evaluation.rates import (
    attempts_of,
    counts_by_unit,
    difference,
    failures_by_outcome,
    one_shot_attempts,
    rate,
)
from grasping_student.evaluation.statistics import Counts
from grasping_student.pipeline.manifest import code_commit, machine_name

SCHEMA_VERSION = 1
REPORT_JSON, REPORT_HTML = "report.json", "report.html"

CONDITION_NAMES = {
    "antipodal": "random antipodal grasp",
    "person": "a person's stand-in",
    "person_exact": "a person's stand-in, exact",
    "teacher_alone": "teacher of the labels alone",
    "student_alone": "student of that teacher and the photos",
    "general": "general model",
    "teacher": "teacher: general model, labels",
    "student": "student: general model, labels, photos",
}
"""Condition -> its name in tables."""

SHORT_NAMES = {"teacher": "teacher", "student": "student", "student_alone": "student without the general model"}
"""Condition -> its name in sentences where it is another."""

CHECKPOINTS = ("teacher_alone", "student_alone", "general", "teacher", "student")
"""Conditions that are networks."""

_SUB_RATES = ("excluding_repeats", "without_stop_failures")

DIFFERENCES = {
    "difference": "teacher",
    "difference_to_general": "general",
    "difference_to_antipodal": "antipodal",
    "difference_to_student_alone": "student_alone",
}
"""Name in the report -> condition that the student is compared with, in the order of the page."""


@dataclass(frozen=True)
class DemoRun:
    """Where the stages of a demo wrote, and what they were asked."""

    out: Path
    """Folder of the report."""

    seed: int

    one_shot: Path
    """Output of ``evaluate one-shot``; its models bear the names of the conditions."""

    picking: Path
    """Output of ``evaluate picking``, same names."""

    checkpoints: Mapping[str, Path]
    """Checkpoint folder of each condition that is a network, ``CHECKPOINTS``."""

    dataset: Path
    """Dataset that holds the labelled attempts."""

    labels: int
    """Labelled grasps that both teachers learnt from."""

    scenes: int
    """Photos, unlabelled scenes, that both students learnt from."""

    timing_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds of each stage."""

    environment: EnvironmentSpec = field(default_factory=SimulationSpec)
    """Where they picked: the report shows some of its scenes again."""


def report_values(run: DemoRun) -> dict[str, Any]:
    """Everything of ``report.json`` that follows from the evaluations' files; schema in docs/evaluation.md."""
    one_shot, picking = read_metrics(run.one_shot), read_metrics(run.picking)
    one_shot_events, picking_events = read_events(run.one_shot / ATTEMPTS), read_events(run.picking / ATTEMPTS)
    conditions = [
        condition for condition in CONDITION_NAMES if condition in one_shot["models"] or condition in picking["models"]
    ]
    counts = {
        condition: _counts(condition, one_shot_events, picking_events, one_shot, picking) for condition in conditions
    }
    report: dict[str, Any] = {"schema_version": SCHEMA_VERSION}
    for condition in conditions:
        report[condition] = {
            **rate(_joined(counts[condition], counts[condition]), run.seed),
            "one_shot": one_shot["models"].get(condition),
        }
        report[condition]["episodes"] = picking["models"].get(condition)
        attempts = attempts_of(one_shot_events, condition) + attempts_of(picking_events, condition)
        report[condition]["failures"] = failures_by_outcome(attempts)
    for name, first in DIFFERENCES.items():
        if first in conditions and "student" in conditions:
            pair = {"first": first, "second": "student"}
            pair |= _difference(counts[first], counts["student"], run.seed) or {}
            episodes = {rate_: _pair(picking, first, rate_) for rate_ in ("all_picks", *_SUB_RATES)}
            report[name] = {**pair, "one_shot": _pair(one_shot, first, "one_shot"), "episodes": episodes}
    picked_in = read_asked(run.picking)["environment"]
    report |= {
        "labels": run.labels,
        "scenes": run.scenes,
        "timing_s": dict(run.timing_s),
        "seed": run.seed,
        "commit": code_commit(),
        "package_version": grasping_student.__version__,
        "machine": machine_name(),
        "family": picked_in.get("family"),
        "engine": picked_in.get("engine"),
    }
    return report


def _counts(
    condition: str,
    one_shot_events: list[Event],
    picking_events: list[Event],
    one_shot: Mapping[str, Any],
    picking: Mapping[str, Any],
) -> dict[str, Counts]:
    """Counts of a condition by test that it took: one-shot scenes, episodes."""
    found = {}
    if condition in one_shot["models"]:
        scenes = one_shot["models"][condition]["scenes"]
        fair = one_shot_attempts(one_shot_events, list(one_shot["models"]))
        found["one_shot"] = counts_by_unit([each for each in fair[condition] if each.episode < scenes], scenes)
    if condition in picking["models"]:
        episodes = picking["models"][condition]["episodes"]
        own = [each for each in attempts_of(picking_events, condition) if each.episode < episodes]
        found["episodes"] = counts_by_unit(own, episodes)
    return found


def _joined(counts: Mapping[str, Counts], other: Mapping[str, Counts]) -> Counts:
    """Counts over the tests that both took, one after the other."""
    return functools.reduce(Counts.joined, [each for test, each in counts.items() if test in other])


def _difference(first: Mapping[str, Counts], second: Mapping[str, Counts], seed: int) -> dict[str, Any] | None:
    """Second condition less first over the tests that both took; None if there are none."""
    if not first.keys() & second.keys():
        return None
    return difference(_joined(first, second), _joined(second, first), seed)


def _pair(metrics: Mapping[str, Any], first: str, name: str) -> dict[str, Any] | None:
    """The student's difference to a condition under one rate, or None if they were not paired."""
    for row in metrics["differences"]:
        if (row["first"], row["second"]) == (first, "student"):
            found: dict[str, Any] | None = row.get(name)
            return found
        if (row["first"], row["second"]) == ("student", first) and row.get(name):
            turned = {
                name_: [-high, -low] for name_ in ("wilson_95", "bootstrap_95") for low, high in [row[name][name_]]
            }
            return {
                **row[name],
                "successes": -row[name]["successes"],
                "success_rate": -row[name]["success_rate"],
                **turned,
            }
    return None
