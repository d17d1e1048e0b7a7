"""Batches for the affordance network: half successes, half failures, each scene at its own angle."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import Dataset as TorchDataset

from grasping_student.models.configuration import Normalisation
from grasping_student.models.normalisation import normalise
from grasping_student.models.rotation import Canvas
from grasping_student.training.augmentation import AugmentationConfig, draw_view, vary_heights
from grasping_student.training.batches import Group, items_of_step
from grasping_student.training.labels import HEIGHT_UNIT, Labels


class BalancedBatches(TorchDataset[dict[str, torch.Tensor]]):
    """Item ``step`` is the whole batch of that step, ``share`` labels of every group (Algorithm 3; section III-F).

    A batch holds ``pictures`` float32 ``(batch, side, side)``, normalised, the grasp horizontal; ``label`` int64
    ``(batch,)``, flat canvas index of the grasp; ``success`` float32 ``(batch,)``.
    """

    def __init__(
        self,
        groups: tuple[Group, ...],
        canvas: Canvas,
        normalisation: Normalisation,
        augmentation: AugmentationConfig,
        seed: int,
        steps: int,
    ) -> None:
        self.groups = groups
        self.canvas = canvas
        self.normalisation = normalisation
        self.augmentation = augmentation
        self.seed = seed
        self.steps = steps

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        """The batch of one step, counted from 0."""
        canvas, random = self.canvas, np.random.default_rng([self.seed, 5, step])
        batch, side = sum(group.share for group in self.groups), canvas.side
        heights = np.empty((batch, side, side), dtype=np.uint16)
        rows, cols = np.empty(batch, dtype=np.int64), np.empty(batch, dtype=np.int64)
        parts: list[Labels] = []
        place = 0
        for number, group in enumerate(self.groups):
            items = items_of_step(step, group.share, len(group.labels), self.seed + 7919 * number)
            labels = group.labels.take(items)
            parts.append(labels)
            for item, position in enumerate(group.scenes.position(labels.scene)):
                row, col, angle = int(labels.row[item]), int(labels.col[item]), float(labels.angle[item])
                view = draw_view(self.augmentation, row, col, angle, canvas.workspace, random)
                group.scenes.heights[position].ravel().take(canvas.source(view), out=heights[place], mode="clip")
                rows[place], cols[place] = canvas.pixel(row, col, view)
                place += 1
        pictures = heights * np.float32(HEIGHT_UNIT)
        vary_heights(pictures, rows, cols, canvas.workspace.pixel_size, self.augmentation, random)
        return {
            "pictures": torch.from_numpy(normalise(pictures, self.normalisation)),
            "label": torch.from_numpy(rows * side + cols),
            "success": torch.from_numpy(Labels.join(parts).success),
        }
