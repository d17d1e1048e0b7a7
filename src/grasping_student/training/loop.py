"""The training loop: rounds of steps, a learning curve, and a point to go on from after every round."""

from __future__ import annotations

import logging
import math
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import TQDMProgressBar
from pytorch_lightning.callbacks.progress.tqdm_progress import Tqdm
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from safetensors.torch import save_file
from torch.utils.data import DataLoader

from grasping_student.models.checkpoint import METRICS
from grasping_student.models.inference import resolve_precision, torch_threads
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import atomic_path, read_json, write_json
from grasping_student.training.averaging import AveragedWeights
from grasping_student.training.batches import Batches, ResumableSampler
from grasping_student.training.loop_configuration import LoopConfig
from grasping_student.training.memory import keep_freed_memory
from grasping_student.training.module import GraspTraining, Step
from grasping_student.training.rng_state import RngStateCallback

ROUNDS = "rounds"
"""Folder with the weights after every round, where the config keeps them."""

RESUME_POINT = "resume.ckpt"
"""Weights, optimiser and progress of an unfinished training; removed when the trained model is saved."""


def fit(
    network: torch.nn.Module,
    step: Step,
    batches: Batches,
    items: int,
    config: LoopConfig,
    out: Path,
    seed: int,
    save: Callable[[list[dict[str, float]]], None],
) -> None:
    """Train a network in place and have it saved.

    If ``out`` holds a resume point, training goes on from there and ends with the same weights as without the
    interruption, bit for bit on one thread. The resume point stays: whoever saves removes it when all is saved.

    Args:
        network: trained in place.
        step: loss of a batch.
        batches: item ``i`` is the batch of step ``i``.
        items: size of the training data, which makes an epoch.
        config: how long and how.
        out: existing folder for the resume point, the TensorBoard log and ``metrics.json``.
        seed: of whatever draws from torch's own generator.
        save: called once, in the first of several processes, when the network is trained, with the learning curve: a
            row for every round with ``step``, ``epoch``, ``learning_rate``, ``seconds``, ``loader_share`` and the means
            of the step's scalars.

    Raises:
        UserError: a resume point that cannot be read, an accelerator that this machine does not have, or a loss that
            is no number any more.
    """
    keep_freed_memory()
    fp32 = resolve_precision(config.precision, config.accelerator) == "fp32"
    steps = math.ceil(len(batches) / config.devices)
    steps_an_epoch = math.ceil(config.steps_an_epoch(items) / config.devices)
    module = GraspTraining(network.train(), step, config.optimiser, steps, steps_an_epoch, fp32)
    average = AveragedWeights(config.ema) if config.ema else None
    curve = LearningCurve(out, steps_an_epoch, config.record_every, config.keep_rounds, average)
    resume = out / RESUME_POINT
    if resume.exists():
        _check_resume_point(resume, steps)
    # the average is up to date before the curve saves it
    callbacks: list[pl.Callback] = [curve] if average is None else [average, curve]
    callbacks += [RngStateCallback()]
    shown = config.show_progress and sys.stderr.isatty()
    callbacks += [StderrProgressBar(refresh_rate=10)] if shown else []
    with _torch_seed(seed), torch_threads(config.threads), _quiet():
        trainer = _trainer(
            config,
            max_steps=steps,
            precision="32-true" if fp32 else "bf16-mixed",
            callbacks=callbacks,
            logger=TensorBoardLogger(out, name="", version="tensorboard"),
            default_root_dir=out,
            enable_progress_bar=shown,
        )
        loader = DataLoader(
            batches,
            batch_size=None,
            num_workers=config.loader_workers,
            persistent_workers=config.loader_workers > 0,
            sampler=ResumableSampler(steps, module),
        )
        try:
            if resume.exists():
                trainer.fit(module, loader, ckpt_path=resume, weights_only=True)
            else:
                trainer.fit(module, loader)
        except SystemExit as stopped:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from stopped
    rows = read_learning_curve(out)  # other processes may have trained
    if rows[-1]["step"] != steps:
        raise RuntimeError(f"training ended after {rows[-1]['step']} of {steps} steps")
    network.cpu().eval()
    if trainer.is_global_zero:
        save(rows)
    trainer.strategy.barrier()


def _trainer(config: LoopConfig, **options: Any) -> pl.Trainer:
    strategy = "ddp_spawn" if config.devices > 1 and config.strategy == "auto" else config.strategy
    try:
        return pl.Trainer(
            accelerator=config.accelerator,
            devices=config.devices,
            strategy=strategy,
            max_epochs=1,
            log_every_n_steps=10,
            enable_checkpointing=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
            **options,
        )
    except (MisconfigurationException, ValueError) as error:
        raise UserError(
            f"--loop.accelerator {config.accelerator} with {config.devices} devices, --loop.strategy "
            f"{config.strategy}: not to be had here ({error}); 'auto' takes what there is"
        ) from None


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
        steps_an_epoch: int,
        record_every: int,
        keep_rounds: bool = False,
        average: AveragedWeights | None = None,
    ) -> None:
        self.rows: list[dict[str, float]] = []
        self._out = out
        self._steps_an_epoch = steps_an_epoch
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


def read_learning_curve(path: Path) -> list[dict[str, float]]:
    """The learning curve in a checkpoint folder's ``metrics.json``.

    Raises:
        UserError: it is missing or no JSON.
    """
    return list(read_json(path / METRICS).get("learning_curve", []))


def _check_resume_point(path: Path, steps: int) -> None:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        done = int(state["global_step"])
    except Exception as error:  # torch raises many kinds for a damaged archive
        raise UserError(
            f"{path} cannot be read ({type(error).__name__}); remove it, or start again with --overwrite"
        ) from error
    if done > steps:
        raise UserError(f"{path} has done {done} steps, {steps} are asked for; start again with --overwrite")


@contextmanager
def _torch_seed(seed: int) -> Iterator[None]:
    """Torch's own generator seeded inside, as it was outside."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


_REMARKS = (".*does not have many workers", ".*smaller than the logging interval", ".*LeafSpec", ".*is not resumable")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Lightning's remarks on hardware that was not asked for and loaders that are fast enough."""
    logger = logging.getLogger("pytorch_lightning")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        for remark in _REMARKS:
            warnings.filterwarnings("ignore", message=remark)
        try:
            yield
        finally:
            logger.setLevel(level)
