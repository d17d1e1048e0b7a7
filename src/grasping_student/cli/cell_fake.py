"""``grasping-student cell fake``: a robot cell without a robot, for trying every other command of the cell."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from grasping_student.cli.stage import stage_main
from grasping_student.fakes.configuration import FakeCellConfig, light_fakes, paper_fakes
from grasping_student.pipeline.errors import UserError


def run(config: FakeCellConfig) -> None:
    """Serve the fakes until Ctrl-C."""
    if importlib.util.find_spec("rtde_control") is None:
        raise UserError("the arm's driver needs the extra 'robot': in a clone, pip install -e '.[robot]'")
    from grasping_student.fakes.console import run as serve

    serve(config)


def main(argv: Sequence[str]) -> None:
    """Run the command with the arguments after its name."""
    stage_main("cell fake", {"light": light_fakes, "paper": paper_fakes}, run, argv)
