"""How a network is pretrained on scenes without labels; importing this loads no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from grasping_student.models.configuration import NetworkConfig
from grasping_student.models.normalisation import Normalisation
from grasping_student.pipeline.configuration import check_seeds
from grasping_student.training.configuration import light_student
from grasping_student.training.loop_configuration import LoopConfig


@dataclass(frozen=True)
class PretrainingConfig:
    """Learn to restore corrupted heightmaps, without labels; ``--initial`` of the other trainings takes the weights."""

    dataset: Path = Path("runs/scenes")
    """Dataset with the scenes; labels in it are not looked at."""

    out: Path = Path("runs/pretrained")
    """Checkpoint folder to write; its scores are heights, not grasps."""

    seed: int = 0
    """Initial weights, order of the scenes, noise and holes."""

    resume: bool = False
    """Go on with an interrupted run."""

    overwrite: bool = False
    """Replace ``out`` if it exists."""

    holes: int = 12
    """Largest number of rectangles in a picture whose heights are taken away."""

    hole_size: float = 0.03
    """Their largest side, metres."""

    noise: float = 0.003
    """Standard deviation of the noise on every height, metres."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    normalisation: Normalisation = field(default_factory=Normalisation)
    loop: LoopConfig = field(default_factory=LoopConfig)

    def __post_init__(self) -> None:
        check_seeds(self, "seed")
        if self.holes < 0 or self.noise < 0.0 or (self.holes == 0 and self.noise == 0.0):
            raise ValueError(f"holes is {self.holes} and noise {self.noise}: give at least one, neither below 0")
        if not 0.0 < self.hole_size < 1.0:
            raise ValueError(f"hole_size is {self.hole_size} m; it must lie between 0 and 1")

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Folders that are read."""
        return (self.dataset,)


def light_pretraining() -> PretrainingConfig:
    """For two processor cores: as many steps as the student."""
    return PretrainingConfig(loop=light_student().loop)


PRETRAINING_PRESETS = {"light": light_pretraining}
