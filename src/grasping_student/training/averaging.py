"""Weights averaged over the steps of a training: an exponential moving average, kept beside those that learn."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from grasping_student.training.module import GraspTraining


class AveragedWeights(pl.Callback):
    """Moving average of a network's weights and statistics; it is what is saved, never what is trained.

    In the first steps the average forgets faster, with a decay of at most ``(1 + n) / (10 + n)`` at step ``n``, so
    that fresh weights leave no trace in it.
    """

    def __init__(self, decay: float) -> None:
        self.average: dict[str, Tensor] = {}
        self._decay = decay

    def state_dict(self) -> dict[str, Any]:
        """The average so far, kept in the resume point."""
        return {"average": self.average}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the average of the interrupted run."""
        self.average = dict(state_dict["average"])

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        own = _state(pl_module)
        begun = self.average or own
        self.average = {name: begun[name].detach().to(value.device, copy=True) for name, value in own.items()}

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        step = trainer.global_step
        weight = 1.0 - min(self._decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, value in _state(pl_module).items():
                if value.is_floating_point():
                    self.average[name].lerp_(value, weight)
                else:
                    self.average[name].copy_(value)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # a training resumed after its last step has no end of training
        assert isinstance(pl_module, GraspTraining)
        pl_module.network.load_state_dict(self.average)


def _state(module: pl.LightningModule) -> dict[str, Tensor]:
    assert isinstance(module, GraspTraining)
    return module.network.state_dict()
