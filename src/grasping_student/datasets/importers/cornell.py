"""The Cornell grasping data: ``pcdNNNNr.png``, ``pcdNNNNd.tiff``, ``pcdNNNNcpos.txt``, ``pcdNNNNcneg.txt``.

A rectangle is four lines of x and y. The edge from its first corner to its second is the gripper's opening, the
direction in which the fingers close; the next edge is a finger plate. Some corners are NaN: such rectangles are left
out. The files may lie in subfolders, as the original archives have them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grasping_student.datasets.importers.base import (
    ImportedAttempt,
    ImportReport,
    Skipped,
    import_workspace,
    require_folder,
    write_import,
)
from grasping_student.datasets.importers.rectangles import (
    Rectangle,
    RectanglesImport,
    SquareCrop,
    check_number,
    rectangle_from_corners,
)
from grasping_student.geometry.grasp import Outcome
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.safe_io import Unusable, checked_path, read_depth_picture, read_rgb, read_table

_IMAGE = re.compile(r"(pcd\d{4})r\.png")


@dataclass(frozen=True)
class CornellImport(RectanglesImport):
    """Import Cornell grasp rectangles: pcdNNNNr.png, pcdNNNNd.tiff, pcdNNNNcpos.txt, pcdNNNNcneg.txt."""


def run(config: CornellImport) -> ImportReport:
    """Import the folder.

    Raises:
        UserError: no readable entry, or ``out`` exists.
    """
    require_folder(config.folder)
    images = sorted(path for path in config.folder.rglob("pcd*r.png") if _IMAGE.fullmatch(path.name))
    if not images:
        raise UserError(f"{config.folder} holds no pcdNNNNr.png")
    workspace = import_workspace(config.extent, config.pixels, config.margin)
    return write_import(config.out, workspace, _entries(config.folder, images, workspace), "cornell", config.folder)


def _entries(folder: Path, images: list[Path], workspace: Workspace) -> Iterator[ImportedAttempt | Skipped]:
    for episode, image in enumerate(images):
        stem = image.name.removesuffix("r.png")
        try:
            rgb = read_rgb(checked_path(folder, image))
            depth = read_depth_picture(checked_path(folder, image.with_name(f"{stem}d.tiff")))
            crop = SquareCrop(rgb.shape[0], rgb.shape[1], workspace)
            heightmap = crop.heightmap(depth.astype(np.float32), rgb)
        except Unusable as error:
            yield Skipped(stem, str(error))
            continue
        index = 0
        for kind, outcome in (("cpos", Outcome.SUCCESS), ("cneg", Outcome.MISSED)):
            path = image.with_name(f"{stem}{kind}.txt")
            if kind == "cneg" and not path.exists():
                continue
            try:
                rectangles = read_rectangles(checked_path(folder, path))
            except Unusable as error:
                yield Skipped(f"{stem}{kind}", str(error))
                continue
            for number, rectangle in enumerate(rectangles):
                name = f"{stem}{kind} rectangle {number}"
                try:
                    if isinstance(rectangle, str):
                        raise Unusable(rectangle)
                    grasp = crop.grasp(rectangle)
                except Unusable as error:
                    yield Skipped(name, str(error))
                    continue
                sizes = {"opening_m": rectangle.opening, "jaw_m": rectangle.jaw}
                metres = workspace.extent / crop.side
                extra = {"imported_from": name, **{key: size * metres for key, size in sizes.items()}}
                yield ImportedAttempt(heightmap, episode, index, "cornell", "human", grasp, outcome, extra=extra)
                index += 1


def read_rectangles(path: Path) -> list[Rectangle | str]:
    """The rectangles of one file; for one that cannot be used, the reason.

    Raises:
        Unusable: the file is no list of corners, or is cut off in the middle of a rectangle.
    """
    corners = read_table(path, columns=2)
    if len(corners) % 4:
        raise Unusable(f"{path.name} has {len(corners)} corners; expected four for each rectangle: it may be cut off")
    check_number(path.name, len(corners) // 4)
    found: list[Rectangle | str] = []
    for four in corners.reshape(-1, 4, 2):
        try:
            found.append(rectangle_from_corners(four))
        except Unusable as error:
            found.append(str(error))
    return found
