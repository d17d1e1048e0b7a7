"""The IVALab multi-object grasp data: ``rgb_NNNN.jpg``, ``depth_NNNN.png``, ``rgb_NNNN_annotations.txt``.

Depth is uint16, millimetres, 0 where nothing was measured. A rectangle is four lines of x and y, as Cornell's: the edge
from its first corner to its second is the opening. People drew where a gripper could hold, not everywhere it could. The
files may lie in any subfolders. Source: Chu, Xu, Vela, RA-L 2018.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grasping_student.datasets.importers.base import (
    ImportedEntry,
    ImportReport,
    Skipped,
    import_workspace,
    require_folder,
    write_import,
)
from grasping_student.datasets.importers.rectangles import read_corners
from grasping_student.datasets.importers.tabletop import RectangleEntries, TabletopImport, TabletopView
from grasping_student.geometry.grasp import Outcome
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.safe_io import Unusable, checked_path, read_depth_picture, read_rgb

_LIST = re.compile(r"rgb_(\d{1,9})_annotations\.txt", re.IGNORECASE)


@dataclass(frozen=True)
class IvalabImport(TabletopImport):
    """Import IVALab grasp rectangles: rgb_NNNN.jpg, depth_NNNN.png, rgb_NNNN_annotations.txt, in any subfolders."""

    scenes_per_object: int = 8
    """Scenes in a row that show the same objects rearranged and become one episode, counted from number 0."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scenes_per_object < 1:
            raise ValueError(f"scenes_per_object is {self.scenes_per_object}; it must be at least 1")


def run(config: IvalabImport) -> ImportReport:
    """Import the folder.

    Raises:
        UserError: no readable entry, or ``out`` exists.
    """
    require_folder(config.folder)
    files = {path.name.lower(): path for path in sorted(config.folder.rglob("*")) if not path.name.startswith(".")}
    lists = sorted((int(found[1]), found[1], files[name]) for name in files if (found := _LIST.fullmatch(name)))
    if not lists:
        raise UserError(f"{config.folder} holds no rgb_NNNN_annotations.txt")
    workspace = import_workspace(config.extent, config.pixels, config.margin)
    note = (
        f"every {config.scenes_per_object} scenes count as one set of objects and become one episode; people drew some "
        "good grasps, not all: a grasp that nobody drew is not known to fail"
    )
    return write_import(
        config.out, workspace, _entries(config, lists, files, workspace), "ivalab", config.folder, notes=[note]
    )


def _entries(
    config: IvalabImport, lists: list[tuple[int, str, Path]], files: dict[str, Path], workspace: Workspace
) -> Iterator[ImportedEntry | Skipped]:
    entries = RectangleEntries("ivalab")
    for scene, digits, path in lists:
        name = f"scene {digits}"
        try:
            pictures = [files.get(f"{kind}_{digits}.{ending}") for kind, ending in (("rgb", "jpg"), ("depth", "png"))]
            rgb_path, depth_path = pictures[0] or files.get(f"rgb_{digits}.png"), pictures[1]
            if rgb_path is None or depth_path is None:
                raise Unusable(f"rgb_{digits}.jpg or depth_{digits}.png is missing")
            rgb = read_rgb(checked_path(config.folder, rgb_path))
            depth = read_depth_picture(checked_path(config.folder, depth_path)).astype(np.float32) / 1000.0
            depth[depth <= 0.0] = np.nan
            intrinsics = config.intrinsics(*rgb.shape[:2])
            if depth.shape != intrinsics.shape:
                raise Unusable(f"depth is {depth.shape}, colour {intrinsics.shape}; expected the same")
            view = TabletopView.of(depth, rgb, intrinsics, workspace)
            corners = read_corners(checked_path(config.folder, path))
        except Unusable as error:
            yield Skipped(name, str(error))
            continue
        yield from entries.of(view, scene // config.scenes_per_object, name, list(corners), Outcome.SUCCESS)
