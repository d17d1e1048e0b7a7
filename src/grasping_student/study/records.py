"""Runs on disk: one JSON file for each arm, setting, regime and draw, with everything its numbers follow from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grasping_student.evaluation.statistics import Counts
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json

SCHEMA_VERSION = 1
RUNS = "runs"
PER_EPISODE = 5
"""Labelled attempts of an episode in all data of the experiments: many different scenes, few of each."""

HOW_MUCH_IS_TESTED = ("one_shot_scenes", "episodes")
"""Sizes that may differ between the runs of a folder: every run says its own, and scenes are paired by number."""

MEASURES = ("one_shot", "proxy", "picking", "entropy", "affordance", "precision")
"""What a run may hold besides what it was made of."""


@dataclass(frozen=True)
class Run:
    """One measured arm."""

    path: Path
    values: dict[str, Any]

    @property
    def experiment(self) -> str:
        return str(self.values["experiment"])

    @property
    def regime(self) -> str:
        return str(self.values["regime"])

    @property
    def setting(self) -> str:
        return str(self.values["setting"])

    @property
    def arm(self) -> str:
        return str(self.values["arm"])

    @property
    def draw(self) -> int:
        return int(self.values["draw"])

    @property
    def scenes(self) -> int:
        """Test scenes in which the arm grasped once, or whose pseudo-labels were executed; 0 where none was."""
        if "precision" in self.values:
            return int(self.values["precision"]["scenes"])
        return len(self.values.get("one_shot", {}).get("outcomes", ""))

    @property
    def episodes(self) -> int:
        """Episodes that the arm picked; 0 where none was."""
        return len(self.values.get("picking", {}).get("all_picks", {}).get("attempts", ()))

    def counts(self, measure: str) -> Counts | None:
        """Counts by scene or episode under a measure; None if not measured.

        Args:
            measure: ``one_shot``; ``proxy``, whose units are the episodes that held-out scenes come from; a rate of
                picking; or ``taken``, blocks taken in an episode as hundredths, so that percent reads as blocks.
        """
        if measure in ("one_shot", "proxy"):
            text = self.values.get(measure, {}).get("outcomes")
            if text is None:
                return None
            found = counts_of_outcomes(text)
            return found if measure == "one_shot" else together(found, PER_EPISODE)
        rows = self.values.get("picking", {}).get("all_picks" if measure == "taken" else measure)
        if rows is None:
            return None
        attempts = np.full(len(rows["attempts"]), 100) if measure == "taken" else np.array(rows["attempts"])
        return Counts(np.array(rows["successes"]), attempts)


def counts_of_outcomes(text: str) -> Counts:
    """Counts by scene from a string of 1 (success), 0 (failure) and - (no attempt)."""
    symbols = np.array(list(text))
    return Counts((symbols == "1").astype(int), (symbols != "-").astype(int))


def together(counts: Counts, size: int) -> Counts:
    """Units of so many following ones each; the last may have fewer."""
    starts = np.arange(0, len(counts), size)
    return Counts(np.add.reduceat(counts.successes, starts), np.add.reduceat(counts.attempts, starts))


def run_path(folder: Path, regime: str, setting: str, arm: str, draw: int) -> Path:
    """File of a run in an experiment's results folder."""
    return folder / RUNS / regime / setting.replace(" %", "pct").replace(" ", "-") / f"{arm}-draw{draw}.json"


def write_run(path: Path, values: dict[str, Any]) -> None:
    """Write one run, whole or not at all."""
    write_json(path, {"schema_version": SCHEMA_VERSION, **values})


def read_run(path: Path) -> Run:
    """Read one run.

    Raises:
        UserError: it is missing, damaged, or of another schema version.
    """
    values = read_json(path)
    needed = tuple(_KINDS)
    missing = [name for name in needed if not isinstance(values, dict) or name not in values]
    if missing:
        raise UserError(f"{path} is no run of an experiment: it has no {missing[0]}")
    if values.get("schema_version") != SCHEMA_VERSION:
        raise UserError(f"{path} has schema version {values.get('schema_version')}; this reads {SCHEMA_VERSION}")
    wrong = _wrong(values)
    if wrong:
        raise UserError(f"{path} is damaged: {wrong}; take it from a copy, or remove it and measure it anew")
    run = Run(path, values)
    own = run_path(Path(run.experiment), run.regime, run.setting, run.arm, run.draw)
    if RUNS in path.parts and path.resolve().parts[-len(own.parts) :] != own.parts:
        raise UserError(f"{path} says that it is {own}: somebody renamed or edited it; put it back where it belongs")
    return run


_KINDS: dict[str, type] = {
    "experiment": str,
    "regime": str,
    "setting": str,
    "arm": str,
    "draw": int,
    "asked": dict,
    "code": dict,
    "model": str,
}
_INSIDE: dict[str, tuple[tuple[str, type], ...]] = {
    "one_shot": (("outcomes", str),),
    "proxy": (("outcomes", str),),
    "entropy": (("bits", list),),
    "picking": (("all_picks", dict), ("excluding_repeats", dict), ("episode_ends", dict)),
    "affordance": (("by_source", dict), ("reliability", dict)),
    "precision": (("scenes", int), ("kinds", dict)),
}


def _wrong(values: Mapping[str, Any]) -> str:
    """What of a run has a value of another type than a run has; empty where nothing has."""
    for name, kind in _KINDS.items():
        if not isinstance(values[name], kind) or (name == "draw" and values[name] < 0):
            return f"{name} is {values[name]!r}"
    if not isinstance(values["asked"].get("sizes"), dict) or not isinstance(values["asked"].get("seed"), int):
        return "asked holds no sizes and seed"
    for measure, parts in _INSIDE.items():
        if measure in values and (wrong := _wrong_measure(values[measure], parts)):
            return f"{measure} {wrong}"
    return ""


def _wrong_measure(found: Any, parts: tuple[tuple[str, type], ...]) -> str:
    """What is missing in a measure, or is no list of numbers; empty if nothing."""
    for name, kind in parts:
        if not isinstance(found, dict) or not isinstance(found.get(name), kind):
            return f"has no {name} as it should"
    if "bits" in found and not all(isinstance(each, int | float) for each in found["bits"]):
        return "has bits that are no numbers"
    for name in {"all_picks", "excluding_repeats"} & found.keys():
        lists = [found[name].get("successes"), found[name].get("attempts")]
        if not all(isinstance(each, list) and all(isinstance(n, int) for n in each) for each in lists):
            return f"{name} has no whole numbers of successes and attempts"
    return ""


def run_files(folder: Path) -> list[Path]:
    """Files of all runs of an experiment's results folder, in a fixed order; what a kill left half written is none."""
    return sorted(path for path in (folder / RUNS).rglob("*.json") if not path.name.startswith("."))


def read_runs(folder: Path) -> list[Run]:
    """All runs of an experiment's results folder, in a fixed order.

    Raises:
        UserError: one of them is damaged.
    """
    return [read_run(path) for path in run_files(folder)]
