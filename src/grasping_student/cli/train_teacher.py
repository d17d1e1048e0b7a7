"""``grasping-student train teacher``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from grasping_student.cli.stage import say, stage_main
from grasping_student.training.configuration import TEACHER_PRESETS, TeacherConfig


def main(argv: Sequence[str]) -> None:
    """Parse the options and train."""
    stage_main("train teacher", TEACHER_PRESETS, _run, argv)


def _run(config: TeacherConfig) -> Path:
    from grasping_student.training.teacher import run

    out = run(config)
    say(f"checkpoint in {out}")
    return out
