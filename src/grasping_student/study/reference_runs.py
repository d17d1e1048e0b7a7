"""What an experiment's tables take from another that measured on the same scenes: its arms, and more of its models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grasping_student.pipeline.configuration import to_plain
from grasping_student.study.configuration import Sizes
from grasping_student.study.designs import Beside
from grasping_student.study.records import HOW_MUCH_IS_TESTED, MEASURES, Run


def with_beside(own: Sequence[Run], other: Sequence[Run], beside: Beside) -> list[Run]:
    """An experiment's runs, with what another of the same sizes and seed measured of them, and those of its arms.

    Args:
        own: the experiment's runs.
        other: runs of the other experiment.
        beside: which of its arms and measures.
    """
    alike = [run for run in other if own and _asked(run) == _asked(own[0])]
    return [*_with_measures(own, alike, beside.measures), *_standing_beside(own, alike, beside)]


def _with_measures(own: Sequence[Run], other: Sequence[Run], measures: Sequence[str]) -> list[Run]:
    """The runs with what others measured of the same models and they did not."""
    by = {(*_cell(run), run.arm, run.values["model"]): run.values for run in other}
    found = []
    for run in own:
        theirs = by.get((*_cell(run), run.arm, run.values["model"]), {})
        found.append(Run(run.path, {name: theirs[name] for name in measures if name in theirs} | run.values))
    return found


def _standing_beside(own: Sequence[Run], other: Sequence[Run], beside: Beside) -> list[Run]:
    """The other's runs of its arms, of the regimes and draws that have own ones, with the measures that those have."""
    there = {(*_cell(run), run.arm) for run in own}
    cells = {(run.regime, beside.setting or run.setting, run.draw) for run in own}
    foreign = set(MEASURES) - {measure for run in own for measure in run.values}
    return [
        Run(run.path, {name: value for name, value in run.values.items() if name not in foreign})
        for run in other
        if run.arm in beside.arms and _cell(run) in cells and (*_cell(run), run.arm) not in there
    ]


def _cell(run: Run) -> tuple[str, str, int]:
    return run.regime, run.setting, run.draw


def _asked(run: Run) -> dict[str, Any]:
    """Seed and sizes of a run, but for how much was tested; a size added later had its default."""
    asked = run.values["asked"]
    sizes = to_plain(Sizes()) | asked["sizes"]
    return {"seed": asked["seed"], **{name: size for name, size in sizes.items() if name not in HOW_MUCH_IS_TESTED}}
