"""Tables of the results page as rows of text: titles and cells, ready for Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from grasping_student.episodes.event_log import EndReason
from grasping_student.evaluation.table import interval, points
from grasping_student.study.comparisons import Comparison, comparison, marked, pairs_in
from grasping_student.study.conditions import CONTROLS, DEFAULT_STUDENT, condition_title
from grasping_student.study.designs import domain_title
from grasping_student.study.method_comparisons import MethodRow
from grasping_student.study.rates import MEASURES, MIN_REPLICATES, Estimate, Evidence

_SCALES = {"entropy": (1.0, 2), "proxy_average": (100.0, 1)}
"""Means: factor and digits of their text."""


@dataclass(frozen=True)
class Table:
    """Titles and rows of cells."""

    titles: tuple[str, ...]
    rows: list[tuple[str, ...]]

    def __bool__(self) -> bool:
        return bool(self.rows)

    @property
    def markdown(self) -> str:
        lines = [self.titles, ("---",) * len(self.titles), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def estimate_text(found: Estimate | None, measure: str, replicates: int, signed: bool = False) -> str:
    """An estimate with its interval, and with its own number of replicates where its row has another; empty for
    none."""
    if found is None:
        return ""
    own = "" if found.replicates == replicates else f" (n = {marked(found.replicates)})"
    if measure not in _SCALES:
        return found.text(signed) + own
    scale, digits = _SCALES[measure]
    sign = "+" if signed else ""
    value, *ends = (f"{scale * each:{sign}.{digits}f}" for each in (found.value, *(found.over_replicates or ())))
    return (f"{value} [{', '.join(ends)}]" if ends else value) + own


def rate_table(evidence: Evidence, domain: str) -> Table:
    """Every condition of every level with its rates, the paper's in the last column."""
    design = evidence.design
    measures = [name for name in evidence.measures(domain) if name != "without_stop_failures"]
    picked = "taken" in measures
    paper = domain == "in-distribution" and any(
        each in design.paper for level in evidence.levels(domain) for each in evidence.trials[domain, level]
    )
    rows = []
    for level in evidence.levels(domain):
        for condition in evidence.trials[domain, level]:
            replicates = evidence.replicates(domain, level, condition)
            found = [(evidence.rate(domain, level, condition, name), name) for name in measures]
            row = [condition_title(condition), marked(replicates)]
            row += [estimate_text(each, name, replicates) for each, name in found]
            row += _picked(evidence, domain, level, condition) if picked else []
            share = design.paper.get(condition, {}).get(level)
            row += ["" if share is None else f"{100 * share:.2f}"] if paper else []
            rows.append((level_text(evidence, domain, level), tuple(row)))
    titles = [design.varies, "", "n", *(MEASURES[name] for name in measures)]
    titles += ["attempts", "stopped by failures"] * picked + ["paper"] * paper
    return Table(tuple(titles), _without_repeats(collapse_rows(rows)))


def _picked(evidence: Evidence, domain: str, level: str, condition: str) -> list[str]:
    """Attempts of all episodes, and how many of the episodes failures in a row ended."""
    rows = evidence.rows(domain, level, condition, "picking")
    picks = rows[rows["part"] == "all_picks"]
    if picks.empty:
        return ["", ""]
    stopped = rows.loc[rows["part"] == f"end:{EndReason.FAILURES.value}", "value"].sum()
    return [str(int(picks["attempts"].sum())), f"{stopped:.0f} of {len(picks)}"]


def difference_table(evidence: Evidence, domain: str) -> Table:
    """Second less first of every pair worth comparing, with both intervals."""
    design = evidence.design
    measures = [name for name in evidence.measures(domain) if name != "without_stop_failures"]
    pairs = []
    for level in evidence.levels(domain):
        for first, second in pairs_in(evidence, domain, level):
            found = {name: evidence.difference(domain, (level, first), (level, second), name) for name in measures}
            if any(found.values()):
                pairs.append((level, first, second, found))
    measures = [name for name in measures if any(found[name] for *_, found in pairs)]
    paper = domain == "in-distribution" and {"student", "teacher"} <= design.paper.keys()
    rows = []
    for level, first, second, found in pairs:
        replicates = max(each.replicates for each in found.values() if each)
        row = [f"{condition_title(second)} − {condition_title(first)}", marked(replicates)]
        for name in measures:
            each = found[name]
            text = estimate_text(each, name, replicates, signed=True)
            row.append(f"**{text}**" if each is not None and (each.better or each.worse) else text)
            if name not in _SCALES:
                row.append("" if each is None else interval(each.over_replicates, signed=True))
        if paper:
            known = [design.paper.get(each, {}).get(level) for each in (first, second)]
            both = (first, second) == ("teacher", "student") and None not in known
            row.append(points(float(known[1] or 0) - float(known[0] or 0)) if both else "")
        rows.append((level_text(evidence, domain, level), tuple(row)))
    titles = [design.varies, "difference, points", "n"]
    for name in measures:
        titles += [f"{MEASURES[name]}, t"] if name in _SCALES else [MEASURES[name], "t"]
    return Table((*titles, *["paper"] * paper), _without_repeats(collapse_rows(rows)))


def level_text(evidence: Evidence, domain: str, level: str) -> str:
    """A level as the first cell of a row."""
    named = "labels" in evidence.design.varies.split()
    return evidence.labels(domain, level) if named else evidence.design.level_title(level)


Row = tuple[str, tuple[str, ...]]
"""First cell, and the other cells."""


def collapse_rows(rows: Sequence[Row]) -> list[Row]:
    """Rows that are alike at every level come first and once, as those of ``all``; the rest keeps its order.

    Only where three levels or more say the same: policies and teachers, say, whom the number of angles in
    pseudo-labelling does not concern.
    """
    levels = len({level for level, _ in rows})
    often = {row for row, count in Counter(row for _, row in rows).items() if count == levels} if levels > 2 else ()
    first = [("all", row) for row in dict.fromkeys(row for _, row in rows if row in often)]
    return first + [(level, row) for level, row in rows if row not in often]


def _without_repeats(rows: Iterable[Row]) -> list[tuple[str, ...]]:
    """Rows whose first cell is empty where it is that of the row above."""
    found, before = [], ""
    for level, row in rows:
        found.append(("" if level == before else level, *row))
        before = level
    return found


def comparison_table(comparisons: Sequence[Comparison], lead: bool = False) -> Table:
    """Comparisons with their verdicts, and whether the wanted lead was reached."""
    titles = ["domain", "share (labels)", "n", "who", "less", "difference", "t", "verdict", *["5 points"] * lead]
    rows = []
    for each in comparisons:
        best = f" (best of {each.best_of})" if each.best_of else ""
        row = [
            each.domain.replace("-", " "),
            each.labels,
            marked(each.found.replicates),
            condition_title(each.second),
            f"{condition_title(each.first)}{best}",
            each.found.text(signed=True),
            interval(each.found.over_replicates, signed=True),
            each.verdict,
            *[each.lead] * lead,
        ]
        rows.append(tuple(row))
    return Table(tuple(titles), rows)


def summary_table(columns: Sequence[tuple[str, Sequence[Comparison]]]) -> Table:
    """Several comparisons side by side, a row for each domain and level; bold where a difference is told from zero."""
    keys = dict.fromkeys((each.domain, each.labels) for _, group in columns for each in group)
    by = [{(each.domain, each.labels): each.found for each in group} for _, group in columns]
    rows = []
    for key in keys:
        cells = [found.get(key) for found in by]
        texts = ["" if each is None else each.text(signed=True) + ("" if each.enough else "†") for each in cells]
        bold = [
            f"**{text}**" if each and (each.better or each.worse) else text
            for text, each in zip(texts, cells, strict=True)
        ]
        rows.append((domain_title(key[0]), key[1], *bold))
    return Table(("domain", "share (labels)", *(title for title, _ in columns)), rows)


def one_condition_table(evidence: Evidence, domain: str, condition: str) -> Table:
    """One condition at every level with the paper's rate, for experiments that vary its training."""
    measures = [name for name in ("one_shot", "proxy", "proxy_average") if name in evidence.measures(domain)]
    rows = []
    for level in evidence.levels(domain):
        replicates = evidence.replicates(domain, level, condition)
        found = [estimate_text(evidence.rate(domain, level, condition, m), m, replicates) for m in measures]
        share = evidence.design.paper.get(condition, {}).get(level)
        if replicates:
            rows.append((level, marked(replicates), *found, "" if share is None else f"{100 * share:.2f}"))
    titles = (evidence.design.varies, "n", *(MEASURES[name] for name in measures), "paper, proxy, averaged")
    return Table(titles, rows)


def trend_table(evidence: Evidence, domain: str) -> Table:
    """The last level against the first, for every student, with the paper's difference."""
    levels, rows = evidence.levels(domain), []
    if len(levels) < 2:
        return Table((), [])
    first, last = levels[0], levels[-1]
    for condition in evidence.trials[domain, last]:
        if condition.startswith("student") and condition in evidence.trials[domain, first]:
            found = comparison(evidence, domain, last, (condition, condition), "one_shot", first_level=first)
            cells = [
                estimate_text(
                    evidence.difference(domain, (first, condition), (last, condition), name), name, MIN_REPLICATES, True
                )
                for name in ("one_shot", "proxy", "proxy_average")
            ]
            paper = [evidence.design.paper.get(condition, {}).get(level) for level in (first, last)]
            known = points(float(paper[1] or 0) - float(paper[0] or 0)) if None not in paper else ""
            rows.append((condition_title(condition), *cells, found.verdict if found else "", known))
    who = f"{last} less {first} ({evidence.design.varies})"
    return Table((who, "one-shot", "proxy", "proxy, averaged, t", "verdict, one-shot", "paper, proxy, averaged"), rows)


def few_labels_table(evidence: Evidence, least: int, most: int) -> Table:
    """All conditions side by side where the teacher has few labels, one-shot."""
    first = evidence.runs.groupby(["domain", "level"])["labels"].agg(["min", "max"])
    few = set(first[(first["min"] >= least) & (first["max"] <= most)].index)
    trials = [trial for trial in evidence.trials if trial in few]
    names = [name for name in (*CONTROLS, DEFAULT_STUDENT) if any(name in evidence.trials[each] for each in trials)]
    rows = []
    for domain, level in trials:
        rates = [evidence.rate(domain, level, name, "one_shot") for name in names]
        cells = ["" if rate is None else rate.text() + ("" if rate.enough else "†") for rate in rates]
        rows.append((domain.replace("-", " "), evidence.labels(domain, level), *cells))
    return Table(("domain", "labels", *map(condition_title, names)), rows)


def method_table(rows: Sequence[MethodRow]) -> Table:
    """The controls, then each method's student; all against the plain one, the default and the augmented teacher."""
    titles = ("condition, or how the student is taught", "n", "one-shot", "less the plain student", "less the default")
    found = []
    for row in rows:
        cells = []
        for each in row.against.values():
            text = "" if each is None else each.text(signed=True)
            cells.append(f"**{text}**" if each is not None and (each.better or each.worse) else text)
        found.append((row.title, marked(row.rate.replicates), row.rate.text(), *cells))
    return Table((*titles, "less the augmented teacher"), found)
