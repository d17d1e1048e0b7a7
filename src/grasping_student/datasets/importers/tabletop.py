"""Pictures of objects on a table with people's rectangles, as heightmaps seen from straight above.

Cornell's and IVALab's cameras look at the table from the side and state no pose. The plane of the table tells where the
camera stands; the picture becomes an orthographic heightmap, repaired as ``predict`` does, and every rectangle is
placed where the camera saw the item under it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grasping_student.datasets.importers.base import ImportedEntry, Skipped
from grasping_student.datasets.importers.rectangles import check_corners
from grasping_student.datasets.schema import Attempt
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.frame import LONGEST_RANGE, Intrinsics, RgbdFrame, frame_to_heightmap
from grasping_student.perception.heightmap_repair import repair_heightmap
from grasping_student.perception.tabletop import NoTable, pose_over_table, rays
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.safe_io import Unusable

AROUND_CENTRE = 3
"""Pixels beside a rectangle's centre whose depths tell how far the item is."""


@dataclass(frozen=True)
class TabletopImport:
    """What the importers of tilted table-top pictures are told alike."""

    folder: Path
    """Folder of the files, or of folders with them."""

    out: Path
    """New dataset."""

    extent: float = 0.6
    """Side of the square of table around the middle of the picture that becomes the heightmap, metres."""

    pixels: int = 150
    """Side of the heightmaps, pixels."""

    margin: float = 0.0
    """Rim without grasps, metres."""

    focal_length: float = 525.0
    """Of the camera for pictures 640 pixels wide, pixels; the principal point is the middle of the picture. The data do
    not say: 525 is a Kinect's."""

    def __post_init__(self) -> None:
        if not 50.0 <= self.focal_length <= 5000.0:
            raise ValueError(f"focal_length is {self.focal_length}; give 50 to 5000 pixels")

    def intrinsics(self, rows: int, cols: int) -> Intrinsics:
        """Of a picture of this size."""
        focal = self.focal_length * cols / 640
        return Intrinsics(focal, focal, (cols - 1) / 2, (rows - 1) / 2, cols, rows)


class TableRectangle(NamedTuple):
    """A person's rectangle on the table: the grasp at its centre, and its sides in metres."""

    grasp: PlanarGrasp
    opening: float
    """Along the direction in which the fingers close."""

    jaw: float
    """Across it."""


@dataclass(frozen=True, eq=False)
class TabletopView:
    """One picture from the side, and the heightmap that it becomes."""

    frame: RgbdFrame
    heightmap: Heightmap

    @classmethod
    def of(
        cls, depth: NDArray[np.float32], rgb: NDArray[np.uint8], intrinsics: Intrinsics, workspace: Workspace
    ) -> TabletopView:
        """The view of a picture.

        Args:
            depth: metres along the optical axis, NaN where unmeasured, shape of the intrinsics.
            rgb: registered colours.
            intrinsics: of both.
            workspace: of the heightmap, around the middle of the picture.

        Raises:
            Unusable: depth and colours differ in size, or no table is seen.
        """
        if rgb.shape[:2] != depth.shape:
            raise Unusable(f"depth is {depth.shape}, colour {rgb.shape[:2]}; expected the same")
        if not np.isfinite(depth).any():
            raise Unusable("nothing is measured")
        typical = float(np.nanmedian(depth))
        if not 0.05 < typical < LONGEST_RANGE:
            raise Unusable(f"the typical depth is {typical:g}; expected metres")
        try:
            frame = RgbdFrame(depth, rgb, intrinsics, pose_over_table(depth, intrinsics))
            raw = frame_to_heightmap(frame, workspace)
            observation = repair_heightmap(raw)
        except (NoTable, UserError) as error:
            raise Unusable(str(error)) from None
        return cls(frame, observation.heightmap)

    def rectangle(self, corners: NDArray[np.float64]) -> TableRectangle:
        """A rectangle of the picture on the table.

        The edge from its first corner to its second is the opening. The rectangle lies level, as high as what is seen
        at its centre, or else anywhere inside, or else on the table.

        Args:
            corners: x and y of the four corners in the picture, shape ``(4, 2)``.

        Raises:
            Unusable: a corner is NaN or above the horizon, no area, or its centre lies outside the heightmap.
        """
        check_corners(corners)
        pose = self.frame.camera_to_world
        directions = rays(corners[:, 1], corners[:, 0], self.frame.intrinsics) @ pose[:3, :3].T
        if directions[:, 2].max() > -0.05:
            raise Unusable("a corner lies above the horizon of the table")
        height = min(self._height(corners), pose[2, 3] / 2)
        points = pose[:3, 3] + directions * ((height - pose[2, 3]) / directions[:, 2])[:, None]
        along, across = points[1, :2] - points[0, :2], points[2, :2] - points[1, :2]
        x, y = points[:, :2].mean(axis=0)
        workspace = self.heightmap.workspace
        row, col = workspace.pixel_from_xy(x, y)
        if not (0 <= row < workspace.pixels and 0 <= col < workspace.pixels):
            raise Unusable("the rectangle's centre lies outside the heightmap")
        grasp = PlanarGrasp(int(row), int(col), math.atan2(along[1], along[0]))
        return TableRectangle(grasp, float(np.hypot(*along)), float(np.hypot(*across)))

    def _height(self, corners: NDArray[np.float64]) -> float:
        """Height above the table of what a rectangle shows, metres; 0 where nothing was measured."""
        pose, centre = self.frame.camera_to_world, corners.mean(axis=0)
        around = (centre - AROUND_CENTRE, centre + AROUND_CENTRE)
        for low, high in (around, (corners.min(axis=0), corners.max(axis=0))):
            (left, top), (right, bottom) = (np.clip(np.rint(end), 0, None).astype(int) for end in (low, high))
            row, col = np.nonzero(np.isfinite(self.frame.depth[top : bottom + 1, left : right + 1]))
            if len(row):
                row, col = row + top, col + left
                along = rays(row, col, self.frame.intrinsics) @ pose[2, :3]
                return float(np.median(along * self.frame.depth[row, col] + pose[2, 3]))
        return 0.0


@dataclass
class RectangleEntries:
    """Entries of a dataset from people's rectangles, numbered on within every episode."""

    environment: str
    """Name of the data."""

    def __post_init__(self) -> None:
        self._next_index: Counter[int] = Counter()

    def of(
        self, view: TabletopView, episode: int, name: str, corners: Sequence[NDArray[np.float64]], outcome: Outcome
    ) -> Iterator[ImportedEntry | Skipped]:
        """One entry a rectangle.

        Args:
            view: the picture.
            episode: of what it shows.
            name: of the file, for what is left out.
            corners: of each rectangle, shape ``(4, 2)``.
            outcome: of all of them.
        """
        for number, four in enumerate(corners):
            entry = f"{name} rectangle {number}"
            try:
                grasp, opening, jaw = view.rectangle(four)
            except Unusable as error:
                yield Skipped(entry, str(error))
                continue
            attempt = Attempt(
                episode=episode,
                index=self._next_index[episode],
                environment=self.environment,
                source="human",
                grasp=grasp,
                outcome=outcome,
                extra={"imported_from": entry, "opening_m": opening, "jaw_m": jaw},
            )
            yield ImportedEntry(view.heightmap, attempt)
            self._next_index[episode] += 1
