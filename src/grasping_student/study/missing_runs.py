"""Runs that the grid of an experiment asks for and the tables on file do not hold, for the results page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from grasping_student.study.configuration import EXPERIMENT_PRESETS, ExperimentConfig
from grasping_student.study.designs import DESIGNS
from grasping_student.study.planning import PlannedRun, planned_runs, scenes_of
from grasping_student.study.results_sizes import other_sizes
from grasping_student.study.run_store import by_run, episodes_in, scenes_in
from grasping_student.study.stage_graph import StageGraph


@dataclass(frozen=True)
class Gap:
    """What is missing at some levels of a domain."""

    experiment: str
    domain: str
    levels: tuple[str, ...]
    missing: str


def gaps(name: str, runs: pd.DataFrame, sizes: Mapping[str, Any]) -> list[Gap]:
    """What an experiment's grid lacks, levels of the same gaps together; in the design's order.

    Args:
        name: of the experiment.
        runs: its rows on file.
        sizes: sizes and seed of the results folder.
    """
    design = DESIGNS[name]
    config = _grid(name, sizes)
    asked: dict[tuple[str, str], list[PlannedRun]] = {(d, level): [] for d in design.domains for level in design.levels}
    for run in planned_runs(config, design, StageGraph(config)):
        asked[run.trial.domain, run.trial.level].append(run)
    on_file = by_run(runs)
    found: dict[tuple[str, str], list[str]] = {}
    for (domain, level), planned in asked.items():
        pairs = [(run, on_file.get(run.key)) for run in planned]
        text = _missing(pairs, scenes_of(config, design), config.sizes.episodes)
        if text:
            found.setdefault((domain, text), []).append(level)
    return [Gap(name, domain, tuple(levels), text) for (domain, text), levels in found.items()]


def _grid(name: str, sizes: Mapping[str, Any]) -> ExperimentConfig:
    """The preset whose sizes the results have, but for how much was tested; else the first."""
    presets = [replace(make(), name=name) for make in EXPERIMENT_PRESETS.values()]
    return next((config for config in presets if not other_sizes(sizes, config)), presets[0])


def _missing(pairs: Sequence[tuple[PlannedRun, pd.DataFrame | None]], scenes: int, episodes: int) -> str:
    """What one trial of the grid lacks, from its runs and their rows; empty where it is whole."""
    if pairs and all(rows is None for _, rows in pairs):
        return "everything"
    parts = _counted((run.condition, rows is not None) for run, rows in pairs)
    there = [(run, rows) for run, rows in pairs if rows is not None]
    proxies = [(run.condition, "proxy" in set(rows["measure"])) for run, rows in there if "proxy" in run.measures]
    if proxies and not any(has for _, has in proxies):
        parts.append("the proxy of all")
    elif proxies and not all(has for _, has in proxies):
        parts.append("the proxy of " + ", ".join(_counted(proxies)))
    fewest = min((count for _, rows in there if (count := scenes_in(rows))), default=scenes)
    if fewest < scenes:
        parts.append(f"some scenes ({fewest} of {scenes})")
    picked = min((episodes_in(rows) for run, rows in there if "picking" in run.measures), default=episodes)
    if picked < episodes:
        parts.append(f"some episodes ({picked} of {episodes})")
    return "; ".join(parts)


def _counted(replicates: Iterable[tuple[str, bool]]) -> list[str]:
    """Conditions of which not every replicate is there, with how many of how many are."""
    by: dict[str, list[bool]] = {}
    for condition, there in replicates:
        by.setdefault(condition, []).append(there)
    return [f"`{name}`" + f" ({sum(each)} of {len(each)})" * any(each) for name, each in by.items() if not all(each)]
