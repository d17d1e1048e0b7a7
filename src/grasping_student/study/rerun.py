"""One run once more from its own rows: the same numbers, or an error that says which differ."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from grasping_student.pipeline.configuration import choice, with_values
from grasping_student.pipeline.errors import UserError
from grasping_student.study.configuration import ExperimentConfig, Sizes
from grasping_student.study.designs import DESIGNS
from grasping_student.study.planning import run_name
from grasping_student.study.results_sizes import engine_in, read_sizes
from grasping_student.study.run_store import RunKey, by_run, episodes_in, read_runs, scenes_in, versions_of
from grasping_student.study.running import run

SCRATCH = "rerun"
"""Folder in the cache for what a repetition makes."""

_NUMBERS = [
    "successes",
    "attempts",
    "value",
    "angle",
    "score",
    "confidence",
    "clearance_mm",
    "moved_mm",
    "turned_degrees",
]


def rerun(config: ExperimentConfig) -> str:
    """Repeat the run that ``config.run`` names, with everything made anew; returns a sentence.

    Everything goes into the folder ``rerun`` inside the config's cache; the results on file are left alone. The same
    command goes on with a repetition that was stopped; one that ended is removed.

    Raises:
        UserError: no run, made by another version of the code, or its numbers differ.
    """
    experiment, key, before = chosen_run(config.out, config.run, np.random.default_rng())
    name, scratch = run_name(experiment, key), config.cache / SCRATCH
    again = config_of(experiment, key, before, config)
    if key in by_run(read_runs(again.out / experiment)):  # it was repeated and differed
        shutil.rmtree(scratch)
    run(again)
    after = by_run(read_runs(again.out / experiment))[key]
    different = differences(before, after)
    if different:
        same = versions_of(before) == versions_of(after)
        why = "the version of the code is the same" if same else "the version of the code is another"
        raise UserError(f"{name}: {', '.join(different)} differ from the run on file; {why}")
    shutil.rmtree(scratch)
    return f"{name} repeated: all its numbers are the same"


def chosen_run(results: Path, name: str, random: np.random.Generator) -> tuple[str, RunKey, pd.DataFrame]:
    """Experiment, key and rows of the run of a name, or of a random one where the name is ``sample``.

    Raises:
        UserError: there is no such run.
    """
    if name == "sample":
        runs = [(each, key, rows) for each in DESIGNS for key, rows in by_run(read_runs(results / each)).items()]
        if not runs:
            raise UserError(f"{results} holds no runs to repeat one of")
        return runs[int(random.integers(len(runs)))]
    parts = name.split("/")
    if len(parts) != 5 or not parts[4].isdigit():
        raise UserError(
            f"rerun needs --run EXPERIMENT/DOMAIN/LEVEL/CONDITION/REPLICATE, as in 'label-fraction/in-distribution/5 "
            f"%/teacher/0', or --run sample; '{name}' was given"
        )
    experiment = choice(parts[0], DESIGNS, "experiment")
    key = (parts[1], parts[2], parts[3], int(parts[4]))
    found = by_run(read_runs(results / experiment))
    if key not in found:
        raise UserError(f"{results / experiment} holds no run {name}")
    return experiment, key, found[key]


def config_of(experiment: str, key: RunKey, rows: pd.DataFrame, config: ExperimentConfig) -> ExperimentConfig:
    """The config that makes this one run."""
    domain, level, condition, replicate = key
    on_file, scratch = read_sizes(config.out), config.cache / SCRATCH
    sizes = with_values(Sizes(), on_file["sizes"], str(config.out))
    return replace(
        config,
        name=experiment,
        domains=(domain,),
        levels=(level,),
        replicate_ids=(replicate,),
        conditions=(condition,),
        sizes=replace(sizes, episodes=episodes_in(rows) or sizes.episodes),
        seed=on_file["seed"],
        engine=engine_in(on_file),
        scenes=scenes_in(rows),
        proxy="proxy" in set(rows["measure"]),
        cache=scratch / "cache",
        out=scratch / "results",
    )


def differences(before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
    """Measures of the first that the second has otherwise.

    Tallies of failed one-shot attempts are left out: the outcomes of the attempts say them.
    """
    found = []
    for measure in before["measure"].unique():
        one, other = (_numbers_of(rows, measure) for rows in (before, after))
        if not one.equals(other):
            found.append(str(measure))
    return found


def _numbers_of(rows: pd.DataFrame, measure: str) -> pd.DataFrame:
    own = rows[(rows["measure"] == measure) & ~((measure == "one_shot") & rows["part"].str.startswith("failure:"))]
    return own.set_index(["part", "index"])[_NUMBERS].astype("float64").sort_index()
