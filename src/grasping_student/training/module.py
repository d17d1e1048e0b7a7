"""The one Lightning module: a network, a step that turns a batch into a loss, Adam with its cosine."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from grasping_student.training.loop_configuration import OptimiserConfig

Step = Callable[[nn.Module, dict[str, Tensor]], dict[str, Tensor]]
"""Maps network and batch to scalars; ``loss`` is minimised, all are recorded."""


class GraspTraining(pl.LightningModule):
    """What teacher, student and affordance training share; only the step differs."""

    def __init__(
        self, network: nn.Module, step: Step, optimiser: OptimiserConfig, steps: int, steps_per_epoch: int, fp32: bool
    ) -> None:
        super().__init__()
        # channels-last makes bfloat16 fast, and the gradients of float32 imprecise
        self.network = network if fp32 else network.to(memory_format=torch.channels_last)
        self._step = step
        self._optimiser = optimiser
        self._steps = steps
        self._steps_an_epoch = steps_per_epoch

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> dict[str, Tensor]:
        """Loss and recorded scalars of one batch."""
        return self._step(self.network, batch)

    def configure_optimizers(self) -> dict:  # type: ignore[override]  # Lightning spells out every form that it takes
        """Adam and its schedule, stepped after every step."""
        config = self._optimiser
        adam = torch.optim.Adam(self.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
        schedule = torch.optim.lr_scheduler.LambdaLR(adam, self._share_of_rate)
        return {"optimizer": adam, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _share_of_rate(self, step: int) -> float:
        return cosine_rate(self._optimiser, step, self._steps, self._steps_an_epoch) / self._optimiser.learning_rate


def cosine_rate(config: OptimiserConfig, step: int, steps: int, steps_per_epoch: int) -> float:
    """Learning rate of one step, counted from 0: a half cosine from the first rate to the final one.

    It is reached at the last step, or in the last epoch where the schedule goes by epochs.
    """
    if config.schedule == "epoch":
        step, steps = step // steps_per_epoch, math.ceil(steps / steps_per_epoch)
    progress = min(step / max(steps - 1, 1), 1.0)
    low, high = config.final_learning_rate, config.learning_rate
    return low + (high - low) * (1.0 + math.cos(math.pi * progress)) / 2.0
