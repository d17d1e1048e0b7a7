"""The two tables of an experiment on the results page: rates of all arms, and differences between pairs of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from grasping_student.experiments import claims, tables
from grasping_student.experiments.designs import Design
from grasping_student.experiments.drawing import arm_title, setting_title
from grasping_student.experiments.tables import CellRuns, Estimate
from grasping_student.reports.sentences import points

COLUMNS = (("one_shot", "one-shot"), ("all_picks", "all picks"), ("excluding_repeats", "excl. repeats"),
           ("proxy", "proxy"))  # fmt: skip

Row = tuple[str, tuple[str, ...]]
"""The setting, and what stands beside it."""


def rates(cells: Sequence[CellRuns], design: Design) -> list[str]:
    """Markdown lines: every arm of every setting with its rates, the paper's beside."""
    columns = [
        (measure, title) for measure, title in COLUMNS
        if any(tables.rate_of(runs, measure) for cell in cells for runs in cell.runs.values())
    ]  # fmt: skip
    extra = [
        (title, value) for title, value in
        (("proxy, averaged", tables.proxy_average_of), ("entropy, bits", tables.entropy_of))
        if any(tables.mean_of(runs, value) for cell in cells for runs in cell.runs.values())
    ]  # fmt: skip
    paper = any(arm in design.paper for cell in cells for arm in cell.runs) and cells[0].regime == "in-distribution"
    titles = ["", "n", *(title for _, title in columns), *(t for t, _ in extra), *(["paper"] * paper)]
    rows: list[Row] = []
    for cell in cells:
        for arm, runs in cell.runs.items():
            few = "" if len(runs) >= tables.FEWEST_DRAWS else "†"
            row = [arm_title(arm), f"{len(runs)}{few}"]
            row += [_rate(tables.rate_of(runs, measure), len(runs)) for measure, _ in columns]
            for title, value in extra:
                mean = tables.mean_of(runs, value)
                text = "" if mean is None else f"{mean[0]:.2f}" if "bits" in title else f"{100 * mean[0]:.1f}"
                row.append(text if mean is None else text + tables.fewer_draws(mean[1], len(runs)))
            if paper:
                share = design.paper.get(arm, {}).get(cell.setting)
                row.append("" if share is None else f"{100 * share:.2f}")
            rows.append((_setting(design, cell), tuple(row)))
    return _table([design.varies, *titles], rows)


def differences(cells: Sequence[CellRuns], design: Design) -> list[str]:
    """Markdown lines: second less first of every pair worth comparing, with both intervals; none without a pair."""
    pairs = []
    for cell in cells:
        for first, second in tables.pairs_in(cell):
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
    titles += ["paper"] * paper
    rows: list[Row] = []
    for cell, first, second, found in pairs:
        draws = max(each.draws for each in found.values() if each)
        few = "" if draws >= tables.FEWEST_DRAWS else "†"
        row = [f"{arm_title(second)} − {arm_title(first)}", f"{draws}{few}"]
        for measure, _ in columns:
            row += [_difference(found[measure], draws), _over_draws(found[measure])]
        if paper:
            known = [design.paper.get(arm, {}).get(cell.setting) for arm in (first, second)]
            both = (first, second) == ("teacher", "student") and None not in known
            row.append(points(float(known[1] or 0) - float(known[0] or 0)) if both else "")
        rows.append((_setting(design, cell), tuple(row)))
    return _table([design.varies, *titles], rows)


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
    return claims.labels_of(cell) if "labels" in design.varies.split() else setting_title(design, cell.setting)


def _rate(found: Estimate | None, draws: int) -> str:
    return "" if found is None else found.text() + tables.fewer_draws(found.draws, draws)


def _difference(found: Estimate | None, draws: int) -> str:
    if found is None:
        return ""
    text = found.text(signed=True) + tables.fewer_draws(found.draws, draws)
    return f"**{text}**" if found.enough and found.bootstrap.excludes_zero else text


def _over_draws(found: Estimate | None) -> str:
    return "" if found is None else found.over_draws_text()
