"""``grasping-student evaluate picking``: episodes until empty, models alternating on the same scenes."""

from __future__ import annotations

from collections.abc import Sequence

from grasping_student.cli.stage import say, stage_main
from grasping_student.evaluation.configuration import PickingConfig, light_picking, paper_picking

PRESETS = {"light": light_picking, "paper": paper_picking}


def run(config: PickingConfig) -> None:
    """Run the stage and print its rates, or show what a robot cell would do."""
    from grasping_student.evaluation import picking_stage
    from grasping_student.evaluation.robot_cell import RobotCellSpec, rehearse
    from grasping_student.evaluation.table import rates_table

    if config.dry_run:
        say(f"motions drawn in {rehearse(config)}; nothing moved")
        return
    out = picking_stage.run(config, RobotCellSpec(config.cell) if config.cell is not None else None)
    print(rates_table(picking_stage.read_metrics(out)))
    say(f"written to {out}")


def main(argv: Sequence[str]) -> None:
    stage_main("evaluate picking", PRESETS, run, argv)
