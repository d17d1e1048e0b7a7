"""Laws of rates and differences over replicates, and of the comparisons that the page's claims stand on."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.fakes.runs import RATES, a_run, outcome_rows, write_runs

from grasping_student.evaluation.statistics import Counts, Interval, wilson_interval
from grasping_student.study import comparisons, method_comparisons, page_tables, rates
from grasping_student.study.comparisons import Comparison, against_best_teacher, of_pairs, pairs_in, tallies
from grasping_student.study.conditions import CONDITIONS, DEFAULT_STUDENT, TEACHERS
from grasping_student.study.designs import DESIGNS
from grasping_student.study.rates import Estimate, Evidence

WHERE = ("in-distribution", "5 %")


@pytest.fixture(autouse=True, scope="module")
def rough():
    """Few resamples: what intervals are worth is tested elsewhere."""
    before, rates.RESAMPLES = rates.RESAMPLES, 300
    rates._estimate_of.cache_clear()
    yield
    rates.RESAMPLES = before
    rates._estimate_of.cache_clear()


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    write_runs(out, ("label-fraction",), lambda _, domain, level, *rest: (domain, level) == WHERE, rates=RATES)
    return Evidence.read(out, "label-fraction")


def evidence_of(outcomes, name="label-fraction", level="5 %"):
    """Evidence from condition -> outcomes of each replicate."""
    runs = [
        a_run(name, ("in-distribution", level, condition, n), [("one_shot", outcome_rows(text))])
        for condition, texts in outcomes.items()
        for n, text in (texts.items() if isinstance(texts, dict) else enumerate(texts))
    ]
    return Evidence(name, pd.concat(runs, ignore_index=True))


def test_a_rate_is_the_mean_over_replicates_and_lies_in_its_intervals(evidence):
    assert evidence.trials[WHERE][:3] == ["random", "antipodal", "scripted"]
    for condition in evidence.trials[WHERE]:
        for measure in ("one_shot", "proxy"):
            found = evidence.rate(*WHERE, condition, measure)
            if found is None:
                assert measure == "proxy" and CONDITIONS[condition].kind == "policy"
                continue
            each = [counts.rate for counts in evidence.counts(*WHERE, condition, measure).values()]
            assert found.value == pytest.approx(np.mean(each)) and found.each == pytest.approx(each)
            assert found.bootstrap.low <= found.value <= found.bootstrap.high
            assert found.over_replicates is None or found.over_replicates.low <= found.value
            assert found.replicates == 3
            assert abs(found.value - RATES.get(condition, 0.6)) < 0.2


def test_estimates_do_not_depend_on_the_order_of_rows(evidence):
    shuffled = Evidence("label-fraction", evidence.runs.sample(frac=1.0, random_state=3))
    assert shuffled.trials == evidence.trials
    pairs = pairs_in(evidence, *WHERE)
    for measure in evidence.measures():
        assert of_pairs(shuffled, pairs, measure) == of_pairs(evidence, pairs, measure)
    for table in (page_tables.rate_table, page_tables.difference_table):
        assert table(shuffled, WHERE[0]) == table(evidence, WHERE[0])


def test_differences_turn_their_sign_and_a_condition_differs_from_itself_by_nothing(evidence):
    teacher, student = (("5 %", name) for name in ("teacher", "student"))
    for measure in ("one_shot", "proxy", "proxy_average"):
        there = evidence.difference(WHERE[0], teacher, student, measure)
        back = evidence.difference(WHERE[0], student, teacher, measure)
        assert there.value == pytest.approx(-back.value)
        same = evidence.difference(WHERE[0], teacher, teacher, measure)
        assert same.value == 0.0 and not same.better and not same.worse
    low, high = evidence.difference(WHERE[0], teacher, teacher, "one_shot").bootstrap
    assert low == pytest.approx(-wilson_interval(0, 180).high), "180 scenes without a difference leave room for some"
    assert high == pytest.approx(-low)


def test_only_shared_replicates_and_scenes_are_compared():
    found = evidence_of({"teacher": ["1010", "1010", "1010"], "student": {0: "111", 2: "111"}})
    difference = found.difference("in-distribution", ("5 %", "teacher"), ("5 %", "student"), "one_shot")
    assert (difference.replicates, difference.units) == (2, 6)
    assert difference.value == pytest.approx(1 / 3)
    assert found.difference("in-distribution", ("5 %", "teacher"), ("5 %", "nobody"), "one_shot") is None


def test_a_single_scene_says_nothing():
    found = evidence_of({"teacher": ["1"], "student": ["0"]})
    assert found.rate(*WHERE, "teacher", "one_shot").bootstrap == (0.0, 1.0)
    pair = ("5 %", "teacher"), ("5 %", "student")
    assert found.difference("in-distribution", *pair, "one_shot").bootstrap == (-1.0, 1.0)


def test_blocks_of_an_episode_read_as_percent_and_the_proxy_counts_whole_episodes():
    picks = pd.DataFrame({"part": "all_picks", "index": [0, 1], "successes": [3, 5], "attempts": [4, 9]})
    hits = outcome_rows("1111100")
    run = a_run("picking", ("in-distribution", "5 %", "student", 0), [("picking", picks), ("proxy", hits)])
    found = Evidence("picking", run)
    assert 100 * found.rate(*WHERE, "student", "taken").value == 4.0
    proxy = found.counts(*WHERE, "student", "proxy")[0]
    assert (proxy.successes.tolist(), proxy.attempts.tolist()) == ([5, 0], [5, 2])


def estimate(value, low, high, over=None, replicates=3):
    return Estimate(value, replicates, 60, 60, Interval(low, high), over)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (estimate(0.1, 0.05, 0.15, Interval(0.01, 0.2)), "**better**, by both intervals"),
        (estimate(0.1, 0.05, 0.15, Interval(-0.1, 0.3)), "**better** on these replicates"),
        (estimate(-0.1, -0.15, -0.05, Interval(-0.2, -0.01)), "**worse**, by both intervals"),
        (estimate(0.1, 0.0, 0.15), "not told apart"),
        (estimate(0.1, 0.05, 0.15, replicates=2), "nothing concluded: n = 2"),
    ],
)
def test_a_verdict_follows_from_interval_and_replicates_alone(found, verdict):
    row = Comparison("in-distribution", "5 %", "5 %", "teacher", "student", "one_shot", found)
    assert row.verdict.startswith(verdict)
    (tally,) = tallies([row])
    assert sum(map(len, tally.groups.values())) == tally.levels == 1
    counted = comparisons.count([row])
    few = "measured with too few replicates" in tally.groups
    assert counted["better"] + counted["worse"] + counted["not_told"] == counted["of"] == 1 - few


def test_a_lead_is_shown_by_the_whole_interval_or_by_the_estimate():
    row = Comparison("d", "5 %", "5 %", "teacher", "student", "one_shot", estimate(0.1, 0.05, 0.15))
    assert row.lead == "yes, the whole interval"
    assert replace(row, found=estimate(0.1, 0.04, 0.15)).lead == "the estimate, not the interval"
    little = replace(row, found=estimate(0.04, 0.01, 0.15), room=0.3)
    assert little.lead == "no"
    assert replace(little, room=0.042).lead == "no: the teacher leaves 4.2"


def test_a_teacher_of_one_lucky_replicate_is_not_the_best_of_three():
    outcomes = {DEFAULT_STUDENT: ["1110"] * 3, "teacher": ["1100"] * 3, "teacher_matched": ["1111"]}
    (row,) = against_best_teacher(evidence_of(outcomes), "one_shot")
    assert (row.first, row.best_of, row.room) == ("teacher", 1, 0.5)
    outcomes["teacher_augmented"] = {0: "1000", 1: "1000", 2: "1000", 7: "1111"}
    (row,) = against_best_teacher(evidence_of(outcomes), "one_shot")
    assert (row.first, row.best_of) == ("teacher", 2), "a replicate without the student counts for nobody"
    assert set(TEACHERS) > {row.first}


def test_rows_that_are_alike_at_every_level_stand_once_and_none_is_lost():
    same, own = ("scripted picker", "3", "88.5"), ("teacher", "3")
    rows = [(level, row) for level in ("1", "2", "4") for row in (same, (*own, level))]
    found = page_tables.collapse_rows(rows)
    assert found == [("all", same), ("1", (*own, "1")), ("2", (*own, "2")), ("4", (*own, "4"))]
    assert page_tables.collapse_rows(rows[:4]) == rows[:4], "two levels may agree by chance"
    other = [*rows[:-2], ("4", ("scripted picker", "3", "88.4")), rows[-1]]
    assert page_tables.collapse_rows(other) == other


def test_methods_are_compared_with_the_default_and_controls_stand_there_once():
    levels = {"antipodal": "1" * 50 + "0" * 10, "clearance": "1" * 60, "plain": "0" * 60}
    runs = [
        a_run("methods", ("domain-shift", level, "student_method", n), [("one_shot", outcome_rows(text))])
        for level, text in levels.items()
        for n in range(3)
    ]
    runs += [
        a_run("methods", ("domain-shift", "5 %", name, n), [("one_shot", outcome_rows("10" * 30))], **columns)
        for name, columns in (("random", {}), ("student_augmented", {"model": runs[-1]["model"].iloc[0]}))
        for n in range(3)
    ]
    found = method_comparisons.method_rows(Evidence("methods", pd.concat(runs, ignore_index=True)), "domain-shift")
    design = DESIGNS["methods"]
    assert [row.title for row in found] == [
        "random foreground pixel",
        *map(design.level_title, ("plain", "clearance", "antipodal")),
    ]
    assert method_comparisons.method_counts(found) == {"of": 2, "better": 1, "worse": 1, "not_told": 0}
    assert found[-1].against["default"] is None


def test_counts_that_nobody_attempted_are_no_rate():
    nothing = Evidence(
        "label-fraction",
        a_run("label-fraction", ("in-distribution", "5 %", "teacher", 0), [("one_shot", outcome_rows("--"))]),
    )
    assert nothing.rate(*WHERE, "teacher", "one_shot") is None
    assert rates.rate([Counts(np.array([1]), np.array([1]))]).bootstrap == (0.0, 1.0)
