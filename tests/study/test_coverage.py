"""What the page says of the part of the grid that was not run: nothing too much, nothing left out."""

import pytest
from tests.fakes.runs import EVERYTHING, write_runs

from grasping_student.pipeline.configuration import to_plain
from grasping_student.pipeline.files import write_json
from grasping_student.study import missing_runs as coverage
from grasping_student.study.conditions import CONTROLS, POLICIES
from grasping_student.study.configuration import EXPERIMENT_PRESETS
from grasping_student.study.designs import DESIGNS
from grasping_student.study.records import read_runs


def everything_in(folder):
    return {name: read_runs(folder / name) for name in EVERYTHING}


def gaps_of(folder, name):
    return coverage.gaps(read_runs(folder / name), name, DESIGNS[name])


def test_a_whole_grid_has_no_gaps(tmp_path):
    write_runs(tmp_path, draws=5, scenes=160)
    assert coverage.section(everything_in(tmp_path)) == ""


@pytest.mark.parametrize("name", EVERYTHING)
def test_without_runs_everything_that_was_asked_for_is_missing(tmp_path, name):
    found = coverage.gaps([], name, DESIGNS[name])
    missing = [(regime, setting) for regime, settings, text in found for setting in settings]
    design = DESIGNS[name]
    asked = [(r, s) for r in design.regimes for s in design.settings if design.arms(s, r)]
    assert sorted(missing) == sorted(asked)
    assert {text for *_, text in found} == {"everything"}


def test_too_few_draws_are_counted_and_like_settings_stand_together(tmp_path):
    write_runs(tmp_path, ("picking",), lambda _, regime, setting, arm, draw: arm != "teacher" or draw < 2, scenes=160)
    assert gaps_of(tmp_path, "picking") == [
        ("in-distribution", ["5 %", "20 %", "100 %"], "`teacher` (2 of 3)"),
        ("domain-shift", ["5 %", "20 %", "100 %"], "`teacher` (2 of 3)"),
    ]


def test_one_percent_asks_for_five_draws_and_models_without_proxy_are_named(tmp_path):
    write_runs(tmp_path, ("label-fraction",), lambda _, regime, setting, *rest: setting == "1 %", scenes=160)
    for run in read_runs(tmp_path / "label-fraction"):
        if run.arm == "teacher":
            write_json(run.path, {name: value for name, value in run.values.items() if name != "proxy"})
    (gap,) = [each for each in gaps_of(tmp_path, "label-fraction") if each[1] == ["1 %"]]
    assert "`random` (3 of 5)" in gap[2]
    assert gap[2].endswith("the proxy of `teacher`")


def test_fewer_episodes_than_asked_are_said(tmp_path):
    write_runs(tmp_path, ("picking",), scenes=160)
    assert gaps_of(tmp_path, "picking") == []
    for run in read_runs(tmp_path / "picking"):
        if (run.regime, run.setting, run.arm) == ("domain-shift", "20 %", "student"):
            half = {
                name: {key: values[:10] for key, values in each.items()} if name != "episode_ends" else each
                for name, each in run.values["picking"].items()
            }
            write_json(run.path, {**run.values, "picking": half})
    assert gaps_of(tmp_path, "picking") == [("domain-shift", ["20 %"], "some episodes (10 of 20)")]


def test_a_grid_of_another_preset_is_held_against_that_preset(tmp_path):
    smoke = EXPERIMENT_PRESETS["smoke"]()
    write_runs(tmp_path, ("precision",), scenes=4, draws=smoke.seeds)
    for run in read_runs(tmp_path / "precision"):
        write_json(run.path, {**run.values, "asked": {"sizes": to_plain(smoke.sizes), "seed": 0}})
    assert gaps_of(tmp_path, "precision") == []


@pytest.mark.parametrize(("name", "asked"), [("picking", 160), ("relabelling", 80), ("precision", 60)])
def test_fewer_scenes_than_asked_are_said(tmp_path, name, asked):
    write_runs(tmp_path, (name,), scenes=asked - 1)
    assert {text for *_, text in gaps_of(tmp_path, name)} == {f"some scenes ({asked - 1} of {asked})"}


@pytest.mark.parametrize("name", [name for name, design in DESIGNS.items() if design.measures])
def test_every_control_stands_in_every_table(name):
    design = DESIGNS[name]
    wanted = {arm for arm in CONTROLS if not ("entropy" in design.measures and arm in POLICIES)}  # they have no maps
    for regime in design.regimes:
        for setting in design.settings:
            if design.beside.arms and design.arms(setting, regime):
                other = DESIGNS[design.beside.experiment]
                there = other.arms(design.beside.setting or setting, regime)
                assert wanted <= set(there) and set(design.beside.arms) <= set(there)
        own = {arm for setting in design.settings for arm in design.arms(setting, regime)}
        assert wanted <= own | set(design.beside.arms)


def test_what_a_design_does_without_is_named_by_regime():
    lines = {line.split("`")[1]: line for line in coverage.left_out().splitlines() if line.startswith("- ")}
    assert "in distribution: `teacher_matched`, `student_matched` at 5 %, 20 %, 100 % only" in lines["label-fraction"]
    assert "domain shift: nothing at 1 %, 2 %, 10 %, 50 %" in lines["label-fraction"]
    assert "`student_augmented`, `student_matched` at 1, 64 only" in lines["angles"]
    assert "in distribution: nothing at 20 %; domain shift: nothing at 100 %" in lines["memory"]
    assert "`experiment all --preset light` leaves out `relabelled`" in lines["methods"]
    assert "domain shift only" in lines["methods"] and "in distribution only" in lines["entropy"]
    assert "picking" not in lines
