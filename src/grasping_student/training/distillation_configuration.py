"""How a student learns from whole score maps of its teachers (soft targets); importing this loads no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Targets = Literal["success", "position"]


@dataclass(frozen=True)
class DistillationConfig:
    """Knowledge distillation (Hinton et al. 2015): the student learns its teachers' probabilities of every pixel.

    The teachers look at each scene while the student is trained: they see the view without noise, the student the same
    view with all of its augmentation.
    """

    teachers: tuple[Path, ...] = ()
    """Checkpoint folders whose mean probabilities are the targets, in place of pseudo-labels; ``general`` is the model
    that ships."""

    targets: Literal["auto", "success", "position"] = "auto"
    """``success``: teachers score log-odds of success, the loss is the binary cross-entropy of every pixel;
    ``position``: teachers score where a person grasps, the loss is the Kullback-Leibler divergence of the softmax over
    all pixels and angles that are compared; ``auto``: what the teachers were trained for."""

    angles: int = 2
    """Random angles at which a scene is compared: a rotating student looks at each, one of one pass once at all."""

    def __post_init__(self) -> None:
        if self.angles < 1:
            raise ValueError(f"distillation angles is {self.angles}; it must be at least 1")
        if self.targets == "position" and self.angles < 2:
            raise ValueError("distillation of positions needs 2 angles or more: the softmax must compare angles")
        if len(set(self.teachers)) < len(self.teachers):
            raise ValueError("distillation teachers names a checkpoint twice: each counts once")
