"""What tells good pseudo-labels from bad: the area against all pairs, groups that cover every grasp once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.runs import precision_rows

from grasping_student.study.precision_tables import GROUPINGS, Grasps, area, grasps_of, rates, separation


def run_of(replicate, rate=0.5, slope=0.0, scenes=200):
    return precision_rows(np.random.default_rng(replicate), scenes, rate, slope)


def grasps(success, confidence):
    success, confidence = np.array(success, dtype=float), np.array(confidence, dtype=float)
    nothing = np.zeros(success.shape, dtype=bool)
    return Grasps(success, confidence, nothing.astype(int), nothing.astype(float), nothing, nothing)


@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0, np.nan]), st.integers(0, 5)), min_size=1, max_size=12))
def test_the_area_is_the_share_of_pairs_in_the_right_order_ties_counting_half(rows):
    found = area(grasps([[y] for y, _ in rows], [[v] for _, v in rows]), np.ones((1, len(rows))))[0]
    good, bad = ([v for y, v in rows if y == wanted] for wanted in (1.0, 0.0))
    if good and bad:
        pairs = [1.0 if a > b else 0.5 if a == b else 0.0 for a in good for b in bad]
        assert found == pytest.approx(np.mean(pairs))
    else:
        assert np.isnan(found)


def test_a_scene_of_weight_two_counts_as_two_scenes():
    success, confidence = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [[3, 1], [2, 0], [5, 1]]
    twice = area(grasps([*success, success[1]], [*confidence, confidence[1]]), np.ones((1, 4)))
    assert area(grasps(success, confidence), np.array([[1, 2, 1]])) == pytest.approx(twice)


@pytest.mark.parametrize("by", GROUPINGS)
def test_groups_hold_every_attempt_once(by):
    own = grasps_of(run_of(0), *GROUPINGS[by].kinds)
    which = GROUPINGS[by].which(own)
    assert set(np.unique(which)) <= set(range(len(GROUPINGS[by].names)))
    counts = [own.counts(which == index) for index in range(len(GROUPINGS[by].names))]
    assert sum(each.attempts.sum() for each in counts) == own.attempts.sum()
    assert sum(each.successes.sum() for each in counts) == np.nansum(own.success)


def test_confidence_that_tells_is_told_from_confidence_that_does_not():
    telling = {n: run_of(n, slope=0.4) for n in range(3)}
    blind = {n: run_of(n) for n in range(3)}
    assert separation(telling, "best").interval.low > 0.6
    assert separation(telling, "best").tells
    assert abs(separation(blind, "best").value - 0.5) < 0.1
    fifths = [each.value for _, each in rates(telling, "confidence")]
    assert fifths[0] < 0.3 < 0.7 < fifths[-1]
    assert separation({0: run_of(0, rate=1.0)}, "best") is None
