"""``dataset check``: verify every byte of a dataset, and mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from grasping_student.cli.dataset_options import parse_options
from grasping_student.pipeline.errors import UserError


@dataclass(frozen=True)
class CheckOptions:
    """Verify hashes, rows, pictures, units, duplicate scenes and, with --split, that no scene lies on both sides."""

    dataset: Annotated[Path, Positional]
    """Folder of the dataset."""

    repair: bool = False
    """Mend what can be mended; every whole attempt is kept, damaged files are set aside in its folder 'damaged'."""

    split: Path | None = None
    """A stored split to check as well."""


def main(argv: Sequence[str]) -> None:
    """Check a dataset; exit code 2 if anything is broken and was not mended."""
    run(parse_options("dataset check", CheckOptions, argv))


def run(options: CheckOptions) -> None:
    """Print every finding and what was mended.

    Raises:
        UserError: there is no dataset, or something is broken and stays so.
    """
    from grasping_student.datasets.integrity import check_dataset
    from grasping_student.datasets.repair import repair_dataset

    if options.repair:
        before, repair = repair_dataset(options.dataset)
        for finding in before.findings:
            print(f"found {finding}")
        for action in repair.actions:
            print(f"mended: {action}")
        if repair.lost:
            print(f"lost: {len(repair.lost)} attempts that were no longer whole: {_short(repair.lost)}")
    inspection = check_dataset(options.dataset, options.split)
    for finding in inspection.findings:
        print(finding)
    if inspection.damaged:
        advice = "it cannot be mended" if options.repair else "add --repair to mend what can be mended"
        raise UserError(f"dataset {options.dataset} is damaged, {inspection.attempts} attempts are whole; {advice}")
    print(f"{inspection.attempts} attempts are whole, {len(inspection.findings)} warnings")


def _short(ids: list[int]) -> str:
    shown = ", ".join(map(str, ids[:10]))
    return f"{shown}, ..." if len(ids) > 10 else shown
