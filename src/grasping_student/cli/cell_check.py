"""``grasping-student cell check``: the depth doctor says in words what is wrong with what the camera sees."""

from __future__ import annotations

from collections.abc import Sequence

from grasping_student.cli.stage import stage_main
from grasping_student.pipeline.errors import UserError
from grasping_student.robots.cell.calibration_config import CheckConfig


def check_and_say(config: CheckConfig) -> None:
    """Run, print every finding, and fail if one is an error.

    Raises:
        UserError: something must be mended before the cell may pick.
    """
    from grasping_student.robots.cell.check_camera import run

    findings = run(config)
    for finding in findings:
        print(f"{finding.severity:<8}{finding.about:<12}{finding.words}")
    errors = [finding.about for finding in findings if finding.severity == "error"]
    if errors:
        raise UserError(f"{len(errors)} of {len(findings)} checks failed ({', '.join(errors)}): mend these first")


def main(argv: Sequence[str]) -> None:
    """Run the command with the arguments after its name."""
    stage_main("cell check", {"light": CheckConfig}, check_and_say, argv)
