"""The picture of a prediction: colour, heightmap and score map with the gripper drawn to scale."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np

from grasping_student.models.grasp_choice import GraspChoice
from grasping_student.plotting.figures import add_scale, draw_gripper, plot_colour, plot_heightmap, plot_score_map
from grasping_student.plotting.style import GREY, ORANGE, SKY, new_figure, save_figure, style


def plot_prediction(choice: GraspChoice, path: Path, has_colour: bool) -> None:
    """Write a PNG: the best grasp in orange, the runners-up in blue, the notes in words below.

    Args:
        choice: the grasps and what they were chosen from.
        path: file to write.
        has_colour: whether the camera gave colour.
    """
    heightmap = choice.observation.heightmap
    lines = [line for note in choice.notes for line in textwrap.wrap(f"– {note}", 160, subsequent_indent="   ")]
    figure, axes = new_figure(13.5, 4.9 + 0.19 * len(lines), 1, 3)
    colour, height, score = axes[0]
    with style():
        if has_colour:
            plot_colour(colour, heightmap, "colour, from above")
        else:
            plot_heightmap(colour, heightmap, title="no colour picture was given: heights")
        image = plot_heightmap(height, heightmap, title="heights, repaired")
        add_scale(figure, image, height, "cm above the floor", unit=0.01)
        best_scores = choice.scores.max(axis=0)
        shown = np.where(np.isfinite(best_scores), best_scores, np.nan)
        image = plot_score_map(score, shown, heightmap.workspace, "best score over all angles")
        add_scale(figure, image, score, "score of the model")
        for panel in (colour, height, score):
            for rank in range(len(choice.grasps) - 1, -1, -1):
                each = choice.grasps[rank]
                tone = ORANGE if rank == 0 else SKY
                draw_gripper(
                    panel, heightmap.workspace, each.grasp, width=each.place.opening, colour=tone, label=str(rank + 1)
                )
            half = heightmap.workspace.extent / 2
            panel.set(xlim=(-half, half), ylim=(-half, half))
        best = choice.grasps[0]
        place = best.place
        figure.suptitle(
            f"Best grasp: x {place.x * 100:+.1f} cm, y {place.y * 100:+.1f} cm, tips {place.z * 100:.1f} cm high, "
            f"{np.degrees(best.grasp.angle):.0f} degrees, open to {place.opening * 1000:.0f} mm",
            fontsize=12,
        )
        if lines:
            figure.supxlabel("\n".join(lines), fontsize=8.5, color=GREY, x=0.01, ha="left")
    save_figure(figure, path, dpi=110)
