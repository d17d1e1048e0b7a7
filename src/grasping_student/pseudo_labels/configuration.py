"""How scenes are pseudo-labelled; importing this loads no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from grasping_student.geometry.grasp_constraints import GraspConstraintConfig
from grasping_student.pipeline.executor_base import ExecutorConfig


@dataclass(frozen=True)
class PseudoLabelConfig:
    """Let a teacher choose the best grasps of every scene, over many angles (paper, Algorithm 2, line 3)."""

    RENAMED: ClassVar[dict[str, str]] = {
        "rule": "constraint",
        "judge": "affordance_filter",
        "least_judgement": "min_affordance",
        "scenes_a_part": "scenes_per_part",
    }

    teacher: Path = Path("runs/teacher")
    """Checkpoint folder of the teacher."""

    dataset: Path = Path("runs/scenes")
    """Dataset with the scenes; labels in it are not looked at."""

    out: Path = Path("runs/pseudo-labels")
    """Folder to write the table to."""

    seed: int = 0
    """Kept in the manifest; nothing here is random."""

    resume: bool = False
    """Go on with an interrupted run."""

    overwrite: bool = False
    """Replace ``out`` if it exists."""

    workers: int = 1
    """Processes; the table does not depend on their number."""

    executor: ExecutorConfig = field(default_factory=ExecutorConfig)

    angles: int = 64
    """Angles at which the teacher looks, evenly spaced, 16 or 64 (paper: all 64); time grows with them."""

    top: int = 4
    """Number of best grasps kept for each scene, besides the best of every angle."""

    nms_radius: float = 0.014
    """Metres between two of them, along rows or columns: the authors' window of 28 mm, halved."""

    foreground_only: bool = True
    """Never choose bare table, which no grasp lifts; the paper does not say."""

    constraint: GraspConstraintConfig = field(default_factory=GraspConstraintConfig)
    """Choose only grasps that the heightmap says are possible (paper: none)."""

    views: Literal[1, 4] = 1
    """Look at each scene as it is, or also mirrored, turned by half a turn, and both: scores are the mean."""

    others: tuple[Path, ...] = ()
    """Checkpoint folders of further teachers: scores are then the mean of all teachers' log-softmax over the scene."""

    affordance_filter: Path | None = None
    """Checkpoint folder of an affordance network: choose only grasps that it takes for successes; None asks nobody."""

    min_affordance: float = 0.5
    """Probability of success that the filter must give; where it gives no grasp as much, its favourite of the teacher's
    ``top`` is the scene's only pseudo-label."""

    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Number format of the teacher; ``auto`` is bf16 where the processor has it natively."""

    scenes_per_part: int = 20
    """Scenes that one worker labels at a time; an interrupted run loses at most one such part a worker."""

    def __post_init__(self) -> None:
        for name in ("workers", "top", "scenes_per_part"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.angles not in (16, 64):
            raise ValueError(f"angles is {self.angles}; 16 and 64 are possible")
        if not 0.0 < self.nms_radius < 1.0:
            raise ValueError(f"nms_radius is {self.nms_radius} m; it must lie between 0 and 1")
        if self.views not in (1, 4):
            raise ValueError(f"views is {self.views}; it must be 1 or 4")
        if not 0.0 <= self.min_affordance < 1.0:
            raise ValueError(f"min_affordance is {self.min_affordance}; it must lie in [0, 1)")


def light_pseudo_labels() -> PseudoLabelConfig:
    """For two processor cores, at 16 angles; grasps must have antipodal contacts."""
    return PseudoLabelConfig(workers=2, angles=16, constraint=GraspConstraintConfig("antipodal"))


def plain_pseudo_labels() -> PseudoLabelConfig:
    """The same without the constraint: the teacher's choice as it is."""
    return PseudoLabelConfig(workers=2, angles=16)


def paper_pseudo_labels() -> PseudoLabelConfig:
    """As in the paper: bare table is scored like everything else."""
    return PseudoLabelConfig(workers=2, foreground_only=False)


PSEUDO_LABEL_PRESETS = {"light": light_pseudo_labels, "light-plain": plain_pseudo_labels, "paper": paper_pseudo_labels}
