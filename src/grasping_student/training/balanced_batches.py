"""Batches for the affordance network: half successes, half failures, each scene at its own angle."""

from __future__ import annotations

import numpy as np
import torch

from grasping_student.models.normalisation import normalise
from grasping_student.training.augmentation import sample_view, vary_heights
from grasping_student.training.batches import LabelledBatches
from grasping_student.training.labels import HEIGHT_UNIT


class BalancedBatches(LabelledBatches):
    """Item ``step`` is the whole batch of that step, ``share`` labels of every group (Algorithm 3; section III-F).

    A batch holds ``pictures`` float32 ``(batch, side, side)``, normalised, the grasp horizontal; ``label`` int64
    ``(batch,)``, flat canvas index of the grasp; ``success`` float32 ``(batch,)``.
    """

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        """The batch of one step, counted from 0."""
        canvas, random = self.canvas, np.random.default_rng([self.seed, 5, step])
        labels, scenes = self.drawn(step)
        batch, side = len(labels), canvas.side
        heights = np.empty((batch, side, side), dtype=np.uint16)
        rows, cols = np.empty(batch, dtype=np.int64), np.empty(batch, dtype=np.int64)
        for place, scene in enumerate(scenes):
            row, col, angle = int(labels.row[place]), int(labels.col[place]), float(labels.angle[place])
            view = sample_view(self.augmentation, row, col, angle, canvas.workspace, random)
            scene.take(canvas.source(view), out=heights[place], mode="clip")
            rows[place], cols[place] = canvas.pixel(row, col, view)
        pictures = heights * np.float32(HEIGHT_UNIT)
        vary_heights(pictures, rows, cols, canvas.workspace.pixel_size, self.augmentation, random)
        return {
            "pictures": torch.from_numpy(normalise(pictures, self.normalisation)),
            "label": torch.from_numpy(rows * side + cols),
            "success": torch.from_numpy(labels.success),
        }
