"""Duration of an experiment, from what its stages have cost before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_object, write_json
from grasping_student.study.stages import DONE, Stage

COSTS = "costs.json"
SHIPPED = Path(__file__).parent / COSTS
"""Costs measured by us, used until there are own ones: processor seconds a unit of work by kind and scale.

Units: an attempt (``dataset``), a copied scene (``merged``), a label in a training step, an angle of a pseudo-labelled
scene, a scene of proxy, entropy, relabelling and precision, an episode of picking, and for the one-shot test a prepared
scene and an attempt.
"""

UNKNOWN = 0.05
"""Seconds a unit for a kind that nobody has measured yet."""

ALIKE = {"affordance_filter": "affordance", "pretraining": "student"}
"""A kind that nobody has measured yet costs what the other one costs: the same network on as many pictures."""

LOOKS = {
    "picking": 16 * 30,
    "one_shot attempt": 16,
    "proxy": 1,
    "entropy": 1,
    "relabelling": 3 * 64,
    "precision": 3 * 64,
}
"""Kind -> angles at which a network looks in one unit of it (an episode has some thirty picks): what it costs at least,
where it has not been measured at that size but pseudo-labelling has."""

PARALLEL_INSIDE = ("dataset", "picking", "relabelling", "precision")
"""Kinds that use all workers themselves; their cost is counted in processor seconds as well."""


def cost_key(kind: str, scale: str) -> str:
    """Name of an entry in the table of costs."""
    return f"{kind} {scale}"


def known_cost(kind: str, scale: str, costs: Mapping[str, float]) -> float | None:
    """Seconds a unit of a kind, or of its like; None where neither has been measured."""
    for each in (kind, ALIKE.get(kind, kind)):
        if (found := costs.get(cost_key(each, scale))) is not None:
            return found
    return None


def guessed_cost(kind: str, scale: str, costs: Mapping[str, float]) -> float:
    """Seconds a unit of a kind that nobody has measured at a scale: by the angles it looks at, else a guess."""
    pixels = scale.rpartition("-")[2]
    look = [cost for key, cost in costs.items() if key.startswith("table ") and key.endswith(f"-{pixels}")]
    return LOOKS[kind] * max(look) if look and kind in LOOKS else UNKNOWN


def measured_costs(cache: Path) -> dict[str, float]:
    """Median seconds a unit of the finished stages in a cache, by kind and scale."""
    found: dict[str, list[float]] = defaultdict(list)
    for path in sorted(cache.glob(f"*/{DONE}")):
        row: Mapping[str, Any] = read_object(path, kind=str, scale=str, units=(int, float), seconds=(int, float))
        used = row.get("processor_seconds", row["seconds"] * row.get("workers", 1))
        if used > 0 and row["units"] > 0:
            found[cost_key(row["kind"], row["scale"])].append(used / row["units"])
    return {key: round(median(values), 6) for key, values in sorted(found.items())}


def known_costs(cache: Path, results: Path) -> dict[str, float]:
    """Seconds a unit: shipped ones, replaced by those of the results folder, replaced by those of the cache."""
    costs: dict[str, float] = {}
    for path in (SHIPPED, results / COSTS):
        if path.exists():
            costs.update(_on_file(path))
    costs.update(measured_costs(cache))
    return costs


def _on_file(path: Path) -> dict[str, float]:
    found: dict[str, float] = read_object(path, seconds_a_unit=dict)["seconds_a_unit"]
    costs = {_current_key(key): value for key, value in found.items()}
    if not all(isinstance(each, int | float) for each in costs.values()):
        raise UserError(f"{path} is damaged: a cost is no number; remove it, or take it from a copy")
    return costs


def _current_key(key: str) -> str:
    """The key of a cost that the release before wrote."""
    return key.replace("judge ", "affordance_filter ").replace("one_shot shot ", "one_shot attempt ")


def save_costs(results: Path, costs: Mapping[str, float]) -> None:
    """Keep the costs beside the results."""
    before = _on_file(results / COSTS) if (results / COSTS).exists() else {}
    write_json(results / COSTS, {"seconds_a_unit": dict(sorted({**before, **costs}.items()))})


def estimate(stages: Iterable[Stage], one_shot: Mapping[str, float], costs: Mapping[str, float], workers: int) -> float:
    """Seconds of wall time on ``workers`` free cores.

    Args:
        stages: what has to be run, each once.
        one_shot: units of the one-shot test by key of the table of costs.
        costs: seconds a unit.
        workers: number of processes.
    """
    seconds = 0.0
    for each in stages:
        known = known_cost(each.kind, each.scale, costs)
        seconds += each.units * (guessed_cost(each.kind, each.scale, costs) if known is None else known)
    for key, units in one_shot.items():
        kind, _, scale = key.rpartition(" ")
        seconds += units * (costs[key] if key in costs else guessed_cost(kind, scale, costs))
    return seconds / workers


def format_duration(seconds: float) -> str:
    """A duration as a person would write it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
