"""Runs of every experiment with outcomes drawn at known rates, as the experiments write them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from grasping_student.evaluation.network_metrics import affordance_metrics
from grasping_student.pipeline.configuration import to_plain
from grasping_student.pipeline.files import write_json
from grasping_student.study.conditions import ARMS, DEFAULT_STUDENT
from grasping_student.study.configuration import Sizes
from grasping_student.study.designs import DESIGNS, REGIMES
from grasping_student.study.records import run_path, write_run

RATES = {
    "random": 0.2,
    "scripted": 0.9,
    "teacher": 0.4,
    "teacher_augmented": 0.5,
    "student": 0.5,
    "student_augmented": 0.6,
    DEFAULT_STUDENT: 0.8,
}
EVERYTHING = tuple(DESIGNS)
Keep = Callable[[str, str, str, str, int], bool]


def write_runs(
    out: Path,
    names: tuple[str, ...] = EVERYTHING,
    keep: Keep = lambda *_: True,
    draws: int = 3,
    scenes: int = 60,
    rates: dict[str, float] = RATES,
) -> Path:
    """Write them; ``keep(name, regime, setting, arm, draw)`` thins the grid. Returns ``out``."""
    random = np.random.default_rng(0)
    for name in names:
        design = DESIGNS[name]
        write_json(out / name / "asked.json", {"sizes": to_plain(Sizes()), "seed": 0})
        for regime in design.regimes:
            for setting in design.settings:
                for arm in design.arms(setting, regime):
                    for draw in range(1 if name == "affordance" else draws):
                        if keep(name, regime, setting, arm, draw):
                            values = _values(name, regime, setting, arm, draw, scenes, rates.get(arm, 0.6), random)
                            write_run(run_path(out / name, regime, setting, arm, draw), values)
    return out


def _outcomes(random, count, rate):
    return "".join("1" if hit else "0" for hit in random.random(count) < rate)


def _values(name, regime, setting, arm, draw, scenes, rate, random):
    values = {
        "experiment": name,
        "regime": regime,
        "setting": setting,
        "arm": arm,
        "draw": draw,
        "labels": round(2000 * (DESIGNS[name].settings[setting].share or Sizes().ablated_share)),
        "label_families": to_plain(REGIMES[regime]),
        "code": {"teacher": "abc"},
        "asked": {"sizes": to_plain(Sizes()), "seed": 0, "scenes": scenes},
        "model": f"{arm}-{regime}-{setting}-{draw}",
        "commit": "c0ffee",
        "machine": "a machine",
    }
    if name == "affordance":
        p = random.random(200)
        metrics = affordance_metrics(p, random.random(200) < p)
        return {**values, "affordance": {**metrics, "by_source": {"script": metrics}, "model": "affordance"}}
    if name == "precision":
        return {**values, "precision": precision_values(random, scenes, rate)}
    values["one_shot"] = {"outcomes": _outcomes(random, scenes, rate)}
    if name == "relabelling":
        values["one_shot"] |= {"moved_mm": [5.0] * scenes, "turned_degrees": [10.0] * scenes}
    learns = arm not in ARMS or ARMS[arm].kind != "policy"
    if "proxy" in DESIGNS[name].measures and learns:
        values["proxy"] = {"outcomes": _outcomes(random, 40, rate), "rounds": [0.9 * rate, rate], "alpha": 0.8}
    if "entropy" in DESIGNS[name].measures:
        values["entropy"] = {"bits": [6.0 - rate, 6.0]}
    if "picking" in DESIGNS[name].measures:
        attempts = random.integers(3, 12, Sizes().episodes)
        each = {"successes": random.binomial(attempts, rate).tolist(), "attempts": attempts.tolist()}
        values["picking"] = {
            **dict.fromkeys(("all_picks", "excluding_repeats"), each),
            "episode_ends": {"empty": Sizes().episodes - 1, "failures_in_a_row": 1},
        }
    return values


def precision_values(random, scenes, rate, slope=0.0):
    """``precision`` of a run; with a slope, success rises with the rank of the confidence."""
    kinds = {}
    for kind, count in (("best", 1), ("room", 1), ("grip", 1), ("angle", 4)):
        confidence = np.sort(random.normal(-2.0, 1.0, scenes * count))
        lean = np.linspace(-slope, slope, len(confidence))
        hits = random.random(len(confidence)) < rate + lean
        order = random.permutation(len(confidence))
        room = random.random(len(confidence)) < 0.8
        kinds[kind] = {
            "outcomes": "".join("01"[int(hit)] for hit in hits[order]),
            "angle": " ".join(map(str, random.integers(0, 64, len(order)))),
            "score": " ".join(f"{each:.3f}" for each in confidence[order]),
            "confidence": " ".join(f"{each:.3f}" for each in confidence[order]),
            "clearance_mm": " ".join(f"{each:.1f}" for each in random.normal(5, 10, len(order))),
            "room": "".join("01"[int(each)] for each in room),
            "grip": "".join("01"[int(each)] for each in room & (random.random(len(order)) < 0.7)),
        }
    return {"version": "v", "scenes": scenes, "kinds": kinds}
