"""Drawings that reports, predictions and web pages share: heightmap, score map, gripper to scale, intervals, curves.

Pictures are drawn in the world frame: axes in metres, x to the right, y up, as the workspace is seen from above.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.image import AxesImage
from matplotlib.patches import Polygon, Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike, NDArray

from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.plotting.style import GREY, HEIGHT_MAP, ORANGE, SCORE_MAP, bare, model_colour

GRIPPER = GripperGeometry()
"""Whose fingers are drawn, open as before a grasp (paper, section VI-D)."""


def _extent(workspace: Workspace) -> tuple[float, float, float, float]:
    half = workspace.extent / 2
    return (-half, half, -half, half)


def plot_graspable_area(axes: Axes, workspace: Workspace, colour: str = "white") -> None:
    """Outline of the pixels in which a grasp is allowed."""
    side = workspace.graspable_pixels * workspace.pixel_size
    corner = (-side / 2, -side / 2)
    axes.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=colour, linewidth=0.8, linestyle=(0, (4, 3))))


def plot_heightmap(
    axes: Axes, heightmap: Heightmap, ceiling: float | None = None, title: str | None = None
) -> AxesImage:
    """Heights in a perceptual colour map, unmeasured pixels grey, the graspable area outlined.

    Args:
        axes: where to draw; its units become metres of the world frame.
        heightmap: the scene; heights in metres.
        ceiling: height shown brightest, metres; None takes the scene's own 99.5th percentile.
        title: text above.
    """
    if ceiling is None:
        measured = heightmap.height[np.isfinite(heightmap.height)]
        ceiling = max(float(np.percentile(measured, 99.5)), 0.02) if measured.size else 0.1
    colours = matplotlib.colormaps[HEIGHT_MAP].with_extremes(bad="#b8b8b8")
    picture = np.ma.masked_invalid(heightmap.height)
    image = axes.imshow(picture, cmap=colours, vmin=0.0, vmax=ceiling, extent=_extent(heightmap.workspace))
    plot_graspable_area(axes, heightmap.workspace)
    bare(axes, title)
    return image


def plot_colour(axes: Axes, heightmap: Heightmap, title: str | None = None) -> AxesImage:
    """The colour picture of a scene."""
    image = axes.imshow(heightmap.rgb, extent=_extent(heightmap.workspace))
    plot_graspable_area(axes, heightmap.workspace, colour=GREY)
    bare(axes, title)
    return image


def plot_score_map(
    axes: Axes,
    scores: NDArray[np.floating],
    workspace: Workspace,
    title: str | None = None,
    low: float | None = None,
    high: float | None = None,
) -> AxesImage:
    """Scores of one angle or their best over all angles; pixels that may not be grasped stay blank.

    Args:
        axes: where to draw.
        scores: shape ``(pixels, pixels)``; not finite outside the graspable area.
        workspace: what the pixels mean.
        title: text above.
        low: score shown darkest; None takes the map's own lowest.
        high: score shown brightest; None takes the map's own highest.
    """
    colours = matplotlib.colormaps[SCORE_MAP].with_extremes(bad="#e6e6e6")
    picture = np.ma.masked_invalid(scores)
    image = axes.imshow(picture, cmap=colours, vmin=low, vmax=high, extent=_extent(workspace))
    bare(axes, title)
    return image


def gripper_corners(
    workspace: Workspace, grasp: PlanarGrasp, width: float, shape: GripperGeometry = GRIPPER
) -> list[NDArray[np.float64]]:
    """Corners of both fingers seen from above, world metres, two arrays of shape ``(4, 2)``.

    The inner faces lie ``width`` apart on the line through the grasp at its angle.

    Args:
        workspace: where the grasp's pixel lies.
        grasp: the grasp.
        width: opening between the inner faces, metres.
        shape: size of the fingers.
    """
    centre = np.array(grasp.xy(workspace))
    along = np.array([math.cos(grasp.angle), math.sin(grasp.angle)])
    across = np.array([-along[1], along[0]])
    fingers = []
    for side in (-1.0, 1.0):
        inner, outer = side * width / 2, side * (width / 2 + shape.finger_thickness)
        corners = [(inner, -1), (outer, -1), (outer, 1), (inner, 1)]
        fingers.append(np.array([centre + s * along + t * shape.finger_width / 2 * across for s, t in corners]))
    return fingers


def draw_gripper(
    axes: Axes,
    workspace: Workspace,
    grasp: PlanarGrasp,
    width: float = GRIPPER.opening,
    colour: str = ORANGE,
    label: str | None = None,
) -> None:
    """A gripper to scale at a grasp: two fingers, the line in which they close, and the grasped point.

    Args:
        axes: drawn before by ``plot_heightmap``, ``plot_colour`` or ``plot_score_map``.
        workspace: where the grasp's pixel lies.
        grasp: the grasp.
        width: opening between the fingers, metres.
        colour: of fingers and line.
        label: short text beside the grasp.
    """
    halo = "white" if sum(to_rgb(colour)) < 2.1 else "black"
    outline = [withStroke(linewidth=2.6, foreground=halo)]
    fingers = gripper_corners(workspace, grasp, width)
    for corners in fingers:
        axes.add_patch(Polygon(corners, closed=True, facecolor=colour, edgecolor=halo, linewidth=0.9, zorder=5))
    tips = np.array([corners[[0, 3]].mean(axis=0) for corners in fingers])
    axes.plot(tips[:, 0], tips[:, 1], color=colour, linewidth=1.3, zorder=5, path_effects=outline)
    x, y = grasp.xy(workspace)
    axes.plot([x], [y], marker="o", markersize=3.4, color=colour, markeredgecolor=halo, markeredgewidth=0.7, zorder=6)
    if label is not None:
        axes.annotate(
            label,
            (x, y),
            xytext=(5, 5),
            textcoords="offset points",
            annotation_clip=True,
            color=colour,
            fontsize=8.5,
            fontweight="bold",
            path_effects=outline,
            zorder=7,
        )


def keep_view(axes: Axes, workspace: Workspace) -> None:
    """Show the workspace and no more: a gripper drawn at the rim must not move the view."""
    left, right, low, high = _extent(workspace)
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)


def plot_rates(
    axes: Axes,
    rows: Sequence[tuple[str, float, tuple[float, float]]],
    title: str | None = None,
    names: Mapping[str, str] | None = None,
) -> None:
    """Success rates as points with their intervals, first row on top.

    Args:
        axes: where to draw.
        rows: name, rate in [0, 1], interval (low, high).
        title: text above.
        names: what to write for a name; the name decides the colour.
    """
    for position, (name, rate, (low, high)) in enumerate(rows):
        y, colour = len(rows) - 1 - position, model_colour(name, position)
        axes.plot([low, high], [y, y], color=colour, linewidth=2.4, solid_capstyle="butt")
        for end in (low, high):
            axes.plot([end, end], [y - 0.13, y + 0.13], color=colour, linewidth=2.0)
        axes.plot([rate], [y], marker="o", markersize=7.5, color=colour)
        axes.annotate(f"{100 * rate:.1f} %", (rate, y), xytext=(0, 11), textcoords="offset points", ha="center")
    axes.set_yticks(range(len(rows)), [(names or {}).get(name, name) for name, *_ in reversed(rows)])
    axes.set_ylim(-0.6, len(rows) - 0.3)
    axes.set_xlim(0.0, 1.0)
    axes.set_xticks(np.linspace(0, 1, 6), [f"{share} %" for share in range(0, 101, 20)])
    axes.grid(axis="x", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    if title is not None:
        axes.set_title(title, loc="left")


def plot_curves(
    axes: Axes,
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    x_label: str,
    y_label: str,
    title: str | None = None,
    names: Mapping[str, str] | None = None,
) -> None:
    """Lines by name, each ``(x, y)``, with a legend if there are several; ``names`` as in ``plot_rates``."""
    for position, (name, (x, y)) in enumerate(curves.items()):
        axes.plot(np.asarray(x), np.asarray(y), label=(names or {}).get(name, name), color=model_colour(name, position))
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    if len(curves) > 1:
        axes.legend(frameon=False)
    if title is not None:
        axes.set_title(title, loc="left")


def add_scale(figure: Any, image: AxesImage, axes: Any, label: str, unit: float = 1.0) -> None:
    """A colour bar with its label; values are divided by ``unit`` (0.001 shows metres as millimetres)."""
    bar = figure.colorbar(image, ax=axes, shrink=0.85, pad=0.02, format=lambda value, _: f"{value / unit:g}")
    bar.set_label(label)
    bar.outline.set_visible(False)
