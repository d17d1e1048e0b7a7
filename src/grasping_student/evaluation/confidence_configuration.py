"""Options of ``train confidence``; nothing heavy is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from grasping_student.pipeline.configuration import check_seeds


@dataclass(frozen=True)
class ConfidenceConfig:
    """Fix how likely a grasp of each score is to succeed, from attempts of the model that it has not learnt from."""

    checkpoint: Path = Path("runs/student")
    """Checkpoint folder of the model."""

    attempts: tuple[Path, ...] = (Path("runs/one-shot"),)
    """Folders of 'evaluate one-shot' or 'evaluate picking' in which this checkpoint grasped, under any name; with its
    own constraint, not under another."""

    shifted: tuple[Path, ...] = ()
    """More such folders, in another family for instance, on which the chances are only tested."""

    out: Path = Path("runs/student-confident")
    """New checkpoint folder: the same weights, and the confidence."""

    folds: int = 5
    """The error of the chances is measured on attempts left out of the fit, so many parts in turn."""

    seed: int = 0
    """Which scenes or episodes form a part, and the bootstrap."""

    overwrite: bool = False
    """Replace the output folder."""

    def __post_init__(self) -> None:
        check_seeds(self, "seed")
        if not self.attempts:
            raise ValueError("attempts is empty; name the folder of at least one evaluation")
        if not 2 <= self.folds <= 100:
            raise ValueError(f"folds is {self.folds}; give 2 to 100")
