"""``grasping-student demo``."""

from __future__ import annotations

from collections.abc import Sequence

from grasping_student.cli.stage import stage_main
from grasping_student.study.demo.configuration import DEMO_PRESETS, DemoConfig


def main(argv: Sequence[str]) -> None:
    """Parse the options and run the demo."""
    stage_main("demo", DEMO_PRESETS, _run, argv)


def _run(config: DemoConfig) -> None:
    from grasping_student.study.demo.run import run

    run(config)
