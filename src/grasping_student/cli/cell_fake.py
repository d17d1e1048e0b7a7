"""``grasping-student cell fake``: a robot cell without a robot, for trying every other command of the cell."""

from __future__ import annotations

from collections.abc import Sequence

from grasping_student.cli.options import parse
from grasping_student.fakes.configuration import FakeCellConfig, light_fakes, paper_fakes
from grasping_student.pipeline.errors import require_extra


def run(config: FakeCellConfig) -> None:
    """Serve the fakes until Ctrl-C."""
    require_extra("robot", "rtde_control")
    from grasping_student.fakes.console import run as serve

    serve(config)


def main(argv: Sequence[str]) -> None:
    """Run the command with the arguments after its name."""
    config = parse("cell fake", {"light": light_fakes, "paper": paper_fakes}, argv)
    if config is not None:
        run(config)
