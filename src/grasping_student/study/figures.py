"""The figure of each experiment, from its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from grasping_student.plotting.experiment_figures import (
    BLOCKS,
    Line,
    Panel,
    Point,
    differences_figure,
    level_figure,
    reliability_figure,
    validity_figure,
)
from grasping_student.plotting.style import save_figure
from grasping_student.study import precision_tables
from grasping_student.study.comparisons import Comparison
from grasping_student.study.conditions import CONDITIONS, DEFAULT_STUDENT, condition_title
from grasping_student.study.designs import FRACTIONS, domain_title
from grasping_student.study.precision_tables import GROUPINGS
from grasping_student.study.proxy_validity import Validity
from grasping_student.study.rates import Estimate, Evidence

FIGURE = "figure.png"

MAX_LINES = 9
"""More conditions than these are drawn in two panels."""

SECOND_PANEL = (
    "antipodal",
    "teacher_matched",
    "student_matched",
    "teacher_antipodal",
    "teacher_clearance",
    "student_unconstrained",
)
"""Conditions that say where a lead comes from: they stand in the second panel."""

IN_BOTH = ((DEFAULT_STUDENT, "student_failure_avoiding", "teacher_failure_avoiding"), ("student", "student_augmented"))
"""Conditions of both panels: of the first of these groups, those that are there."""

PANELS = {
    "one_shot": ("one-shot success", "one-shot success rate"),
    "proxy": ("proxy", "proxy rate"),
    "taken": (BLOCKS, BLOCKS),
    "all_picks": ("all picks", "success rate of all picks"),
    "entropy": ("entropy", "entropy of the map, bits"),
}
"""Measures with a panel: title, and label of the axis."""

SHOWN_GRASPS = {"confidence": "best of the scene", "angle": "best at a random angle", "clearance": "both together"}
"""Grouping of the precision -> which grasps its panel shows."""


def plot_experiment(results: Path, name: str) -> None:
    """Write the figure of an experiment's results folder; nothing where there is nothing to show.

    Raises:
        UserError: a table is damaged.
    """
    write_figure(results / name, Evidence.read(results, name))


def write_figure(folder: Path, evidence: Evidence) -> None:
    """Write an experiment's figure into its folder; nothing where there is nothing to show."""
    special = {"affordance": _reliability, "precision": _precision, "methods": _methods}
    figure = special.get(evidence.name, _levels)(evidence)
    if figure is not None:
        save_figure(figure, folder / FIGURE)


def plot_summary(comparisons: Sequence[Sequence[Comparison]], titles: Sequence[str], path: Path) -> None:
    """Differences at the head of the page: a panel for each comparison, a row for each domain and level."""
    rows = [f"{domain_title(each.domain)}, {each.labels}" for group in comparisons for each in group]
    panels = []
    for group, title in zip(comparisons, titles, strict=True):
        points = tuple(_point(f"{domain_title(each.domain)}, {each.labels}", each.found) for each in group)
        unit = "blocks an episode" if group[0].measure == "taken" else "one-shot, points"
        panels.append(Panel(title, unit, (Line("student_method", "", points),)))
    save_figure(differences_figure(panels, list(dict.fromkeys(rows))), path)


def plot_validity(found: Sequence[Validity], path: Path) -> None:
    """Scatters of proxy against one-shot success, a panel for each domain."""
    scatters: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for each in found:
        marks = scatters.setdefault(each.short, {})
        for model in each.models:
            marks.setdefault(model.condition, []).append((model.one_shot, model.proxy))
    known = [name for name in (*CONDITIONS, "student_method") if any(name in marks for marks in scatters.values())]
    save_figure(validity_figure(scatters, {name: condition_title(name) for name in known}), path)


def _point(level: str, found: Estimate) -> Point:
    low, high = found.bounds or (found.value, found.value)
    return Point(level, found.value, low, high, few=not found.enough)


def _levels(evidence: Evidence) -> Figure | None:
    """Rates against the levels, a panel for each domain and measure."""
    panels: list[tuple[Panel, list[str], str]] = []
    design = evidence.design
    for measure, (title, label) in PANELS.items():
        if measure in design.reference.measures:
            continue  # its own experiment draws it
        for domain in evidence.domains:
            levels = [level for level in design.levels if level in evidence.levels(domain)]
            for suffix, lines in _divided(_lines(evidence, domain, measure)):
                name = f"{title}, {domain.replace('-', ' ')}{suffix}"
                name += ": mean, lowest and highest replicate" if measure == "entropy" else ""
                panels.append((Panel(name, label, lines), levels, design.varies))
    return level_figure(panels) if panels else None


def _lines(evidence: Evidence, domain: str, measure: str) -> tuple[Line, ...]:
    lines = []
    levels = evidence.levels(domain)
    drawn = evidence.design.drawn
    for condition in dict.fromkeys(each for level in levels for each in evidence.trials[domain, level]):
        if drawn and condition not in drawn:
            continue
        points = []
        for level in levels:
            found = evidence.rate(domain, level, condition, measure)
            if found is None:
                continue
            point = _point(level, found)
            if measure == "entropy":
                point = Point(level, found.value, min(found.each), max(found.each), few=not found.enough)
            points.append(point)
        if points:
            lines.append(Line(condition, condition_title(condition), tuple(points)))
    return tuple(lines)


def _divided(lines: tuple[Line, ...]) -> list[tuple[str, tuple[Line, ...]]]:
    """The lines of one panel, or of two where they are too many to be read: those of the paper's question, and the
    controls, with what they are held against in both."""
    if len(lines) <= MAX_LINES:
        return [("", lines)] if lines else []
    controls = tuple(line for line in lines if line.condition in SECOND_PANEL)
    held = next((found for names in IN_BOTH if (found := tuple(line for line in lines if line.condition in names))), ())
    return [("", tuple(line for line in lines if line not in controls)), (": controls", (*controls, *held))]


def _methods(evidence: Evidence) -> Figure | None:
    """Each method's student less the augmented teacher."""
    panels, shown = [], []
    for domain in evidence.domains:
        points = []
        for level in evidence.levels(domain):
            pair = ((level, "teacher_augmented"), (level, "student_method"))
            found = evidence.difference(domain, *pair, "one_shot")
            if found is not None:
                points.append(_point(evidence.design.level_title(level), found))
        if points:
            label = "student less the augmented teacher,\none-shot, points"
            panels.append(Panel(domain_title(domain), label, (Line("student_method", "student", tuple(points)),)))
            shown += [point.level for point in points]
    ordered = [title for level in evidence.design.levels if (title := evidence.design.level_title(level)) in shown]
    return differences_figure(panels, ordered) if panels else None


def _precision(evidence: Evidence) -> Figure | None:
    """Success by confidence, angle and clearance, a line for each share of the labels; the augmented teacher if
    measured."""
    known = {each for conditions in evidence.trials.values() for each in conditions}
    teacher = "teacher_augmented" if "teacher_augmented" in known else "teacher"
    panels: list[tuple[Panel, Sequence[str], str]] = []
    for domain in evidence.domains:
        own = [level for level in evidence.levels(domain) if teacher in evidence.trials[domain, level]]
        for by in ("confidence", "angle", "clearance") if own else ():
            lines = []
            for level in own:
                runs = precision_tables.replicates_of(evidence, domain, level, teacher)
                rates = precision_tables.rates(runs, by)
                points = tuple(_point(name, each) for name, each in rates if each is not None)
                full = level == max(own, key=lambda each: FRACTIONS[each]) and len(own) > 1
                name = f"{teacher}, all labels" if full else teacher
                lines.append(Line(name, f"{condition_title(teacher)}, {level} of the labels", points))
            title = f"{domain_title(domain)}: {SHOWN_GRASPS[by]}"
            panels.append((Panel(title, "success rate", tuple(lines)), GROUPINGS[by].names, GROUPINGS[by].title))
    return level_figure(panels, columns=3) if panels else None


def _reliability(evidence: Evidence) -> Figure | None:
    diagrams = {}
    for domain in evidence.domains:
        rows = evidence.rows(domain, "all", "affordance", "affordance").sort_values("index")
        diagrams[domain.replace("-", " ")] = {
            name: rows.loc[rows["part"] == f"reliability.{name}", "value"].tolist()
            for name in ("predicted", "seen", "count")
        }
    return reliability_figure(diagrams) if diagrams else None
