"""``grasping-student train student``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from grasping_student.cli.stage import say, stage_main
from grasping_student.training.configuration import STUDENT_PRESETS, StudentConfig


def main(argv: Sequence[str]) -> None:
    """Parse the options and train."""
    stage_main("train student", STUDENT_PRESETS, _run, argv)


def _run(config: StudentConfig) -> Path:
    from grasping_student.training.student import run

    out = run(config)
    say(f"checkpoint in {out}")
    return out
