"""A stereo camera's shot of a simulated scene, from the infrared pair to the heightmap, beside the true heights."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from grasping_student.geometry.heightmap import Heightmap
from grasping_student.plotting.figures import plot_heightmap
from grasping_student.plotting.style import HEIGHT_MAP, bare, new_figure, style
from grasping_student.simulation.stereo import StereoCapture

_PANEL = 3.0


def sensor_figure(shot: StereoCapture, observed: Heightmap, true: Heightmap, title: str = "") -> Figure:
    """Infrared pair, colour, depth, and the heights that came out of them beside the true ones.

    Args:
        shot: of the camera.
        observed: the heightmap that the shot became, after its repair.
        true: the scene's own heights, on the same workspace.
        title: of the whole figure.
    """
    figure, axes = new_figure(3 * _PANEL, 2 * _PANEL + 0.5, 2, 3)
    ceiling = max(float(np.percentile(true.height, 99.5)), 0.02)
    with style():
        left, right, colour, depth, seen, truth = axes.ravel()
        for each, picture, name in ((left, shot.left, "left eye, infrared"), (right, shot.right, "right eye")):
            each.imshow(picture, cmap="gray", vmin=0, vmax=255)
            bare(each, name)
        assert shot.frame.rgb is not None
        colour.imshow(shot.frame.rgb)
        bare(colour, "colour, registered to depth")
        plot_depth(depth, shot.frame.depth, ceiling, f"depth ({1 - shot.frame.measured.mean():.1%} unmeasured)")
        plot_heightmap(seen, observed, ceiling, "heightmap, repaired")
        plot_heightmap(truth, true, ceiling, "true heights")
        for each in (seen, truth):
            bare(each)
        if title:
            figure.suptitle(title, x=0.01, ha="left")
    return figure


def plot_depth(axes: Axes, depth: NDArray[np.floating], ceiling: float, title: str | None = None) -> None:
    """A depth picture, near bright and far dark, unmeasured pixels grey.

    Args:
        axes: where to draw.
        depth: metres along the axis, NaN where unmeasured.
        ceiling: how far above the farthest one per cent the brightest colour stands, metres.
        title: text above.
    """
    far = float(np.nanpercentile(depth, 99))
    colours = matplotlib.colormaps[f"{HEIGHT_MAP}_r"].with_extremes(bad="#b8b8b8")
    axes.imshow(np.ma.masked_invalid(depth), cmap=colours, vmin=far - ceiling, vmax=far)
    bare(axes, title)
