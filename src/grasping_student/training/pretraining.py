"""The pretraining stage: unlabelled scenes in, weights out that know what scenes look like."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from grasping_student.datasets.store import Dataset
from grasping_student.models.checkpoint import PRETRAINING_STAGE, WEIGHTS
from grasping_student.models.configuration import ModelConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.normalisation import normalise
from grasping_student.models.rotation import Canvas, View
from grasping_student.pipeline.stage import StageRun
from grasping_student.training.batches import Batches, items_of_step
from grasping_student.training.labels import HEIGHT_UNIT, Scenes, read_scenes
from grasping_student.training.pretraining_configuration import PretrainingConfig
from grasping_student.training.stage import forget, train


class DenoisingBatches(Batches):
    """Item ``step`` is the whole batch of that step: scenes at any angle, whole and corrupted.

    A batch holds ``pictures`` float32 ``(batch, side, side)``, corrupted and normalised, and ``whole``, the same
    without noise and holes.
    """

    def __init__(self, scenes: Scenes, canvas: Canvas, config: PretrainingConfig, steps: int) -> None:
        self.scenes = scenes
        self.canvas = canvas
        self.config = config
        self.steps = steps

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        """The batch of one step, counted from 0."""
        config, canvas = self.config, self.canvas
        random = np.random.default_rng([config.seed, 6, step])
        items = items_of_step(step, config.loop.batch, len(self.scenes.ids), config.seed)
        heights = np.empty((len(items), canvas.side, canvas.side), dtype=np.uint16)
        for picture, item in zip(heights, items, strict=True):
            turn, rows, cols = random.random(3)
            view = View(phi=math.pi * turn, mirror_rows=bool(rows < 0.5), mirror_cols=bool(cols < 0.5))
            self.scenes.heights[item].ravel().take(canvas.source(view), out=picture, mode="clip")
        whole = heights * np.float32(HEIGHT_UNIT)
        corrupted = corrupt(whole, config, canvas.workspace.pixel_size, random)
        arrays = {"pictures": corrupted, "whole": whole}
        return {name: torch.from_numpy(normalise(each, config.normalisation)) for name, each in arrays.items()}


def corrupt(
    whole: NDArray[np.float32], config: PretrainingConfig, pixel_size: float, random: np.random.Generator
) -> NDArray[np.float32]:
    """Heights with noise, metres, and zero in some rectangles; both of shape ``(batch, side, side)``."""
    corrupted = whole + np.float32(config.noise) * random.standard_normal(whole.shape, dtype=np.float32)
    most = max(1, min(round(config.hole_size / pixel_size), whole.shape[1]))
    for picture in corrupted:
        for _ in range(int(random.integers(config.holes + 1))):
            height, width = random.integers(1, most + 1, 2)
            top, left = random.integers(0, len(picture) - height + 1), random.integers(0, len(picture) - width + 1)
            picture[top : top + height, left : left + width] = 0.0
    return corrupted


class DenoisingStep:
    """Mean absolute error of the restored picture, in every output of the network, in units of its input."""

    def __call__(self, network: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The loss alone."""
        restored = network(batch["pictures"][:, None]).float()
        return {"loss": (restored - batch["whole"][:, None]).abs().mean()}


def run(config: PretrainingConfig) -> Path:
    """Pretrain a network and return its checkpoint folder.

    Raises:
        UserError: no scenes, an existing ``out``, an unknown network, or a resume with another config or other data.
    """
    stage, dataset = StageRun(PRETRAINING_STAGE, config), Dataset(config.dataset)
    dataset.require()
    scenes = read_scenes(dataset, dataset.ids(), config.normalisation)
    model = GraspModel.new(ModelConfig(config.network, dataset.workspace, config.normalisation), config.seed)
    inputs = {str(config.dataset): dataset.version}
    with stage.output_folder(WEIGHTS, inputs) as finished:
        if finished:
            return forget(config.out)
        items = len(scenes.ids)
        steps = config.loop.total_steps(items)
        batches = DenoisingBatches(scenes, model.canvas, config, steps)
        return train(stage, config, model, DenoisingStep(), batches, items, inputs, {"steps": steps})
