"""How labelled scenes are varied while training: the view is drawn in numbers, the heights in a picture.

Everything is drawn from one generator; with ``AugmentationConfig()`` nothing is varied, as in the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.workspace import Workspace
from grasping_student.models.rotation import View


@dataclass(frozen=True)
class AugmentationConfig:
    """What is varied, and how much; the defaults vary nothing."""

    mirror: bool = False
    """Mirror the scene, and turn it by pi, each with probability one half: the grasp stays horizontal."""

    shift: float = 0.0
    """Largest shift of the scene along x and along y, metres; the label stays inside the graspable area."""

    yaw: float = 0.0
    """Largest error of the label's angle, degrees: the network sees grasps that are not quite horizontal."""

    noise: float = 0.0
    """Standard deviation of the noise on every height above the table, metres."""

    height_scale: float = 0.0
    """Heights are scaled by a factor drawn from 1 - height_scale to 1 + height_scale."""

    holes: int = 0
    """Largest number of small rectangles whose heights are smeared from their left rim, as hole filling leaves them."""

    blocks: int = 0
    """Largest number of foreign blocks put on the scene, none over the label's surroundings."""

    def __post_init__(self) -> None:
        for name in ("shift", "yaw", "noise", "height_scale", "holes", "blocks"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"augmentation {name} is {getattr(self, name)}; it must be at least 0")
        if self.height_scale >= 1.0:
            raise ValueError(f"augmentation height_scale is {self.height_scale}; it must be below 1")
        if self.shift > 1.0 or self.noise > 1.0:
            raise ValueError(
                "augmentation shift and noise are metres; above 1 m makes no sense: were these millimetres?"
            )


def no_augmentation() -> AugmentationConfig:
    """The scene as it is: the paper names no augmentation."""
    return AugmentationConfig()


def standard_augmentation() -> AugmentationConfig:
    """Mirrors, small shifts, small errors of the angle, 1 mm of noise."""
    return AugmentationConfig(mirror=True, shift=0.02, yaw=5.0, noise=0.001)


def sample_view(
    config: AugmentationConfig, row: int, col: int, angle: float, workspace: Workspace, random: np.random.Generator
) -> View:
    """A view in which the labelled grasp lies horizontal, up to the angle error, inside the graspable area.

    Args:
        config: what is varied.
        row: labelled row, inside the graspable area.
        col: labelled column, inside the graspable area.
        angle: labelled angle, radians.
        workspace: the area.
        random: what is drawn from; the number of draws does not depend on the outcome.
    """
    reach = config.shift / workspace.pixel_size
    low, high = workspace.margin_pixels, workspace.pixels - workspace.margin_pixels - 1
    row_draw, col_draw, yaw_draw, rows_draw, cols_draw = random.random(5)
    return View(
        phi=angle + np.radians(config.yaw) * (2.0 * yaw_draw - 1.0),
        row_shift=_shift(row_draw, reach, low - row, high - row),
        col_shift=_shift(col_draw, reach, low - col, high - col),
        mirror_rows=bool(config.mirror and rows_draw < 0.5),
        mirror_cols=bool(config.mirror and cols_draw < 0.5),
    )


def _shift(draw: float, reach: float, least: int, most: int) -> int:
    """A whole number of pixels, evenly from [-reach, reach] cut to [least, most]."""
    low, high = max(-int(reach), least), min(int(reach), most)
    return low + int(draw * (high - low + 1))


def vary_heights(
    pictures: NDArray[np.float32],
    label_rows: NDArray[np.integer],
    label_cols: NDArray[np.integer],
    pixel_size: float,
    config: AugmentationConfig,
    random: np.random.Generator,
) -> None:
    """Vary the heights of canvas pictures, in place.

    Args:
        pictures: clean heights, metres, shape ``(batch, side, side)``; exactly zero is table and stays table.
        label_rows: canvas row of each picture's label.
        label_cols: canvas column of each picture's label.
        pixel_size: metres.
        config: what is varied.
        random: what is drawn from.
    """
    if config.blocks:
        for picture, row, col in zip(pictures, label_rows, label_cols, strict=True):
            _add_blocks(picture, int(row), int(col), pixel_size, config.blocks, random)
    if config.height_scale:
        factor = random.uniform(1.0 - config.height_scale, 1.0 + config.height_scale, len(pictures))
        pictures *= factor.astype(np.float32)[:, None, None]
    if config.noise:
        noise = random.standard_normal(pictures.shape, dtype=np.float32)
        noise *= np.float32(config.noise)
        noise *= pictures > 0.0
        pictures += noise
    if config.holes:
        for picture in pictures:
            _smear_holes(picture, config.holes, random)


def _add_blocks(
    picture: NDArray[np.float32], row: int, col: int, pixel_size: float, most: int, random: np.random.Generator
) -> None:
    side = len(picture)
    clear = 0.06 / pixel_size  # a gripper of 85 mm reaches 43 mm to each side of its grasp
    for _ in range(int(random.integers(most + 1))):
        height, width = (random.uniform(0.015, 0.06, 2) / pixel_size).astype(int) + 1
        top, left = random.integers(0, side - height), random.integers(0, side - width)
        level = np.float32(random.uniform(0.015, 0.08))
        apart = top > row + clear or top + height < row - clear or left > col + clear or left + width < col - clear
        if apart:
            block = picture[top : top + height, left : left + width]
            np.maximum(block, level, out=block)


def _smear_holes(picture: NDArray[np.float32], most: int, random: np.random.Generator) -> None:
    side = len(picture)
    for _ in range(int(random.integers(most + 1))):
        height, width = random.integers(1, 7, 2)
        top, left = random.integers(0, side - height), random.integers(1, side - width)
        picture[top : top + height, left : left + width] = picture[top : top + height, left - 1 : left]
