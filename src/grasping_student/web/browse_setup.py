"""From the command's options to a running browse page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from grasping_student.pipeline.folder_lock import PAGE_LOCK, FolderLock
from grasping_student.web.browse_config import BrowseConfig

if TYPE_CHECKING:
    from grasping_student.datasets.store import Dataset
    from grasping_student.geometry.gripper import GripperGeometry
    from grasping_student.web.browse_listing import ScoreCache


def run(config: BrowseConfig) -> None:
    """Serve the browse page until Ctrl-C.

    Raises:
        UserError: no dataset, no checkpoint, a model of another workspace, or a port that is taken.
    """
    from grasping_student.datasets.store import Dataset
    from grasping_student.serving.access import checked_binding
    from grasping_student.web.browse_page import build_browse_page
    from grasping_student.web.server import serve

    binding = checked_binding(config.host, config.port, config.token)
    dataset = Dataset(config.dataset)
    scores = None if config.model is None else model_scores(config.model, dataset)
    gripper = make_gripper(config)
    with shown(config.dataset):
        serve(binding, "Browse page", lambda: build_browse_page(dataset, gripper, scores, config.page_size))


def make_gripper(config: BrowseConfig) -> GripperGeometry:
    """The gripper to draw: of the cell if one is given.

    Raises:
        UserError: the cell's file is wrong.
    """
    if config.cell is None:
        return config.gripper
    from grasping_student.robots.cell.cell_file import load_cell

    return load_cell(config.cell).gripper_geometry


@contextmanager
def shown(dataset: Path) -> Iterator[None]:
    """Inside, nobody replaces the dataset: a page shows it. One that we may not write, nobody like us replaces."""
    if not os.access(dataset, os.W_OK):
        yield
        return
    with FolderLock(dataset / PAGE_LOCK, f"dataset {dataset}", vanishes=True, shared=True):
        yield


def model_scores(folder: Path, dataset: Dataset) -> ScoreCache:
    """What a checkpoint's network thinks of every grasp, also of those that its constraint refuses."""
    from grasping_student.models.grasp_model import GraspModel
    from grasping_student.web.browse_listing import ScoreCache

    return ScoreCache(GraspModel.load(folder, dataset.workspace).unconstrained(), dataset)
