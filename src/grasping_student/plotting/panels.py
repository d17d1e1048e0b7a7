"""Small pictures without text, to stand in a page that sets the words beside them: scenes, labels, scores, attempts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from grasping_student.evaluation.network_metrics import log_probabilities
from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.plotting.figures import draw_gripper, keep_view, plot_colour, plot_heightmap, plot_score_map
from grasping_student.plotting.style import GREEN, ORANGE, VERMILLION, data_uri, picture_figure

PANEL_INCHES = 2.4
LOWEST_LOG10 = -7.0
"""Darkest probability of a score panel, as a power of ten; evenly spread over 6 724 pixels it would be -3.8."""

SUCCESS_COLOUR, FAILURE_COLOUR, CHOICE_COLOUR = GREEN, VERMILLION, ORANGE


def panel(draw: Callable[[Axes], object], workspace: Workspace) -> str:
    """A square picture as a ``data:`` address."""
    figure, axes = picture_figure(PANEL_INCHES)
    draw(axes)
    keep_view(axes, workspace)
    return data_uri(figure, dpi=180)


def scene_panel(
    heightmap: Heightmap,
    grasps: Sequence[tuple[PlanarGrasp, str]] = (),
    colour: bool = False,
    ceiling: float | None = None,
) -> str:
    """A scene with grippers in their colours.

    Args:
        heightmap: the scene.
        grasps: grasp and colour of each gripper.
        colour: show the colour picture instead of heights.
        ceiling: height shown brightest, metres.
    """

    def draw(axes: Axes) -> None:
        if colour:
            plot_colour(axes, heightmap)
        else:
            plot_heightmap(axes, heightmap, ceiling)
        for grasp, paint in grasps:
            draw_gripper(axes, heightmap.workspace, grasp, colour=paint)

    return panel(draw, heightmap.workspace)


def score_panel(scores: NDArray[np.floating], workspace: Workspace, grasp: PlanarGrasp | None = None) -> str:
    """Probability of each pixel under the softmax over this map, on a logarithmic scale that is the same everywhere.

    Args:
        scores: one angle's scores, shape ``(pixels, pixels)``.
        workspace: what the pixels mean.
        grasp: drawn as a gripper.
    """
    logs = log_probabilities(scores) / np.log(10.0)
    shown = np.where(np.isfinite(scores), np.maximum(logs, LOWEST_LOG10), np.nan)

    def draw(axes: Axes) -> None:
        plot_score_map(axes, shown, workspace, low=LOWEST_LOG10, high=0.0)
        if grasp is not None:
            draw_gripper(axes, workspace, grasp, colour="#56b4e9")

    return panel(draw, workspace)


def outcome_colour(success: bool) -> str:
    """The colour of a gripper whose attempt ended so; captions say it in words as well."""
    return SUCCESS_COLOUR if success else FAILURE_COLOUR
