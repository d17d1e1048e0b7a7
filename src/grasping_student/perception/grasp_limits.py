"""Limits on the grasps of a scene that a person or a program asks for: a region, an object, angles, places to spare."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.grasp_constraints import AllOf, ClosingAngles, GraspConstraint, Region
from grasping_student.geometry.heightmap import fill_holes
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.frame import RgbdFrame, frame_to_heightmap
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.errors import UserError

FARTHEST = 5.0
"""Places further than this from the origin are no metres."""

MOST_NUMBERS = 64
"""A region has at most half as many corners, and a list of circles a third as many circles."""


@dataclass(frozen=True)
class GraspLimitsConfig:
    """Which grasps may be chosen: a region, an object, angles, places to keep away from; all that are given hold."""

    region: tuple[float, ...] = ()
    """Grasps are centred in here: x0 y0 x1 y1, or corners x y x y ... of a polygon, metres in the workspace's world;
    empty allows every place."""

    mask: Path | None = None
    """Picture of the depth picture's size, for instance of one segmented object: grasps are centred on what its pixels
    other than zero show."""

    closing_angle_degrees: tuple[float, float] | None = None
    """The fingers close along a direction from the first to the second angle, degrees counter-clockwise from +x, modulo
    180: 80 100 closes along y, 170 10 along x."""

    keep_away: tuple[float, ...] = ()
    """Circles in which no grasp is centred: x y radius x y radius ..., metres in the workspace's world."""

    def __post_init__(self) -> None:
        _check_numbers("region", self.region)
        if self.region and len(self.region) != 4 and (len(self.region) < 6 or len(self.region) % 2):
            raise ValueError(
                f"region has {len(self.region)} numbers; give x0 y0 x1 y1, or three or more corners x y of a polygon"
            )
        _check_numbers("keep_away", self.keep_away)
        if len(self.keep_away) % 3 or not all(radius > 0.0 for radius in self.keep_away[2::3]):
            raise ValueError(f"keep_away is {self.keep_away}; give x y radius of each circle, radius above 0")
        angles = self.closing_angle_degrees or ()
        if not all(-360.0 <= angle <= 360.0 for angle in angles):
            raise ValueError(f"closing_angle_degrees is {angles}; give two angles between -360 and 360")


def _check_numbers(name: str, numbers: tuple[float, ...]) -> None:
    if len(numbers) > MOST_NUMBERS:
        raise ValueError(f"{name} has {len(numbers)} numbers; at most {MOST_NUMBERS} are taken")
    if not all(abs(number) <= FARTHEST for number in numbers):  # NaN fails too
        raise ValueError(
            f"{name} is {numbers}; every number lies within {FARTHEST:g} m of the origin: were these millimetres?"
        )


@dataclass(frozen=True, eq=False)
class GraspLimits:
    """A config with its mask read, to be put over the observations of one camera."""

    config: GraspLimitsConfig

    mask: NDArray[np.bool_] | None = None
    """Pixels of the camera's picture that may be grasped, bool ``(height, width)``; None allows all."""

    @classmethod
    def of(cls, config: GraspLimitsConfig, intrinsics: Path | None = None) -> Self | None:
        """The limits that options tell, or None where they tell none.

        Args:
            config: the options.
            intrinsics: file of the camera whose frames are rectified; the mask is rectified like them.

        Raises:
            UserError: a mask that is no picture, or has no pixel.
        """
        if not (config.region or config.keep_away or config.closing_angle_degrees or config.mask):
            return None
        if config.mask is None:
            return cls(config)
        from grasping_student.perception.masks import read_mask  # OpenCV, which --help must not wait for

        return cls(config, read_mask(config.mask, intrinsics))

    def check(self, workspace: Workspace) -> None:
        """Make sure, before anything is observed, that the region holds a cell of a workspace.

        Raises:
            UserError: it does not.
        """
        if self.config.region:
            _region(self.config.region, workspace)

    def constraint(self, observation: Observation) -> GraspConstraint:
        """What the limits mean on one observation.

        Raises:
            UserError: they hold no cell of its workspace, or the mask is of another size than its picture.
        """
        parts: list[GraspConstraint] = []
        workspace, region, away = observation.workspace, self.config.region, self.config.keep_away
        if region:
            parts.append(_region(region, workspace))
        if self.mask is not None:
            parts.append(Region(_cells_of(self.mask, observation.frame, workspace)))
        if self.config.closing_angle_degrees is not None:
            parts.append(ClosingAngles(*map(math.radians, self.config.closing_angle_degrees)))
        if away:
            circles = list(zip(away[::3], away[1::3], away[2::3], strict=True))
            parts.append(Region.outside_circles(circles, workspace))
        return AllOf(tuple(parts))

    def over(self, observation: Observation) -> Observation:
        """The observation with these limits, beside those that it has; errors as of ``constraint``."""
        held = () if observation.limits is None else (observation.limits,)
        return replace(observation, limits=AllOf((*held, self.constraint(observation))))


def _region(numbers: tuple[float, ...], workspace: Workspace) -> Region:
    try:
        if len(numbers) == 4:
            return Region.rectangle(*numbers, workspace)
        return Region.polygon(list(zip(numbers[::2], numbers[1::2], strict=True)), workspace)
    except ValueError as error:
        raise UserError(str(error)) from None


def _cells_of(mask: NDArray[np.bool_], frame: RgbdFrame | None, workspace: Workspace) -> NDArray[np.bool_]:
    """Cells whose height was measured by a pixel of the mask, ``(pixels, pixels)``; cells that no pixel fell into
    follow the nearest one."""
    if frame is None:
        raise UserError("a mask marks pixels of a camera's picture, and this scene has none; give a region in metres")
    if mask.shape != frame.depth.shape:
        raise UserError(
            f"the mask is {mask.shape[1]} x {mask.shape[0]} pixels, the depth picture {frame.depth.shape[1]} x "
            f"{frame.depth.shape[0]}; give a mask of the depth picture's size"
        )
    marked = np.repeat(mask[:, :, None].astype(np.uint8), 3, axis=2)
    seen = frame_to_heightmap(replace(frame, rgb=marked), workspace, lowest=-FARTHEST)
    cells = fill_holes(seen).rgb[:, :, 0] > 0
    if not cells.any():
        raise UserError(
            f"the mask marks nothing inside the {workspace.extent:g} x {workspace.extent:g} m workspace around the "
            "origin; give a mask of something that stands there"
        )
    return cells
