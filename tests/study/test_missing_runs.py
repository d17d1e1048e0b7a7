"""Runs that the grid asks for and that are not on file: none too many, none left out."""

import pytest
from tests.fakes.runs import EVERYTHING, write_runs

from grasping_student.pipeline.configuration import to_plain
from grasping_student.study.conditions import CONTROLS, POLICIES
from grasping_student.study.configuration import EXPERIMENT_PRESETS, Sizes
from grasping_student.study.designs import DESIGNS, PAPER_DESIGNS
from grasping_student.study.missing_runs import gaps
from grasping_student.study.run_store import empty_runs, read_runs

ASKED = {"sizes": to_plain(Sizes()), "seed": 0}


def gaps_of(folder, name, without=lambda runs: runs):
    found = gaps(name, without(read_runs(folder / name)), ASKED)
    return [(gap.domain, list(gap.levels), gap.missing) for gap in found]


def test_a_whole_grid_has_no_gaps(tmp_path):
    write_runs(tmp_path, replicates=5, scenes=160)
    assert {name: gaps_of(tmp_path, name) for name in EVERYTHING} == {name: [] for name in EVERYTHING}


@pytest.mark.parametrize("name", EVERYTHING)
def test_without_runs_everything_that_was_asked_for_is_missing(name):
    found = gaps(name, empty_runs(), ASKED)
    design = DESIGNS[name]
    asked = [(d, level) for d in design.domains for level in design.levels if design.conditions(level, d)]
    assert sorted((gap.domain, level) for gap in found for level in gap.levels) == sorted(asked)
    assert {gap.missing for gap in found} == {"everything"}


def test_too_few_replicates_are_counted_and_like_levels_stand_together(tmp_path):
    write_runs(tmp_path, ("picking",), lambda *key: key[3] != "teacher" or key[4] < 2, scenes=160)
    assert gaps_of(tmp_path, "picking") == [
        (domain, ["5 %", "20 %", "100 %"], "`teacher` (2 of 3)") for domain in ("in-distribution", "domain-shift")
    ]


def test_one_percent_asks_for_five_replicates_and_models_without_proxy_are_named(tmp_path):
    write_runs(tmp_path, ("label-fraction",), lambda *key: key[2] == "1 %", scenes=160)

    def without(runs):
        return runs[(runs["measure"] != "proxy") | (runs["condition"] != "teacher")]

    (gap,) = [each for each in gaps_of(tmp_path, "label-fraction", without) if each[1] == ["1 %"]]
    assert "`random` (3 of 5)" in gap[2]
    assert gap[2].endswith("the proxy of `teacher`")


def test_fewer_episodes_and_scenes_than_asked_are_said(tmp_path):
    write_runs(tmp_path, ("picking",), scenes=160)

    def half(runs):
        student = (runs["level"] == "20 %") & (runs["condition"] == "student") & (runs["domain"] == "domain-shift")
        return runs[~student | (runs["measure"] != "picking") | (runs["index"] < 10)]

    assert gaps_of(tmp_path, "picking", half) == [("domain-shift", ["20 %"], "some episodes (10 of 20)")]
    for name, asked in (("picking", 160), ("relabelling", 80), ("precision", 60)):
        write_runs(tmp_path / "few", (name,), scenes=asked - 1)
        assert {text for *_, text in gaps_of(tmp_path / "few", name)} == {f"some scenes ({asked - 1} of {asked})"}


def test_a_grid_of_another_preset_is_held_against_that_preset(tmp_path):
    smoke = EXPERIMENT_PRESETS["smoke"]()
    write_runs(tmp_path, ("precision",), scenes=4, replicates=smoke.replicates)
    sizes = {"sizes": to_plain(smoke.sizes), "seed": 0}
    assert gaps("precision", read_runs(tmp_path / "precision"), sizes) == []


@pytest.mark.parametrize("name", [name for name, design in PAPER_DESIGNS.items() if design.measures])
def test_every_control_stands_in_every_table(name):
    design = DESIGNS[name]
    wanted = {each for each in CONTROLS if not ("entropy" in design.measures and each in POLICIES)}  # they have no maps
    reference = set(design.reference.conditions)
    for domain in design.domains:
        for level in design.levels:
            if reference and design.conditions(level, domain):
                other = DESIGNS[design.reference.experiment]
                there = set(other.conditions(design.reference.level or level, domain))
                assert wanted <= there and reference <= there
        own = {each for level in design.levels for each in design.conditions(level, domain)}
        assert wanted <= own | reference
