"""The two tables of an experiment on the results page: rates of all arms, and differences between pairs of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from grasping_student.episodes.event_log import EndReason
from grasping_student.evaluation.table import points
from grasping_student.study import tables
from grasping_student.study.comparisons import labels_of
from grasping_student.study.designs import Design
from grasping_student.study.figures import arm_title, setting_title
from grasping_student.study.records import Run
from grasping_student.study.tables import CellRuns, Estimate, Mean

COLUMNS = (
    ("one_shot", "one-shot"),
    ("taken", "blocks an episode"),
    ("all_picks", "all picks"),
    ("excluding_repeats", "excl. repeats"),
    ("proxy", "proxy"),
)


@dataclass(frozen=True)
class Extra:
    """A number that a draw has but its scenes have not. Its intervals are over draws."""

    title: str
    value: Callable[[Run], float | None]
    scale: float
    digits: int

    def text(self, found: Mean, signed: bool = False) -> str:
        """A mean, or with its sign a difference, and its interval."""
        sign = "+" if signed else ""
        value, *ends = (
            f"{self.scale * each:{sign}.{self.digits}f}" for each in (found.value, *(found.over_draws or ()))
        )
        return f"{value} [{', '.join(ends)}]" if ends else value


AVERAGED_PROXY = Extra("proxy, averaged", tables.proxy_average_of, 100.0, 1)
EXTRA = (AVERAGED_PROXY, Extra("entropy, bits", tables.entropy_of, 1.0, 2))

PICKED = ("attempts", "stopped by failures")
"""Titles of what stands beside rates over episodes: their denominator, and how episodes ended."""

Row = tuple[str, tuple[str, ...]]
"""The setting, and what stands beside it."""


def rates(cells: Sequence[CellRuns], design: Design) -> list[str]:
    """Markdown lines: every arm of every setting with its rates, the paper's beside."""
    columns = [
        (measure, title)
        for measure, title in COLUMNS
        if any(tables.rate_of(runs, measure) for cell in cells for runs in cell.runs.values())
    ]
    extra = [
        each for each in EXTRA if any(tables.mean_of(runs, each.value) for cell in cells for runs in cell.runs.values())
    ]
    picked = any(run.episodes for cell in cells for runs in cell.runs.values() for run in runs.values())
    paper = any(arm in design.paper for cell in cells for arm in cell.runs) and cells[0].regime == "in-distribution"
    titles = ["", "n", *(title for _, title in columns), *([*PICKED] * picked), *(each.title for each in extra)]
    titles += ["paper"] * paper
    rows: list[Row] = []
    for cell in cells:
        for arm, runs in cell.runs.items():
            few = "" if len(runs) >= tables.FEWEST_DRAWS else "†"
            row = [arm_title(arm), f"{len(runs)}{few}"]
            row += [_rate(tables.rate_of(runs, measure), len(runs)) for measure, _ in columns]
            row += _picked(runs) if picked else []
            row += [_mean(each, runs) for each in extra]
            if paper:
                share = design.paper.get(arm, {}).get(cell.setting)
                row.append("" if share is None else f"{100 * share:.2f}")
            rows.append((_setting(design, cell), tuple(row)))
    return _table([design.varies, *titles], rows)


def differences(cells: Sequence[CellRuns], design: Design) -> list[str]:
    """Markdown lines: second less first of every pair worth comparing, with both intervals; none without a pair."""
    pairs = []
    for cell in cells:
        for first, second in tables.pairs_in(cell, design):
            found = {
                measure: tables.difference_of(cell.runs[first], cell.runs[second], measure) for measure, _ in COLUMNS
            }
            if any(found.values()):
                pairs.append((cell, first, second, found))
    if not pairs:
        return []
    columns = [(m, t) for m, t in COLUMNS if any(found[m] for *_, found in pairs)]
    titles = ["difference, points", "n"]
    for _, title in columns:
        titles += [title, "over draws (t)"]
    paper = "student" in design.paper and "teacher" in design.paper and cells[0].regime == "in-distribution"
    extra = [
        each
        for each in EXTRA
        if any(mean_difference(each, cell.runs[first], cell.runs[second], 0) for cell, first, second, _ in pairs)
    ]
    titles += [f"{each.title}, over draws (t)" for each in extra] + ["paper"] * paper
    rows: list[Row] = []
    for cell, first, second, found in pairs:
        draws = max(each.draws for each in found.values() if each)
        few = "" if draws >= tables.FEWEST_DRAWS else "†"
        row = [f"{arm_title(second)} − {arm_title(first)}", f"{draws}{few}"]
        for measure, _ in columns:
            row += [_difference(found[measure], draws), _over_draws(found[measure])]
        row += [mean_difference(each, cell.runs[first], cell.runs[second], draws) for each in extra]
        if paper:
            known = [design.paper.get(arm, {}).get(cell.setting) for arm in (first, second)]
            both = (first, second) == ("teacher", "student") and None not in known
            row.append(points(float(known[1] or 0) - float(known[0] or 0)) if both else "")
        rows.append((_setting(design, cell), tuple(row)))
    return _table([design.varies, *titles], rows)


def mean_difference(extra: Extra, first: dict[int, Run], second: dict[int, Run], draws: int) -> str:
    """Second less first in such a number, with the interval over draws; empty if not measured."""
    found = tables.mean_difference(first, second, extra.value)
    if found is None:
        return ""
    return extra.text(found, signed=True) + tables.fewer_draws(found.draws, draws)


def said_once(rows: Sequence[Row]) -> list[Row]:
    """What is alike in every setting comes first and once, as that of ``all``; the rest keeps its order.

    Only where three settings or more say the same: policies and teachers, say, whom the number of angles in
    pseudo-labelling does not concern.
    """
    settings = len({setting for setting, _ in rows})
    often = {row for row, count in Counter(row for _, row in rows).items() if count == settings} if settings > 2 else ()
    first = [("all", row) for row in dict.fromkeys(row for _, row in rows if row in often)]
    return first + [(setting, row) for setting, row in rows if row not in often]


def _table(titles: Sequence[str], rows: Sequence[Row]) -> list[str]:
    lines, before = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)], ""
    for setting, row in said_once(rows):
        lines.append("| " + " | ".join(["" if setting == before else setting, *row]) + " |")
        before = setting
    return lines


def _setting(design: Design, cell: CellRuns) -> str:
    return labels_of(cell) if "labels" in design.varies.split() else setting_title(design, cell.setting)


def _picked(runs: dict[int, Run]) -> list[str]:
    """Attempts of all episodes, and how many of the episodes failures in a row ended."""
    picking = [run.values["picking"] for run in runs.values() if run.episodes]
    if not picking:
        return ["", ""]
    attempts = sum(sum(each["all_picks"]["attempts"]) for each in picking)
    stopped = sum(each["episode_ends"].get(EndReason.FAILURES.value, 0) for each in picking)
    return [str(attempts), f"{stopped} of {sum(run.episodes for run in runs.values())}"]


def _mean(extra: Extra, runs: dict[int, Run]) -> str:
    """Mean over draws with the interval over them."""
    found = tables.mean_of(runs, extra.value)
    return "" if found is None else extra.text(found) + tables.fewer_draws(found.draws, len(runs))


def _rate(found: Estimate | None, draws: int) -> str:
    return "" if found is None else found.text() + tables.fewer_draws(found.draws, draws)


def _difference(found: Estimate | None, draws: int) -> str:
    if found is None:
        return ""
    text = found.text(signed=True) + tables.fewer_draws(found.draws, draws)
    return f"**{text}**" if found.enough and found.bootstrap.excludes_zero else text


def _over_draws(found: Estimate | None) -> str:
    return "" if found is None else found.over_draws_text()
