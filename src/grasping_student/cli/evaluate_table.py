"""``grasping-student evaluate table``: the metrics of an evaluation on file as a table to read or to put in a page.

Of several evaluations, each a draw of labels and training seed with models of the same names, it prints the mean rate
of every model and its differences to the first model. Beside each stand two 95 % intervals: draws resampled and scenes
or episodes inside each, and Student's t over the draws alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from grasping_student.cli.stage import say
from grasping_student.pipeline.errors import UserError

_WHOLE = "give metrics.json as the evaluation wrote it, or evaluate again"


def main(argv: Sequence[str]) -> None:
    """Print the tables of one evaluation, or of several together.

    Raises:
        UserError: a file is missing or holds no metrics of ``evaluate picking`` or ``evaluate one-shot``, or not all;
            or several that are no draws of the same models.
    """
    parser = argparse.ArgumentParser(prog="grasping-student evaluate table", description=__doc__)
    parser.add_argument(
        "metrics",
        type=Path,
        nargs="+",
        help="folder of an evaluation, or its metrics.json; several of one kind are draws, and their mean is printed",
    )
    parser.add_argument("--markdown", action="store_true", help="for a page: percent, intervals, failures by kind")
    options = parser.parse_args(argv)
    table = _of_several if len(options.metrics) > 1 else _of_one
    print(table(options.metrics, options.markdown))


def _of_several(paths: Sequence[Path], markdown: bool) -> str:
    from grasping_student.evaluation.draws import read_draws, share_scenes
    from grasping_student.evaluation.table import draws_markdown, draws_table

    draws = read_draws(paths)
    if share_scenes(draws):
        say("some of these draws have the same --seed, so scenes in common: the intervals are too narrow")
    return (draws_markdown if markdown else draws_table)(draws)


def _of_one(paths: Sequence[Path], markdown: bool) -> str:
    from grasping_student.evaluation.table import markdown_table, rates_table
    from grasping_student.pipeline.files import read_json

    (path,) = paths
    path = path / "metrics.json" if path.is_dir() else path
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
        return (markdown_table if markdown else rates_table)(metrics)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{path} holds a damaged rate or difference ({error!r}); {_WHOLE}") from None
