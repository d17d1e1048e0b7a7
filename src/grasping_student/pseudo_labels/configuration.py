"""How scenes are pseudo-labelled; importing this loads no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from grasping_student.gripper_geometry import FingerRoom, GripperShape


@dataclass(frozen=True)
class PseudoLabelConfig:
    """Let a teacher choose the best grasps of every scene, at all 64 angles (paper, Algorithm 2, line 3)."""

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

    top: int = 4
    """Number of best grasps kept for each scene, besides the best of every angle."""

    ban_distance: float = 0.014
    """Metres between two of them, along rows or columns: the authors' window of 28 mm, halved."""

    foreground_only: bool = True
    """Never choose bare table, which no grasp lifts; the paper does not say."""

    least_room: float | None = None
    """Choose only grasps at which both open fingers stay this far above what lies under them, metres; None (the
    paper's rule) does not look."""

    gripper: GripperShape = field(default_factory=GripperShape)
    """The gripper that needs the room."""

    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Number format of the teacher; ``auto`` is bf16 where the processor has it natively."""

    scenes_a_part: int = 20
    """Scenes that one worker labels at a time; an interrupted run loses at most one such part a worker."""

    def __post_init__(self) -> None:
        for name in ("workers", "top", "scenes_a_part"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if not 0.0 < self.ban_distance < 1.0:
            raise ValueError(f"ban_distance is {self.ban_distance} m; it must lie between 0 and 1")

    @property
    def room(self) -> FingerRoom | None:
        """The rule on room for the fingers, or None."""
        return None if self.least_room is None else FingerRoom(self.gripper, self.least_room)


def light_pseudo_labels() -> PseudoLabelConfig:
    """For two processor cores; grasps must leave both open fingers 5 mm of room."""
    return PseudoLabelConfig(workers=2, least_room=0.005)


def plain_pseudo_labels() -> PseudoLabelConfig:
    """The same without the rule on room: the teacher's choice as it is."""
    return PseudoLabelConfig(workers=2)


def paper_pseudo_labels() -> PseudoLabelConfig:
    """The paper's rule: bare table is scored like everything else."""
    return PseudoLabelConfig(workers=2, foreground_only=False)


PSEUDO_LABEL_PRESETS = {
    "light": light_pseudo_labels, "light-plain": plain_pseudo_labels, "paper": paper_pseudo_labels,
}  # fmt: skip
