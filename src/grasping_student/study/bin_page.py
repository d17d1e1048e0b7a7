"""The page of the experiments in bins, from the tables on file through the template ``bin_results.md.j2``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from grasping_student.evaluation.statistics import Interval
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import write_text
from grasping_student.study.bin_designs import BIN_DESIGNS
from grasping_student.study.conditions import CONDITIONS, condition_title
from grasping_student.study.designs import domain_title
from grasping_student.study.figures import FIGURE
from grasping_student.study.rates import MIN_REPLICATES, Evidence
from grasping_student.study.rendering import draw_all, link, render
from grasping_student.study.results_sizes import engine_in, read_sizes

TEMPLATE = "bin_results.md.j2"
GEOMETRY, CEILING = "antipodal", "person-exact"
"""Conditions at which the share of the gap is 0 and 1."""


class Purchase(NamedTuple):
    """What something buys: the second condition less the first, which has all but that."""

    title: str
    first: str
    second: str


PURCHASES = (
    Purchase("labels, under the constraint of geometry", "antipodal", "teacher_antipodal"),
    Purchase("the constraint, with labels", "teacher_augmented", "teacher_antipodal"),
    Purchase("photos, by pseudo-labels", "teacher_antipodal", "student_antipodal"),
    Purchase("outcomes of the labels in place of positions", "teacher_antipodal", "outcomes"),
    Purchase("simulated attempts: the general model, without a label", "antipodal", "general"),
    Purchase("labels, on top of the general model", "general", "general_outcomes"),
    Purchase("photos, on top of both", "general_outcomes", "student_general"),
)
"""Rows of the table at the head of the page."""

LEARNED = ("teacher", "student", "outcomes", "general")
"""Kinds of conditions that have learnt something."""

RESAMPLES = 4000


def write_bin_page(results: Path, page: Path) -> Path:
    """Write the page and its figures; returns the page's path.

    Raises:
        UserError: there are no results, or a table is damaged.
    """
    everything = draw_all(results, BIN_DESIGNS)
    if not everything:
        raise UserError(f"{results} holds no results: 'grasping-student experiment bin-labels --preset bin' makes some")
    sizes = read_sizes(results)
    known = {each for evidence in everything.values() for each in set(evidence.runs["condition"])}
    context: dict[str, Any] = {
        "everything": everything,
        "conditions": {name: each for name, each in CONDITIONS.items() if name in known},
        "condition_title": condition_title,
        "domain_title": domain_title,
        "purchases": PURCHASES,
        "verdict": verdict,
        "measures": {"one_shot": "one-shot success", "taken": "items out, an episode"},
        "share": share_of_gap,
        "sizes": sizes["sizes"],
        "engine": engine_in(sizes),
        "picture": lambda name: link(results / name / FIGURE, page),
    }
    write_text(page, render(TEMPLATE, context))
    return page


def verdict(evidence: Evidence, domain: str, level: str) -> str:
    """Which condition that has learnt is best, one-shot, and whether geometry is told from it; empty without rates."""
    trials = evidence.trials[domain, level]
    rates = {each: evidence.rate(domain, level, each, "one_shot") for each in trials}
    learned = {each: rate for each, rate in rates.items() if rate is not None and CONDITIONS[each].kind in LEARNED}
    geometry, ceiling = rates.get(GEOMETRY), rates.get(CEILING)
    if not learned or geometry is None or ceiling is None:
        return ""
    best = max(learned, key=lambda each: learned[each].value)
    start = f"geometry alone succeeds with {geometry.text()} % of its first grasps, {ceiling.text()} % are possible. "
    end = f"the best is the {condition_title(best)} with {learned[best].text()} %."
    replicates = evidence.replicates(domain, level, best)
    if replicates < MIN_REPLICATES:
        return f"{start}{replicates} of {MIN_REPLICATES} replicates that a verdict needs are on file; so far {end}"
    leads = [evidence.difference(domain, (level, GEOMETRY), (level, each), "one_shot") for each in learned]
    ahead = sum(lead is not None and lead.better for lead in leads)
    enough = "Geometry is not enough" if ahead else "Nothing that has learnt is told from geometry and ahead"
    told = f"{ahead} of {len(learned)} conditions that have learnt are told from it and ahead"
    return f"{start}{enough}: {told}; {end}"


def share_of_gap(evidence: Evidence, domain: str, level: str, condition: str) -> tuple[float, Interval] | None:
    """How far a condition's one-shot rate lies between geometry (0) and what is possible (1), with a 95 % interval.

    Replicates are resampled, and the scenes inside each, of all three conditions together: they grasped in the same
    scenes. None where one of the three was not measured, or where nothing lies between them.
    """
    runs = [evidence.counts(domain, level, each, "one_shot") for each in (GEOMETRY, CEILING, condition)]
    common = sorted(set.intersection(*(set(each) for each in runs)))
    if not common:
        return None
    scenes = [min(len(each[replicate]) for each in runs) for replicate in common]
    tables = [
        np.stack([each[replicate].successes[:count] for each in runs]).astype(np.float64)
        for replicate, count in zip(common, scenes, strict=True)
    ]
    low, high, own = np.mean([table.mean(axis=1) for table in tables], axis=0)
    if high <= low:
        return None
    random = np.random.default_rng(0)
    rates = np.zeros((RESAMPLES, len(tables), 3))  # of the scenes drawn from each replicate that is drawn
    drawn = random.integers(len(tables), size=(RESAMPLES, len(tables)))
    for number, table in enumerate(tables):
        for place in range(len(tables)):
            rows = np.flatnonzero(drawn[:, place] == number)
            weights = random.multinomial(table.shape[1], np.full(table.shape[1], 1.0 / table.shape[1]), size=len(rows))
            rates[rows, place] = weights @ table.T / table.shape[1]
    lows, highs, owns = rates.mean(axis=1).T
    shares = ((owns - lows) / (highs - lows))[highs > lows]
    return float((own - low) / (high - low)), Interval(*np.quantile(shares, [0.025, 0.975]).tolist())
