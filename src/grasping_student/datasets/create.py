"""A new dataset that appears whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grasping_student.datasets.folder import flush_folder
from grasping_student.datasets.writer import DatasetWriter
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError

BATCH = 64
"""Attempts per flush to the disk."""


@contextmanager
def new_dataset(out: Path, workspace: Workspace) -> Iterator[DatasetWriter]:
    """Yield a writer; its dataset gets the name ``out`` when the block ends, and is removed if the block fails.

    Args:
        out: folder of the dataset; it must not exist, or be empty.
        workspace: of every heightmap.

    Raises:
        UserError: ``out`` exists or cannot be made.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"--out {out} exists; name a new dataset ('dataset merge' joins two)")
    working = out.with_name(f".{out.name}.making")
    shutil.rmtree(working, ignore_errors=True)
    try:
        with DatasetWriter(working, workspace, batch=BATCH) as writer:
            yield writer
        if out.is_dir():
            out.rmdir()
        working.rename(out)
        flush_folder(out.absolute().parent)
    finally:
        shutil.rmtree(working, ignore_errors=True)
