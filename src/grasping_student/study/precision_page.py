"""The precision of pseudo-labels on the results page: tables, and whether anything tells good ones from bad."""

from __future__ import annotations

from collections.abc import Sequence

from grasping_student.study import precision_tables, tables
from grasping_student.study.comparisons import labels_of
from grasping_student.study.figures import arm_title
from grasping_student.study.precision_tables import GROUPINGS, Separation
from grasping_student.study.tables import CellRuns, Estimate

KIND_TITLES = {
    "best": "best of the scene (the paper's)",
    "room": "best with room",
    "grip": "best of the good grips",
    "angle": "best at an angle drawn by chance",
}
UNITS = {"angle": "°", "clearance": " mm"}
GROUP_TITLES = {
    "confidence": "Best of the scene, by the teacher's own confidence (its share of the softmax over all pixels and "
    "angles), fifths from the least to the most sure",
    "angle": "Best at an angle drawn by chance, by angle",
    "clearance": "Best of the scene and best at angles drawn, by the height of the open fingers' tips over what lies "
    "under them",
    "rule": "The same grasps, by what the rules on grasps say of them",
}


def lines(cells: Sequence[CellRuns]) -> list[str]:
    """All tables and sentences of one regime."""
    found = ["Success when executed in the simulator, percent of so many grasps:", "", *_kinds(cells), ""]
    for by, grouping in GROUPINGS.items():
        found += [f"{GROUP_TITLES[by]}:", "", *_groups(cells, by, grouping.names), ""]
    return [*found, *confidence_lines(cells), ""]


def _kinds(cells: Sequence[CellRuns]) -> list[str]:
    titles = ["share (labels)", "", "n", *KIND_TITLES.values()]
    table = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    for cell in cells:
        for arm, runs in cell.runs.items():
            rates = [precision_tables.rate(runs, kind) for kind in KIND_TITLES]
            table.append(_row(cell, arm, len(runs), rates))
    return table


def _groups(cells: Sequence[CellRuns], by: str, names: Sequence[str]) -> list[str]:
    titles = ["share (labels)", "", "n", *(f"{name}{UNITS.get(by, '')}" for name in names)]
    table = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    for cell in cells:
        for arm, runs in cell.runs.items():
            table.append(_row(cell, arm, len(runs), [each for _, each in precision_tables.rates(runs, by)]))
    return table


def _row(cell: CellRuns, arm: str, draws: int, rates: Sequence[Estimate | None]) -> str:
    few = "" if draws >= tables.FEWEST_DRAWS else "†"
    row = [labels_of(cell), arm_title(arm), f"{draws}{few}"]
    row += [
        "" if each is None else f"{each.text()} of {each.attempts}{tables.fewer_draws(each.draws, draws)}"
        for each in rates
    ]
    return "| " + " | ".join(row) + " |"


def confidence_lines(cells: Sequence[CellRuns]) -> list[str]:
    """Whether a teacher's confidence tells its good pseudo-labels from its bad ones, cell by cell."""
    found = []
    for cell in cells:
        for arm, runs in cell.runs.items():
            own = {kind: precision_tables.separation(runs, kind) for kind in ("best", "grip", "angle")}
            best = own["best"]
            if best is None:
                continue
            others = [
                f"{_area(each)}{tables.fewer_draws(each.draws, len(runs))} for its {KIND_TITLES[kind]}"
                for kind, each in own.items()
                if kind != "best" and each is not None
            ]
            own_area = _area(best) + tables.fewer_draws(best.draws, len(runs))
            found.append(
                f"- {labels_of(cell)}, {arm_title(arm)}: {_tells(best)} (area under the ROC curve {own_area}"
                + (f"; {', '.join(others)}" if others else "")
                + ")."
            )
    head = (
        "Does confidence tell good pseudo-labels from bad? An area of 0.5 tells nothing, 1 everything; a "
        "draw without a success or without a failure has none."
    )
    return [head, "", *found] if found else []


def _area(found: Separation) -> str:
    return f"{found.value:.2f} [{found.interval.low:.2f}, {found.interval.high:.2f}]"


def _tells(found: Separation) -> str:
    if found.draws < tables.FEWEST_DRAWS:
        return f"nothing concluded from {found.draws} {'draw' if found.draws == 1 else 'draws'}"
    if not found.tells:
        return "no, the interval holds 0.5"
    if found.value < 0.5:
        return "it tells them the wrong way round: the surer, the worse"
    return "yes" if found.interval.low >= 0.7 else "a little"
