"""``grasping-student pseudo-label``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from grasping_student.cli.stage import say, stage_main
from grasping_student.pseudo_labels.configuration import PSEUDO_LABEL_PRESETS, PseudoLabelConfig


def main(argv: Sequence[str]) -> None:
    """Parse the options and pseudo-label."""
    stage_main("pseudo-label", PSEUDO_LABEL_PRESETS, _run, argv)


def _run(config: PseudoLabelConfig) -> Path:
    from grasping_student.pseudo_labels.teacher_pass import run

    out = run(config)
    say(f"pseudo-labels in {out}")
    return out
