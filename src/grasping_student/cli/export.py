"""``grasping-student export``: a checkpoint as ONNX."""

from __future__ import annotations

from collections.abc import Sequence

from grasping_student.cli.stage import say, stage_main
from grasping_student.serving.export import ExportConfig, run


def export_and_say(config: ExportConfig) -> None:
    """Run, then say what was written."""
    say(f"written: {run(config)}; grasping_student.serving.backends.load_exported reads it")


def main(argv: Sequence[str]) -> None:
    """Run the command with the arguments after its name."""
    stage_main("export", {"light": ExportConfig}, export_and_say, argv)
