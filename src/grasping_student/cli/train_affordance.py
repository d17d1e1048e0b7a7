"""``grasping-student train affordance``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from grasping_student.cli.stage import say, stage_main
from grasping_student.training.affordance_configuration import AFFORDANCE_PRESETS, AffordanceConfig

HELD_OUT = "held_out.json"


def main(argv: Sequence[str]) -> None:
    """Parse the options, train, and measure on the held-out episodes."""
    stage_main("train affordance", AFFORDANCE_PRESETS, _run, argv)


def _run(config: AffordanceConfig) -> Path:
    from grasping_student.evaluation.affordance_metrics import evaluate_affordance
    from grasping_student.evaluation.formatting import percent
    from grasping_student.pipeline.files import write_json
    from grasping_student.training.affordance import run

    out = run(config)
    if config.labels:
        say(f"checkpoint in {out}; nothing was held out to measure it on")
        return out
    metrics = evaluate_affordance(out)
    write_json(out / HELD_OUT, metrics)
    for name in ("balanced_accuracy", "precision", "recall", "specificity", "expected_calibration_error"):
        print(f"{name.replace('_', ' '):<28}{percent(metrics[name]):>8}")
    say(f"checkpoint in {out}; on {metrics['attempts']} held-out attempts: {out / HELD_OUT}")
    return out
