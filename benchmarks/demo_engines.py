"""The demo's models in both physics engines: rates, intervals, and whether they stand in the same order.

Usage: grasping-student demo --out runs/demo; grasping-student demo --engine pybullet --out runs/demo-pybullet;
python benchmarks/demo_engines.py runs/demo/report.json runs/demo-pybullet/report.json
Writes benchmarks/results/demo_engines.json; docs/simulator.md quotes it.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path
from typing import Any

from grasping_student.pipeline.files import read_json, write_json
from grasping_student.study.demo.report import CONDITION_NAMES

OUT = Path(__file__).parent / "results" / "demo_engines.json"
TESTS = ("one_shot", "episodes")

Rates = dict[str, dict[str, Any]]


def rates_of(report: dict[str, Any], test: str) -> Rates:
    """Model -> successes, attempts, rate and interval, of the models that took a test."""
    names = ("successes", "attempts", "success_rate", "bootstrap_95")
    taken = {model: report[model][test] for model in CONDITION_NAMES if model in report and report[model][test]}
    return {model: {name: values[name] for name in names} for model, values in taken.items()}


def compare(first: Rates, second: Rates) -> dict[str, int]:
    """Pairs of models, in how many the rates stand in the same order in both engines, how many pairs both tell apart by
    intervals, and how many of those in other orders.
    """
    found = {"pairs": 0, "same_order": 0, "told_apart": 0, "other_order": 0}
    for one, other in combinations([model for model in first if model in second], 2):
        signs = [_sign(rates[one]["bootstrap_95"], rates[other]["bootstrap_95"]) for rates in (first, second)]
        gains = [rates[other]["success_rate"] - rates[one]["success_rate"] for rates in (first, second)]
        found["pairs"] += 1
        found["same_order"] += gains[0] * gains[1] > 0
        found["told_apart"] += all(signs)
        found["other_order"] += signs[0] * signs[1] < 0
    return found


def _sign(one: list[float], other: list[float]) -> int:
    """Which of two intervals lies higher: 1 the second, -1 the first, 0 neither."""
    return int(other[0] > one[1]) - int(one[0] > other[1])


def main() -> None:
    """Compare two reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", type=Path, nargs=2, help="of demos in two engines, MuJoCo's first")
    reports = [read_json(path) for path in parser.parse_args().reports]
    engines = {str(report["engine"]): {test: rates_of(report, test) for test in TESTS} for report in reports}
    first, second = engines.values()
    facts = {
        "runs": [{name: report[name] for name in ("engine", "seed", "commit", "machine")} for report in reports],
        "models": {model: CONDITION_NAMES[model] for model in first["one_shot"]},
        "engines": engines,
        "order": {test: compare(first[test], second[test]) for test in TESTS},
    }
    write_json(OUT, facts)
    print(facts["order"])


if __name__ == "__main__":
    main()
