"""Options of the one training loop: how long, how fast, on what."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

MOST_THREADS = 1024
"""More than any machine has processors."""


@dataclass(frozen=True)
class OptimiserConfig:
    """Adam with a cosine schedule (paper, section III-G)."""

    learning_rate: float = 1e-3
    """At the first step."""

    final_learning_rate: float = 2e-6
    """At the last step."""

    weight_decay: float = 1e-5
    """Added to the gradient, as Adam has it (not AdamW)."""

    schedule: Literal["step", "epoch"] = "step"
    """Whether the cosine falls with every step or, as in the paper, once an epoch."""

    def __post_init__(self) -> None:
        if not 0.0 < self.learning_rate <= 1.0:  # NaN fails too
            raise ValueError(f"optimiser learning_rate is {self.learning_rate}; it must lie in (0, 1]")
        for name in ("final_learning_rate", "weight_decay"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise ValueError(f"optimiser {name} is {getattr(self, name)}; it must be finite and at least 0")


@dataclass(frozen=True)
class LoopConfig:
    """How long, how large, in which numbers."""

    steps: int = 0
    """Number of steps; 0 takes ``epochs`` instead."""

    epochs: int = 30
    """Passes over the training data, where ``steps`` is 0."""

    batch: int = 8
    """Labels a step; each is seen at two angles (paper: 8)."""

    record_every: int = 50
    """Steps between two rows of the learning curve, each with a point from which ``resume`` goes on."""

    keep_rounds: bool = False
    """Keep the weights after every row of the learning curve, for measures that average over the training."""

    show_progress: bool = True
    """Draw a progress bar on standard error, where that is a terminal."""

    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Number format; ``auto`` is bf16 where the processor has it natively."""

    compile: bool = False
    """Compile the network (torch.compile), which takes minutes before the first step; benchmarks/gpu.py tells whether
    it pays."""

    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to train; ``auto`` takes what --device says, or else a GPU where there is one."""

    devices: int = 1
    """GPUs, or processes on the CPU, that share the steps, each with batches of its own."""

    strategy: str = "auto"
    """Lightning's name of how they work together; ``auto`` starts the further processes from this one. One that starts
    the whole command anew for each, as ``ddp`` does, needs ``resume``."""

    ema: float = 0.0
    """Decay of a moving average of the weights over the steps, which is saved in their place; 0 averages nothing."""

    threads: int = 0
    """Threads of torch; 0 takes torch's default. Results repeat bit for bit on 1."""

    loader_workers: int = 0
    """Processes that prepare batches; 0 prepares them between steps, which costs under 5 % of a step."""

    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)

    def __post_init__(self) -> None:
        for name, least in (
            ("steps", 0),
            ("epochs", 1),
            ("batch", 1),
            ("record_every", 1),
            ("threads", 0),
            ("devices", 1),
            ("loader_workers", 0),
        ):
            if getattr(self, name) < least:
                raise ValueError(f"loop {name} is {getattr(self, name)}; it must be at least {least}")
        if self.threads > MOST_THREADS:
            raise ValueError(f"loop threads is {self.threads}; it must be at most {MOST_THREADS}, or 0 for torch's own")
        if not 0.0 <= self.ema < 1.0:
            raise ValueError(f"loop ema is {self.ema}; it must lie in [0, 1)")

    def total_steps(self, items: int) -> int:
        """Number of steps over a data set of ``items`` labels."""
        return self.steps or self.epochs * self.steps_per_epoch(items)

    def steps_per_epoch(self, items: int) -> int:
        """Steps in which ``items`` labels have been seen once; the last batch of a pass reaches into the next."""
        return max(1, math.ceil(items / self.batch))
