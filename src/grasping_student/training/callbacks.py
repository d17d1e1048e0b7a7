"""Callbacks of the training loop: learning curve and resume point, averaged weights, torch's generator, progress."""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import TQDMProgressBar
from pytorch_lightning.callbacks.progress.tqdm_progress import Tqdm
from pytorch_lightning.plugins.io import TorchCheckpointIO
from safetensors.torch import save_file
from torch import Tensor

from grasping_student.models.checkpoint import METRICS
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import atomic_path, read_json, write_json
from grasping_student.training.module import GraspTraining

ROUNDS = "rounds"
"""Folder with the weights after every round, where the config keeps them."""

RESUME_POINT = "resume.ckpt"
"""Weights, optimiser and progress of an unfinished training; removed when the trained model is saved."""


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


class StderrProgressBar(TQDMProgressBar):
    """Lightning's progress bar on standard error: standard output may be a pipe that is closed before the end."""

    def init_train_tqdm(self) -> Tqdm:
        """As Lightning's own, but for the stream."""
        return Tqdm(
            desc=self.train_description,
            position=2 * self.process_position,
            disable=self.is_disabled,
            leave=True,
            dynamic_ncols=True,
            file=sys.stderr,
            smoothing=0,
            bar_format=self.BAR_FORMAT,
        )


class LearningCurve(pl.Callback):
    """Means of the recorded scalars over each round of steps; after the round, the resume point."""

    def __init__(
        self,
        out: Path,
        steps_per_epoch: int,
        record_every: int,
        keep_rounds: bool = False,
        average: AveragedWeights | None = None,
    ) -> None:
        self.rows: list[dict[str, float]] = []
        self._out = out
        self._steps_an_epoch = steps_per_epoch
        self._record_every = record_every
        self._keep_rounds = keep_rounds
        self._average = average
        self._begin_round()

    def _begin_round(self) -> None:
        self._sums: dict[str, float] = {}
        self._count = 0
        self._inside = 0.0
        self._started = self._batch_started = time.perf_counter()

    def state_dict(self) -> dict[str, Any]:
        """The curve so far, kept in the resume point."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the curve of the interrupted run."""
        self.rows = list(state_dict["rows"])

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._begin_round()

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        self._batch_started = time.perf_counter()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._inside += time.perf_counter() - self._batch_started
        self._count += 1
        if not math.isfinite(float(outputs["loss"])):
            raise UserError(
                f"training diverged: the loss of step {trainer.global_step} is {float(outputs['loss'])}; "
                "begin again (--overwrite) with a smaller --loop.optimiser.learning-rate"
            )
        for name, value in outputs.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value)
        step = trainer.global_step
        if step % 10 == 0 and trainer.logger is not None:
            trainer.logger.log_metrics({f"train/{name}": float(value) for name, value in outputs.items()}, step)
        if step % self._record_every == 0 or step == trainer.max_steps:
            self._end_round(trainer)

    def _end_round(self, trainer: pl.Trainer) -> None:
        seconds = time.perf_counter() - self._started
        row = {
            "step": float(trainer.global_step),
            "epoch": trainer.global_step / self._steps_an_epoch,
            "learning_rate": float(trainer.optimizers[0].param_groups[0]["lr"]),
            "seconds": round(seconds, 3),
            "loader_share": round(max(0.0, 1.0 - self._inside / seconds), 4),
            **{name: total / self._count for name, total in self._sums.items()},
        }
        self.rows.append(row)
        if trainer.is_global_zero:
            write_json(self._out / METRICS, {"learning_curve": self.rows})
            if self._keep_rounds:
                self._save_round(trainer, self._out / ROUNDS / f"step-{trainer.global_step:07d}.safetensors")
            with atomic_path(self._out / RESUME_POINT) as temporary:
                trainer.save_checkpoint(temporary)
        else:
            trainer.save_checkpoint(self._out / RESUME_POINT)  # takes part, writes nothing
        self._begin_round()

    def _save_round(self, trainer: pl.Trainer, path: Path) -> None:
        module = trainer.lightning_module
        assert isinstance(module, GraspTraining)
        weights = module.network.state_dict() if self._average is None else self._average.average
        with atomic_path(path) as temporary:
            save_file({name: value.detach().contiguous() for name, value in weights.items()}, temporary)


class LocalCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint where it belongs; Lightning's own writer first fills the system's temporary folder."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write to ``path``, which the caller renames when it is whole."""
        torch.save(checkpoint, path)


def read_learning_curve(path: Path) -> list[dict[str, float]]:
    """The learning curve in a checkpoint folder's ``metrics.json``.

    Raises:
        UserError: it is missing or no JSON.
    """
    return list(read_json(path / METRICS).get("learning_curve", []))


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
