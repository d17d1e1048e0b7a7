"""Words follow from the numbers."""

import pytest

from grasping_student.plotting import html
from grasping_student.study.demo.sentences import compare, entropy_sentence, headroom


def sentence(low, high, units=50):
    difference = {"success_rate": (low + high) / 2, "bootstrap_95": [low, high], "units": units}
    return compare("teacher", "student", "one-shot", difference)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.02, 0.1, "better"), (-0.1, -0.02, "worse"), (-0.02, 0.1, "does not tell"), (0.0, 0.1, "does not tell")],
)
def test_an_interval_that_holds_zero_is_said_to(low, high, said):
    text = sentence(low, high)
    assert said in text
    assert ("includes zero" in text) == (low <= 0 <= high)


def test_nothing_is_concluded_from_a_handful_of_scenes():
    text = sentence(0.02, 0.1, units=9)
    assert "nothing can be concluded" in text
    assert "better" not in text


def test_points_are_signed_and_in_percent():
    assert "+6.0 points, 95 % interval [+2.0, +10.0]" in sentence(0.02, 0.1)
    assert "cannot be compared" in compare("teacher", "student", "one-shot", None)


def test_headroom_and_entropy_take_either_side():
    assert "10.0 points of room" in headroom({"success_rate": 0.8}, {"success_rate": 0.9})
    assert "level with or above" in headroom({"success_rate": 0.9}, {"success_rate": 0.9})
    assert "unknown" in headroom({"success_rate": 0.9}, None)
    bits = {"teacher": 9.0, "teacher_augmented": 7.0}
    assert "is lower than that of its teacher" in entropy_sentence({**bits, "student": 5.0})
    assert "is not lower than that of its teacher" in entropy_sentence({**bits, "student": 8.0})


def test_text_is_escaped_everywhere():
    bad = '<script>"&'
    pieces = [
        html.paragraph(bad),
        html.heading(bad),
        html.bullets([bad]),
        html.table([bad], [[bad]]),
        html.grid([html.Picture("data:,", bad)]),
        html.page(bad, []),
    ]
    assert all("<script" not in piece and "&lt;script&gt;" in piece for piece in pieces)
    assert 'alt="&lt;script&gt;&quot;&amp;"' in pieces[4]
