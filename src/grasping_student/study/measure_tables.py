"""Tables of the results page of measures that one experiment takes: entropy, affordance, precision, corrections."""

from __future__ import annotations

import numpy as np

from grasping_student.evaluation.statistics import Interval, wilson_interval
from grasping_student.evaluation.table import interval
from grasping_student.study import precision_tables
from grasping_student.study.comparisons import comparison, marked
from grasping_student.study.conditions import condition_title
from grasping_student.study.designs import DOMAINS
from grasping_student.study.page_tables import Table, estimate_text
from grasping_student.study.rates import MIN_REPLICATES, Evidence


def entropy_table(evidence: Evidence, domain: str) -> Table:
    """Mean entropy of every condition's maps, a column for each level."""
    levels = evidence.levels(domain)
    names = dict.fromkeys(each for level in levels for each in evidence.trials[domain, level])
    rows = []
    for name in names:
        cells = [
            estimate_text(evidence.rate(domain, level, name, "entropy"), "entropy", MIN_REPLICATES) for level in levels
        ]
        rows.append((condition_title(name), *cells))
    return Table(("entropy, bits", *(evidence.labels(domain, level) for level in levels)), rows)


AFFORDANCE_MEASURES = {
    "balanced_accuracy": "balanced accuracy",
    "precision": "precision",
    "recall": "recall",
    "specificity": "specificity",
}
_SOURCES = {"": "", "policy": ", a robot's", "script": ", a person's"}


def affordance_table(evidence: Evidence) -> Table:
    """The affordance network's measures over all held-out attempts, and by who made them."""
    rows = []
    for domain in evidence.domains:
        own = evidence.rows(domain, "all", "affordance", "affordance")
        values = {str(part): float(value) for part, value in own[["part", "value"]].itertuples(index=False)}
        for source, suffix in _SOURCES.items():
            start = f"{source}." if source else ""
            if f"{start}attempts" not in values:
                continue
            named = (*AFFORDANCE_MEASURES, "attempts", "successes", "expected_calibration_error")
            found = {name: values[f"{start}{name}"] for name in named}
            bounds = affordance_intervals(found)
            cells = [
                f"{100 * found[name]:.1f} {interval(bounds[name])}" if np.isfinite(found[name]) else "none"
                for name in AFFORDANCE_MEASURES
            ]
            attempts, failures = found["attempts"], found["attempts"] - found["successes"]
            where = f"{domain.replace('-', ' ')} (`{DOMAINS[domain].target}`){suffix}"
            ece = f"{found['expected_calibration_error']:.3f}"
            rows.append((where, "1†", f"{attempts:.0f}", f"{failures:.0f}", *cells, ece, "" if source else "80 %"))
    titles = ("scenes", "n", "attempts", "failures", *AFFORDANCE_MEASURES.values(), "ECE", "paper, balanced accuracy")
    return Table(titles, rows)


def affordance_intervals(measures: dict[str, float]) -> dict[str, Interval]:
    """Interval of every measure: Wilson's, and for the mean of recall and specificity both of theirs put together."""
    successes, failures = int(measures["successes"]), int(measures["attempts"] - measures["successes"])
    right, refused = (
        round(np.nan_to_num(measures[name]) * count)
        for name, count in (("recall", successes), ("specificity", failures))
    )
    predicted = right + failures - refused
    found = {
        "precision": wilson_interval(right, predicted),
        "recall": wilson_interval(right, successes),
        "specificity": wilson_interval(refused, failures),
    }
    balanced = measures["balanced_accuracy"]
    if not np.isfinite(balanced):
        return {"balanced_accuracy": Interval(0.0, 1.0), **found}
    low, high = (
        np.hypot(measures["recall"] - found["recall"][end], measures["specificity"] - found["specificity"][end]) / 2
        for end in (0, 1)
    )
    return {"balanced_accuracy": Interval(float(balanced - low), float(balanced + high)), **found}


KIND_TITLES = {
    "best": "best of the scene (the paper's)",
    "clearance": "best with clearance",
    "antipodal": "best of the antipodal grasps",
    "angle": "best at a random angle",
}
_UNITS = {"angle": "°", "clearance": " mm"}


def precision_table(evidence: Evidence, domain: str, by: str = "") -> Table:
    """Success of executed pseudo-labels by kind of grasp, or in the groups of a grouping."""
    groups = precision_tables.GROUPINGS[by].names if by else tuple(KIND_TITLES)
    rows = []
    for each, level in evidence.trials:
        for condition in evidence.trials[each, level] if each == domain else ():
            runs = precision_tables.replicates_of(evidence, domain, level, condition)
            found = (
                [rate for _, rate in precision_tables.rates(runs, by)]
                if by
                else [precision_tables.rate(runs, kind) for kind in groups]
            )
            cells = [
                ""
                if rate is None
                else f"{estimate_text(rate, '', rate.replicates)} of {rate.attempts}"
                + ("" if rate.replicates == len(runs) else f" (n = {marked(rate.replicates)})")
                for rate in found
            ]
            rows.append((evidence.labels(domain, level), condition_title(condition), marked(len(runs)), *cells))
    names = [f"{name}{_UNITS.get(by, '')}" for name in groups] if by else list(KIND_TITLES.values())
    return Table(("share (labels)", "", "n", *names), rows)


def correction_table(evidence: Evidence, domain: str) -> Table:
    """How far a teacher's corrections lie from the person's grasps, and how they do when executed."""
    rows: list[tuple[str, ...]] = []
    for level in evidence.levels(domain):
        for condition in ("nearby", "teacher_augmented"):
            own = evidence.rows(domain, level, condition, "one_shot")
            found = comparison(evidence, domain, level, ("scripted", condition), "one_shot")
            if own.empty or found is None:
                continue
            moved, turned = (own[name].to_numpy() for name in ("moved_mm", "turned_degrees"))
            rows.append(
                (
                    evidence.labels(domain, level),
                    condition_title(condition),
                    marked(found.found.replicates),
                    found.found.text(signed=True),
                    found.verdict,
                    f"{np.median(moved):.0f} mm",
                    f"{np.median(turned):.0f}°",
                    f"{100 * float((moved > 10).mean()):.0f} %",
                    f"{100 * float((turned > 15).mean()):.0f} %",
                    str(len(own)),
                )
            )
    titles = ("share (labels)", "correction", "n", "less the person's grasp, one-shot", "verdict", "moved (median)")
    return Table((*titles, "turned (median)", "moved > 10 mm", "turned > 15°", "scenes"), rows)
