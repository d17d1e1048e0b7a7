"""The results page, ``docs/results.md``, from the tables on file through the template ``results.md.j2``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import write_text
from grasping_student.study import (
    comparisons,
    measure_tables,
    method_comparisons,
    missing_runs,
    page_tables,
    precision_tables,
    proxy_validity,
)
from grasping_student.study.comparisons import Comparison, tallies
from grasping_student.study.conditions import CONDITIONS, DEFAULT_STUDENT, RANDOM_ANTIPODAL, condition_title
from grasping_student.study.designs import PAPER_DESIGNS, PAPER_DOMAINS, domain_title
from grasping_student.study.figures import FIGURE, plot_summary, plot_validity
from grasping_student.study.pictures import GRASPS, LABELS, MAPS
from grasping_student.study.rates import MIN_REPLICATES, Evidence
from grasping_student.study.rendering import draw_all, link, render
from grasping_student.study.results_sizes import engine_in, read_sizes
from grasping_student.study.run_store import KEY, by_run, read_runs, versions_of

TEMPLATE = "results.md.j2"
SUMMARY, VALIDITY = "summary.png", "proxy-validity.png"
EPISODE_MEASURES = ("taken", "all_picks", "excluding_repeats")
FEW_LABELS = (20, 100)
"""From so many to so many labels: the range that the paper leaves open."""


def write_page(results: Path, page: Path) -> Path:
    """Write the page and all figures; returns the page's path.

    Raises:
        UserError: there are no results, or a table is damaged.
    """
    everything = draw_all(results, PAPER_DESIGNS)
    if not everything:
        read_runs(results / "label-fraction")  # of an older release, perhaps, which it says
        raise UserError(f"{results} holds no results: 'grasping-student experiment label-fraction' makes some")
    context = page_context(results, page, everything)
    write_text(page, render(TEMPLATE, context))
    return page


def page_context(results: Path, page: Path, everything: Mapping[str, Evidence]) -> dict[str, Any]:
    """All that the template needs, by name."""
    own = {name: Evidence(name, read_runs(results / name)) for name in everything}
    sizes = read_sizes(results)
    claims = claims_of(everything)
    columns = summary_columns(claims)
    if any(group for _, group in columns):
        shown = [(title, group) for title, group in columns if group][:3]
        plot_summary([group for _, group in shown], [title for title, _ in shown], results / SUMMARY)
    validity = proxy_validity.by_domain(models := proxy_validity.compared_models(own))
    if validity:
        plot_validity([each for each in validity if each.title != "All"], results / VALIDITY)
    gaps = [gap for name in PAPER_DESIGNS for gap in missing_runs.gaps(name, read_runs(results / name), sizes)]
    return {
        "everything": defaultdict(lambda: None, everything),
        "designs": PAPER_DESIGNS,
        "domains": PAPER_DOMAINS,
        "conditions": {name: each for name, each in CONDITIONS.items() if _known(everything, name)},
        "default": DEFAULT_STUDENT,
        "condition_title": condition_title,
        "domain_title": domain_title,
        "sizes": sizes["sizes"],
        "engine": engine_in(sizes),
        "min_replicates": MIN_REPLICATES,
        "claims": defaultdict(list, claims),
        "summary": page_tables.summary_table(columns),
        "tallies": tallies,
        "count": comparisons.count,
        "tables": page_tables,
        "measures": measure_tables,
        "precision": precision_tables,
        "comparisons": comparisons,
        "methods": method_comparisons,
        "few_labels": FEW_LABELS,
        "validity": validity,
        "order": proxy_validity.pair_order(models) if validity else None,
        "gaps": gaps,
        "provenance": provenance(own),
        "sizes_of": sizes_of,
        "results": link(results, page),
        "picture": lambda name: link(results / name, page) if (results / name).exists() else "",
        "pictures": lambda folder, start: [
            link(each, page) for each in sorted((results / folder).glob(f"{start}-*.png"))
        ],
        "names": {
            "figure": FIGURE,
            "summary": SUMMARY,
            "validity": VALIDITY,
            "labels": LABELS,
            "maps": MAPS,
            "grasps": GRASPS,
        },
    }


def claims_of(everything: Mapping[str, Evidence]) -> dict[str, list[Comparison]]:
    """The comparisons that the page's claims stand on, by name; an experiment without runs gives none."""
    found: dict[str, list[Comparison]] = {}
    fraction, picking = everything.get("label-fraction"), everything.get("picking")
    if fraction:
        found["best_teacher"] = comparisons.against_best_teacher(fraction, "one_shot")
        found["constraint"] = comparisons.against_constraint(fraction)
        found["fewer_labels"] = comparisons.with_fewer_labels(fraction)
        for first, second in comparisons.PAPER_PAIRS:
            found[f"{second} - {first}"] = comparisons.of_pairs(fraction, [(first, second)], "one_shot")
        for name in ("teacher_antipodal", RANDOM_ANTIPODAL):
            found[f"default - {name}"] = comparisons.of_pairs(fraction, [(name, DEFAULT_STUDENT)], "one_shot")
    if picking:
        for measure in EPISODE_MEASURES:
            found[f"{measure}: best_teacher"] = comparisons.against_best_teacher(picking, measure)
            found[f"{measure}: random"] = comparisons.of_pairs(picking, [(RANDOM_ANTIPODAL, DEFAULT_STUDENT)], measure)
            for first, second in comparisons.PAPER_PAIRS:
                found[f"{measure}: {second} - {first}"] = comparisons.of_pairs(picking, [(first, second)], measure)
    if avoiding := everything.get("failure-avoidance"):
        found["failure_avoidance"] = comparisons.of_pairs(avoiding, comparisons.FAILURE_AVOIDANCE_PAIRS, "taken")
    return {name: group for name, group in found.items() if group}


def summary_columns(claims: Mapping[str, list[Comparison]]) -> list[tuple[str, list[Comparison]]]:
    """Comparisons at the head of the page, with the titles of their columns."""
    named = {
        "student − best teacher": "best_teacher",
        "student − the same teacher, constrained": "default - teacher_antipodal",
        "student − random antipodal grasp": "default - antipodal",
        "blocks an episode, student − best teacher": "taken: best_teacher",
        "blocks an episode, student − random antipodal grasp": "taken: random",
    }
    return [(title, claims.get(name, [])) for title, name in named.items()]


def _known(everything: Mapping[str, Evidence], condition: str) -> bool:
    return any(condition in set(evidence.runs["condition"]) for evidence in everything.values())


def provenance(own: Mapping[str, Evidence]) -> dict[str, Any]:
    """How many runs and models, on which machines, at which commits and versions of the stages' code."""
    runs = [rows for evidence in own.values() for rows in by_run(evidence.runs).values()]
    firsts = [rows.iloc[0] for rows in runs]
    kinds: dict[str, set[int]] = {}
    for rows in runs:
        for kind, version in versions_of(rows).items():
            kinds.setdefault(kind, set()).add(version)
    return {
        "runs": len(runs),
        "models": len({(each["model"], each["domain"], each["replicate"]) for each in firsts}),
        "machines": sorted({str(each["machine"]) for each in firsts}),
        "commits": sorted({str(each["commit"]) for each in firsts}),
        "versions": {kind: sorted(versions) for kind, versions in sorted(kinds.items())},
    }


def sizes_of(evidence: Evidence) -> dict[str, list[int]]:
    """Numbers of test scenes and of episodes of an experiment's runs."""
    runs = evidence.runs
    tested = runs[(runs["measure"] == "one_shot") & (runs["part"] == "") | (runs["part"] == "best")]
    picked = runs[(runs["measure"] == "picking") & (runs["part"] == "all_picks")]
    return {
        name: sorted({int(count) for count in rows.groupby(list(KEY)).size()})
        for name, rows in (("scenes", tested), ("episodes", picked))
    }
