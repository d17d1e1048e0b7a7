"""The figure of an experiment's results folder, as PNG and SVG, from its runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from grasping_student.plotting.experiment_figures import (
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
from grasping_student.plotting.style import save_figure
from grasping_student.study import precision_tables, tables
from grasping_student.study.conditions import ARMS, DEFAULT_STUDENT, METHODS
from grasping_student.study.designs import DESIGNS, FRACTIONS, Design
from grasping_student.study.planning import Row
from grasping_student.study.records import Run

FIGURE = "figure"
LABELS = "labels"
"""Start of the names of pictures of labelled grasps, in the results folder itself."""

PICTURES = {
    "affordance": (
        "maps",
        "What the affordance network makes of one scene at eight angles (the paper's figure 2); the gripper "
        "stands at the best pixel, and in the grey margin no grasp is allowed",
    ),
    "entropy": (
        "maps",
        "Softmax of teachers' and students' score maps of the same scenes at the horizontal angle (the paper's "
        "figure 4), with the entropy of each; in one scene a student's can be the higher, the table has the means",
    ),
    "picking": (
        "grasps",
        "The default student's grasps in the first two scenes of a one-shot test, seen from beside the bin, "
        "whose walls are left out (the paper's figure 7)",
    ),
}
"""Pictures drawn while an experiment's models are at hand: start of their names, and their caption."""

CAPTIONS = {
    "methods": "Blue: the interval over draws and scenes excludes zero.",
    "entropy": "Entropy: mean, lowest and highest draw.",
    "affordance": "Reliability on held-out attempts: seen against predicted share of successes in ten bins, with "
    "Wilson's intervals; marks are as large as their bins are full; on the dotted line the network is calibrated.",
    "precision": "Success of a teacher's best grasps when executed: of the whole scene, and at angles drawn by chance.",
}
"""What is to be known to read an experiment's figure."""

AUDIT = "A mark is a trained model; on the dotted line the proxy is right. ρ is Spearman's rank correlation."

PREFERRED_SETTINGS = ("20 %", "5 %", "10 %", "100 %")
"""Whose models such pictures show, the first of which there are any."""

MOST_LINES = 9
"""More arms than these are drawn in two panels."""

SECOND_PANEL = ("antipodal", "teacher_matched", "student_matched", "teacher_grip", "teacher_room", "student_bare")
"""Arms that say where a lead comes from: they stand in the second panel."""

IN_BOTH = ((DEFAULT_STUDENT, "student_memory", "teacher_memory"), ("student", "student_augmented"))
"""What they are held against: of the first of these groups, those arms that are there."""

SHOWN_GRASPS = {
    "confidence": "best of the scene",
    "angle": "best at an angle drawn",
    "clearance": "best and drawn together",
}
"""Which grasps a panel of the precision shows, by what divides them."""

MEASURE_NAMES = {
    "one_shot": ("one-shot success", "one-shot success rate"),
    "proxy": ("proxy", "proxy rate"),
    "taken": (BLOCKS, BLOCKS),
    "all_picks": ("all picks", "success rate of all picks"),
}
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


def plot_experiment(folder: Path, design: Design, runs: Sequence[Run]) -> None:
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
    panels: list[tuple[Panel, list[str]]] = []
    regimes = {regime: [cell for cell in cells if cell.regime == regime] for regime in design.regimes}
    for measure, (name, label) in MEASURE_NAMES.items():
        if measure in design.beside.measures:
            continue  # its own experiment draws it
        for regime, own in regimes.items():
            for what, lines in _divided(_lines(own, measure)):
                panels.append(
                    (Panel(f"{name}, {regime.replace('-', ' ')}{what}", label, lines), _in_order(own, design))
                )
    for regime, own in regimes.items():
        lines = _entropy_lines(own)
        if lines:
            words = f"entropy, {regime.replace('-', ' ')}: mean, lowest and highest draw"
            panels.append((Panel(words, "entropy of the map, bits", lines), _in_order(own, design)))
    return settings_figure(panels, design.varies) if panels else None


def _in_order(cells: Sequence[tables.CellRuns], design: Design) -> list[str]:
    """The settings of some cells in the design's order."""
    return [name for name in design.settings if any(cell.setting == name for cell in cells)]


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
    controls, with what they are held against in both."""
    if len(lines) <= MOST_LINES:
        return [("", lines)] if lines else []
    controls = tuple(line for line in lines if line.arm in SECOND_PANEL)
    held = next((found for arms in IN_BOTH if (found := tuple(line for line in lines if line.arm in arms))), ())
    return [("", tuple(line for line in lines if line not in controls)), (": controls", (*controls, *held))]


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
    """Each method's student less the augmented teacher."""
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
            label = "student less the augmented teacher,\none-shot, points"
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
                    for name, each in found
                    if each is not None
                )
                full = cell.setting == max(own, key=lambda each: FRACTIONS[each.setting]).setting
                name = f"{arm}, all labels" if full and len(own) > 1 else arm
                lines.append(Line(name, f"{arm_title(arm)}, {cell.setting} of the labels", points))
            title = f"{regime.replace('-', ' ').capitalize()}: {SHOWN_GRASPS[by]}"
            row.append((Panel(title, "success rate", tuple(lines)), grouping.names, grouping.title))
        rows.append(row)
    return grid_figure(rows) if rows else None


def _reliability(runs: Sequence[Run]) -> Figure | None:
    diagrams = {run.regime.replace("-", " "): run.values["affordance"]["reliability"] for run in runs}
    return reliability_figure(diagrams) if diagrams else None


def plot_proxy_validity(scatters: dict[str, dict[str, list[tuple[float, float]]]], path: Path) -> None:
    """Scatters of proxy against one-shot success, title -> arm -> models, as PNG and SVG."""
    arms = [arm for arm in (*ARMS, "student_method") if any(arm in points for points in scatters.values())]
    save_both(audit_figure(scatters, {arm: arm_title(arm) for arm in arms}), path)
