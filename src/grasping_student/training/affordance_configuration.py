"""How the affordance network is trained; importing this loads no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from grasping_student.geometry.grasp_constraints import GraspConstraintConfig
from grasping_student.models.configuration import NetworkConfig
from grasping_student.models.normalisation import Normalisation
from grasping_student.pipeline.configuration import check_seeds
from grasping_student.training.augmentation import AugmentationConfig, standard_augmentation
from grasping_student.training.loop_configuration import LoopConfig, OptimiserConfig


@dataclass(frozen=True)
class AffordanceConfig:
    """Learn the probability that a grasp succeeds, from all labelled attempts (paper, Algorithm 3)."""

    datasets: tuple[Path, ...] = (Path("runs/labels"),)
    """Datasets with labelled attempts, of one workspace: a person's and the robot's."""

    out: Path = Path("runs/affordance")
    """Checkpoint folder to write."""

    seed: int = 0
    """Initial weights, order of the attempts, augmentation."""

    resume: bool = False
    """Go on with an interrupted run."""

    overwrite: bool = False
    """Replace ``out`` if it exists."""

    sources: tuple[Literal["human", "script", "policy"], ...] = ("human", "script", "policy")
    """Whose attempts are learnt from."""

    held_out: float = 0.2
    """Share of each dataset's episodes that is kept for the report and never learnt from."""

    split_seed: int = 0
    """Decides which episodes."""

    labels: int = 0
    """Learn from the draw of so many labels that a teacher with the same ``label_seed`` learns from, and hold nothing
    out; 0 takes all attempts that are not held out."""

    label_seed: int = 0
    """The teacher's draw of labels."""

    initial: Path | None = None
    """Checkpoint folder whose weights training starts from, or none; ``general`` is the model that ships."""

    constraint: GraspConstraintConfig = field(default_factory=GraspConstraintConfig)
    """What the network obeys when it chooses a grasp; it learns from all attempts."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    normalisation: Normalisation = field(default_factory=Normalisation)
    augmentation: AugmentationConfig = field(default_factory=standard_augmentation)
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(batch=16))

    def __post_init__(self) -> None:
        check_seeds(self, "seed", "split_seed", "label_seed")
        if not self.datasets:
            raise ValueError("datasets is empty; name at least one dataset with labelled attempts")
        if not 0.0 < self.held_out < 1.0:
            raise ValueError(f"held_out is {self.held_out}; it is a share of the episodes in (0, 1)")
        if self.labels < 0:
            raise ValueError(f"labels is {self.labels}; give a positive number, or 0 for all")
        if self.labels and len(self.datasets) > 1:
            raise ValueError("labels are drawn from one dataset, as a teacher's: name one")
        if self.loop.batch < 2:
            raise ValueError("the affordance network's batch needs at least 2 attempts: a success and a failure")

    @property
    def inputs(self) -> tuple[Path | None, ...]:
        """Folders that are read."""
        return *self.datasets, self.initial


def light_affordance() -> AffordanceConfig:
    """For two processor cores: the compact U-Net."""
    return AffordanceConfig(loop=LoopConfig(steps=1200, batch=16))


def paper_affordance() -> AffordanceConfig:
    """Section III-G: U-Net with resnet50 from ImageNet weights, 30 epochs, batch 16."""
    return AffordanceConfig(
        network=NetworkConfig(name="unet-resnet50", encoder_weights="imagenet"),
        augmentation=AugmentationConfig(),
        loop=LoopConfig(steps=0, epochs=30, batch=16, optimiser=OptimiserConfig(schedule="epoch")),
    )


AFFORDANCE_PRESETS = {"light": light_affordance, "paper": paper_affordance}
