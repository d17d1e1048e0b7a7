"""``grasping-student train pretraining``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from grasping_student.cli.stage import say, stage_main
from grasping_student.training.pretraining_configuration import PRETRAINING_PRESETS, PretrainingConfig


def main(argv: Sequence[str]) -> None:
    """Parse the options and train."""
    stage_main("train pretraining", PRETRAINING_PRESETS, _run, argv)


def _run(config: PretrainingConfig) -> Path:
    from grasping_student.training.pretraining import run

    out = run(config)
    say(f"weights in {out}; the other train commands start from them with --initial {out}")
    return out
