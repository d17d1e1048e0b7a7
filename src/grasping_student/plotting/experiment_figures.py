"""Figures of the experiments: values against levels, differences, proxy against one-shot success, reliability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from grasping_student.evaluation.statistics import wilson_interval
from grasping_student.plotting.condition_styles import CONDITION_STYLES
from grasping_student.plotting.style import BLUE, GREEN, GREY, VERMILLION, new_figure, style

BLOCKS = "blocks an episode"
"""Label of the axis of a panel whose values are hundredths of blocks."""

FAR = 0.1
"""Share of successes; see ``far_below``."""


@dataclass(frozen=True)
class Point:
    """A value with its interval at one level."""

    level: str
    value: float
    low: float
    high: float

    few: bool = False
    """From too few replicates to conclude anything: drawn hollow."""


@dataclass(frozen=True)
class Line:
    """One condition's points."""

    condition: str
    title: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Panel:
    """One domain, or one measure."""

    title: str
    y_label: str
    lines: tuple[Line, ...]


def level_figure(panels: Sequence[tuple[Panel, Sequence[str], str]], columns: int = 2) -> Figure:
    """Values against the levels of an experiment, intervals as bars, one legend for all panels.

    Args:
        panels: at least one, each with its levels in order and their name; levels are evenly spaced, since they are no
            common scale.
        columns: panels in a row, at most.
    """
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    shared = "row" if columns > 2 else False
    figure, axes = new_figure(5.4 * columns, 4.0 * rows + 0.9, rows, columns, sharey=shared)
    with style():
        for (panel, levels, x_label), each in zip(panels, axes.ravel(), strict=False):
            _draw_panel(each, panel, levels, x_label)
            each.tick_params(axis="y", labelleft=True)
        empty = axes.ravel()[len(panels) :]
        for each in empty:
            each.set_axis_off()
        if len(empty):
            empty[0].legend(*_handles(axes.ravel()), loc="center", fontsize=10)
        else:
            _one_legend(figure, axes.ravel(), columns + 1)
    return figure


def differences_figure(panels: Sequence[Panel], levels: Sequence[str]) -> Figure:
    """Differences with their intervals, a row for each level, a panel for each domain or comparison; zero is
    marked.

    A difference told from zero is blue, any other grey; few replicates are hollow, as in the other figures.

    Args:
        panels: each with one line; a level without a point has an empty row.
        levels: all rows, the first on top.
    """
    width = 3.4 + 4.4 * len(panels)
    figure, axes = new_figure(width, 1.1 + 0.34 * len(levels), 1, len(panels), sharey=True)
    place = {level: len(levels) - 1 - index for index, level in enumerate(levels)}
    with style():
        for panel, each in zip(panels, axes[0], strict=True):
            each.axvline(0.0, color=GREY, linewidth=1.0)
            for point in (point for line in panel.lines for point in line.points):
                y = place[point.level]
                colour = BLUE if point.low > 0.0 or point.high < 0.0 else GREY
                each.plot([point.low, point.high], [y, y], color=colour, linewidth=2.0, solid_capstyle="butt")
                each.plot(
                    [point.value],
                    [y],
                    marker="o",
                    markersize=6.5,
                    color=colour,
                    markerfacecolor="white" if point.few else colour,
                )
            each.set_yticks(range(len(levels)), list(reversed(levels)))
            each.tick_params(axis="y", length=0)
            each.xaxis.set_major_formatter(lambda value, _: f"{100 * value:+g}" if value else "0")
            each.set_xlabel(panel.y_label)
            each.grid(axis="both", color="#e4e4e4", linewidth=0.8)
            each.set_axisbelow(True)
            each.set_title(panel.title, loc="left")
    return figure


def _one_legend(figure: Figure, axes: Sequence[Axes], columns: int) -> None:
    figure.legend(*_handles(axes), loc="outside lower center", ncols=columns, fontsize=9)


def _handles(axes: Sequence[Axes]) -> tuple[list[Artist], list[str]]:
    """What the axes show, each label once."""
    handles: dict[str, Artist] = {}
    for each in axes:
        for handle, label in zip(*each.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    return list(handles.values()), list(handles)


def far_below(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines whose intervals all lie ``FAR`` below everything else: drawn, they would press the others together."""
    found = []
    for line in lines:
        others = [point.low for other in lines if other.condition != line.condition for point in other.points]
        if others and max(point.high for point in line.points) < min(others) - FAR:
            found.append(line)
    return tuple(found)


def _write_below(axes: Axes, lines: Sequence[Line], unit: str) -> None:
    """Lines that are not drawn, as text at the foot of the panel."""
    parts = []
    for line in lines:
        low, high = (100 * choose(point.value for point in line.points) for choose in (min, max))
        rates = f"{low:.0f}{unit}" if f"{low:.0f}" == f"{high:.0f}" else f"{low:.0f} to {high:.0f}{unit}"
        parts.append(f"below: {line.title}, {rates}")
    text = "\n".join(parts)
    axes.text(0.98, 0.015, text, transform=axes.transAxes, ha="right", va="bottom", fontsize=8.5, color=GREY)


def _draw_panel(axes: Axes, panel: Panel, levels: Sequence[str], x_label: str) -> None:
    entropy = "bits" in panel.y_label
    unit = "" if panel.y_label == BLOCKS else " %"
    below = () if entropy else far_below(panel.lines)
    _write_below(axes, below, unit)
    drawn = [line for line in panel.lines if line not in below]
    for position, line in enumerate(drawn):
        aside = (position - (len(drawn) - 1) / 2) * min(0.06, 0.5 / max(len(drawn), 1))
        _draw_line(axes, line, levels, aside)
    if below:  # room for the text
        low, high = axes.get_ylim()
        axes.set_ylim(low - 0.05 * len(below) * (high - low), high)
    axes.set_xlim(-0.5, len(levels) - 0.5)
    axes.set_xticks(range(len(levels)), list(levels), rotation=35 if max(map(len, levels)) > 8 else 0)
    axes.set_xlabel(x_label)
    axes.set_ylabel(panel.y_label)
    if entropy:
        axes.ticklabel_format(axis="y", useOffset=False)
    else:
        axes.yaxis.set_major_formatter(lambda value, _: f"{round(100 * value, 1):g}{unit}")
    axes.grid(axis="y", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_title(panel.title, loc="left")


def _draw_line(axes: Axes, line: Line, levels: Sequence[str], aside: float) -> None:
    """One condition: points with bars, moved aside so that bars do not cover each other."""
    place = {level: index for index, level in enumerate(levels)}
    colour, marker, dashes = CONDITION_STYLES[line.condition]
    x = np.arange(len(levels)) + aside
    y, bars = np.full(len(levels), np.nan), np.zeros((2, len(levels)))  # no number, no line through it
    for point in line.points:
        index = place[point.level]
        y[index] = point.value
        bars[:, index] = max(point.value - point.low, 0.0), max(point.high - point.value, 0.0)
    axes.errorbar(
        x,
        y,
        yerr=bars,
        label=line.title,
        color=colour,
        marker=marker,
        linestyle=dashes,
        markersize=5.5,
        linewidth=1.5,
        elinewidth=1.1,
        capsize=2.5,
    )
    few = [place[point.level] for point in line.points if point.few]
    (hollow,) = axes.plot(x[few], y[few], color=colour, marker=marker, markersize=5.5, linestyle="none", zorder=3)
    hollow.set_markerfacecolor("white")


def validity_figure(
    scatters: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]], titles: Mapping[str, str]
) -> Figure:
    """Proxy against one-shot success, a panel for each domain and a mark for each trained model.

    On the dotted line the proxy is right; each axis has its own limits, the same in all panels.

    Args:
        scatters: title of a panel -> condition -> (one-shot rate, proxy rate) of each of its models.
        titles: condition -> its name in the legend, in the legend's order.
    """
    figure, axes = new_figure(4.9 * len(scatters) + 0.4, 5.2, 1, len(scatters), sharex=True, sharey=True)
    every = np.array([pair for points in scatters.values() for pairs in points.values() for pair in pairs])
    with style():
        for (title, points), plot in zip(scatters.items(), axes[0], strict=True):
            for condition, name in titles.items():
                colour, marker, _ = CONDITION_STYLES[condition]
                x, y = np.array(points.get(condition, np.empty((0, 2)))).T
                plot.scatter(x, y, color=colour, marker=marker, s=30, label=name, alpha=0.7)
            plot.plot([0.0, 1.0], [0.0, 1.0], color=GREY, linewidth=0.9, linestyle=":")
            plot.set_xlim(every[:, 0].min() - 0.02, 1.01)
            plot.set_ylim(every[:, 1].min() - 0.02, max(1.01, every[:, 1].max() + 0.02))
            for axis in (plot.xaxis, plot.yaxis):
                axis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
            plot.set_xlabel("one-shot success in the simulator")
            plot.set_ylabel("proxy")
            plot.set_title(title, loc="left")
        _one_legend(figure, axes.ravel(), 3)
    return figure


def reliability_figure(diagrams: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Seen against predicted share of successes with Wilson's intervals, marks as large as their bins are full.

    Args:
        diagrams: name -> ``reliability`` of the affordance metrics.
    """
    figure, axes = new_figure(4.8, 4.6)
    plot: Axes = axes[0, 0]
    with style():
        plot.plot([0, 1], [0, 1], color=GREY, linewidth=0.9, linestyle=":")
        for (name, diagram), colour in zip(diagrams.items(), (BLUE, VERMILLION, GREEN), strict=False):
            rows = [
                (p, s, n)
                for p, s, n in zip(diagram["predicted"], diagram["seen"], diagram["count"], strict=True)
                if np.isfinite(p) and np.isfinite(s)
            ]
            x, y, count = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
            bounds = np.array([wilson_interval(round(s * n), int(n)) for s, n in zip(y, count, strict=True)])
            plot.errorbar(
                x, y, yerr=np.abs(bounds - y[:, None]).T, color=colour, linewidth=1.3, elinewidth=1.0, capsize=2.5
            )
            plot.scatter(x, y, s=12 + 150 * count / count.sum(), color=colour, label=name)
        for axis in (plot.xaxis, plot.yaxis):
            axis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
        plot.set_xlim(0, 1)
        plot.set_ylim(0, 1)
        plot.set_xlabel("predicted probability of success")
        plot.set_ylabel("seen share of successes")
        plot.legend(fontsize=8)
    return figure
