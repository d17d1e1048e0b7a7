"""``grasping-student label``: grasps labelled by a person in the browser."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from grasping_student.cli.stage import stage_main
from grasping_student.pipeline.errors import UserError
from grasping_student.web.labelling_config import PRESETS, LabelConfig


def main(argv: Sequence[str]) -> None:
    """Parse and run."""
    stage_main("label", PRESETS, _run, with_scenes(argv))


def with_scenes(argv: Sequence[str]) -> list[str]:
    """``--env recorded DIR`` as ``--env recorded --scenes DIR``."""
    arguments = list(argv)
    for position, argument in enumerate(arguments):
        recorded = argument == "--env=recorded" or arguments[position : position + 2] == ["--env", "recorded"]
        follower = position + (1 if "=" in argument else 2)
        if recorded and follower < len(arguments) and not arguments[follower].startswith("-"):
            return [*arguments[:follower], "--scenes", *arguments[follower:]]
    return arguments


def _run(config: LabelConfig) -> None:
    if importlib.util.find_spec("nicegui") is None:
        raise UserError("the labelling page needs the extra 'web': in a clone, pip install -e '.[web]'")
    from grasping_student.web.labelling_setup import run

    run(config)
