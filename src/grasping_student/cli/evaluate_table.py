"""``grasping-student evaluate table``: the metrics of an evaluation on file as a table to read or to put in a page."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from grasping_student.errors import UserError

_WHOLE = "give metrics.json as the evaluation wrote it, or evaluate again"


def main(argv: Sequence[str]) -> None:
    """Print the tables of one file.

    Raises:
        UserError: the file is missing or holds no metrics of ``evaluate picking`` or ``evaluate one-shot``, or not all.
    """
    from grasping_student.evaluation.table import markdown_table, rates_table
    from grasping_student.files import read_json

    parser = argparse.ArgumentParser(prog="grasping-student evaluate table", description=__doc__)
    parser.add_argument("metrics", type=Path, help="metrics.json of an evaluation, or the folder that holds one")
    parser.add_argument("--markdown", action="store_true", help="for a page: percent, intervals, failures by kind")
    options = parser.parse_args(argv)
    path = options.metrics / "metrics.json" if options.metrics.is_dir() else options.metrics
    metrics = read_json(path)
    if not isinstance(metrics, dict) or metrics.get("kind") not in ("one-shot", "picking"):
        raise UserError(
            f"{path} holds no metrics of 'evaluate picking' or 'evaluate one-shot'; give their metrics.json"
        )
    missing = [
        name for name, kind in (("models", dict), ("differences", list)) if not isinstance(metrics.get(name), kind)
    ]
    if missing:
        raise UserError(f"{path} lacks {' and '.join(missing)}; {_WHOLE}")
    try:
        table = (markdown_table if options.markdown else rates_table)(metrics)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{path} holds a damaged rate or difference ({error!r}); {_WHOLE}") from None
    print(table)
