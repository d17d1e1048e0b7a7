"""The figure of an experiment's results folder, as PNG and SVG, from its runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from grasping_student.experiments import tables
from grasping_student.experiments.arms import ARMS, METHODS
from grasping_student.experiments.designs import DESIGNS, Design
from grasping_student.experiments.records import Run, read_runs
from grasping_student.reports.experiment_figures import (
    Line,
    Panel,
    Point,
    audit_figure,
    reliability_figure,
    settings_figure,
)
from grasping_student.reports.style import save_figure

FIGURE = "figure"
MEASURE_NAMES = {"one_shot": "one-shot success", "proxy": "proxy", "all_picks": "success, all picks"}


def arm_title(arm: str) -> str:
    """An arm in words."""
    special = {"nearby": "teacher's best near the person's", "student_method": "student", "affordance": "affordance"}
    return ARMS[arm].title if arm in ARMS else special.get(arm, arm)


def setting_title(design: Design, setting: str) -> str:
    """A setting in words."""
    method = design.settings[setting].method if setting in design.settings else None
    return METHODS[method].title if method else setting


def draw_experiment(folder: Path, design: Design) -> None:
    """Write ``figure.png`` and ``figure.svg``; nothing where there is nothing to show."""
    runs = read_runs(folder)
    figure = _reliability(runs) if design is DESIGNS["affordance"] else _settings(runs, design)
    if figure is not None:
        save_both(figure, folder / FIGURE)


def save_both(figure: Figure, path: Path) -> None:
    """Write a figure as PNG and as SVG."""
    for ending in (".png", ".svg"):
        save_figure(figure, path.with_suffix(ending))


def _settings(runs: Sequence[Run], design: Design) -> Figure | None:
    cells = tables.cells(runs, design)
    settings = [name for name in design.settings if any(cell.setting == name for cell in cells)]
    panels = []
    for regime in design.regimes:
        own = [cell for cell in cells if cell.regime == regime]
        for measure, name in MEASURE_NAMES.items():
            lines = _lines(own, measure)
            if lines:
                panels.append(Panel(f"{name}, {regime.replace('-', ' ')}", f"{name} rate", lines))
        lines = _entropy_lines(own)
        if lines:
            panels.append(Panel(f"entropy, {regime.replace('-', ' ')}", "entropy of the map, bits", lines))
    titles = {name: setting_title(design, name) for name in settings}
    if any(titles[name] != name for name in settings):
        panels = [_renamed(panel, titles) for panel in panels]
    return settings_figure(panels, list(titles.values()), design.varies) if panels else None


def _lines(cells: Sequence[tables.CellRuns], measure: str) -> tuple[Line, ...]:
    lines = []
    for arm in dict.fromkeys(arm for cell in cells for arm in cell.runs):
        points = []
        for cell in cells:
            found = tables.rate_of(cell.runs.get(arm, {}), measure)
            if found is not None:
                points.append(Point(cell.setting, found.value, *found.bootstrap))
        if points:
            lines.append(Line(arm, arm_title(arm), tuple(points)))
    return tuple(lines)


def _entropy_lines(cells: Sequence[tables.CellRuns]) -> tuple[Line, ...]:
    lines = []
    for arm in dict.fromkeys(arm for cell in cells for arm in cell.runs):
        points = []
        for cell in cells:
            values = [v for run in cell.runs.get(arm, {}).values() if (v := tables.entropy_of(run)) is not None]
            if values:
                points.append(Point(cell.setting, float(np.mean(values)), min(values), max(values)))
        if points:
            lines.append(Line(arm, arm_title(arm), tuple(points)))
    return tuple(lines)


def _renamed(panel: Panel, titles: dict[str, str]) -> Panel:
    lines = tuple(
        Line(line.arm, line.title, tuple(Point(titles[p.setting], p.value, p.low, p.high) for p in line.points))
        for line in panel.lines
    )
    return Panel(panel.title, panel.y_label, lines)


def _reliability(runs: Sequence[Run]) -> Figure | None:
    diagrams = {run.regime.replace("-", " "): run.values["affordance"]["reliability"] for run in runs}
    return reliability_figure(diagrams) if diagrams else None


def audit_points(runs: Sequence[Run]) -> dict[str, list[tuple[float, float]]]:
    """Arm -> one-shot and proxy rate of each trained model, each model once."""
    points: dict[str, list[tuple[float, float]]] = {}
    seen: set[str] = set()
    for run in runs:
        shots, proxy = run.counts("one_shot"), run.counts("proxy")
        if shots is None or proxy is None or run.values["model"] in seen:
            continue
        seen.add(run.values["model"])
        arm = "student" if run.arm == "student_method" else run.arm
        points.setdefault(arm, []).append((shots.rate, proxy.rate))
    return points


def draw_audit(points: dict[str, list[tuple[float, float]]], correlation: str, path: Path) -> None:
    """Scatter of proxy against one-shot success as PNG and SVG."""
    save_both(audit_figure(points, correlation), path)
