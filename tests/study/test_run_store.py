"""Tables of runs: what goes in comes out, whatever is damaged is refused, and nobody loses what another wrote."""

import os
import subprocess
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.fakes.runs import EVERYTHING, a_run, number_rows, outcome_rows, write_runs

from grasping_student.cli.main import main
from grasping_student.pipeline.errors import UserError
from grasping_student.study.designs import DESIGNS
from grasping_student.study.run_store import KEY, RUNS, SCHEMA, STAGES, add_runs, by_run, read_runs, read_stages

STAGE = {"name": "teacher-1", "kind": "teacher", "version": 1, "config": {"labels": 5}, "inputs": [], "seconds": 1.5}


def a_key(replicate=0, condition="teacher"):
    return ("in-distribution", "5 %", condition, replicate)


def one_shot(text="10-1", key=None, **columns):
    return a_run("label-fraction", key or a_key(), [("one_shot", outcome_rows(text))], **columns)


@pytest.mark.parametrize("name", EVERYTHING)
def test_what_is_written_is_read_again_and_writing_it_again_changes_no_byte(tmp_path, name):
    first = next(iter(DESIGNS[name].levels))
    write_runs(tmp_path, (name,), lambda _, domain, level, *rest: level == first, scenes=4, replicates=1)
    write_runs(tmp_path, (name,), lambda _, domain, level, *rest: level == "100 %", scenes=4, replicates=1)
    folder = tmp_path / name
    runs, before = by_run(read_runs(folder)), (folder / RUNS).read_bytes()
    add_runs(folder, list(runs.values()), [])
    assert (folder / RUNS).read_bytes() == before
    for key, rows in by_run(read_runs(folder)).items():
        pd.testing.assert_frame_equal(rows, runs[key])


def test_stages_stand_there_once_each_version_of_them(tmp_path):
    add_runs(tmp_path, [one_shot()], [STAGE, STAGE])
    add_runs(tmp_path, [one_shot(key=a_key(1))], [STAGE, {**STAGE, "version": 2}])
    assert read_stages(tmp_path) == [STAGE, {**STAGE, "version": 2}]
    (tmp_path / STAGES).write_text('{"name": 3')
    with pytest.raises(UserError, match="line 1 is no stage"):
        read_stages(tmp_path)


def test_a_folder_without_runs_and_one_of_an_older_release(tmp_path):
    assert read_runs(tmp_path).empty and list(read_runs(tmp_path).columns) == SCHEMA.names
    (tmp_path / "runs").mkdir()
    with pytest.raises(UserError, match=r"older release.*another --out"):
        read_runs(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"domain": None}, "domain is empty"),
        ({"successes": 2}, "more successes than attempts"),
        ({"successes": -1}, "fewer than none"),
        ({"index": 0}, "stands there twice"),
    ],
)
def test_a_damaged_table_is_refused_by_every_command_that_reads_it(tmp_path, change, message, capsys):
    folder = tmp_path / "label-fraction"
    write_runs(tmp_path, ("label-fraction",), lambda _, domain, level, *rest: level == "5 %", replicates=1)
    runs = read_runs(folder)
    for name, value in change.items():
        runs.loc[runs.index[:2], name] = value
    pq.write_table(pa.Table.from_pandas(runs, SCHEMA, preserve_index=False), folder / RUNS)
    with pytest.raises(UserError, match=message):
        read_runs(folder)
    assert main(["experiment", "report", "--out", str(tmp_path), "--page", str(tmp_path / "p.md")]) == 2
    assert str(folder / RUNS) in capsys.readouterr().err


def test_what_is_no_table_of_runs_is_refused(tmp_path):
    (tmp_path / RUNS).write_bytes(b"PAR1 or so")
    with pytest.raises(UserError, match="is no Parquet file"):
        read_runs(tmp_path)
    pq.write_table(pa.table({"experiment": ["a"]}), tmp_path / RUNS)
    with pytest.raises(UserError, match="has no column domain"):
        read_runs(tmp_path)
    wrong = read_runs(tmp_path / "nothing").assign(replicate=["many"] * 0)
    table = pa.Table.from_pandas(wrong, preserve_index=False).append_column("extra", pa.array([], pa.int8()))
    pq.write_table(table, tmp_path / RUNS)
    assert read_runs(tmp_path).empty


def test_two_processes_that_measure_into_one_folder_lose_nothing(tmp_path):
    script = (
        "import sys; from pathlib import Path; from tests.study.test_run_store import one_shot, a_key\n"
        "from grasping_student.study.run_store import add_runs\n"
        "for n in range(4): add_runs(Path(sys.argv[1]), [one_shot(key=a_key(int(sys.argv[2]) + n))], [])\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    others = [subprocess.Popen([*command, str(start)], env=os.environ) for start in (0, 10)]
    assert [other.wait(120) for other in others] == [0, 0]
    assert sorted(read_runs(tmp_path)["replicate"].unique()) == [*range(4), *range(10, 14)]


def test_a_kill_between_two_writes_leaves_the_rows_before_it(tmp_path, monkeypatch):
    add_runs(tmp_path, [one_shot()], [STAGE])

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(pq, "write_table", killed)
    with pytest.raises(KeyboardInterrupt):
        add_runs(tmp_path, [one_shot(key=a_key(1))], [{**STAGE, "name": "teacher-2"}])
    assert list(by_run(read_runs(tmp_path))) == [a_key()]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_more_of_one_measure_leaves_the_others_and_fewer_scenes_take_none_away(tmp_path):
    proxy = ("proxy", outcome_rows("11"))
    before = a_run("label-fraction", a_key(), [("one_shot", outcome_rows("1011")), proxy], versions='{"a": 1, "b": 1}')

    def after(text, **columns):
        add_runs(tmp_path, [before], [])
        add_runs(tmp_path, [one_shot(text, **columns)], [])
        rows = read_runs(tmp_path)
        (tmp_path / RUNS).unlink()
        return rows.groupby("measure").size().to_dict(), rows["versions"].iloc[0]

    assert after("10", versions='{"b": 1}') == ({"one_shot": 4, "proxy": 2}, '{"a": 1, "b": 1}')
    assert after("10110", versions='{"b": 1}') == ({"one_shot": 5, "proxy": 2}, '{"a": 1, "b": 1}')
    assert after("10", versions='{"b": 2}')[0] == {"one_shot": 2}, "other code measured it"
    assert after("10", versions='{"b": 1}', model_version="w")[0] == {"one_shot": 2}, "other weights"


def test_parts_of_a_measure_that_are_shorter_do_not_take_its_place(tmp_path):
    picks = ("picking", outcome_rows("1111", "all_picks"))
    ends = ("picking", number_rows("end:empty", [4.0]))
    add_runs(tmp_path, [a_run("picking", a_key(), [picks, ends])], [])
    fewer = [("picking", outcome_rows("11", "all_picks")), ("picking", number_rows("end:failures_in_a_row", [2.0]))]
    add_runs(tmp_path, [a_run("picking", a_key(), fewer)], [])
    assert set(read_runs(tmp_path)["part"]) == {"all_picks", "end:empty"}
    assert set(KEY) < set(SCHEMA.names)
