"""Runs on file: what they count, and that damaged, moved and half-written ones are told apart from whole ones."""

import pytest
from tests.fakes.runs import write_runs

from grasping_student.cli.main import main
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.study import results_page
from grasping_student.study.configuration import ExperimentConfig
from grasping_student.study.planning import check_asked
from grasping_student.study.records import counts_of_outcomes, read_run, read_runs, run_path


def one_draw(out):
    """Runs of the label fractions at 5 %, and their folder."""
    write_runs(out, ("label-fraction",), lambda _, regime, setting, *rest: setting == "5 %", draws=1)
    return out / "label-fraction"


def test_outcome_strings_become_counts():
    counts = counts_of_outcomes("10-1")
    assert counts.successes.tolist() == [1, 0, 0, 1]
    assert counts.attempts.tolist() == [1, 1, 0, 1]


def test_damaged_and_missing_results_are_named(tmp_path, capsys):
    with pytest.raises(UserError, match="holds no results"):
        results_page.write_page(tmp_path, tmp_path / "page.md")
    assert main(["experiment", "report", "--out", str(tmp_path), "--page", str(tmp_path / "p.md")]) == 2
    folder = one_draw(tmp_path)
    path = run_path(folder, "in-distribution", "5 %", "teacher", 0)
    path.write_text('{"schema_version": 1}')
    with pytest.raises(UserError, match="is no run of an experiment: it has no experiment"):
        results_page.write_page(tmp_path, tmp_path / "page.md")
    path.write_text('{"schema_ver')
    with pytest.raises(UserError, match="is no JSON file"):
        read_run(path)
    assert main(["experiment", "rerun", "--run", str(tmp_path / "nothing.json")]) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"draw": "x"}, "draw is 'x'"),
        ({"draw": -1}, "draw is -1"),
        ({"code": []}, r"code is \[\]"),
        ({"model": None}, "model is None"),
        ({"asked": {}}, "asked holds no sizes and seed"),
        ({"one_shot": {"outcomes": 5}}, "one_shot has no outcomes"),
        ({"one_shot": []}, "one_shot has no outcomes"),
        ({"entropy": {"bits": ["a"]}}, "bits that are no numbers"),
        (
            {
                "picking": {
                    "all_picks": {"successes": [1], "attempts": ["2"]},
                    "excluding_repeats": {},
                    "episode_ends": {},
                }
            },
            "no whole numbers",
        ),
        ({"regime": "moon"}, "put it back where it belongs"),
        ({"setting": "3 %"}, "put it back where it belongs"),
        ({"experiment": "angles"}, "put it back where it belongs"),
    ],
)
def test_a_run_that_somebody_damaged_or_moved_is_refused_and_said(tmp_path, change, words, capsys):
    folder = one_draw(tmp_path)
    path = run_path(folder, "in-distribution", "5 %", "teacher", 0)
    write_json(path, {**read_json(path), **change})
    with pytest.raises(UserError, match=words):
        read_run(path)
    assert main(["experiment", "report", "--out", str(tmp_path), "--page", str(tmp_path / "p.md")]) == 2
    assert str(path) in capsys.readouterr().err


@pytest.mark.parametrize("content", ["[]", '{"sizes": 3}', '{"sizes": {}}'])
def test_what_was_asked_for_is_read_with_care(tmp_path, content):
    folder = one_draw(tmp_path)
    (folder / "asked.json").write_text(content)
    with pytest.raises(UserError, match=r"asked.json is damaged: it holds no (sizes|seed)"):
        check_asked(folder, ExperimentConfig())


def test_a_run_of_a_kind_of_stage_that_this_code_does_not_know_is_of_another_version(tmp_path, capsys):
    folder = one_draw(tmp_path)
    path = run_path(folder, "in-distribution", "5 %", "teacher", 0)
    write_json(path, {**read_json(path), "code": {"teleport": "a"}})
    words = ["experiment", "label-fraction", "--dry-run", "--out", str(tmp_path), "--cache", str(tmp_path / "cache")]
    assert main([*words, "--settings", "5 %", "--arms", "teacher", "--draws", "0"]) == 2
    assert "was measured by another version of the code" in capsys.readouterr().err


def test_a_run_that_a_kill_left_half_written_is_no_run(tmp_path):
    write_json(
        run_path(tmp_path, "in-distribution", "5 %", "teacher", 0).with_name(".teacher-draw0.json.7.tmp.json"), {}
    )
    assert read_runs(tmp_path) == []
