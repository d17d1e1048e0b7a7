"""Grasps as a paper prints them: labelled scenes (figure 1), a grasp in the simulator step by step (figure 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.plotting.figures import draw_gripper, keep_view, plot_colour, plot_heightmap
from grasping_student.plotting.style import bare, new_figure, style

_PANEL = 2.3


def labelled_grasps_figure(examples: Sequence[tuple[Heightmap, PlanarGrasp]]) -> Figure:
    """Heights above, colours below, the labelled grasp drawn to scale in both."""
    figure, axes = new_figure(_PANEL * len(examples), 2 * _PANEL, 2, len(examples))
    with style():
        for above, below, (scene, grasp) in zip(axes[0], axes[1], examples, strict=True):
            plot_heightmap(above, scene)
            plot_colour(below, scene)
            for each in (above, below):
                _gripper_in_view(each, scene, grasp)
    return figure


@dataclass(frozen=True, eq=False)
class WatchedGrasp:
    """What a model saw, what it chose, what a camera beside the bin saw next, and how it ended."""

    heightmap: Heightmap
    grasp: PlanarGrasp
    views: Sequence[tuple[str, NDArray[np.uint8]]]
    """Moment in a word and picture, RGB ``(height, width, 3)``."""

    outcome: str


def watched_grasps_figure(grasps: Sequence[WatchedGrasp], title: str = "") -> Figure:
    """A row for each grasp: the heights with the grasp, then its moments; at the end its outcome."""
    columns = 1 + max(len(each.views) for each in grasps)
    figure, axes = new_figure(_PANEL * columns, (_PANEL + 0.2) * len(grasps), len(grasps), columns)
    with style():
        for watched, own in zip(grasps, axes, strict=True):
            plot_heightmap(own[0], watched.heightmap, title="what the model sees")
            _gripper_in_view(own[0], watched.heightmap, watched.grasp)
            for each in own[1:]:
                bare(each)
            for each, (moment, picture) in zip(own[1:], watched.views, strict=False):
                each.imshow(picture)
                each.set_title(moment)
            last = own[len(watched.views)]
            last.set_title(f"{watched.views[-1][0]}: {watched.outcome.replace('_', ' ')}")
        if title:
            figure.suptitle(title, x=0.01, ha="left")
    return figure


def _gripper_in_view(axes: Axes, scene: Heightmap, grasp: PlanarGrasp) -> None:
    draw_gripper(axes, scene.workspace, grasp)
    keep_view(axes, scene.workspace)
