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
from grasping_student.geometry.limits_config import FARTHEST, GraspLimitsConfig
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.frame import RgbdFrame, frame_to_heightmap
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.errors import UserError


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
