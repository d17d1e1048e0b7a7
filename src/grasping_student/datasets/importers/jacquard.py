"""Jacquard: for every view ``NAME_grasps.txt``, ``NAME_RGB.png`` and ``NAME_perfect_depth.tiff``.

A line reads ``x;y;theta;opening;jaw``: centre in pixels, angle in degrees, sizes in pixels. Theta is the direction in
which the jaws close and grows clockwise in the picture. All grasps succeeded in the data's own simulation. Views of one
object lie in one folder and become one episode, so that no split shows an object on both sides.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from grasping_student.datasets.importers.base import (
    ImportedEntry,
    ImportReport,
    Skipped,
    import_workspace,
    require_folder,
    write_import,
)
from grasping_student.datasets.importers.rectangles import Rectangle, SquareCrop, check_number
from grasping_student.datasets.schema import Attempt
from grasping_student.geometry.grasp import Outcome
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.safe_io import Unusable, checked_path, read_depth_picture, read_rgb, read_text

_ENDING = "_grasps.txt"
_PICTURE = "_RGB.png"


@dataclass(frozen=True)
class JacquardImport:
    """Import Jacquard grasps: NAME_grasps.txt, NAME_RGB.png, NAME_perfect_depth.tiff in one folder for each object."""

    RENAMED: ClassVar[dict[str, str]] = {"most_grasps": "max_grasps"}

    folder: Path
    """Folder of the files, or of folders with them."""

    out: Path
    """New dataset."""

    pixels: int = 224
    """Side of the heightmaps, pixels."""

    extent: float = 0.45
    """What the side of the picture's central square stands for, metres: the data do not say."""

    margin: float = 0.0
    """Rim without grasps, metres."""

    max_grasps: int = 10
    """Grasps kept of each view, spread evenly over its list, which holds up to hundreds of near copies."""

    def __post_init__(self) -> None:
        if self.max_grasps < 1:
            raise ValueError(f"max_grasps is {self.max_grasps}; it must be at least 1")


def run(config: JacquardImport) -> ImportReport:
    """Import the folder.

    Raises:
        UserError: no readable entry, or ``out`` exists.
    """
    require_folder(config.folder)
    lists = sorted(config.folder.rglob(f"*{_ENDING}"))
    pictures = [path.with_name(path.name.removesuffix(_PICTURE)) for path in config.folder.rglob(f"*{_PICTURE}")]
    lists = sorted({*lists, *(path.with_name(path.name + _ENDING) for path in pictures)})  # a lost list is told
    if not lists:
        raise UserError(f"{config.folder} holds no NAME_grasps.txt")
    workspace = import_workspace(config.extent, config.pixels, config.margin)
    return write_import(config.out, workspace, _entries(config, lists, workspace), "jacquard", config.folder)


def _entries(config: JacquardImport, lists: list[Path], workspace: Workspace) -> Iterator[ImportedEntry | Skipped]:
    episodes: dict[Path, int] = {}
    indices: dict[int, int] = {}
    for path in lists:
        view = path.name.removesuffix(_ENDING)
        try:
            rectangles = read_rectangles(checked_path(config.folder, path))
            rgb = read_rgb(checked_path(config.folder, path.with_name(view + _PICTURE)))
            depth = read_depth_picture(checked_path(config.folder, path.with_name(f"{view}_perfect_depth.tiff")))
            crop = SquareCrop(rgb.shape[0], rgb.shape[1], workspace)
            heightmap = crop.heightmap(depth.astype(np.float32), rgb)
        except Unusable as error:
            yield Skipped(view, str(error))
            continue
        # next to each other in one folder without subfolders, the name tells the object: NUMBER_OBJECT
        object_key = path.parent if path.parent != config.folder else path.parent / view.partition("_")[2]
        episode = episodes.setdefault(object_key, len(episodes))
        chosen = np.linspace(0, len(rectangles) - 1, min(config.max_grasps, len(rectangles))).round().astype(int)
        for number in chosen:
            name = f"{view} line {number + 1}"
            rectangle = rectangles[number]
            try:
                if isinstance(rectangle, str):
                    raise Unusable(rectangle)
                grasp = crop.grasp(rectangle)
            except Unusable as error:
                yield Skipped(name, str(error))
                continue
            metres = workspace.extent / crop.side
            extra = {"imported_from": name, "opening_m": rectangle.opening * metres, "jaw_m": rectangle.jaw * metres}
            index = indices.get(episode, 0)
            indices[episode] = index + 1
            attempt = Attempt(
                episode=episode,
                index=index,
                environment="jacquard",
                source="script",
                grasp=grasp,
                outcome=Outcome.SUCCESS,
                extra=extra,
            )
            yield ImportedEntry(heightmap, attempt)


def read_rectangles(path: Path) -> list[Rectangle | str]:
    """The rectangles of one list; for a line that cannot be used, the reason.

    Raises:
        Unusable: the file is no text or holds no line.
    """
    lines = [line for line in read_text(path).splitlines() if line.strip()]
    check_number(path.name, len(lines))
    found = [_rectangle(line) for line in lines]
    if not found:
        raise Unusable(f"{path.name} is empty")
    return found


def _rectangle(line: str) -> Rectangle | str:
    try:
        x, y, theta, opening, jaw = (float(word) for word in line.strip().rstrip(";").split(";"))
    except ValueError:
        return "expected x;y;theta;opening;jaw"
    if not all(map(math.isfinite, (x, y, theta, opening, jaw))):
        return "a value is NaN"
    if opening <= 0 or jaw <= 0:
        return "the rectangle has no area"
    if abs(theta) > 360:
        return f"theta is {theta:g}; expected degrees within one turn"
    return Rectangle(x, y, -math.radians(theta), opening, jaw)
