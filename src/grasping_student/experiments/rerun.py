"""One run once more from its own file: the same numbers, or an error that says which differ."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from grasping_student.configuration import with_values
from grasping_student.errors import UserError
from grasping_student.experiments.configuration import ExperimentConfig, Sizes
from grasping_student.experiments.records import Run, read_run, run_path
from grasping_student.experiments.running import run

_COMPARED = ("one_shot", "proxy", "picking", "entropy", "affordance")


def rerun(config: ExperimentConfig) -> str:
    """Repeat the run that ``config.run`` names, with everything made anew; returns a sentence.

    Everything goes into the folder ``rerun`` inside the config's cache; the results on file are left alone.

    Raises:
        UserError: no run, made by another version of the code, or its numbers differ.
    """
    if config.run is None:
        raise UserError("rerun needs --run FILE: a run in results/NAME/runs/")
    before = read_run(config.run)
    config = config_of(before, config)
    run(config)
    after = read_run(run_path(config.out / config.name, before.regime, before.setting, before.arm, before.draw))
    different = differences(before.values, after.values)
    if different:
        raise UserError(
            f"{config.run}: {', '.join(different)} differ from the run on file; "
            + (
                "the code has changed since"
                if before.values["code"] != after.values["code"]
                else "the code is the same"
            )
        )
    return f"{before.path} repeated: all its numbers are the same"


def config_of(run_: Run, config: ExperimentConfig) -> ExperimentConfig:
    """The config that makes this one run."""
    asked, scratch = run_.values["asked"], config.cache / "rerun"
    return replace(
        config, name=run_.experiment, regimes=(run_.regime,), settings=(run_.setting,), draws=(run_.draw,),
        arms=(run_.arm,), sizes=with_values(Sizes(), asked["sizes"], str(run_.path)), seed=asked["seed"],
        scenes=asked["scenes"], proxy=asked["proxy"], cache=scratch / "cache", out=scratch / "results",
    )  # fmt: skip


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Measures of the first that the second has otherwise."""
    return [name for name in _COMPARED if name in before and before[name] != after.get(name)]
