"""Tables, figures, sentences and the page from runs on file: laws, the paper's numbers beside, marks of few draws."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grasping_student.evaluation.statistics import wilson_interval
from grasping_student.pipeline.configuration import to_plain
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.study import comparisons as standings
from grasping_student.study import findings, rate_tables, results_page, tables
from grasping_student.study.conditions import DEFAULT_STUDENT
from grasping_student.study.configuration import Sizes
from grasping_student.study.costs import estimate, in_words, known_cost
from grasping_student.study.designs import DESIGNS
from grasping_student.study.records import Run, read_runs, run_path, write_run
from grasping_student.study.rerun import differences
from grasping_student.study.stage_registry import MergeConfig
from grasping_student.study.stages import make_stage

RATES = {
    "random": 0.2,
    "scripted": 0.9,
    "teacher": 0.4,
    "teacher_augmented": 0.5,
    "student": 0.5,
    "student_augmented": 0.6,
    DEFAULT_STUDENT: 0.8,
}


def write_results(out, draws=3, settings=("5 %", "100 %"), scenes=60, name="label-fraction"):
    """Runs as an experiment writes them, with outcomes drawn at known rates."""
    folder, random = out / name, np.random.default_rng(0)
    write_json(folder / "asked.json", {"sizes": to_plain(Sizes()), "seed": 0})
    for draw in range(draws):
        for setting in settings:
            for arm, rate in RATES.items():
                outcomes = "".join("1" if hit else "0" for hit in random.random(scenes) < rate)
                values = {
                    "experiment": name,
                    "regime": "in-distribution",
                    "setting": setting,
                    "arm": arm,
                    "draw": draw,
                    "asked": {"sizes": to_plain(Sizes()), "seed": 0},
                    "code": {"teacher": "abc"},
                    "model": f"{arm}-{setting}-{draw}",
                    "commit": "c0ffee",
                    "machine": "a machine",
                    "one_shot": {"outcomes": outcomes},
                }
                if "teacher" in arm or "student" in arm:
                    values["proxy"] = {"outcomes": outcomes[:20], "rounds": [0.1, 0.2, 0.3, 0.4], "alpha": 0.8}
                    values["entropy"] = {"bits": [6.0 - rate, 6.0]}
                write_run(run_path(folder, "in-distribution", setting, arm, draw), values)
    return folder


@pytest.fixture(autouse=True, scope="module")
def rough():
    """Few resamples: what intervals are worth is tested elsewhere."""
    before, tables.RESAMPLES = tables.RESAMPLES, 300
    yield
    tables.RESAMPLES = before


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    write_results(out)
    return out


def test_a_rate_is_the_mean_over_draws_and_lies_in_its_interval(results):
    (cell, _) = tables.cells(read_runs(results / "label-fraction"), DESIGNS["label-fraction"])
    for arm, runs in cell.runs.items():
        found = tables.rate_of(runs, "one_shot")
        own = [run.values["one_shot"]["outcomes"].count("1") / 60 for run in runs.values()]
        assert found.value == pytest.approx(np.mean(own))
        assert found.bootstrap.low <= found.value <= found.bootstrap.high
        assert (found.draws, found.scenes) == (3, 180)
        assert abs(found.value - RATES[arm]) < 0.15
    assert tables.rate_of(cell.runs["random"], "proxy") is None


def test_differences_turn_their_sign_and_are_paired_by_draw(results):
    (cell, _) = tables.cells(read_runs(results / "label-fraction"), DESIGNS["label-fraction"])
    one, other = cell.runs["teacher"], cell.runs["student"]
    there, back = tables.difference_of(one, other, "one_shot"), tables.difference_of(other, one, "one_shot")
    assert there.value == pytest.approx(-back.value)
    assert tables.difference_of(one, one, "one_shot").value == 0.0
    low, high = tables.difference_of(one, one, "one_shot").bootstrap
    assert low == pytest.approx(-wilson_interval(0, 180).high), "180 scenes without a difference leave room for some"
    assert high == pytest.approx(-low)
    only_two = {draw: run for draw, run in other.items() if draw != 1}
    assert tables.difference_of(one, only_two, "one_shot").draws == 2
    assert tables.difference_of(one, {}, "one_shot") is None


def test_the_page_shows_the_papers_numbers_the_claims_and_where_all_comes_from(results, tmp_path):
    page = results_page.write_page(results, tmp_path / "results.md").read_text()
    assert "| 63.33 |" in page
    assert "| 72.40 |" in page
    assert "†" not in page.split("## Scaling")[1]
    assert "**better**, by both intervals" in page
    assert (
        "In distribution, of 2 shares of the labels the student is better by both intervals at 2 (5 %, 100 %)" in page
    )
    assert "5 %: the student passes the teacher with all labels." in page
    assert "`c0ffee`" in page
    assert "rank correlation" in page
    folder = results / "label-fraction"
    for name in ("table.csv", "figure.png", "figure.svg"):
        assert (folder / name).stat().st_size > 500
    again = {path.name: path.read_bytes() for path in folder.glob("*.*")}
    results_page.write_page(results, tmp_path / "results.md")
    assert again == {path.name: path.read_bytes() for path in folder.glob("*.*")}


def test_few_draws_are_marked_and_conclude_nothing(tmp_path):
    write_results(tmp_path, draws=1, settings=("5 %",))
    page = results_page.write_page(tmp_path, tmp_path / "results.md").read_text()
    assert "| 1† |" in page
    assert "nothing concluded: 1 draw" in page
    assert "**" not in page.split("## Scaling")[1]
    assert "**better" not in page


def test_a_measure_with_fewer_draws_than_its_row_says_so(tmp_path):
    folder = write_results(tmp_path, settings=("5 %",))
    for draw in (1, 2):
        path = run_path(folder, "in-distribution", "5 %", "student", draw)
        values = read_json(path)
        del values["proxy"]
        write_json(path, values)
    page = results_page.write_page(tmp_path, tmp_path / "results.md").read_text()
    (rates,) = (line for line in page.split("\n") if "| student of the teacher | 3 |" in line)
    assert rates.count("(n = 1†)") == 2  # the proxy and its average
    (row,) = (row for row in csv.DictReader((folder / "table.csv").open()) if row["arm"] == "student - teacher")
    assert (row["draws"], row["one_shot_n"], row["proxy_n"]) == ("3", "3", "1")


def picked(draw, successes, attempts, ends):
    rows = {"successes": successes, "attempts": attempts}
    return Run(Path("a run"), {"draw": draw, "picking": {"all_picks": rows, "episode_ends": ends}})


def test_a_high_rate_of_few_blocks_does_not_hide_that_they_are_few():
    stubborn = {draw: picked(draw, [10, 9], [11, 10 + draw], {"failures_in_a_row": 2}) for draw in range(3)}
    patient = {draw: picked(draw, [40, 41], [50, 50], {"empty": 2}) for draw in range(3)}
    assert tables.difference_of(patient, stubborn, "all_picks").value > 0.0
    taken = tables.difference_of(patient, stubborn, "taken")
    assert taken.text(signed=True).startswith("-31.0 [")
    assert taken.bootstrap.high < 0.0
    cell = tables.CellRuns("in-distribution", "20 %", {"teacher": patient, "student": stubborn})
    lines = rate_tables.rates([cell], DESIGNS["picking"])
    assert "attempts | stopped by failures" in lines[0]
    assert "| 300 | 0 of 6 |" in lines[2]
    assert "| 66 | 6 of 6 |" in lines[3]


def test_scenes_of_one_episode_are_resampled_together():
    together = "11111" * 16 + "00000" * 16
    mixed = "10" * 80
    found = [
        tables.rate_of({0: Run(Path("a run"), {"proxy": {"outcomes": each}})}, "proxy") for each in (together, mixed)
    ]
    assert found[0].value == found[1].value == 0.5
    width = [each.bootstrap.high - each.bootstrap.low for each in found]
    assert width[0] > 2 * width[1]


def test_the_averaged_proxy_forgets_as_the_papers_does_however_few_the_rounds():
    many = Run(Path("a run"), {"proxy": {"rounds": list(np.repeat([0.4, 0.8, 0.9], 10)), "alpha": 0.8}})
    few = Run(Path("a run"), {"proxy": {"rounds": [0.4, 0.8, 0.9], "alpha": 0.8}})
    assert tables.proxy_average_of(few) == pytest.approx(tables.proxy_average_of(many))
    assert tables.proxy_average_of(Run(Path("a run"), {})) is None


def test_words_follow_from_both_intervals():
    from grasping_student.evaluation.statistics import Interval
    from grasping_student.study.tables import Estimate

    better = Estimate(0.1, 3, 100, 100, Interval(0.05, 0.15), Interval(0.01, 0.2))
    cases = {
        "**better**, by both intervals": better,
        "**better** on these draws; 3 draws do not show": replace(better, over_draws=Interval(-0.1, 0.3)),
        "**worse**, by both intervals": Estimate(-0.1, 3, 100, 100, Interval(-0.2, -0.05), Interval(-0.2, -0.01)),
        "not told apart": replace(better, bootstrap=Interval(-0.01, 0.2)),
        "nothing concluded: 2 draws": replace(better, draws=2),
    }
    for words, found in cases.items():
        assert standings.standing(found).startswith(words)
    assert standings.wanted_lead(better, 0.3) == "yes, the whole interval"
    assert (
        standings.wanted_lead(replace(better, bootstrap=Interval(0.04, 0.15)), 0.3) == "the estimate, not the interval"
    )
    little = replace(better, value=0.04, bootstrap=Interval(0.01, 0.15))
    assert standings.wanted_lead(little, 0.3) == "no"
    assert standings.wanted_lead(little, 0.042) == "no: the teacher leaves 4.2"


def test_entropy_sentences_count_draws(results):
    lines = findings.entropy_lines(tables.cells(read_runs(results / "label-fraction"), DESIGNS["label-fraction"]))
    assert "student of the augmented teacher has the lower entropy in 3 of 3 draws" in "\n".join(lines)


def test_a_rerun_that_differs_says_in_what():
    before = {"one_shot": {"outcomes": "101"}, "proxy": {"average": 0.5}}
    assert differences(before, before) == []
    assert differences(before, {**before, "one_shot": {"outcomes": "100"}}) == ["one_shot"]
    assert differences(before, {"one_shot": before["one_shot"]}) == ["proxy"]


def test_the_estimate_adds_up_units_and_durations_have_words(tmp_path):
    stage = make_stage("merged", MergeConfig(), tmp_path, units=100, scale="112")
    costs = {"merged 112": 0.5, "one_shot shot 112": 0.1}
    assert estimate([stage], {"one_shot shot 112": 20}, costs, 2) == pytest.approx((50 + 2) / 2)
    assert estimate([], {}, {}, 2) == 0.0
    looked = {"table fpn-resnet50-338": 0.2}  # what a network costs at one angle, measured elsewhere
    assert estimate([], {"one_shot shot 338": 10}, looked, 1) == pytest.approx(10 * 16 * 0.2)
    proxy = make_stage("proxy", MergeConfig(), tmp_path, units=100, scale="fpn-resnet50-338")
    assert estimate([proxy], {}, looked, 1) == pytest.approx(100 * 0.2)
    judge = make_stage("judge", MergeConfig(), tmp_path, units=100, scale="112")
    assert known_cost("judge", "112", {}) is None
    assert estimate([judge], {}, {"affordance 112": 0.2}, 1) == pytest.approx(20)  # what its like costs
    assert estimate([judge], {}, {"affordance 112": 0.2, "judge 112": 0.3}, 1) == pytest.approx(30)
    assert [in_words(s) for s in (0.2, 40, 600, 9000)] == ["1 s", "40 s", "10 min", "2.5 h"]


def test_a_single_scene_or_episode_says_nothing(tmp_path):
    folder = write_results(tmp_path, draws=1, settings=("5 %",), scenes=1)
    (cell,) = tables.cells(read_runs(folder), DESIGNS["label-fraction"])
    assert tables.rate_of(cell.runs["teacher"], "one_shot").bootstrap == (0.0, 1.0)
    assert tables.difference_of(cell.runs["teacher"], cell.runs["student"], "one_shot").bootstrap == (-1.0, 1.0)


def test_a_teacher_of_one_lucky_draw_is_not_the_best_of_three():
    def run(arm, draw, outcomes):
        values = {"arm": arm, "draw": draw, "one_shot": {"outcomes": outcomes}}
        return Run(Path("a run"), values)

    rates = {DEFAULT_STUDENT: ["1110"] * 3, "teacher": ["1100"] * 3, "teacher_matched": ["1111"]}
    cell = tables.CellRuns(
        "in-distribution",
        "5 %",
        {arm: {draw: run(arm, draw, each) for draw, each in enumerate(outcomes)} for arm, outcomes in rates.items()},
    )
    assert standings.best_teacher(cell) == "teacher"
    cell.runs["teacher_augmented"] = {draw: run("teacher_augmented", draw, "1000") for draw in range(3)}
    cell.runs["teacher_augmented"][7] = run("teacher_augmented", 7, "1111")
    assert standings.best_teacher(cell) == "teacher", "a draw without the student counts for nobody"


def test_what_is_alike_in_every_setting_is_said_once_and_nothing_is_lost():
    same, own = ("scripted picker", "3", "88.5"), ("teacher", "3")
    rows = [(setting, row) for setting in ("1", "2", "4") for row in (same, (*own, setting))]
    said = rate_tables.said_once(rows)
    assert said == [("all", same), ("1", (*own, "1")), ("2", (*own, "2")), ("4", (*own, "4"))]
    assert rate_tables.said_once(rows[:4]) == rows[:4], "two settings may agree by chance"
    other = [*rows[:-2], ("4", ("scripted picker", "3", "88.4")), rows[-1]]
    assert rate_tables.said_once(other) == other
