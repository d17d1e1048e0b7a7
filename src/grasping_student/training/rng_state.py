"""The state of torch's own generator, kept in the resume point: dropout goes on drawing where it stopped."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor


class RngStateCallback(pl.Callback):
    """Keeps the generators of the processor and of the GPU in use.

    Several devices begin with one seed and draw alike, so the state of the first is that of all.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Tensor] = {}

    def state_dict(self) -> dict[str, Any]:
        """States as they are now."""
        states = {"cpu": torch.get_rng_state()}
        if torch.cuda.is_initialized():
            states["cuda"] = torch.cuda.get_rng_state()
        return states

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the states of the interrupted run."""
        self._kept = dict(state_dict)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        # not before: the loader draws from the same generator when it starts
        if "cpu" in self._kept:
            torch.set_rng_state(self._kept["cpu"].cpu())
        if "cuda" in self._kept and torch.cuda.is_initialized():
            torch.cuda.set_rng_state(self._kept["cuda"].cpu())
        self._kept = {}
