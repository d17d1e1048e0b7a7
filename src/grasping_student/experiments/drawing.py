"""The figure of an experiment's results folder, as PNG and SVG, from its runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from grasping_student.experiments import precision_tables, tables
from grasping_student.experiments.arms import ARMS, DEFAULT_STUDENT, METHODS
from grasping_student.experiments.designs import DESIGNS, Design
from grasping_student.experiments.planning import Row
from grasping_student.experiments.records import Run
from grasping_student.reports.experiment_figures import (
    BLOCKS,
    Line,
    Panel,
    Point,
    audit_figure,
    differences_figure,
    grid_figure,
    reliability_figure,
    settings_figure,
)
from grasping_student.reports.style import save_figure

FIGURE = "figure"
LABELS = "labels"
"""Start of the names of pictures of labelled grasps, in the results folder itself."""

PICTURES = {
    "affordance": (
        "maps", "What the affordance network makes of one scene at eight angles (the paper's figure 2); the gripper "
        "stands at the best pixel",
    ),
    "entropy": (
        "maps", "Softmax of teachers' and students' score maps of the same scenes at the horizontal angle (the paper's "
        "figure 4), with its entropy",
    ),
    "picking": (
        "grasps", "The default student's grasps in the first two scenes of a one-shot test, seen from beside the bin, "
        "whose walls are left out (the paper's figure 7)",
    ),
}  # fmt: skip
"""Pictures drawn while an experiment's models are at hand: start of their names, and their caption."""

PREFERRED_SETTINGS = ("20 %", "5 %", "10 %", "100 %")
"""Whose models such pictures show, the first of which there are any."""

MOST_LINES = 8
"""More arms than these are drawn in two panels."""

CONTROLS = ("antipodal", "teacher_matched", "student_matched", "teacher_grip", "teacher_room", "student_bare")
"""Arms that say where a lead comes from: they stand in the second panel."""

MEASURE_NAMES = {
    "one_shot": ("one-shot success", "one-shot success rate"), "proxy": ("proxy", "proxy rate"),
    "taken": (BLOCKS, BLOCKS), "all_picks": ("all picks", "success rate of all picks"),
}  # fmt: skip
"""What panels show, with the words for the panel and for its axis."""


def arm_title(arm: str) -> str:
    """An arm in words."""
    special = {
        "nearby": "teacher's best near the person's",
        "student_method": "student by method",
        "affordance": "affordance",
    }
    return ARMS[arm].title if arm in ARMS else special.get(arm, arm)


def setting_title(design: Design, setting: str) -> str:
    """A setting in words."""
    method = design.settings[setting].method if setting in design.settings else None
    return METHODS[method].title if method else setting


def cell_title(row: Row) -> str:
    """Whose models a picture shows."""
    return f"{row.cell.regime.replace('-', ' ').capitalize()}, {row.cell.setting} of the labels, draw {row.cell.draw}"


def link(path: Path, page: Path) -> str:
    """Where a page finds a file."""
    return os.path.relpath(path, page.parent).replace(os.sep, "/")


def draw_experiment(folder: Path, design: Design, runs: Sequence[Run]) -> None:
    """Write ``figure.png`` and ``figure.svg`` of runs; nothing where there is nothing to show."""
    if design is DESIGNS["affordance"]:
        figure = _reliability(runs)
    elif design is DESIGNS["precision"]:
        figure = _precision(runs, design)
    elif design is DESIGNS["methods"]:
        figure = _methods(runs, design)
    else:
        figure = _settings(runs, design)
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
    regimes = {regime: [cell for cell in cells if cell.regime == regime] for regime in design.regimes}
    for measure, (name, label) in MEASURE_NAMES.items():
        for regime, own in regimes.items():
            for what, lines in _divided(_lines(own, measure)):
                panels.append(Panel(f"{name}, {regime.replace('-', ' ')}{what}", label, lines))
    for regime, own in regimes.items():
        lines = _entropy_lines(own)
        if lines:
            words = f"entropy, {regime.replace('-', ' ')}: mean, lowest and highest draw"
            panels.append(Panel(words, "entropy of the map, bits", lines))
    return settings_figure(panels, settings, design.varies) if panels else None


def _lines(cells: Sequence[tables.CellRuns], measure: str) -> tuple[Line, ...]:
    lines = []
    for arm in dict.fromkeys(arm for cell in cells for arm in cell.runs):
        points = []
        for cell in cells:
            found = tables.rate_of(cell.runs.get(arm, {}), measure)
            if found is not None:
                points.append(Point(cell.setting, found.value, *found.bootstrap, few=not found.enough))
        if points:
            lines.append(Line(arm, arm_title(arm), tuple(points)))
    return tuple(lines)


def _divided(lines: tuple[Line, ...]) -> list[tuple[str, tuple[Line, ...]]]:
    """The lines of one panel, or of two where they are too many to be read: those of the paper's question, and the
    controls, with the default student in both."""
    if len(lines) <= MOST_LINES:
        return [("", lines)] if lines else []
    controls = tuple(line for line in lines if line.arm in CONTROLS)
    default = tuple(line for line in lines if line.arm == DEFAULT_STUDENT)
    return [("", tuple(line for line in lines if line not in controls)), (": controls", (*controls, *default))]


def _entropy_lines(cells: Sequence[tables.CellRuns]) -> tuple[Line, ...]:
    lines = []
    for arm in dict.fromkeys(arm for cell in cells for arm in cell.runs):
        points = []
        for cell in cells:
            values = [v for run in cell.runs.get(arm, {}).values() if (v := tables.entropy_of(run)) is not None]
            if values:
                few = len(values) < tables.FEWEST_DRAWS
                points.append(Point(cell.setting, float(np.mean(values)), min(values), max(values), few=few))
        if points:
            lines.append(Line(arm, arm_title(arm), tuple(points)))
    return tuple(lines)


def _methods(runs: Sequence[Run], design: Design) -> Figure | None:
    """Each method's student less the teacher that labelled for all of them."""
    panels, names = [], []
    for regime in design.regimes:
        points = []
        for cell in tables.cells(runs, design):
            if cell.regime == regime and {"teacher_augmented", "student_method"} <= cell.runs.keys():
                found = tables.difference_of(cell.runs["teacher_augmented"], cell.runs["student_method"], "one_shot")
                if found is not None:
                    title = setting_title(design, cell.setting)
                    points.append(Point(title, found.value, *found.bootstrap, few=not found.enough))
        if points:
            line = Line("student_method", "student", tuple(points))
            label = "student less its teacher, one-shot, points"
            panels.append(Panel(regime.replace("-", " ").capitalize(), label, (line,)))
            names += [point.setting for point in points]
    ordered = [title for name in design.settings if (title := setting_title(design, name)) in names]
    return differences_figure(panels, ordered) if panels else None


def _precision(runs: Sequence[Run], design: Design) -> Figure | None:
    """Success by confidence, angle and room, a line for each share of the labels; the augmented teacher if measured."""
    cells = tables.cells(runs, design)
    arm = "teacher_augmented" if any("teacher_augmented" in cell.runs for cell in cells) else "teacher"
    rows = []
    for regime in design.regimes:
        own = [cell for cell in cells if cell.regime == regime and arm in cell.runs]
        if not own:
            continue
        row = []
        for by in ("confidence", "angle", "clearance"):
            grouping = precision_tables.GROUPINGS[by]
            lines = []
            for cell in own:
                found = precision_tables.rates(cell.runs[arm], by)
                points = tuple(
                    Point(name, each.value, *each.bootstrap, few=not each.enough)
                    for name, each in found if each is not None
                )  # fmt: skip
                lines.append(Line(cell.setting, f"{arm_title(arm)}, {cell.setting} of the labels", points))
            what = "its best grasps" if by == "confidence" else "best at angles drawn" if by == "angle" else "both"
            title = f"{regime.replace('-', ' ').capitalize()}: {what}"
            row.append((Panel(title, "success", tuple(lines)), grouping.names, grouping.title))
        rows.append(row)
    return grid_figure(rows) if rows else None


def _reliability(runs: Sequence[Run]) -> Figure | None:
    diagrams = {run.regime.replace("-", " "): run.values["affordance"]["reliability"] for run in runs}
    return reliability_figure(diagrams) if diagrams else None


def draw_audit(points: dict[str, list[tuple[float, float]]], correlation: str, path: Path) -> None:
    """Scatter of proxy against one-shot success as PNG and SVG."""
    save_both(audit_figure(points, {arm: arm_title(arm) for arm in points}, correlation), path)
