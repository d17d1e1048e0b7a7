"""Options of ``dataset choose``; nothing heavy is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional

from grasping_student.pipeline.configuration import check_seeds


@dataclass(frozen=True)
class FrameChoiceConfig:
    """Choose the frames of a dataset that are worth a person's label, as a new dataset."""

    dataset: Annotated[Path, Positional]
    """Folder of the frames."""

    out: Path
    """New dataset."""

    count: int = 50
    """Frames to choose."""

    by: Literal["doubt", "disagreement", "novelty", "random"] = "novelty"
    """doubt: the model is not sure that its best grasp succeeds. disagreement: one model thinks little of the other's
    best grasp. novelty: unlike all other frames, without a model. random: by chance."""

    models: tuple[Path, ...] = ()
    """Checkpoint folders: one with chances of success for doubt, two or more for disagreement. ``general`` is the model
    that ships."""

    labelled: tuple[Path, ...] = ()
    """Datasets that are labelled already, which novelty keeps away from."""

    seed: int = 0
    """Of random."""

    def __post_init__(self) -> None:
        check_seeds(self, "seed")
        wanted = {"doubt": (1, 1), "disagreement": (2, 9), "novelty": (0, 0), "random": (0, 0)}[self.by]
        if not wanted[0] <= len(self.models) <= wanted[1]:
            words = {"doubt": "one checkpoint", "disagreement": "two to nine checkpoints"}.get(self.by, "no checkpoint")
            raise ValueError(f"by {self.by} needs {words}, and models names {len(self.models)}")
        if self.labelled and self.by != "novelty":
            raise ValueError(f"labelled is for by novelty; by {self.by} does not look at it")
