"""A whole experiment in the simulator, as small as can be: made, gone on with, repeated, refused."""

import re
import shutil
from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from grasping_student.cli.main import main
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.study.configuration import EXPERIMENT_PRESETS
from grasping_student.study.rerun import SCRATCH, rerun
from grasping_student.study.run_store import RUNS, SCHEMA, by_run, read_runs, read_stages, versions_of
from grasping_student.study.running import run
from grasping_student.study.stages import DONE

NAME = "label-fraction/domain-shift/100 %/{}/0"


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Teacher and student at 100 % of six labels, two scenes."""
    folder = tmp_path_factory.mktemp("experiment")
    smoke = EXPERIMENT_PRESETS["smoke"]()
    config = replace(
        smoke,
        levels=("100 %",),
        replicate_ids=(0,),
        domains=("domain-shift",),
        conditions=("random", "teacher", "student"),
        proxy=False,
        workers=1,
        cache=folder / "cache",
        out=folder / "results",
        sizes=replace(smoke.sizes, pool=6, scenes=4, relabelled=2, one_shot_scenes=2, teacher_steps=2, student_steps=2),
    )
    run(config)
    return config


def runs_of(config):
    return {key[2]: rows for key, rows in by_run(read_runs(config.out / "label-fraction")).items()}


def change(config, **columns):
    """Write columns of all rows of a results folder anew."""
    folder = config.out / "label-fraction"
    runs = read_runs(folder)
    changed = runs.assign(**{name: value(runs) if callable(value) else value for name, value in columns.items()})
    pq.write_table(pa.Table.from_pandas(changed, SCHEMA, preserve_index=False), folder / RUNS)


def copied(config, folder, **options):
    copy = replace(config, cache=folder / "cache", out=folder / "results", **options)
    shutil.copytree(config.cache, copy.cache)
    shutil.copytree(config.out, copy.out)
    return copy


def test_a_run_holds_everything_its_numbers_follow_from(measured):
    runs = runs_of(measured)
    assert set(runs) == {"random", "student", "teacher"}
    student = runs["student"]
    assert student["index"].tolist() == [0, 1] and student["outcome"].notna().all()
    stages = {stage["name"]: stage for stage in read_stages(measured.out / "label-fraction")}
    needed, names = {"one_shot"}, [student["model"].iloc[0]]
    while names:
        stage = stages[names.pop()]
        needed.add(stage["kind"])
        names += stage["inputs"]
    assert needed == {"dataset", "merged", "teacher", "table", "student", "one_shot"}
    assert versions_of(student).keys() == needed
    assert student["stage"].iloc[0] in stages
    assert (measured.out / "label-fraction" / "figure.png").exists()


def test_a_finished_experiment_makes_nothing_and_a_killed_one_only_what_is_missing(measured, capsys):
    before, runs = {path: path.read_bytes() for path in measured.cache.rglob(DONE)}, runs_of(measured)
    run(measured)
    assert "3 runs, 3 of them done" in capsys.readouterr().err
    # as a kill leaves it: one run not written, its student without its last file
    folder = measured.out / "label-fraction"
    rest = pd.concat([runs["random"], runs["teacher"]])
    pq.write_table(pa.Table.from_pandas(rest, SCHEMA, preserve_index=False), folder / RUNS)
    (student,) = measured.cache.glob(f"student-*/{DONE}")
    student.unlink()
    run(measured)
    made = [line for line in capsys.readouterr().err.splitlines() if "of processor time" in line]
    assert [line.split()[:2] for line in made] == [["student:", f"{student.parent.name},"]]  # no terminal, no bar
    again = runs_of(measured)
    for name, rows in runs.items():
        numbers = ["index", "outcome", "successes", "attempts"]
        pd.testing.assert_frame_equal(again[name][numbers], rows[numbers])
    assert all(path.read_bytes() == before[path] for path in before if path != student)


def test_a_run_repeated_from_its_own_rows_gives_the_same_numbers(measured, tmp_path):
    config = replace(copied(measured, tmp_path), name="rerun", cache=tmp_path / "other", run=NAME.format("teacher"))
    assert "all its numbers are the same" in rerun(config)
    assert not (config.cache / SCRATCH).exists()  # the next one makes everything anew again
    change(config, successes=lambda runs: runs["attempts"] - runs["successes"])
    with pytest.raises(UserError, match="one_shot differ from the run on file; the version of the code is the same"):
        rerun(replace(config, run="sample"))
    for wrong in ("teacher", NAME.format("nobody"), "results/teacher.json"):
        with pytest.raises(UserError, match=r"rerun needs --run|holds no run"):
            rerun(replace(config, run=wrong))


def test_results_of_other_code_and_other_sizes_are_refused(measured, tmp_path):
    copy = copied(measured, tmp_path, dry_run=True)
    with pytest.raises(UserError, match="give the same preset, sizes, seed and engine"):
        run(replace(copy, sizes=replace(copy.sizes, pool=7)))
    change(copy, versions='{"one_shot": 0}')
    with pytest.raises(UserError, match=r"was measured by another version of the code; --on-version-mismatch redo"):
        run(copy)
    run(replace(copy, on_version_mismatch="keep"))


def test_redo_makes_a_model_of_other_code_anew_with_all_that_hangs_on_it(measured, tmp_path, capsys):
    config = copied(measured, tmp_path, on_version_mismatch="redo")
    (teacher,) = config.cache.glob(f"teacher-*/{DONE}")
    write_json(teacher, {**read_json(teacher), "version": 0})
    change(config, versions=lambda runs: runs["versions"].str.replace('"teacher": 1', '"teacher": 0'))
    (log,) = config.cache.glob("one-shot/*.jsonl")
    log.write_text(re.sub(r'("model": "(?:teacher|student).*"outcome": )"\w+"', r'\1"fault"', log.read_text()))
    assert log.read_text().count('"fault"') == 4
    before = {path: path.read_bytes() for path in config.cache.rglob("*") if path.is_file()}
    run(replace(config, dry_run=True))
    assert "3 stages and 0 logs of another version of the code, or made from such, would be removed" in (
        capsys.readouterr().err
    )
    assert {path: path.read_bytes() for path in config.cache.rglob("*") if path.is_file()} == before
    run(config)
    for name, rows in runs_of(config).items():
        expected = runs_of(measured)[name]
        assert rows["outcome"].tolist() == expected["outcome"].tolist(), "tested anew, not taken from the old log"
        assert versions_of(rows) == versions_of(expected)


def test_what_is_kept_of_other_code_is_named_and_refused_the_next_time(measured, tmp_path):
    config = copied(measured, tmp_path)
    shutil.rmtree(config.out)
    (log,) = config.cache.glob("one-shot/*.code.json")
    write_json(log, {**read_json(log), "version": 0})
    (teacher,) = config.cache.glob(f"teacher-*/{DONE}")
    write_json(teacher, {**read_json(teacher), "version": 7})
    run(replace(config, on_version_mismatch="keep"))
    for name, rows in runs_of(config).items():
        assert versions_of(rows)["one_shot"] == 0
        assert versions_of(rows).get("teacher") == (None if name == "random" else 7)
    with pytest.raises(UserError, match="was measured by another version of the code"):
        run(config)


def test_a_cache_of_the_release_before_is_gone_on_with(measured, tmp_path):
    config = copied(measured, tmp_path)
    for path in config.cache.glob(f"*/{DONE}"):
        about = read_json(path)
        hashes = {"teacher": "2e89ff1cea43", "student": "c51c4091db0c", "dataset": "3c72a7aba28f"}
        code = hashes.get(about["kind"])
        if code:
            del about["version"]
            write_json(path, {**about, "code": code})
    run(replace(config, dry_run=True, scenes=3))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["datasets", "--domains", "shift"], "unknown domain 'shift'"),
        (["all", "--domains", "shift"], "unknown domain"),
        (["report", "--dry-run"], "has no --dry-run"),
        (["precision", "--levels", "100 %", "--conditions", "teacher"], "no runs of teacher"),
    ],
)
def test_words_that_ask_for_nothing_are_refused(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["experiment", *words]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_dry_run_says_how_long_it_would_take_and_does_nothing(tmp_path, capsys):
    words = ["experiment", "angles", "--preset", "smoke", "--dry-run", "--levels", "1", "--replicates", "1"]
    assert main([*words, "--out", str(tmp_path / "results"), "--cache", str(tmp_path / "cache")]) == 0
    said = capsys.readouterr().err
    assert "the rest takes about" in said
    assert "a guess: no cost measured yet of affordance compact8-112" in said  # nothing is on file here
    assert not list(tmp_path.iterdir())
