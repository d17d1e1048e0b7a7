"""The Cornell grasping data: ``pcdNNNNr.png``, ``pcdNNNNd.tiff`` or ``.txt``, ``pcdNNNNcpos.txt``, ``pcdNNNNcneg.txt``.

Depth is ``pcdNNNNd.tiff``, metres, or the point cloud ``pcdNNNN.txt`` of the original download; both hold distances
from the robot's base, see ``cornell_depth``. Consecutive pictures show one object from several sides: they are one
episode, so that no split shows an object on both sides.

A rectangle is four lines of x and y. The edge from its first corner to its second is the gripper's opening, the
direction in which the fingers close; the next edge is a finger plate. Some corners are NaN: such rectangles are left
out. The files may lie in subfolders, as the original archives have them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from grasping_student.datasets.importers.base import (
    ImportedEntry,
    ImportReport,
    Skipped,
    import_workspace,
    require_folder,
    write_import,
)
from grasping_student.datasets.importers.cornell_depth import axis_depth_of_table
from grasping_student.datasets.importers.rectangles import read_corners
from grasping_student.datasets.importers.tabletop import RectangleEntries, TabletopImport, TabletopView
from grasping_student.geometry.grasp import Outcome
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.point_clouds import read_fields
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.safe_io import Unusable, checked_path, read_depth_picture, read_rgb, read_text

VIEWS_PER_OBJECT = 4
"""Pictures in a row of most objects in the original data; the list z.txt of its archive tells them exactly."""

_IMAGE = re.compile(r"pcd(\d{4})r\.png", re.IGNORECASE)


@dataclass(frozen=True)
class CornellImport(TabletopImport):
    """Import Cornell grasp rectangles: pcdNNNNr.png, pcdNNNNd.tiff or pcdNNNN.txt, pcdNNNNcpos.txt, pcdNNNNcneg.txt."""

    views_per_object: int = 0
    """Consecutive pictures that show one object and become one episode; 0 takes the list z.txt of the original archive
    where it lies in the folder, else 4."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.views_per_object < 0:
            raise ValueError(f"views_per_object is {self.views_per_object}; it must be at least 0")


def run(config: CornellImport) -> ImportReport:
    """Import the folder.

    Raises:
        UserError: no readable entry, or ``out`` exists.
    """
    require_folder(config.folder)
    images = [path for path in config.folder.rglob("pcd*") if _IMAGE.fullmatch(path.name)]
    held = {(path.parent, _number(path)) for path in images}
    labelled = [path.with_name(f"{path.name[:-8]}r.png") for path in config.folder.rglob("pcd*cpos.txt")]
    labelled = [path for path in labelled if _IMAGE.fullmatch(path.name)]
    images = sorted([*images, *(path for path in labelled if (path.parent, _number(path)) not in held)])
    if not images:
        raise UserError(f"{config.folder} holds no pcdNNNNr.png")
    workspace = import_workspace(config.extent, config.pixels, config.margin)
    objects, notes = _objects(config, [_number(path) for path in images])
    entries = _entries(config, images, objects, workspace)
    return write_import(config.out, workspace, entries, "cornell", config.folder, notes=notes)


def _number(image: Path) -> int:
    found = _IMAGE.fullmatch(image.name)
    assert found is not None
    return int(found[1])


def _objects(config: CornellImport, numbers: list[int]) -> tuple[list[str], list[str]]:
    """Name of the object that each picture shows, and a note on how that is known."""
    if not config.views_per_object and (config.folder / "z.txt").exists():
        try:
            lines = read_text(checked_path(config.folder, config.folder / "z.txt")).splitlines()
        except Unusable as error:
            raise UserError(f"{config.folder}: {error}; name --views-per-object, or remove the file") from None
        listed = {int(words[0]): words[1] for line in lines if len(words := line.split()) > 1 and words[0].isdecimal()}
        return [listed.get(number, f"picture {number}") for number in numbers], []
    views = config.views_per_object or VIEWS_PER_OBJECT
    note = (
        f"every {views} consecutive pictures count as views of one object and become one episode; where an object has "
        "another number of views, a split may show it on both sides: put the archive's z.txt into the folder, or name "
        "--views-per-object"
    )
    return [f"object {(number - min(numbers)) // views}" for number in numbers], [note] if views > 1 else []


def _entries(
    config: CornellImport, images: list[Path], objects: list[str], workspace: Workspace
) -> Iterator[ImportedEntry | Skipped]:
    folder, episodes, entries = config.folder, dict[str, int](), RectangleEntries("cornell")
    for image, shown in zip(images, objects, strict=True):
        stem = image.name[: -len("r.png")]
        try:
            rgb = read_rgb(checked_path(folder, image))
            intrinsics = config.intrinsics(*rgb.shape[:2])
            distance = _read_distance(folder, image.with_name(stem), intrinsics.shape)
            if distance.shape != intrinsics.shape:
                raise Unusable(f"depth is {distance.shape}, colour {intrinsics.shape}; expected the same")
            view = TabletopView.of(axis_depth_of_table(distance, intrinsics), rgb, intrinsics, workspace)
        except Unusable as error:
            yield Skipped(stem, str(error))
            continue
        episode = episodes.setdefault(shown, len(episodes))
        for kind, outcome in (("cpos", Outcome.SUCCESS), ("cneg", Outcome.MISSED)):
            path = image.with_name(f"{stem}{kind}.txt")
            if kind == "cneg" and not path.exists():
                continue
            try:
                corners = read_corners(checked_path(folder, path))
            except Unusable as error:
                yield Skipped(f"{stem}{kind}", str(error))
                continue
            yield from entries.of(view, episode, f"{stem}{kind}", list(corners), outcome)


def _read_distance(folder: Path, stem: Path, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Distances of one picture, metres, NaN where unmeasured: of the TIFF, or else of the point cloud."""
    picture, cloud = stem.with_name(f"{stem.name}d.tiff"), stem.with_name(f"{stem.name}.txt")
    if picture.exists() or not cloud.exists():
        distance = read_depth_picture(checked_path(folder, picture)).astype(np.float32)
        return np.where(distance > 0.0, distance, np.float32(np.nan))
    return read_cloud(checked_path(folder, cloud), shape)


def read_cloud(path: Path, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Distances from the origin of a point cloud of the original download, metres, NaN where unmeasured, ``shape``.

    Each line after the header holds x, y, z in millimetres, a colour, and the pixel: its row times the columns of the
    picture, plus its column. Between the points of a cloud that was thinned out the nearest distance stands.

    Raises:
        Unusable: too long, no such cloud, or a point outside the picture.
    """
    table = read_fields(path, ("x", "y", "z", "index"), counted=False)
    pixel = table["index"]
    if not ((pixel >= 0) & (pixel < shape[0] * shape[1]) & (pixel == np.rint(pixel))).all():  # NaN fails too
        raise Unusable(f"{path.name} holds a point that is no pixel of the {shape[1]} x {shape[0]} picture")
    depth = np.full(shape, np.nan, dtype=np.float32)
    points = np.column_stack([table[axis] for axis in "xyz"])
    with np.errstate(over="ignore"):  # infinite is unmeasured
        depth.ravel()[pixel.astype(np.int64)] = np.linalg.norm(points, axis=1) / 1000.0
    depth[~np.isfinite(depth)] = np.nan
    spacing = math.sqrt(depth.size / max(1, len(table)))
    if spacing > 2.0 and np.isfinite(depth).any():
        away, (row, col) = ndimage.distance_transform_edt(np.isnan(depth), return_indices=True)
        depth = np.where(away <= min(1.5 * spacing, 16.0), depth[row, col], np.float32(np.nan))
    return depth
