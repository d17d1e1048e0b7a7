"""``grasping-student train student``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from grasping_student.cli.stage import say, stage_main
from grasping_student.errors import UserError
from grasping_student.training.configuration import STUDENT_PRESETS, StudentConfig


def main(argv: Sequence[str]) -> None:
    """Parse the options and train."""
    stage_main("train student", STUDENT_PRESETS, _run, argv)


def refuse_idle_options(config: StudentConfig) -> None:
    """Refuse options that the student would be the same without, though its manifest would name them.

    The config takes them: experiments have presets with batches too small for experience, and arms whose weights matter
    only where a scene has several labels.

    Raises:
        UserError: a share of experience that is no place in a batch, or weights by rank or score with one label a
            scene.
    """
    if config.experience_share > 0.0 and config.shares[2] == 0:
        batch = config.loop.batch
        more = f"{2 / batch:g} is a success and a failure" if batch > 2 else "take a larger --loop.batch"
        raise UserError(
            f"--experience-share {config.experience_share}: up to {1 / batch:g} is no place in a batch of {batch}, "
            f"{more}"
        )
    if config.pseudo.weights in ("rank", "score") and config.pseudo.labels_per_scene == 1:
        raise UserError(
            f"--pseudo.weights {config.pseudo.weights} weighs the labels of a scene against each other, and there is "
            "one: give --pseudo.labels-per-scene 2 or more, or leave the weights out"
        )


def _run(config: StudentConfig) -> Path:
    from grasping_student.training.student import run

    refuse_idle_options(config)
    out = run(config)
    say(f"checkpoint in {out}")
    return out
