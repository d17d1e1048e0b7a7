"""One run once more from its own file: the same numbers, or an error that says which differ."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

from grasping_student.pipeline.configuration import with_values
from grasping_student.pipeline.errors import UserError
from grasping_student.study.configuration import ExperimentConfig, Sizes
from grasping_student.study.records import MEASURES, Run, read_run, run_path
from grasping_student.study.running import run

SCRATCH = "rerun"
"""Folder in the cache for what a repetition makes."""


def rerun(config: ExperimentConfig) -> str:
    """Repeat the run that ``config.run`` names, with everything made anew; returns a sentence.

    Everything goes into the folder ``rerun`` inside the config's cache; the results on file are left alone. The same
    command goes on with a repetition that was stopped; one that ended is removed.

    Raises:
        UserError: no run, made by another version of the code, or its numbers differ.
    """
    if config.run is None:
        raise UserError("rerun needs --run FILE: a run in results/NAME/runs/")
    before = read_run(config.run)
    scratch = config.cache / SCRATCH
    config = config_of(before, config)
    path = run_path(config.out / config.name, before.regime, before.setting, before.arm, before.draw)
    if path.exists():  # it was repeated and differed
        shutil.rmtree(scratch)
    run(config)
    after = read_run(path)
    different = differences(before.values, after.values)
    if different:
        why = "the code has changed since" if before.values["code"] != after.values["code"] else "the code is the same"
        raise UserError(f"{config.run}: {', '.join(different)} differ from the run on file; {why}")
    shutil.rmtree(scratch)
    return f"{before.path} repeated: all its numbers are the same"


def config_of(run_: Run, config: ExperimentConfig) -> ExperimentConfig:
    """The config that makes this one run."""
    asked, scratch = run_.values["asked"], config.cache / SCRATCH
    return replace(
        config,
        name=run_.experiment,
        regimes=(run_.regime,),
        settings=(run_.setting,),
        draws=(run_.draw,),
        arms=(run_.arm,),
        sizes=with_values(Sizes(), asked["sizes"], str(run_.path)),
        seed=asked["seed"],
        scenes=run_.scenes or asked.get("scenes", 0),
        proxy=asked.get("proxy", True),
        cache=scratch / "cache",
        out=scratch / "results",
    )


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Measures of the first that the second has otherwise."""
    return [name for name in MEASURES if name in before and before[name] != after.get(name)]
