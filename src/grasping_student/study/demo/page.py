"""The demo's page, from its numbers and pictures through the template ``report.html.j2``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from grasping_student.evaluation.table import interval, percent, points
from grasping_student.pipeline.files import write_json, write_text
from grasping_student.plotting.figures import plot_curves, plot_rates
from grasping_student.plotting.style import data_uri, new_figure
from grasping_student.simulation.config import ENGINE_TITLES
from grasping_student.study.demo.pictures import DemoPictures, opened
from grasping_student.study.demo.report import (
    CONDITION_NAMES,
    DIFFERENCES,
    REPORT_HTML,
    REPORT_JSON,
    SHORT_NAMES,
    DemoRun,
    report_values,
)

TEMPLATE = "report.html.j2"
MIN_UNITS = 10
"""With fewer scenes or episodes a bootstrap interval is too narrow to conclude anything from."""


def build_report(run: DemoRun) -> dict[str, Any]:
    """Write ``report.json`` and ``report.html`` into the run's folder; returns the former.

    Raises:
        UserError: a stage has not finished, or its folder is damaged.
    """
    report = report_values(run)
    run.out.mkdir(parents=True, exist_ok=True)
    with opened(run) as pictures:
        write_text(run.out / REPORT_HTML, _page(run, report, pictures))
    write_json(run.out / REPORT_JSON, report)
    return report


def headline(report: Mapping[str, Any]) -> str:
    """What the photos bought, one-shot; empty where teacher and student were not both tested."""
    found = report.get("difference", {}).get("one_shot")
    if not found:
        return ""
    teacher, student = (report[name]["one_shot"] for name in ("teacher", "student"))
    return (
        f"The {report['scenes']} photos bought {points(found['success_rate'])} points "
        f"{interval(found['bootstrap_95'], True)}: the student succeeds with {percent(student['success_rate'])} of its "
        f"first grasps, its teacher, of the same {report['labels']} labels without the photos, with "
        f"{percent(teacher['success_rate'])}; geometry alone with {_rate_of(report, 'antipodal')}, and "
        f"{_rate_of(report, 'person_exact')} are possible."
    )


def _rate_of(report: Mapping[str, Any], condition: str) -> str:
    values = report.get(condition, {}).get("one_shot")
    return percent(values["success_rate"]) if values else "an unknown share"


def verdicts(report: Mapping[str, Any], measured: str = "one-shot, over scenes") -> list[str]:
    """One line for each teacher: its student's difference, and whether it can be told from zero."""
    found = [report[name] for name in DIFFERENCES if name in report]
    if measured == "one-shot, over scenes":
        return [compare(pair["first"], "student", measured, pair["one_shot"]) for pair in found]
    pairs = [(pair["first"], pair["episodes"]["all_picks"]) for pair in found]
    return [compare(first, "student", measured, picks) for first, picks in pairs if picks]


def compare(first: str, second: str, measured: str, difference: Mapping[str, Any] | None) -> str:
    """One sentence on a paired difference and one on whether it can be told from zero.

    Args:
        first: condition that is subtracted.
        second: the other condition.
        measured: name of the rate and its units, as in ``one-shot, over scenes``.
        difference: success_rate, bootstrap_95 and units of the difference, or None.
    """
    one, other = (SHORT_NAMES.get(each, CONDITION_NAMES.get(each, each)) for each in (first, second))
    if difference is None:
        return f"The {other} and the {one} cannot be compared ({measured}): one of them has no attempts."
    estimate, bounds = difference["success_rate"], difference["bootstrap_95"]
    start = f"{other} less {one} ({measured}): {points(estimate)} points, 95 % interval {interval(bounds, True)}."
    start = start[0].upper() + start[1:]
    if difference["units"] < MIN_UNITS:
        return f"{start} With {difference['units']} of them only, nothing can be concluded from it."
    if bounds[0] > 0.0:
        return f"{start} The interval lies above zero: these two models differ, and the {other} is the better."
    if bounds[1] < 0.0:
        return f"{start} The interval lies below zero: these two models differ, and the {other} is the worse."
    return f"{start} The interval includes zero: this run does not tell which of the two is better."


def environment() -> jinja2.Environment:
    """Templates of the demo, with plain text escaped in HTML."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=jinja2.select_autoescape(("html.j2",)),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(
        engine_title=lambda name: ENGINE_TITLES.get(name, ""),
        percent=percent,
        points=points,
        interval=interval,
        spaced=lambda text: text.replace("_", " "),
    )
    return found


def _page(run: DemoRun, report: Mapping[str, Any], pictures: DemoPictures) -> str:
    frames, side, summary = pictures.episode()
    context = {
        "run": run,
        "report": report,
        "names": {name: title for name, title in CONDITION_NAMES.items() if name in report},
        "short": SHORT_NAMES,
        "pairs": [report[name] for name in DIFFERENCES if name in report],
        "outcomes": sorted({each for name in CONDITION_NAMES if name in report for each in report[name]["failures"]}),
        "family": str(report.get("family") or ""),
        "headline": headline(report),
        "verdicts": verdicts(report),
        "episode_verdicts": verdicts(report, "all picks, over episodes"),
        "charts": _charts(report),
        "labels": pictures.labelled_scenes(),
        "scenes": pictures.score_maps(),
        "curves": _curves(pictures),
        "episode": {"frames": frames, "side": side, "summary": summary},
    }
    return environment().get_template(TEMPLATE).render(context) + "\n"


def _charts(report: Mapping[str, Any]) -> list[str]:
    """One-shot and episode rates with their intervals, as ``data:`` addresses."""
    drawn = []
    for test in ("one_shot", "episodes"):
        rows: list[tuple[str, float, tuple[float, float]]] = []
        for condition in (name for name in CONDITION_NAMES if name in report):
            values = report[condition][test]
            if values and values["success_rate"] is not None:
                low, high = values["bootstrap_95"]
                rows.append((condition, values["success_rate"], (low, high)))
        figure, axes = new_figure(5.4, 0.6 * len(rows) + 0.9)
        plot_rates(axes[0, 0], rows, names=CONDITION_NAMES)
        drawn.append(data_uri(figure))
    return drawn


def _curves(pictures: DemoPictures) -> str:
    """Training losses as a ``data:`` address; empty without a curve."""
    curves = pictures.learning_curves()
    if not curves:
        return ""
    figure, axes = new_figure(5.4, 3.2)
    plot_curves(axes[0, 0], curves, "training step", "loss", names=CONDITION_NAMES)
    return data_uri(figure)
