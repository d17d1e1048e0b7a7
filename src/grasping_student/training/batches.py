"""Batches as a function of seed and step alone: an interrupted training goes on with exactly the batches it missed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import Sampler

from grasping_student.geometry.grasp import TRAINING_ANGLES, AngleGrid
from grasping_student.geometry.grasp_constraints import GraspConstraint
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.normalisation import Normalisation, normalise
from grasping_student.models.rotation import Canvas, View
from grasping_student.training.augmentation import AugmentationConfig, sample_view, vary_heights
from grasping_student.training.labels import HEIGHT_UNIT, Labels, Scenes

DISTANT_BINS = 10
"""The distant angle lies more than this many bins of the training grid away, counted around the circle."""


def items_of_step(step: int, batch: int, count: int, seed: int) -> NDArray[np.int64]:
    """Items of one batch, shape ``(batch,)``: seeded permutations of ``range(count)``, one after the other."""
    position = np.arange(step * batch, (step + 1) * batch)
    epoch, place = np.divmod(position, count)
    items = np.empty(batch, dtype=np.int64)
    for each in np.unique(epoch):
        order = np.random.default_rng([seed, 2, int(each)]).permutation(count)
        items[epoch == each] = order[place[epoch == each]]
    return items


def distant_angle(angle: float, draw: float) -> float:
    """An angle more than ``DISTANT_BINS`` bins away, modulo pi (paper, section III-D).

    Args:
        angle: radians.
        draw: a number in [0, 1) that decides which bin.
    """
    count = TRAINING_ANGLES.count
    choices = count - 2 * DISTANT_BINS - 1
    return angle + (DISTANT_BINS + 1 + int(draw * choices)) * math.pi / count


class Batches(TorchDataset[dict[str, torch.Tensor]]):
    """What a training draws its batches from: item ``step``, counted from 0, is the whole batch of that step."""

    steps: int

    def __len__(self) -> int:
        return self.steps


@dataclass(frozen=True, eq=False)
class Group:
    """Labels with their scenes, and how many of them a batch takes."""

    labels: Labels
    scenes: Scenes
    share: int


ONE_ANGLE = AngleGrid(1)
"""What a rotating network scores at one look: the angle at which the scene is shown to it."""


class LabelledBatches(Batches):
    """Batches of ``share`` labels of every group, for a network that scores the angles ``outputs`` at one look.

    Where it has several, the scene is turned so that a label's grasp lies at one of them, each as often.
    """

    def __init__(
        self,
        groups: tuple[Group, ...],
        canvas: Canvas,
        normalisation: Normalisation,
        augmentation: AugmentationConfig,
        seed: int,
        steps: int,
        outputs: AngleGrid = ONE_ANGLE,
    ) -> None:
        self.groups = groups
        self.canvas = canvas
        self.normalisation = normalisation
        self.augmentation = augmentation
        self.seed = seed
        self.steps = steps
        self.outputs = outputs

    def channels(self, step: int, count: int) -> NDArray[np.int64]:
        """The output that is to score the grasp of each of a step's pictures, shape ``(count,)``."""
        return np.random.default_rng([self.seed, 8, step]).integers(self.outputs.count, size=count)

    def drawn(self, step: int) -> tuple[Labels, list[NDArray[np.uint16]]]:
        """Labels of one batch, and for each the bordered heights of its scene, flat."""
        parts: list[Labels] = []
        scenes: list[NDArray[np.uint16]] = []
        for number, group in enumerate(self.groups):
            items = items_of_step(step, group.share, len(group.labels), self.seed + 7919 * number)
            parts.append(group.labels.take(items))
            scenes += [group.scenes.heights[each].ravel() for each in group.scenes.position(parts[-1].scene)]
        return Labels.join(parts), scenes


class PairBatches(LabelledBatches):
    """Item ``step`` is the whole batch of that step: each label's scene at its angle and at a distant one.

    A batch holds ``pictures`` float32 ``(2 batch, side, side)``, normalised, first all at the labelled angle, then all
    at the distant one; ``mask`` bool ``(batch, 2, side, side)``; ``label`` int64 ``(batch,)``, flat canvas index;
    ``success`` and ``weight`` float32 ``(batch,)``; with a constraint ``allowed`` bool, shaped as ``mask``: the pixels
    of the mask at which it allows a grasp at that angle. ``channel`` int64 ``(2 batch,)`` is the output of the network
    that scores each picture's angle.
    """

    def __init__(self, *drawing: Any, constraint: GraspConstraint | None = None, **options: Any) -> None:
        super().__init__(*drawing, **options)
        self.constraint = constraint

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        """The batch of one step, counted from 0."""
        canvas, random = self.canvas, np.random.default_rng([self.seed, 3, step])
        labels, scenes = self.drawn(step)
        batch, side = len(labels), canvas.side
        heights = np.empty((2, batch, side, side), dtype=np.uint16)
        mask = np.empty((batch, 2, side, side), dtype=bool)
        allowed = np.zeros_like(mask)
        channels = self.channels(step, 2 * batch)
        rows, cols = np.empty((2, batch), dtype=np.int64), np.empty((2, batch), dtype=np.int64)
        for place, scene in enumerate(scenes):
            row, col, angle = int(labels.row[place]), int(labels.col[place]), float(labels.angle[place])
            view = sample_view(self.augmentation, row, col, angle, canvas.workspace, random)
            for index, each in enumerate((view, _turned(view, distant_angle(angle, random.random())))):
                shown = each.tilted(self.outputs.angle(int(channels[index * batch + place])))
                source = canvas.source(shown)
                scene.take(source, out=heights[index, place], mode="clip")
                mask[place, index] = canvas.mask(shown)
                if self.constraint is not None:
                    good = np.pad(passing(self.constraint, scene, each.phi, canvas.workspace), 1)
                    allowed[place, index] = good.ravel().take(source, mode="clip") & mask[place, index]
                rows[index, place], cols[index, place] = canvas.pixel(row, col, shown)
        pictures = heights.reshape(2 * batch, side, side) * np.float32(HEIGHT_UNIT)
        vary_heights(pictures, rows.ravel(), cols.ravel(), canvas.workspace.pixel_size, self.augmentation, random)
        arrays = {
            "pictures": normalise(pictures, self.normalisation),
            "mask": mask,
            "channel": channels,
            "label": rows[0] * side + cols[0],
            "success": labels.success,
            "weight": labels.weight,
        } | ({} if self.constraint is None else {"allowed": allowed})
        return {name: torch.from_numpy(array) for name, array in arrays.items()}


def passing(
    constraint: GraspConstraint, scene: NDArray[np.uint16], phi: float, workspace: Workspace
) -> NDArray[np.bool_]:
    """Grasps at one angle that a constraint allows in a flat bordered scene of stored heights, ``(pixels, pixels)``."""
    inside = scene.reshape(workspace.pixels + 2, -1)[1:-1, 1:-1]
    return constraint.allows(inside * np.float32(HEIGHT_UNIT), np.array([phi]), workspace)[0]


def _turned(view: View, phi: float) -> View:
    return replace(view, phi=phi)


class BalancedBatches(LabelledBatches):
    """Item ``step`` is the whole batch of that step, ``share`` labels of every group (Algorithm 3; section III-F).

    A batch holds ``pictures`` float32 ``(batch, side, side)``, normalised, the grasp at an angle that the network
    scores; ``label`` int64 ``(batch,)``, flat index of the grasp in all the network's outputs ``(angles, side, side)``;
    ``success`` float32 ``(batch,)``.
    """

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        """The batch of one step, counted from 0."""
        canvas, random = self.canvas, np.random.default_rng([self.seed, 5, step])
        labels, scenes = self.drawn(step)
        batch, side = len(labels), canvas.side
        heights = np.empty((batch, side, side), dtype=np.uint16)
        rows, cols = np.empty(batch, dtype=np.int64), np.empty(batch, dtype=np.int64)
        channels = self.channels(step, batch)
        for place, scene in enumerate(scenes):
            row, col, angle = int(labels.row[place]), int(labels.col[place]), float(labels.angle[place])
            view = sample_view(self.augmentation, row, col, angle, canvas.workspace, random)
            view = view.tilted(self.outputs.angle(int(channels[place])))
            scene.take(canvas.source(view), out=heights[place], mode="clip")
            rows[place], cols[place] = canvas.pixel(row, col, view)
        pictures = heights * np.float32(HEIGHT_UNIT)
        vary_heights(pictures, rows, cols, canvas.workspace.pixel_size, self.augmentation, random)
        return {
            "pictures": torch.from_numpy(normalise(pictures, self.normalisation)),
            "label": torch.from_numpy((channels * side + rows) * side + cols),
            "success": torch.from_numpy(labels.success),
        }


class ResumableSampler(Sampler[int]):
    """Batches from those already done to the last, with several devices every device's own: of 2, the even or the odd.

    Its length counts those done too, as Lightning wants it.
    """

    def __init__(self, steps: int, module: pl.LightningModule) -> None:
        self._steps = steps
        self._module = module

    def __iter__(self) -> Iterator[int]:
        trainer = self._module.trainer
        first, devices = trainer.global_step * trainer.world_size + trainer.global_rank, trainer.world_size
        return iter(range(first, self._steps * devices, devices))

    def __len__(self) -> int:
        return self._steps
