"""``grasping-student cell calibrate``: where the camera stands, from points that the arm's tool has touched."""

from __future__ import annotations

from collections.abc import Sequence

from grasping_student.cli.stage import stage_main
from grasping_student.robots.cell.calibration_config import CalibrateConfig


def calibrate_and_say(config: CalibrateConfig) -> None:
    """Run, then say how good it is."""
    import math

    from grasping_student.robots.cell.calibrate import print_board, run

    if config.print_board is not None:
        print(print_board(config.board, config.print_board))
        return
    calibration = run(config)
    for note in calibration.notes:
        print(note)
    each = ", ".join(f"{name} {value:.1f}" for name, value in calibration.residuals_mm.items())
    print(
        f"residual {calibration.residual_mm:.2f} mm over {len(calibration.residuals_mm)} points ({each}); table "
        f"corrected by {math.degrees(calibration.table_tilt):.2f} degrees and "
        f"{calibration.table_offset * 1000:+.1f} mm\nwritten: {config.out / 'calibration.json'}, "
        f"{config.out / 'calibration.png'}"
    )


def main(argv: Sequence[str]) -> None:
    """Run the command with the arguments after its name."""
    stage_main("cell calibrate", {"light": CalibrateConfig}, calibrate_and_say, argv)
