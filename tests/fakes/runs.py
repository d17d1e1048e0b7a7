"""Runs of experiments with random outcomes at known rates, as the experiments write them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from grasping_student.evaluation.network_metrics import affordance_metrics
from grasping_student.pipeline.configuration import to_plain
from grasping_student.pipeline.files import write_json
from grasping_student.study.conditions import CONDITIONS, DEFAULT_STUDENT
from grasping_student.study.configuration import Sizes
from grasping_student.study.design import Level
from grasping_student.study.designs import DESIGNS, PAPER_DESIGNS
from grasping_student.study.measures import _flat
from grasping_student.study.precision import KINDS
from grasping_student.study.results_sizes import SIZES
from grasping_student.study.run_store import SCHEMA, add_runs

RATES = {
    "random": 0.2,
    "scripted": 0.9,
    "teacher": 0.4,
    "teacher_augmented": 0.5,
    "student": 0.5,
    "student_augmented": 0.6,
    DEFAULT_STUDENT: 0.8,
}
EVERYTHING = tuple(PAPER_DESIGNS)
Keep = Callable[[str, str, str, str, int], bool]


def write_runs(
    out: Path,
    names: tuple[str, ...] = EVERYTHING,
    keep: Keep = lambda *_: True,
    replicates: int = 3,
    scenes: int = 60,
    rates: dict[str, float] = RATES,
) -> Path:
    """Write them; ``keep(experiment, domain, level, condition, replicate)`` thins the grid. Returns ``out``."""
    random = np.random.default_rng(0)
    write_json(out / SIZES, {"sizes": to_plain(Sizes()), "seed": 0})
    for name in names:
        runs = []
        design = DESIGNS[name]
        for domain in design.domains:
            for level in design.levels:
                for condition in design.conditions(level, domain):
                    for replicate in range(1 if name == "affordance" else replicates):
                        key = (domain, level, condition, replicate)
                        if keep(name, *key):
                            rate = rates.get(condition, 0.6)
                            runs.append(a_run(name, key, measures_of(name, condition, scenes, rate, random)))
        if runs:
            add_runs(out / name, runs, [])
    return out


def a_run(name, key, measures, **columns):
    """A run's rows; ``measures`` are pairs of a measure's name and its rows."""
    domain, level, condition, replicate = key
    rows = pd.concat([own.assign(measure=measure) for measure, own in measures], ignore_index=True)
    about = {
        "experiment": name,
        "domain": domain,
        "level": level,
        "condition": condition,
        "replicate": replicate,
        "labels": round(2000 * (DESIGNS[name].levels.get(level, Level()).share or Sizes().ablated_share)),
        "model": f"{condition}-{domain}-{level}-{replicate}",
        "model_version": "v",
        "versions": json.dumps({"teacher": 1}),
        "commit": "c0ffee",
        "machine": "a machine",
        "package_version": "0",
    }
    return rows.assign(**{**about, **columns}).reindex(columns=SCHEMA.names)


def outcome_rows(text, part="", **columns):
    """A row for each scene from a text of 1 (success), 0 (failure) and - (no attempt)."""
    hits = np.array(list(text))
    rows = {"part": part, "index": range(len(hits)), "successes": (hits == "1") * 1, "attempts": (hits != "-") * 1}
    return pd.DataFrame({**rows, **columns})


def number_rows(part, values):
    return pd.DataFrame({"part": part, "index": range(len(values)), "value": values})


def measures_of(name, condition, scenes, rate, random):
    """Measures of one run of an experiment, random at a rate."""

    def outcomes(count):
        return "".join("1" if hit else "0" for hit in random.random(count) < rate)

    if name == "affordance":
        p = random.random(200)
        metrics = affordance_metrics(p, random.random(200) < p)
        return [("affordance", pd.DataFrame(_flat({**metrics, "by_source": {"script": metrics}})))]
    if name == "precision":
        return [("precision", precision_rows(random, scenes, rate))]
    found, design = [], DESIGNS[name]
    if "one_shot" in design.measures or name == "relabelling":
        moved = {"moved_mm": 5.0, "turned_degrees": 10.0} if name == "relabelling" else {}
        found.append(("one_shot", outcome_rows(outcomes(scenes), **moved)))
    learns = condition not in CONDITIONS or CONDITIONS[condition].kind != "policy"
    if "proxy" in design.measures and learns:
        found += [("proxy", outcome_rows(outcomes(40))), ("proxy", number_rows("round", [0.9 * rate, rate]))]
    if "entropy" in design.measures:
        found.append(("entropy", number_rows("", [6.0 - rate, 6.0])))
    if "picking" in design.measures:
        attempts = random.integers(3, 12, Sizes().episodes)
        counts = {"index": range(len(attempts)), "successes": random.binomial(attempts, rate), "attempts": attempts}
        found += [("picking", pd.DataFrame({"part": part, **counts})) for part in ("all_picks", "excluding_repeats")]
        ends = {"end:empty": len(attempts) - 1.0, "end:failures_in_a_row": 1.0}
        found += [("picking", number_rows(part, [count])) for part, count in ends.items()]
    return found


def precision_rows(random, scenes, rate, slope=0.0):
    """Rows of ``precision``; with a slope, success rises with the rank of the confidence."""
    found = []
    for kind in KINDS:
        count = scenes * (4 if kind == "angle" else 1)
        confidence = np.sort(random.normal(-2.0, 1.0, count))
        hits = random.random(count) < rate + np.linspace(-slope, slope, count)
        order = random.permutation(count)
        clear = random.random(count) < 0.8
        columns = {
            "confidence": confidence[order],
            "angle": random.integers(0, 64, count),
            "clearance_mm": random.normal(5, 10, count),
            "clear": clear,
            "antipodal": clear & (random.random(count) < 0.7),
        }
        found.append(outcome_rows("".join("01"[int(hit)] for hit in hits[order]), kind, **columns))
    return pd.concat(found)
