"""Named rates: what counts as a repeat, what the stop rule adds, which scenes count."""

import math

import pytest
from tests.fakes.boxes import WORKSPACE  # pixels of 10 mm

from grasping_student.datasets.schema import Attempt
from grasping_student.episodes.event_log import EpisodeEnd
from grasping_student.evaluation.rates import (
    counts_by_unit,
    difference,
    is_repeat,
    rate,
    summarise_one_shot,
    summarise_picking,
    without_repeats,
    without_stop_failures,
)
from grasping_student.evaluation.statistics import Counts
from grasping_student.evaluation.table import rates_table
from grasping_student.geometry.grasp import Outcome, PlanarGrasp


def attempts(*specs, model="m", episode=0):
    """Each spec: row, col, degrees, outcome."""
    return [
        Attempt(
            episode=episode,
            index=index,
            policy=model,
            policy_version="1",
            grasp=PlanarGrasp(row, col, math.radians(degrees)),
            outcome=Outcome(outcome),
        )
        for index, (row, col, degrees, outcome) in enumerate(specs)
    ]


@pytest.mark.parametrize(
    ("second", "repeat"),
    [
        ((10, 10, 0, "missed"), True),
        ((10, 10, 0, "success"), True),
        ((11, 10, 0, "missed"), True),
        ((11, 11, 0, "missed"), False),
        ((12, 10, 0, "missed"), False),
        ((10, 10, 15, "missed"), True),
        ((10, 10, 16, "missed"), False),
        ((10, 10, 165, "missed"), True),
        ((10, 10, 164, "missed"), False),
    ],
)
def test_a_repeat_lies_within_10_mm_and_15_degrees_of_a_failed_grasp(second, repeat):
    assert is_repeat(attempts((10, 10, 0, "collision"), second), 1, WORKSPACE) is repeat


def test_only_failures_since_the_last_success_of_the_same_episode_can_be_repeated():
    again = (10, 10, 0, "missed")
    assert not is_repeat(attempts((10, 10, 0, "success"), again), 1, WORKSPACE)
    assert not is_repeat(attempts((10, 10, 0, "missed"), (20, 20, 0, "success"), again), 2, WORKSPACE)
    assert is_repeat(attempts((10, 10, 0, "missed"), (20, 20, 0, "missed"), again), 2, WORKSPACE)
    assert not is_repeat(attempts((10, 10, 0, "fault"), again), 1, WORKSPACE)
    two_episodes = attempts(again) + attempts(again, episode=1)
    assert without_repeats(two_episodes, WORKSPACE) == two_episodes


def test_failures_of_the_stop_rule_are_left_out_only_where_it_ended_the_episode():
    stopped = attempts((1, 1, 0, "success"), *[(1, 1, 0, "missed")] * 5)
    emptied = attempts((1, 1, 0, "missed"), (1, 1, 0, "success"), episode=1)
    ends = {0: "failures_in_a_row", 1: "empty"}
    assert without_stop_failures(stopped + emptied, ends, 5) == stopped[:1] + emptied
    with_fault = [*stopped[:3], *attempts((1, 1, 0, "fault")), *stopped[3:]]
    assert without_stop_failures(with_fault, ends, 5) == stopped[:1]


def test_a_fault_is_in_no_denominator():
    counts = counts_by_unit(attempts((1, 1, 0, "fault"), (1, 1, 0, "missed"), (1, 1, 0, "success")), 2)
    assert counts.attempts.tolist() == [2, 0]
    assert counts.successes.tolist() == [1, 0]


def test_a_summary_by_hand():
    a = attempts((1, 1, 0, "missed"), (1, 1, 0, "missed"), (9, 9, 0, "success"), model="a")
    b = attempts((1, 1, 0, "success"), (1, 1, 0, "dropped"), model="b")
    events = [*a, EpisodeEnd("a", 0, "empty"), *b, EpisodeEnd("b", 0, "nothing_to_grasp")]
    summary = summarise_picking(events, ["a", "b"], 1, WORKSPACE, 5, seed=0)
    row = summary["models"]["a"]
    assert (row["attempts"], row["successes"], row["failures"]) == (3, 1, {"missed": 2})
    assert (row["excluding_repeats"]["attempts"], row["excluding_repeats"]["success_rate"]) == (2, 0.5)
    assert summary["models"]["b"]["episode_ends"] == {"nothing_to_grasp": 1}
    (pair,) = summary["differences"]
    assert pair["all_picks"]["success_rate"] == pytest.approx(1 / 2 - 1 / 3)
    assert (pair["all_picks"]["attempts"], pair["all_picks"]["successes"], pair["all_picks"]["units"]) == (5, 0, 1)
    table = rates_table({"kind": "picking", **summary})
    assert "excluding repeats" in table
    assert "b - a" in table


def test_a_model_without_attempts_has_no_rate_and_no_difference():
    nothing = Counts([0], [0])
    assert rate(nothing, 0)["success_rate"] is None
    assert rate(nothing, 0)["wilson_95"] is None
    assert difference(nothing, Counts([1], [1]), 0) is None
    summary = summarise_picking(
        [EpisodeEnd("a", 0, "empty"), EpisodeEnd("b", 0, "empty")], ["a", "b"], 1, WORKSPACE, 5, seed=0
    )
    assert "none" in rates_table({"kind": "picking", **summary})


def test_a_one_shot_scene_with_a_fault_counts_for_no_model():
    events = [
        *attempts((1, 1, 0, "fault"), model="a"),
        *attempts((1, 1, 0, "success"), model="b"),
        *attempts((1, 1, 0, "success"), model="a", episode=1),
        *attempts((1, 1, 0, "missed"), model="b", episode=1),
    ]
    summary = summarise_one_shot(events, ["a", "b"], 2, seed=0)
    assert [summary["models"][name]["attempts"] for name in "ab"] == [1, 1]
    assert summary["differences"][0]["one_shot"]["success_rate"] == -1.0
    assert "one-shot" in rates_table({"kind": "one-shot", **summary})
