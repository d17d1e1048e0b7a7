"""The picture of a prediction: colour, heightmap and score map with the gripper drawn to scale."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np

from grasping_student.plotting.figures import add_scale, draw_gripper, plot_colour, plot_heightmap, plot_score_map
from grasping_student.plotting.style import GREY, ORANGE, SKY, new_figure, save_figure, style
from grasping_student.serving.predict import Prediction


def plot_prediction(prediction: Prediction, path: Path, has_colour: bool) -> None:
    """Write a PNG: the best grasp in orange, the runners-up in blue, in words below what was mended.

    Args:
        prediction: the grasps and what they were chosen from.
        path: file to write.
        has_colour: whether the camera gave colour.
    """
    heightmap = prediction.mended.heightmap
    lines = [line for note in prediction.notes for line in textwrap.wrap("– " + note, 160, subsequent_indent="   ")]
    figure, axes = new_figure(13.5, 4.9 + 0.19 * len(lines), 1, 3)
    colour, height, score = axes[0]
    with style():
        if has_colour:
            plot_colour(colour, heightmap, "colour, from above")
        else:
            plot_heightmap(colour, heightmap, title="no colour picture was given: heights")
        image = plot_heightmap(height, heightmap, title="heights, mended")
        add_scale(figure, image, height, "cm above the floor", unit=0.01)
        shown = np.where(np.isfinite(prediction.scores), prediction.scores, np.nan)
        image = plot_score_map(score, shown, heightmap.workspace, "best score over all angles")
        add_scale(figure, image, score, "score of the model")
        for panel in (colour, height, score):
            for rank in range(len(prediction.grasps) - 1, -1, -1):
                each = prediction.grasps[rank]
                tone = ORANGE if rank == 0 else SKY
                draw_gripper(panel, heightmap.workspace, each.grasp, width=each.width, colour=tone, label=str(rank + 1))
            half = heightmap.workspace.extent / 2
            panel.set(xlim=(-half, half), ylim=(-half, half))
        best = prediction.grasps[0]
        figure.suptitle(
            f"Best grasp: x {best.x * 100:+.1f} cm, y {best.y * 100:+.1f} cm, tips {best.z * 100:.1f} cm high, "
            f"{np.degrees(best.grasp.angle):.0f} degrees, open to {best.width * 1000:.0f} mm",
            fontsize=12,
        )
        if lines:
            figure.supxlabel("\n".join(lines), fontsize=8.5, color=GREY, x=0.01, ha="left")
    save_figure(figure, path, dpi=110)
