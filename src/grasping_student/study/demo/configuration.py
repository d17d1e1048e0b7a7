"""What the demo does; nothing heavy is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from grasping_student.pipeline.configuration import SEEDS, check_seeds
from grasping_student.simulation.config import DEFAULT_ENGINE, EngineName
from grasping_student.simulation.families import Family


@dataclass(frozen=True)
class DemoConfig:
    """What labels and photos buy in a bin: collect both, train, let everything pick on the same scenes, report.

    Every stage is the command of the same name with its ``light`` preset; the sizes below are what differs.
    """

    out: Path = Path("runs/demo")
    """Folder of all stages and of the report."""

    family: Family = "bin-test"
    """Scene family: a bin of items that the general model has never met, under a stereo camera."""

    seed: int = 0
    """Of scenes, labels, weights and picking."""

    labels: int = 50
    """Grasps that a person's stand-in tries in the bin, and the teachers learn from."""

    scenes: int = 800
    """Photos of the bin, unlabelled scenes that the students learn from."""

    teacher_steps: int = 400
    """Training steps of the teacher of the labels alone; a training that starts from the general model takes half."""

    student_steps: int = 400
    """Training steps of each student."""

    one_shot_scenes: int = 100
    """Scenes of the one-shot paired test."""

    episodes: int = 4
    """Episodes that geometry alone and the networks with a constraint pick empty."""

    engine: EngineName = DEFAULT_ENGINE
    """Physics engine of every stage that simulates."""

    workers: int = 2
    """Processes; nothing but the time depends on their number."""

    resume: bool = False
    """Go on with a demo that was interrupted: finished stages are kept."""

    overwrite: bool = False
    """Replace ``out`` if it exists."""

    def __post_init__(self) -> None:
        check_seeds(self, "seed", below=SEEDS - 3)  # the stages take the three after it too
        for name in ("labels", "scenes", "teacher_steps", "student_steps", "one_shot_scenes", "episodes", "workers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")


def light() -> DemoConfig:
    """Less than twenty minutes on two processor cores."""
    return DemoConfig()


def smoke() -> DemoConfig:
    """The same path in about a minute, far too small to show anything: for tests and first looks."""
    return DemoConfig(labels=12, scenes=24, teacher_steps=20, student_steps=30, one_shot_scenes=6, episodes=1)


DEMO_PRESETS = {"light": light, "smoke": smoke}
"""Preset name -> function that returns a fresh config."""
