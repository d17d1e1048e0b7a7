"""What follows from the runs in a results folder: its table as CSV and its figure."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from grasping_student.experiments import affordance_tables, precision_tables, tables
from grasping_student.experiments.designs import DESIGNS, Design
from grasping_student.experiments.drawing import draw_experiment
from grasping_student.experiments.records import read_runs
from grasping_student.files import write_text


def write_tables(folder: Path, design: Design) -> None:
    """Write ``table.csv`` and the figure of an experiment's results folder, from its runs alone."""
    if design is DESIGNS["precision"]:
        rows = precision_tables.csv_rows(tables.cells(read_runs(folder), design))
    elif design is DESIGNS["affordance"]:
        rows = affordance_tables.affordance_rows(read_runs(folder))
    else:
        rows = tables.table_rows(folder, design)
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    write_text(folder / "table.csv", text.getvalue())
    draw_experiment(folder, design)
