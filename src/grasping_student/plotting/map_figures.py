"""Maps as a paper prints them: one scene at several angles (figure 2), several models on the same scenes (figure 4)."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from grasping_student.evaluation.network_metrics import entropy_bits, log_probabilities
from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.plotting.figures import add_scale, draw_gripper, keep_view, plot_heightmap, plot_score_map
from grasping_student.plotting.panels import LOWEST_LOG10
from grasping_student.plotting.style import SKY, new_figure, style

_PANEL = 2.3
_TITLE_WIDTH = 20


def angle_maps_figure(
    heightmap: Heightmap, probabilities: NDArray[np.floating], angles: Sequence[float], title: str = ""
) -> Figure:
    """A scene, and for each angle the predicted probability of success with the gripper at its best pixel.

    Args:
        heightmap: the scene.
        probabilities: shape ``(angles, pixels, pixels)``, not finite where no grasp is allowed.
        angles: radians; together with the scene they fill rows of equal length.
        title: of the whole figure.
    """
    columns = next(n for n in (5, 4, 3, 2, 1) if (len(angles) + 1) % n == 0)
    rows = (len(angles) + 1) // columns
    figure, axes = new_figure(_PANEL * columns + 0.9, (_PANEL + 0.25) * rows, rows, columns)
    with style():
        flat = axes.ravel()
        plot_heightmap(flat[0], heightmap, title="heights")
        workspace = heightmap.workspace
        for each, probability, angle in zip(flat[1:], probabilities, angles, strict=True):
            image = plot_score_map(each, probability, workspace, f"{np.degrees(angle):g}°", low=0.0, high=1.0)
            best = np.where(np.isfinite(probability), probability, -np.inf).argmax()
            row, col = np.unravel_index(int(best), probability.shape)
            draw_gripper(each, workspace, PlanarGrasp(int(row), int(col), angle), colour=SKY)
        for each in flat:
            keep_view(each, workspace)
        add_scale(figure, image, list(flat), "predicted probability of success")
        if title:
            figure.suptitle(title, x=0.01, ha="left")
    return figure


@dataclass(frozen=True, eq=False)
class SceneMaps:
    """One scene and what several models make of it at one angle."""

    heightmap: Heightmap
    scores: tuple[NDArray[np.floating], ...]
    """A map for each model, ``(pixels, pixels)``, not finite where no grasp is allowed."""


def model_maps_figure(
    scenes: Sequence[SceneMaps], models: Sequence[str], angle: float = 0.0, title: str = ""
) -> Figure:
    """Scenes as rows, models as columns: each map's softmax on one logarithmic scale, with its entropy.

    Args:
        scenes: at least one, each with a map for every model.
        models: the models' names.
        angle: of all maps, radians.
        title: of the whole figure.
    """
    columns = 1 + len(models)
    figure, axes = new_figure(_PANEL * columns + 0.9, (_PANEL + 0.45) * len(scenes) + 0.35, len(scenes), columns)
    with style():
        for number, (scene, row_of_axes) in enumerate(zip(scenes, axes, strict=True)):
            workspace = scene.heightmap.workspace
            plot_heightmap(row_of_axes[0], scene.heightmap, title="heights" if number == 0 else None)
            for each, name, scores in zip(row_of_axes[1:], models, scene.scores, strict=True):
                logs = log_probabilities(scores) / np.log(10.0)
                shown = np.where(np.isfinite(scores), np.maximum(logs, LOWEST_LOG10), np.nan)
                name_above = textwrap.fill(name, _TITLE_WIDTH) if number == 0 else None
                image = plot_score_map(each, shown, workspace, name_above, low=LOWEST_LOG10, high=0.0)
                row, col = np.unravel_index(int(np.where(np.isfinite(scores), scores, -np.inf).argmax()), scores.shape)
                draw_gripper(each, workspace, PlanarGrasp(int(row), int(col), angle), colour=SKY)
                each.set_xlabel(f"{entropy_bits(scores):.1f} bits")
        for each in axes.ravel():
            keep_view(each, workspace)
        add_scale(figure, image, list(axes.ravel()), "log10 of the probability of a pixel")
        if title:
            figure.suptitle(title, x=0.01, ha="left")
    return figure
