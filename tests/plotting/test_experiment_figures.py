"""Figures of the experiments: what is drawn, what is written instead, where the legend stands."""

import numpy as np

from grasping_student.plotting.condition_styles import CONDITION_STYLES
from grasping_student.plotting.experiment_figures import (
    BLOCKS,
    Line,
    Panel,
    Point,
    differences_figure,
    far_below,
    level_figure,
)
from grasping_student.plotting.style import BLUE, GREY
from grasping_student.study.conditions import CONDITIONS


def line(condition, *rates, spread=0.02):
    points = (Point(str(place), rate, rate - spread, rate + spread) for place, rate in enumerate(rates))
    return Line(condition, condition.title(), tuple(points))


TEACHER, STUDENT, RANDOM = line("teacher", 0.7, 0.8), line("student", 0.9, 1.0), line("random", 0.35, 0.31)


def test_every_condition_looks_the_same_in_all_panels_and_like_no_other():
    """A legend is shared by panels that do not show the same conditions."""
    assert set(CONDITIONS) | {"student_method", "nearby"} <= set(CONDITION_STYLES)
    assert len(set(CONDITION_STYLES.values())) == len(CONDITION_STYLES)


def test_only_lines_whose_whole_interval_lies_far_below_all_others_are_left_out():
    assert far_below((TEACHER, STUDENT, RANDOM)) == (RANDOM,)
    assert far_below((TEACHER, STUDENT)) == ()
    assert far_below((TEACHER, STUDENT, line("random", 0.35, 0.6))) == ()
    assert far_below((RANDOM,)) == ()


def test_what_is_left_out_stands_in_words_and_the_rest_is_drawn():
    figure = level_figure([(Panel("a", "success", (TEACHER, STUDENT, RANDOM)), ["0", "1"], "share")])
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["below: Random, 31 to 35 %"]
    assert axes.get_legend_handles_labels()[1] == ["Teacher", "Student"]
    assert axes.get_ylim()[0] > 0.5


def test_points_of_few_replicates_are_hollow():
    few = Line("teacher", "Teacher", (Point("0", 0.7, 0.6, 0.8, few=True), Point("1", 0.8, 0.7, 0.9)))
    (axes,) = level_figure([(Panel("a", "success", (few, STUDENT)), ["0", "1"], "share")]).axes
    hollow = [each for each in axes.lines if each.get_markerfacecolor() == "white" and len(each.get_xdata())]
    assert [list(each.get_ydata()) for each in hollow] == [[0.7]]


def test_with_an_odd_number_of_panels_the_legend_stands_in_the_empty_place():
    panels = [(Panel(title, "success", (TEACHER, STUDENT)), ["0", "1"], "share") for title in "abc"]
    figure = level_figure(panels)
    legend = figure.axes[-1].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["Teacher", "Student"]
    assert not figure.legends
    assert level_figure(panels[:2]).legends


def test_differences_are_blue_where_told_from_zero_and_hollow_where_replicates_are_few():
    points = (Point("a", 0.1, 0.02, 0.2), Point("b", 0.1, -0.02, 0.2), Point("c", -0.2, -0.3, -0.1, few=True))
    (axes,) = differences_figure([Panel("one", "points", (Line("s", "S", points),))], ["a", "b", "c"]).axes
    marks = [each for each in axes.lines if each.get_marker() == "o"]
    looks = {axes.get_yticklabels()[int(m.get_ydata()[0])].get_text(): m for m in marks}
    assert {name: mark.get_color() for name, mark in looks.items()} == {"a": BLUE, "b": GREY, "c": BLUE}
    assert {name: mark.get_markerfacecolor() for name, mark in looks.items()} == {"a": BLUE, "b": GREY, "c": "white"}


def test_what_lies_far_below_is_said_in_the_unit_of_the_panel():
    for label, words in ((BLOCKS, "35"), ("success", "35 %")):
        low = line("random", 0.35, 0.35)
        (axes,) = level_figure([(Panel("a", label, (TEACHER, STUDENT, low)), ["0", "1"], "share")]).axes
        assert f"below: Random, {words}" in [text.get_text() for text in axes.texts]


def test_no_line_is_drawn_through_a_level_without_a_number():
    ends = Line("student", "student", (Point("0", 0.8, 0.7, 0.9), Point("2", 0.9, 0.8, 1.0)))
    (axes,) = level_figure([(Panel("a", "success", (ends,)), ["0", "1", "2"], "share")]).axes
    drawn = [each.get_ydata() for each in axes.lines if len(each.get_ydata()) == 3]
    assert np.array_equal(drawn[0], [0.8, np.nan, 0.9], equal_nan=True)
