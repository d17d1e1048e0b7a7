"""One look for every figure: sizes, fonts, a colour-blind safe palette, perceptual colour maps, and export.

Figures are made without pyplot, so that a server thread or a worker process can draw with no global state.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from grasping_student.pipeline.files import atomic_path
from grasping_student.plotting.png import address_of

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE = (
    "#000000",
    "#e69f00",
    "#56b4e9",
    "#009e73",
    "#f0e442",
    "#0072b2",
    "#d55e00",
    "#cc79a7",
)
"""Okabe and Ito's palette: told apart with any common colour blindness."""

GREY = "#767676"
"""Grid, notes and unmeasured pixels."""

HEIGHT_MAP = "viridis"
SCORE_MAP = "inferno"
"""Perceptually uniform colour maps; the two differ so that a score is never read as a height."""

MODEL_COLOURS = {"random": GREY, "scripted": BLACK, "teacher": ORANGE, "teacher_augmented": VERMILLION, "student": BLUE}
"""The same condition has the same colour in every figure."""

_SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 10.0,
    "axes.titlesize": 10.5,
    "axes.labelsize": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.hashsalt": "grasping-student",
    "svg.fonttype": "path",
    "image.interpolation": "nearest",
}


@contextmanager
def style() -> Iterator[None]:
    """Within it, matplotlib draws in our style; settings outside are untouched."""
    with matplotlib.rc_context(_SETTINGS):
        yield


def new_figure(width: float, height: float, rows: int = 1, cols: int = 1, **subplots: Any) -> tuple[Figure, Any]:
    """A figure of our style and its axes, shape ``(rows, cols)``.

    Args:
        width: inches; 100 pixels an inch on screen.
        height: inches.
        rows: rows of panels.
        cols: columns of panels.
        **subplots: passed on to matplotlib (``sharey``, ``width_ratios``).
    """
    with style():
        figure = Figure(figsize=(width, height), dpi=100, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(rows, cols, squeeze=False, **subplots)
    return figure, axes


def picture_figure(inches: float) -> tuple[Figure, Axes]:
    """A square figure that is all picture, and its axes."""
    with style():
        figure = Figure(figsize=(inches, inches), dpi=100)
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    return figure, axes


def model_colour(name: str, position: int) -> str:
    """The colour of a model: by its name, else the next of the palette by its position."""
    others = (BLUE, ORANGE, GREEN, PURPLE, VERMILLION, SKY)
    return MODEL_COLOURS.get(name, others[position % len(others)])


def bare(axes: Axes, title: str | None = None) -> None:
    """No ticks and no frame: for pictures."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    if title is not None:
        axes.set_title(title)


def png_bytes(figure: Figure, dpi: int = 150) -> bytes:
    """The figure as a PNG without a date, so that the same figure is the same bytes."""
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def data_uri(figure: Figure, dpi: int = 150) -> str:
    """The figure as a ``data:`` address for a page that asks no server."""
    return address_of(png_bytes(figure, dpi))


def save_figure(figure: Figure, path: Path, dpi: int = 150) -> None:
    """Write PNG or SVG, by the ending of the name, whole or not at all."""
    with atomic_path(path) as temporary, style():
        extra: dict[str, Any] = {"Date": None} if path.suffix == ".svg" else {"Software": None}
        figure.savefig(temporary, format=path.suffix.lstrip("."), dpi=dpi, metadata=extra)
