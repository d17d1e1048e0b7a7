"""``grasping-student predict``: the best grasp on one depth image of any camera."""

from __future__ import annotations

from collections.abc import Sequence

from grasping_student.cli.stage import say, stage_main
from grasping_student.serving.configuration import PredictConfig


def predict_and_say(config: PredictConfig) -> None:
    """Run, then say what was mended and where the best grasp is."""
    import math

    from grasping_student.serving.predict import run

    prediction = run(config)
    for note in prediction.notes:
        say(f"mended: {note}")
    best = prediction.grasps[0]
    print(
        f"best grasp: x {best.x:+.3f} m, y {best.y:+.3f} m, z {best.z:.3f} m, "
        f"{math.degrees(best.grasp.angle):.0f} degrees, "
        f"open to {best.width * 1000:.0f} mm, score {best.score:.2f}\nwritten: {config.out / 'grasp.json'}, "
        f"{config.out / 'grasp.png'}"
    )


def main(argv: Sequence[str]) -> None:
    """Run the command with the arguments after its name."""
    stage_main("predict", {"light": PredictConfig}, predict_and_say, argv)
