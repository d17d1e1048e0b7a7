"""What the grid of an experiment asks for and the runs on file do not hold, for the results page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grasping_student.experiments.arms import ARMS, POLICIES
from grasping_student.experiments.designs import DESIGNS, Design
from grasping_student.experiments.records import Run
from grasping_student.experiments.tables import FEWEST_DRAWS

ONCE = ("affordance",)
"""Experiments that take no draws."""

INTRODUCTION = """## What of the grid is not on file

`grasping-student experiment all` runs the whole grid. The runs above are a part of it; these are missing, or have fewer
draws than the grid asks for (draws on file of draws asked).
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


def gaps(runs: Sequence[Run], name: str, design: Design) -> list[tuple[str, list[str], str]]:
    """Regime, settings and what is missing there, settings of the same gaps together; in the design's order."""
    found: dict[tuple[str, str], list[str]] = {}
    for regime in design.regimes:
        for setting in design.settings:
            text = _missing([run for run in runs if (run.regime, run.setting) == (regime, setting)], name, design,
                            setting, regime)  # fmt: skip
            if text:
                found.setdefault((regime, text), []).append(setting)
    return [(regime, settings, text) for (regime, text), settings in found.items()]


def _missing(runs: Sequence[Run], name: str, design: Design, setting: str, regime: str) -> str:
    """What one cell of the grid lacks; empty where it is whole or was never asked for."""
    arms = design.arms(setting, regime)
    wanted = 1 if name in ONCE else max(FEWEST_DRAWS, design.extra_draws.get(setting, 0))
    own = {arm: [run for run in runs if run.arm == arm] for arm in arms}
    if arms and not any(own.values()):
        return "everything"
    parts = [_words(arm, len(own[arm]), wanted) for arm in arms if len(own[arm]) < wanted]
    if "proxy" in design.measures:
        asked = [arm for arm in arms if arm == "student_method" or (arm not in POLICIES and ARMS[arm].rule == "none")]
        counts = {arm: sum("proxy" in run.values for run in own[arm]) for arm in asked}
        proxies = [_words(arm, n, len(own[arm])) for arm, n in counts.items() if n < len(own[arm])]
        if proxies:
            parts.append("the proxy of all" if not any(counts.values()) else "the proxy of " + ", ".join(proxies))
    return "; ".join(parts)


def _words(arm: str, have: int, wanted: int) -> str:
    return f"`{arm}`" if not have else f"`{arm}` ({have} of {wanted})"
