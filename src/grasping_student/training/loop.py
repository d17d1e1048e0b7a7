"""The training loop: rounds of steps, a learning curve, and a point to go on from after every round."""

from __future__ import annotations

import ctypes
import logging
import math
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch.utils.data import DataLoader

from grasping_student.models.inference import resolve_accelerator, resolve_precision, torch_threads
from grasping_student.pipeline.errors import UserError
from grasping_student.training.batches import Batches, ResumableSampler
from grasping_student.training.callbacks import (
    RESUME_POINT,
    AveragedWeights,
    LearningCurve,
    LocalCheckpointIO,
    RngStateCallback,
    StderrProgressBar,
    read_learning_curve,
)
from grasping_student.training.loop_configuration import LoopConfig
from grasping_student.training.module import GraspTraining, Step

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""``M_TRIM_THRESHOLD`` and ``M_MMAP_MAX`` of glibc's malloc.h."""


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
    steps_per_epoch = math.ceil(config.steps_per_epoch(items) / config.devices)
    module = GraspTraining(network.train(), step, config.optimiser, steps, steps_per_epoch, fp32)
    if config.compile:
        network.compile()
    resume = out / RESUME_POINT
    if resume.exists():
        _check_resume_point(resume, steps)
    callbacks = _callbacks(config, out, steps_per_epoch)
    with _torch_seed(seed), torch_threads(config.threads), _quiet():
        trainer = _trainer(config, out, callbacks, max_steps=steps, precision="32-true" if fp32 else "bf16-mixed")
        loader = DataLoader(
            batches,
            batch_size=None,
            num_workers=config.loader_workers,
            persistent_workers=config.loader_workers > 0,
            sampler=ResumableSampler(steps, module),
        )
        try:
            trainer.fit(module, loader, ckpt_path=resume if resume.exists() else None, weights_only=True)
        except SystemExit as stopped:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from stopped
        except Exception as error:
            if not config.compile or not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
                raise
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise UserError(f"--loop.compile: the network cannot be compiled here ({reason}); leave it out") from error
    rows = read_learning_curve(out)  # other processes may have trained
    if rows[-1]["step"] != steps:
        raise RuntimeError(f"training ended after {rows[-1]['step']} of {steps} steps")
    network.cpu().eval()
    if trainer.is_global_zero:
        save(rows)
    trainer.strategy.barrier()


def _callbacks(config: LoopConfig, out: Path, steps_per_epoch: int) -> list[pl.Callback]:
    """What watches the steps; the average is up to date before the curve saves it."""
    average = AveragedWeights(config.ema) if config.ema else None
    curve = LearningCurve(out, steps_per_epoch, config.record_every, config.keep_rounds, average)
    callbacks: list[pl.Callback] = [curve] if average is None else [average, curve]
    callbacks.append(RngStateCallback())
    if config.show_progress and sys.stderr.isatty():
        callbacks.append(StderrProgressBar(refresh_rate=10))
    return callbacks


def _trainer(config: LoopConfig, out: Path, callbacks: list[pl.Callback], **options: Any) -> pl.Trainer:
    strategy = "ddp_spawn" if config.devices > 1 and config.strategy == "auto" else config.strategy
    try:
        return pl.Trainer(
            accelerator=resolve_accelerator(config.accelerator),
            devices=config.devices,
            strategy=strategy,
            max_epochs=1,
            callbacks=callbacks,
            logger=TensorBoardLogger(out, name="", version="tensorboard"),
            default_root_dir=out,
            enable_progress_bar=any(isinstance(each, StderrProgressBar) for each in callbacks),
            log_every_n_steps=10,
            enable_checkpointing=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
            plugins=[LocalCheckpointIO()],
            **options,
        )
    except (MisconfigurationException, ValueError) as error:
        raise UserError(
            f"--loop.accelerator {config.accelerator} with {config.devices} devices, --loop.strategy "
            f"{config.strategy}: not to be had here ({error}); 'auto' takes what there is"
        ) from None


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


def keep_freed_memory() -> bool:
    """Tell glibc to reuse freed blocks, for the rest of the process; returns whether it did.

    A step at paper size frees and asks for gigabytes in large blocks. By default each is mapped anew and every page of
    it faults again; kept, a step costs about a quarter less processor time. Elsewhere than on glibc nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library, such as musl
        return False
    largest = 2**31 - 1
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, largest))
