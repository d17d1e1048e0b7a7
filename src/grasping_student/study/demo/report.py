"""The demo's ``report.json`` and ``report.html`` from the folders that its stages wrote."""

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
from grasping_student.geometry.grasp_constraints import ConstraintName
from grasping_student.pipeline.files import write_json
from grasping_student.pipeline.manifest import code_commit, machine_name
from grasping_student.study.demo.sentences import ARM_NAMES

SCHEMA_VERSION = 1
REPORT_JSON, REPORT_HTML = "report.json", "report.html"

_SUB_RATES = ("excluding_repeats", "without_stop_failures")

DIFFERENCES = {
    "difference": "teacher",
    "difference_to_augmented": "teacher_augmented",
    "difference_to_ruled": "teacher_ruled",
}
"""Name in the report -> arm that the student is compared with."""


@dataclass(frozen=True)
class DemoRun:
    """Where the stages of a demo wrote, and what they were asked."""

    out: Path
    """Folder of the report."""

    seed: int

    one_shot: Path
    """Output of ``evaluate one-shot``; its models bear the names of the arms."""

    picking: Path
    """Output of ``evaluate picking``, same names."""

    checkpoints: Mapping[str, Path]
    """Checkpoint folder of each trained arm (teacher, teacher_augmented, student)."""

    dataset: Path
    """Dataset that holds the labelled attempts."""

    labels: int
    """Labelled grasps that the teacher learnt from."""

    scenes: int
    """Unlabelled scenes that the student learnt from."""

    rule: ConstraintName = "none"
    """What pseudo-labels had to obey."""

    timing_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds of each stage."""

    world: EnvironmentSpec = field(default_factory=SimulationSpec)
    """What was picked in: the report shows some of its scenes again."""


def build_report(run: DemoRun) -> dict[str, Any]:
    """Write ``report.json`` and ``report.html`` into the run's folder; returns the former.

    Raises:
        UserError: a stage has not finished, or its folder is damaged.
    """
    from grasping_student.study.demo.page import write_demo_page

    report = report_values(run)
    run.out.mkdir(parents=True, exist_ok=True)
    report["entropy_bits"] = write_demo_page(run, report, run.out / REPORT_HTML)
    write_json(run.out / REPORT_JSON, report)
    return report


def report_values(run: DemoRun) -> dict[str, Any]:
    """Everything of ``report.json`` that follows from the evaluations' files; schema in docs/evaluation.md."""
    one_shot, picking = read_metrics(run.one_shot), read_metrics(run.picking)
    shots, picks = read_events(run.one_shot / ATTEMPTS), read_events(run.picking / ATTEMPTS)
    arms = [arm for arm in ARM_NAMES if arm in one_shot["models"] or arm in picking["models"]]
    counts = {arm: _counts(arm, shots, picks, one_shot, picking) for arm in arms}
    report: dict[str, Any] = {"schema_version": SCHEMA_VERSION}
    for arm in arms:
        report[arm] = {**rate(_joined(counts[arm], counts[arm]), run.seed), "one_shot": one_shot["models"].get(arm)}
        report[arm]["episodes"] = picking["models"].get(arm)
        attempts = attempts_of(shots, arm) + attempts_of(picks, arm)
        report[arm]["failures"] = failures_by_outcome(attempts)
    for name, first in DIFFERENCES.items():
        if first in arms and "student" in arms:
            report[name] = {
                "first": first,
                "second": "student",
                **(_difference(counts[first], counts["student"], run.seed) or {}),
                "one_shot": _pair(one_shot, first, "one_shot"),
                "episodes": {rate_: _pair(picking, first, rate_) for rate_ in ("all_picks", *_SUB_RATES)},
            }
    report |= {
        "labels": run.labels,
        "scenes": run.scenes,
        "rule": run.rule,
        "timing_s": dict(run.timing_s),
        "seed": run.seed,
        "commit": code_commit(),
        "package_version": grasping_student.__version__,
        "machine": machine_name(),
        "family": read_asked(run.picking)["environment"].get("family"),
    }
    return report


def _counts(
    arm: str, shots: list[Event], picks: list[Event], one_shot: Mapping[str, Any], picking: Mapping[str, Any]
) -> dict[str, Counts]:
    """Counts of an arm by test that it took: one-shot scenes, episodes."""
    found = {}
    if arm in one_shot["models"]:
        scenes = one_shot["models"][arm]["scenes"]
        fair = one_shot_attempts(shots, list(one_shot["models"]))
        found["one_shot"] = counts_by_unit([each for each in fair[arm] if each.episode < scenes], scenes)
    if arm in picking["models"]:
        episodes = picking["models"][arm]["episodes"]
        own = [each for each in attempts_of(picks, arm) if each.episode < episodes]
        found["episodes"] = counts_by_unit(own, episodes)
    return found


def _joined(counts: Mapping[str, Counts], other: Mapping[str, Counts]) -> Counts:
    """Counts over the tests that both arms took, one after the other."""
    return functools.reduce(Counts.joined, [each for test, each in counts.items() if test in other])


def _difference(first: Mapping[str, Counts], second: Mapping[str, Counts], seed: int) -> dict[str, Any] | None:
    """Second arm less first over the tests that both took; None if there are none."""
    if not first.keys() & second.keys():
        return None
    return difference(_joined(first, second), _joined(second, first), seed)


def _pair(metrics: Mapping[str, Any], first: str, name: str) -> dict[str, Any] | None:
    """The student's difference to an arm under one rate, or None if they were not paired."""
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
