"""The demo's page: what was measured, what it looked like, what it shows and what it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from grasping_student.evaluation.table import interval, percent, points
from grasping_student.plotting import html
from grasping_student.plotting.figures import plot_curves, plot_rates
from grasping_student.plotting.style import new_figure
from grasping_student.study.demo import pictures as demo_pictures
from grasping_student.study.demo.sentences import ARM_NAMES, compare, entropy_sentence, headroom, limits

if TYPE_CHECKING:
    from grasping_student.study.demo.report import DemoRun

_RATES = (
    ("one-shot", lambda arm: arm["one_shot"]),
    ("episodes: all picks", lambda arm: arm["episodes"]),
    ("episodes: excluding repeats", lambda arm: (arm["episodes"] or {}).get("excluding_repeats")),
    ("episodes: without the stop's failures", lambda arm: (arm["episodes"] or {}).get("without_stop_failures")),
    ("one-shot and episodes together", lambda arm: arm),
)


def write_demo_page(run: DemoRun, report: Mapping[str, Any], path: Path) -> dict[str, float]:
    """Write the page; returns the mean entropy (bits) of each model whose maps it shows."""
    title = "Grasping Student: report of a demo"
    with demo_pictures.opened(run) as pictures:
        entropy = pictures.entropies()
        parts = [
            *_opening(run, report),
            *_rates(report),
            *_labels(pictures),
            *_score_maps(pictures, entropy),
            *_curves(pictures),
            *_episode(pictures),
            *_closing(run, report),
        ]
    html.write_page(path, title, parts)
    return entropy


PAIRS = ("difference", "difference_to_augmented", "difference_to_ruled")
"""Differences of the report, in the order of the page."""

WHAT_RULES_WANT = {
    "clearance": "leave both open fingers room",
    "antipodal": "leave both open fingers room and give them something to hold, with sides that face them",
}


def _arms(report: Mapping[str, Any]) -> list[str]:
    return [arm for arm in ARM_NAMES if arm in report]


def _opening(run: DemoRun, report: Mapping[str, Any]) -> list[str]:
    summary = (
        f"A teacher learnt from {run.labels} labelled grasps. It labelled {run.scenes} scenes that nobody had, "
        "and a student learnt from those. Then all of them picked blocks in the simulator, on the same scenes."
    )
    if run.rule != "none":
        summary += (
            f" Of the grasps of the teacher with augmentation only those became pseudo-labels that "
            f"{WHAT_RULES_WANT[run.rule]}: what the heightmap shows and everybody knows of his gripper, and no label "
            "says. The student obeys that rule when it picks, and its teachers know nothing of it. Two controls show "
            "what the rule does by itself: the same teacher under the rule, and the student without it."
        )
    return [
        html.heading("A teacher, its student, and what each can pick", 1),
        html.paragraph(summary),
        *[html.paragraph(line, "verdict") for line in verdicts(report)],
    ]


def verdicts(report: Mapping[str, Any]) -> list[str]:
    """One line for each teacher: its student's one-shot difference, and whether it can be told from zero."""
    return [
        compare(report[name]["first"], "student", "one-shot, over scenes", report[name]["one_shot"])
        for name in PAIRS
        if name in report
    ]


def _rates(report: Mapping[str, Any]) -> list[str]:
    rows: list[list[str]] = []
    for arm in _arms(report):
        for name, take in _RATES:
            values = take(report[arm])
            if values and not (report[arm]["episodes"] is None and name == _RATES[-1][0]):
                repeated = bool(rows) and ARM_NAMES[arm] in [row[0] for row in rows]
                rows.append(
                    [
                        "" if repeated else ARM_NAMES[arm],
                        name,
                        str(values["attempts"]),
                        str(values["successes"]),
                        percent(values["success_rate"]),
                        interval(values["wilson_95"]),
                        interval(values["bootstrap_95"]),
                    ]
                )
    head = ["model", "rate", "attempts", "successes", "success", "Wilson 95 %", "bootstrap 95 %"]
    failures = sorted({outcome for arm in _arms(report) for outcome in report[arm]["failures"]})
    by_outcome = [
        [ARM_NAMES[arm], *(str(report[arm]["failures"].get(o, 0)) for o in failures)] for arm in _arms(report)
    ]
    return [
        html.heading("Success rates"),
        html.charts(_rate_figures(report)),
        html.table(head, rows, named=True),
        html.paragraph(
            "One-shot: each model grasps once from the same saved state of each scene. Episodes: picking until the "
            "graspable area is empty or five attempts in a row have failed. A repeat is a grasp within 10 mm and 15 "
            "degrees of one that failed with no success since. Intervals in percent; the bootstrap resamples scenes "
            "and episodes.",
            "quiet",
        ),
        html.heading("Differences on the same scenes", 3),
        _differences(report),
        html.heading("Failures by outcome", 3),
        html.table(["model", *(outcome.replace("_", " ") for outcome in failures)], by_outcome),
    ]


def _rate_figures(report: Mapping[str, Any]) -> list[tuple[Figure, str]]:
    drawn = []
    for key, caption in (
        ("one_shot", "One-shot success with bootstrap intervals over scenes."),
        ("episodes", "Success over all picks of the episodes, with bootstrap intervals over episodes."),
    ):
        rows: list[tuple[str, float, tuple[float, float]]] = []
        for arm in _arms(report):
            values = report[arm][key]
            if values and values["success_rate"] is not None:
                low, high = values["bootstrap_95"]
                rows.append((arm, values["success_rate"], (low, high)))
        figure, axes = new_figure(5.4, 0.6 * len(rows) + 0.9)
        plot_rates(axes[0, 0], rows, names=ARM_NAMES)
        drawn.append((figure, caption))
    return drawn


def _differences(report: Mapping[str, Any]) -> str:
    rows = []
    for key in PAIRS:
        if key not in report:
            continue
        pair = report[key]
        name = f"student less {ARM_NAMES[pair['first']]}"
        named = {"one-shot": pair["one_shot"]}
        named |= {f"episodes: {rate.replace('_', ' ')}": values for rate, values in pair["episodes"].items()}
        for rate, values in named.items():
            if values:
                bounds = interval(values["bootstrap_95"], signed=True)
                rows.append([name, rate, points(values["success_rate"]), bounds, str(values["units"])])
    return html.table(["pair", "rate", "points", "bootstrap 95 %", "scenes or episodes"], rows, named=True)


def _labels(pictures: demo_pictures.DemoPictures) -> list[str]:
    return [
        html.heading("What the teacher learnt from"),
        html.paragraph(
            "Labelled grasps from the dataset: heights above, colour below. The gripper is drawn to scale, open to "
            "85 mm, green where the grasp succeeded and red where it failed. The dashed square is the graspable area."
        ),
        html.grid(pictures.labelled_scenes(), 200),
    ]


def _score_maps(pictures: demo_pictures.DemoPictures, entropy: Mapping[str, float]) -> list[str]:
    parts = [
        html.heading("What teacher and student see"),
        html.paragraph(
            "The first scenes of the one-shot test, not chosen. Maps show the probability of each pixel under the "
            "softmax at the horizontal angle, bright is likely, on one logarithmic scale for all. The last picture "
            "of a model is its best grasp over 16 angles."
        ),
    ]
    if {"teacher", "teacher_augmented", "student"} <= set(entropy):
        parts.append(html.paragraph(entropy_sentence(entropy)))
    for number, row in pictures.score_maps():
        parts += [html.heading(f"Scene {number}", 3), html.grid(row, 170)]
    return parts


def _curves(pictures: demo_pictures.DemoPictures) -> list[str]:
    curves = pictures.learning_curves()
    if not curves:
        return []
    figure, axes = new_figure(5.4, 3.2)
    plot_curves(axes[0, 0], curves, "training step", "loss", names=ARM_NAMES)
    caption = "Training loss. Teacher and student have different labels, so their levels do not compare."
    return [html.heading("Learning curves"), html.charts([(figure, caption)])]


def _episode(pictures: demo_pictures.DemoPictures) -> list[str]:
    frames, beside, words = pictures.episode()
    parts = [html.heading("One picking episode"), html.paragraph(words), html.grid(frames, 150)]
    if beside:
        walls = html.paragraph("The bin's walls are left out.", "quiet")
        parts += [html.heading("Its first grasp, from beside the bin", 3), html.grid(beside, 220), walls]
    return parts


def _closing(run: DemoRun, report: Mapping[str, Any]) -> list[str]:
    family = str(report.get("family") or "standard")
    shown: Sequence[str] = [*verdicts(report), *_episode_sentences(report)]
    arms = {arm: report[arm]["one_shot"] for arm in _arms(report)}
    timing = [[stage.replace("_", " "), f"{seconds:.0f}"] for stage, seconds in run.timing_s.items()]
    facts = (
        f"Seed {run.seed}, version {report['package_version']}, commit {report['commit'] or 'unknown'}, "
        f"{report['machine']}. All numbers stand in report.json, every attempt in the evaluations' attempts.jsonl."
    )
    return [
        html.heading("What this shows"),
        html.bullets([*shown, headroom(arms.get("student"), arms.get("scripted"))]),
        html.heading("What it does not show"),
        html.bullets(limits(run.labels, run.scenes, family)),
        html.heading("The run"),
        *([html.table(["stage", "seconds"], timing)] if timing else []),
        html.paragraph(facts, "quiet"),
    ]


def _episode_sentences(report: Mapping[str, Any]) -> list[str]:
    return [
        compare(report[key]["first"], "student", "all picks, over episodes", report[key]["episodes"]["all_picks"])
        for key in PAIRS
        if key in report and report[key]["episodes"]["all_picks"]
    ]
