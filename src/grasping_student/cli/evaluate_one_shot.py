"""``grasping-student evaluate one-shot``: each model grasps once from the same saved state."""

from __future__ import annotations

from collections.abc import Sequence

from grasping_student.cli.stage import say, stage_main
from grasping_student.evaluation.configuration import OneShotConfig, light_one_shot, paper_one_shot

PRESETS = {"light": light_one_shot, "paper": paper_one_shot}


def run(config: OneShotConfig) -> None:
    """Run the stage and print its rates."""
    from grasping_student.evaluation import one_shot, picking_stage
    from grasping_student.evaluation.table import rates_table

    out = one_shot.run(config)
    print(rates_table(picking_stage.read_metrics(out)))
    say(f"written to {out}")


def main(argv: Sequence[str]) -> None:
    stage_main("evaluate one-shot", PRESETS, run, argv)
