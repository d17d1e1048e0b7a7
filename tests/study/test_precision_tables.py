"""What tells good pseudo-labels from bad: the area against all pairs, groups that cover every grasp once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.runs import precision_values, write_runs

from grasping_student.study import precision_tables, tables
from grasping_student.study.designs import DESIGNS
from grasping_student.study.export import write_tables
from grasping_student.study.precision_tables import GROUPINGS, Grasps, area, grasps_of, rates, separation
from grasping_student.study.records import Run, read_runs


def run_of(tmp_path, draw, rate=0.5, slope=0.0, scenes=200):
    values = precision_values(np.random.default_rng(draw), scenes, rate, slope)
    return Run(tmp_path, {"draw": draw, "precision": values})


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
def test_groups_hold_every_attempt_once(tmp_path, by):
    own = grasps_of(run_of(tmp_path, 0), *GROUPINGS[by].kinds)
    which = GROUPINGS[by].which(own)
    assert set(np.unique(which)) <= set(range(len(GROUPINGS[by].names)))
    counts = [own.counts(which == index) for index in range(len(GROUPINGS[by].names))]
    assert sum(each.attempts.sum() for each in counts) == own.attempts.sum()
    assert sum(each.successes.sum() for each in counts) == np.nansum(own.success)


def test_confidence_that_tells_is_told_from_confidence_that_does_not(tmp_path):
    telling = {draw: run_of(tmp_path, draw, slope=0.4) for draw in range(3)}
    blind = {draw: run_of(tmp_path, draw) for draw in range(3)}
    assert separation(telling, "best").interval.low > 0.6
    assert separation(telling, "best").tells
    assert abs(separation(blind, "best").value - 0.5) < 0.1
    fifths = [each.value for _, each in rates(telling, "confidence")]
    assert fifths[0] < 0.3 < 0.7 < fifths[-1]
    assert separation({0: run_of(tmp_path, 0, rate=1.0)}, "best") is None


def test_a_thin_grid_has_its_table_and_figure(tmp_path):
    def keep(name, regime, setting, arm, draw):
        return (regime, setting, draw) in {  # one use
            ("in-distribution", "5 %", 1),
            ("domain-shift", "100 %", 0),
            ("domain-shift", "100 %", 2),
        }

    write_runs(tmp_path, ("precision",), keep, scenes=20)
    folder = tmp_path / "precision"
    write_tables(folder, DESIGNS["precision"], read_runs(folder))
    assert (folder / "figure.svg").stat().st_size > 1000
    rows = precision_tables.csv_rows(tables.cells(read_runs(folder), DESIGNS["precision"]))
    assert {(row["regime"], row["draws"]) for row in rows if row["by"] == "kind"} == {
        ("in-distribution", 1),
        ("domain-shift", 2),
    }
