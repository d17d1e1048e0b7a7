"""What follows from the runs in a results folder: its table as CSV and its figure."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from grasping_student.pipeline.files import write_text
from grasping_student.study import affordance_tables, precision_tables, tables
from grasping_student.study.designs import DESIGNS, Design
from grasping_student.study.figures import plot_experiment
from grasping_student.study.records import Run, read_runs
from grasping_student.study.reference_runs import with_beside


def shown_runs(results: Path, name: str) -> list[Run]:
    """What an experiment's table and figure show: its runs, and those of another that stand beside them.

    Raises:
        UserError: a run is damaged.
    """
    beside = DESIGNS[name].beside
    other = read_runs(results / beside.experiment) if beside.experiment else []
    return with_beside(read_runs(results / name), other, beside)


def write_tables(folder: Path, design: Design, runs: Sequence[Run]) -> None:
    """Write ``table.csv`` and the figure of runs into an experiment's results folder."""
    if design is DESIGNS["precision"]:
        rows = precision_tables.csv_rows(tables.cells(runs, design))
    elif design is DESIGNS["affordance"]:
        rows = affordance_tables.affordance_rows(runs)
    else:
        rows = tables.table_rows(runs, design)
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    write_text(folder / "table.csv", text.getvalue())
    plot_experiment(folder, design, runs)
