"""One look at the workspace: the heightmap that a network is shown, and everything else that decides on a grasp."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.grasp_constraints import GraspConstraint
from grasping_student.geometry.heightmap import BACKGROUND_HEIGHT, Heightmap, fill_holes
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.floor import FloorPlane
from grasping_student.perception.frame import RgbdFrame

FLATTEST_ITEM = 0.006
"""A patch that is nowhere higher is no item that a gripper reaches, metres."""


class Note(NamedTuple):
    """A remark on an observation or a grasp: a code for programs, and a sentence for people."""

    code: str
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, eq=False)
class Observation:
    """One look at the workspace, as every environment gives it and every policy takes it.

    Attributes:
        heightmap: the scene as a network is shown it.
        excluded: cells that hold no item to be grasped (walls, robot, shadows); bool ``(pixels, pixels)``.
        surface: height above the floor before walls were taken out and heights cut, on which finger tips are placed;
            metres, float32 ``(pixels, pixels)``, NaN where unmeasured.
        floor: the plane, in the world of the camera's pose, that all heights are measured from.
        threshold: heights up to this are floor, metres.
        notes: repairs of the picture; empty for a good one.
        frame: the camera's picture, or None where there was no camera.
        limits: which grasps are asked for, or may be done there; None allows all. See ``grasp_limits``.
    """

    heightmap: Heightmap
    excluded: NDArray[np.bool_]
    surface: NDArray[np.float32]
    floor: FloorPlane = field(default_factory=FloorPlane)
    threshold: float = BACKGROUND_HEIGHT
    notes: tuple[Note, ...] = ()
    frame: RgbdFrame | None = None
    limits: GraspConstraint | None = None

    @classmethod
    def of(cls, heightmap: Heightmap) -> Observation:
        """A heightmap that is right as it is: a simulator's, or one from a dataset."""
        return cls(heightmap, np.zeros(heightmap.workspace.shape, dtype=bool), heightmap.height)

    @property
    def workspace(self) -> Workspace:
        """Meaning of the cells in metres."""
        return self.heightmap.workspace

    @property
    def filled_height(self) -> NDArray[np.float32]:
        """Heights without holes, floor exactly zero: what constraints look at; metres ``(pixels, pixels)``.

        Raises:
            ValueError: nothing at all was measured.
        """
        height = fill_holes(self.heightmap).height
        return np.where(height < self.threshold, np.float32(0.0), height)

    def graspable_foreground(self) -> NDArray[np.bool_]:
        """Cells inside the margin that hold something and are not excluded, shape ``(pixels, pixels)``.

        Unmeasured cells count as what they are filled with. Of a camera's picture, patches that are nowhere as high as
        ``FLATTEST_ITEM`` do not count: finger tips stay above them, and a rough floor looks like that.
        """
        height = self.filled_height
        foreground = (height > 0.0) & self.workspace.graspable_mask() & ~self.excluded
        if self.frame is None or not foreground.any():
            return foreground
        count, label = cv2.connectedComponents(foreground.astype(np.uint8), connectivity=8)
        highest = np.zeros(count, dtype=np.float32)
        np.maximum.at(highest, label[foreground].astype(np.intp), height[foreground])
        return foreground & (highest[label] >= FLATTEST_ITEM)

    @property
    def obstacle_height(self) -> NDArray[np.float32]:
        """Height of everything that a tool could meet, walls too; metres ``(pixels, pixels)``, NaN where unknown."""
        known = np.where(np.isfinite(self.surface), self.surface, self.heightmap.height)
        return np.where(self.excluded, np.float32(np.nan), known)

    def within_limits(self, grasp: PlanarGrasp) -> bool:
        """Whether the limits allow a grasp, at its very angle."""
        if self.limits is None:
            return True
        allowed = self.limits.allows(self.filled_height, np.array([grasp.angle]), self.workspace)
        return bool(allowed[0, grasp.row, grasp.col])

    def copy(self) -> Observation:
        """The same in memory of its own; frame and notes are shared, since nobody changes them."""
        height, rgb = self.heightmap.height.copy(), self.heightmap.rgb.copy()
        surface = height if self.surface is self.heightmap.height else self.surface.copy()
        heightmap = replace(self.heightmap, height=height, rgb=rgb)
        return replace(self, heightmap=heightmap, excluded=self.excluded.copy(), surface=surface)
