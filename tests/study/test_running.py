"""A whole experiment in the simulator, as small as can be: made, gone on with, repeated, refused."""

import re
import shutil
from dataclasses import replace

import pytest

from grasping_student.cli.main import main
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.study.configuration import EXPERIMENT_PRESETS
from grasping_student.study.records import read_run
from grasping_student.study.rerun import SCRATCH, rerun
from grasping_student.study.run_record import with_earlier
from grasping_student.study.running import run
from grasping_student.study.stages import DONE


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Teacher and student at 100 % of six labels, two scenes."""
    folder = tmp_path_factory.mktemp("experiment")
    smoke = EXPERIMENT_PRESETS["smoke"]()
    config = replace(
        smoke,
        settings=("100 %",),
        draws=(0,),
        regimes=("domain-shift",),
        arms=("random", "teacher", "student"),
        proxy=False,
        workers=1,
        cache=folder / "cache",
        out=folder / "results",
        sizes=replace(smoke.sizes, pool=6, scenes=4, relabelled=2, one_shot_scenes=2, teacher_steps=2, student_steps=2),
    )
    run(config)
    return config


def paths(config):
    return sorted((config.out / "label-fraction" / "runs").rglob("*.json"))


def test_a_run_holds_everything_its_numbers_follow_from(measured):
    assert [path.name for path in paths(measured)] == ["random-draw0.json", "student-draw0.json", "teacher-draw0.json"]
    student = read_run(paths(measured)[1]).values
    assert len(student["one_shot"]["outcomes"]) == 2
    kinds = {name.split("-")[0] for name in student["stages"]}
    assert kinds == {"dataset", "merged", "teacher", "table", "student"}
    assert student["code"].keys() == kinds | {"one_shot"}
    assert (measured.out / "label-fraction" / "table.csv").exists()
    assert (measured.out / "label-fraction" / "figure.svg").exists()
    assert read_json(measured.out / "label-fraction" / "manifest.json")["made"] == 3


def test_a_finished_experiment_makes_nothing_and_a_killed_one_only_what_is_missing(measured, capsys):
    before = {path: path.read_bytes() for path in measured.cache.rglob(DONE)}
    run(measured)
    assert "3 runs, 3 of them done" in capsys.readouterr().err
    # as a kill leaves it: one run not written, its student without its last file
    killed = paths(measured)[1]
    numbers = read_run(killed).values["one_shot"]
    killed.unlink()
    (student,) = measured.cache.glob(f"student-*/{DONE}")
    student.unlink()
    run(measured)
    made = [line for line in capsys.readouterr().err.splitlines() if "of processor time" in line]
    assert [line.split()[:2] for line in made] == [["student:", f"{student.parent.name},"]]  # no terminal, no bar
    assert read_run(killed).values["one_shot"] == numbers
    assert set(measured.cache.rglob(DONE)) == set(before)
    assert all(path.read_bytes() == before[path] for path in before if path != student)


def test_a_run_repeated_from_its_own_file_gives_the_same_numbers(measured, tmp_path):
    config = replace(measured, name="rerun", run=paths(measured)[2], cache=tmp_path / "cache", out=tmp_path / "results")
    assert "all its numbers are the same" in rerun(config)
    assert not (tmp_path / "results").exists()
    assert not (tmp_path / "cache" / SCRATCH).exists()  # the next one makes everything anew again
    values = read_json(paths(measured)[2])
    wrong = tmp_path / "wrong.json"
    flipped = values["one_shot"]["outcomes"].translate(str.maketrans("01", "10"))
    write_json(wrong, {**values, "one_shot": {**values["one_shot"], "outcomes": flipped}})
    with pytest.raises(UserError, match="one_shot differ from the run on file; the code is the same"):
        rerun(replace(config, run=wrong))


def test_results_of_other_code_and_other_sizes_are_refused(measured, tmp_path):
    copy = replace(measured, out=tmp_path / "results", dry_run=True)
    shutil.copytree(measured.out, copy.out)
    with pytest.raises(UserError, match="give the same preset, sizes and seed"):
        run(replace(copy, sizes=replace(copy.sizes, pool=7)))
    path = paths(copy)[0]
    write_json(path, {**read_json(path), "code": {"one_shot": "000000000000"}})
    with pytest.raises(UserError, match=r"was measured by another version of the code; --stale redo"):
        run(copy)
    run(replace(copy, stale="keep"))


def test_redo_makes_a_model_of_other_code_anew_with_all_that_hangs_on_it(measured, tmp_path, capsys):
    config = replace(measured, cache=tmp_path / "cache", out=tmp_path / "results", stale="redo")
    shutil.copytree(measured.cache, config.cache)
    shutil.copytree(measured.out, config.out)
    (teacher,) = config.cache.glob(f"teacher-*/{DONE}")
    write_json(teacher, {**read_json(teacher), "code": "000000000000"})
    for path in paths(config):
        values = read_json(path)
        if "teacher" in values["code"]:
            write_json(path, {**values, "code": {**values["code"], "teacher": "000000000000"}})
    (log,) = config.cache.glob("one-shot/*.jsonl")
    log.write_text(re.sub(r'("model": "(?:teacher|student).*"outcome": )"\w+"', r'\1"spoilt"', log.read_text()))
    assert log.read_text().count("spoilt") == 4
    before = {path: path.read_bytes() for path in config.cache.rglob("*") if path.is_file()}
    run(replace(config, dry_run=True))
    assert "3 stages and 0 logs of another version of the code, or made from such, would be removed" in (
        capsys.readouterr().err
    )
    assert {path: path.read_bytes() for path in config.cache.rglob("*") if path.is_file()} == before
    run(config)
    for path in paths(config):
        values, expected = read_run(path).values, read_run(measured.out / path.relative_to(config.out)).values
        assert values["one_shot"] == expected["one_shot"], "shot anew, not taken from the log of the removed model"
        assert values["code"] == expected["code"]
        assert "made_by_other_code" not in values


def test_what_is_kept_of_other_code_is_named_and_refused_the_next_time(measured, tmp_path):
    config = replace(measured, cache=tmp_path / "cache", out=tmp_path / "results")
    shutil.copytree(measured.cache, config.cache)
    (log,) = config.cache.glob("one-shot/*.code.json")
    write_json(log, {**read_json(log), "code": "000000000000"})
    (teacher,) = config.cache.glob(f"teacher-*/{DONE}")
    write_json(teacher, {**read_json(teacher), "code": "111111111111"})
    run(replace(config, stale="keep"))
    for path in paths(config):
        values = read_run(path).values
        assert values["code"]["one_shot"] == "000000000000"
        if "random" not in path.name:
            assert values["code"]["teacher"] == "111111111111"
            assert values["made_by_other_code"] == [teacher.parent.name]
    with pytest.raises(UserError, match="was measured by another version of the code"):
        run(config)


def test_more_of_one_measure_leaves_the_others_and_fewer_scenes_take_none_away():
    one_shot = {"version": "v", "outcomes": "1011"}
    asked = {"scenes": 4, "proxy": True}
    before = {
        "one_shot": one_shot,
        "proxy": {"outcomes": "11"},
        "code": {"proxy": "a", "one_shot": "b"},
        "stages": {"proxy-1": {}},
        "asked": asked,
    }
    after = {
        "one_shot": {"version": "v", "outcomes": "10"},
        "code": {"one_shot": "b"},
        "stages": {},
        "asked": {"scenes": 2, "proxy": False},
    }
    assert with_earlier(before, after) == before
    more = {**after, "one_shot": {"version": "v", "outcomes": "10110"}, "asked": {"scenes": 5, "proxy": False}}
    found = with_earlier(before, more)
    assert (found["one_shot"], found["proxy"]) == (more["one_shot"], before["proxy"])
    assert found["asked"] == {"scenes": 5, "proxy": True}
    for other in ({"code": {"one_shot": "c"}}, {"one_shot": {"version": "w", "outcomes": "10"}}):
        assert with_earlier(before, {**after, **other}) == {**after, **other}
    assert with_earlier({}, after) == after


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["datasets", "--regimes", "shift"], "unknown regime 'shift'"),
        (["all", "--regimes", "shift"], "unknown regime"),
        (["report", "--dry-run"], "has no --dry-run"),
        (["precision", "--settings", "100 %", "--arms", "teacher"], "no runs of teacher"),
    ],
)
def test_words_that_ask_for_nothing_are_refused(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["experiment", *words]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_dry_run_says_how_long_it_would_take_and_does_nothing(tmp_path, capsys):
    words = ["experiment", "angles", "--preset", "smoke", "--dry-run", "--settings", "1", "--seeds", "1"]
    assert main([*words, "--out", str(tmp_path / "results"), "--cache", str(tmp_path / "cache")]) == 0
    said = capsys.readouterr().err
    assert "the rest takes about" in said
    assert "a guess: no cost measured yet of affordance compact8-112" in said  # nothing is on file here
    assert not list(tmp_path.iterdir())
