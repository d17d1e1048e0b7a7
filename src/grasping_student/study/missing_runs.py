"""What the grid of an experiment asks for and the runs on file do not hold, for the results page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from grasping_student.study.conditions import CONTROLS, POLICIES
from grasping_student.study.configuration import EXPERIMENT_PRESETS, ExperimentConfig
from grasping_student.study.designs import DESIGNS, REGIMES, Design
from grasping_student.study.estimates import asked_rows
from grasping_student.study.planning import Row, other_sizes, scenes_of
from grasping_student.study.records import Run
from grasping_student.study.stage_graph import Recipes

INTRODUCTION = """## What of the grid is not on file

`grasping-student experiment NAME` runs the whole grid of an experiment. The runs above are a part of it; these are
missing, or have fewer draws, scenes or episodes a draw than the grid asks for (on file of asked).
"""


def section(everything: Mapping[str, Sequence[Run]]) -> str:
    """The section of the page; empty where the whole grid is on file."""
    rows = []
    for name, design in DESIGNS.items():
        rows += [
            f"| `{name}` | {regime.replace('-', ' ')} | {', '.join(settings)} | {text} |"
            for regime, settings, text in gaps(everything.get(name, []), name, design)
        ]
    if not rows:
        return ""
    return "\n".join([INTRODUCTION, "| experiment | regime | settings | missing |", "|" + "---|" * 4, *rows, ""])


LEFT_OUT = """## What the grid itself leaves out

Controls are {controls}.
Policies have no maps, so that `entropy` has none of them. Where an experiment asks for less than every control, both
regimes or all its settings:
"""


def left_out() -> str:
    """The section on what designs do not ask for: controls at some settings, a regime, cells, settings in ``all``."""
    rows = [f"- `{name}`: {'; '.join(words)}." for name, design in DESIGNS.items() if (words := _lacks(design))]
    return "\n".join([LEFT_OUT.format(controls=_quoted(CONTROLS)), *rows, ""])


def _lacks(design: Design) -> list[str]:
    """What a design does without, in words."""
    cells = {(r, s): own for r in design.regimes for s in design.settings if (own := design.arms(s, r))}
    regimes = [each.replace("-", " ") for each in design.regimes]
    found = [f"{regimes[0]} only"] if len(regimes) < len(REGIMES) else []
    for regime in design.regimes:
        used = [setting for r, setting in cells if r == regime]
        where: dict[str, list[str]] = {}
        for arm in CONTROLS if design.measures else ():
            if arm in design.beside.arms or (arm in POLICIES and "entropy" in design.measures):
                continue
            at = [setting for setting in used if arm in cells[regime, setting]]
            if len(at) < len(used):
                where.setdefault(f"at {', '.join(at)} only" if at else "nowhere", []).append(arm)
        words = [f"{_quoted(arms)} {settings}" for settings, arms in where.items()]
        unused = [setting for setting in design.settings if (regime, setting) not in cells]
        words += [f"nothing at {', '.join(unused)}"] if unused else []
        found += [f"{regime.replace('-', ' ')}: {', '.join(words)}"] if words else []
    if design.named_only:
        found.append(f"`experiment all --preset light` leaves out {_quoted(design.named_only)}")
    return found


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def gaps(runs: Sequence[Run], name: str, design: Design) -> list[tuple[str, list[str], str]]:
    """Regime, settings and what is missing there, settings of the same gaps together; in the design's order."""
    config = _grid(runs, name)
    asked: dict[tuple[str, str], list[Row]] = {(r, s): [] for r in design.regimes for s in design.settings}
    for row in asked_rows(config, design, Recipes(config)):
        asked[row.cell.regime, row.cell.setting].append(row)
    on_file = {(run.regime, run.setting, run.arm, run.draw): run for run in runs}
    found: dict[tuple[str, str], list[str]] = {}
    for (regime, setting), rows in asked.items():
        cell = [(row, on_file.get((regime, setting, row.arm, row.cell.draw))) for row in rows]
        text = _missing(cell, scenes_of(config, design), config.sizes.episodes)
        if text:
            found.setdefault((regime, text), []).append(setting)
    return [(regime, settings, text) for (regime, text), settings in found.items()]


def _grid(runs: Sequence[Run], name: str) -> ExperimentConfig:
    """The preset whose sizes the runs have, but for how much was tested; without runs the first."""
    presets = [replace(make(), name=name) for make in EXPERIMENT_PRESETS.values()]
    for config in presets if runs else []:
        if not other_sizes(runs[0].values["asked"], config):
            return config
    return presets[0]


def _missing(cell: Sequence[tuple[Row, Run | None]], scenes: int, episodes: int) -> str:
    """What one cell of the grid lacks, from its rows and their runs; empty where it is whole."""
    if cell and all(run is None for _, run in cell):
        return "everything"
    parts = _counted((row.arm, run is not None) for row, run in cell)
    proxies = [(row.arm, "proxy" in run.values) for row, run in cell if "proxy" in row.extra and run is not None]
    if proxies and not any(has for _, has in proxies):
        parts.append("the proxy of all")
    elif proxies and not all(has for _, has in proxies):
        parts.append("the proxy of " + ", ".join(_counted(proxies)))
    fewest = min((run.scenes for _, run in cell if run is not None and run.scenes), default=scenes)
    if fewest < scenes:
        parts.append(f"some scenes ({fewest} of {scenes})")
    picked = min((run.episodes for row, run in cell if run is not None and "picking" in row.extra), default=episodes)
    if picked < episodes:
        parts.append(f"some episodes ({picked} of {episodes})")
    return "; ".join(parts)


def _counted(draws: Iterable[tuple[str, bool]]) -> list[str]:
    """Arms of which not every draw is there, with how many of how many are."""
    by: dict[str, list[bool]] = {}
    for arm, there in draws:
        by.setdefault(arm, []).append(there)
    return [f"`{arm}`" + f" ({sum(each)} of {len(each)})" * any(each) for arm, each in by.items() if not all(each)]
