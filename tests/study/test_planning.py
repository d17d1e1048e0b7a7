"""Grids: which cells and arms an invocation asks for, thinned as the user says, and what is refused."""

from dataclasses import replace

import pytest

from grasping_student.cli.main import main
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.study import auxiliary_measures as special
from grasping_student.study import planning
from grasping_student.study.conditions import ABLATION, ARMS, DEFAULT_STUDENT, METHODS, POLICIES
from grasping_student.study.configuration import EXPERIMENT_PRESETS, ExperimentConfig, Sizes
from grasping_student.study.designs import DESIGNS, FRACTIONS
from grasping_student.study.estimates import (
    Planned,
    all_configs,
    asked_rows,
    expected_seconds,
    planned_experiments,
    unknown_costs,
)
from grasping_student.study.stage_graph import Recipes
from grasping_student.study.stages import Stage

LIGHT = EXPERIMENT_PRESETS["light"]()


def rows(config):
    design = planning.design_of(config)
    make = special.rows_of if not design.measures else planning.rows_of
    return [row for cell in planning.cells_of(config, design) for row in make(config, design, Recipes(config), cell)]


@pytest.mark.parametrize("preset", EXPERIMENT_PRESETS)
@pytest.mark.parametrize("name", DESIGNS)
def test_every_experiment_of_every_preset_has_runs_and_every_stage_a_config_that_its_class_accepts(name, preset):
    found = rows(replace(EXPERIMENT_PRESETS[preset](), name=name))
    assert found
    for row in found:
        assert all(isinstance(stage, Stage) for stage in row.stages())


def test_the_label_fractions_are_the_papers_with_controls_in_every_cell():
    found = rows(LIGHT)
    assert list(FRACTIONS.values()) == [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
    inside = [row for row in found if row.cell.regime == "in-distribution"]
    for setting in FRACTIONS:
        arms = {row.arm for row in inside if row.cell.setting == setting}
        assert {"random", "scripted", "teacher", "teacher_augmented", "student", "student_augmented"} <= arms
        assert DEFAULT_STUDENT in arms
    shifted = {row.cell.setting for row in found if row.cell.regime == "domain-shift"}
    matched = {row.cell.setting for row in inside if row.arm == "teacher_matched"}
    assert shifted == matched == {"5 %", "20 %", "100 %"}
    assert {row.cell.draw for row in inside if row.cell.setting == "1 %"} == set(range(5))
    assert {row.cell.draw for row in inside if row.cell.setting == "2 %"} == set(range(3))


def test_students_and_teachers_of_a_cell_share_labels_and_seeds_and_draws_differ():
    found = [row for row in rows(LIGHT) if row.cell.setting == "5 %" and row.cell.regime == "in-distribution"]
    by = {(row.arm, row.cell.draw): row.spec for row in found}
    plain, augmented = by["teacher", 0].config, by["teacher_augmented", 0].config
    assert (plain.labels, plain.label_seed, plain.seed) == (augmented.labels, augmented.label_seed, augmented.seed)
    assert plain.labels == 100
    assert by["teacher", 0].name != by["teacher", 1].name
    assert by["student", 0].config.loop.steps == LIGHT.sizes.student_steps
    assert by["teacher_matched", 0].config.loop.steps == augmented.loop.steps + LIGHT.sizes.student_steps


def test_experiments_share_their_stages():
    fraction = {row.model for row in rows(LIGHT) if row.cell.setting == "5 %" and row.arm == "student"}
    one_label = {
        row.model
        for row in rows(replace(LIGHT, name="labels-per-scene"))
        if row.cell.setting == "1" and row.arm == "student"
    }
    assert fraction & one_label
    tables = {row.spec.inputs[0].name for row in rows(replace(LIGHT, name="angles", seeds=1)) if row.arm == "student"}
    assert len(tables) == 1  # all numbers of angles are read from one table of 64
    test_seeds = {Recipes(replace(LIGHT, name=name)).test_seed(1) for name in DESIGNS}
    assert len(test_seeds) == 1


def test_every_method_is_accepted_by_its_stages_and_changes_something():
    found = rows(replace(LIGHT, name="methods", seeds=1, regimes=("domain-shift",)))
    models = {row.cell.setting: row.model for row in found if row.arm == "student_method"}
    assert set(models) == set(ABLATION)
    assert len(set(models.values())) == len(models)
    assert set(ABLATION) <= set(METHODS)


def test_experiments_that_need_fewer_scenes_take_fewer_unless_told():
    for name, least in (("precision", 60), ("label-fraction", 160)):
        assert planning.scenes_of(replace(LIGHT, name=name), DESIGNS[name]) == least
        assert planning.scenes_of(replace(LIGHT, name=name, scenes=700), DESIGNS[name]) == 700
    (row, *_) = rows(replace(LIGHT, name="precision"))
    assert row.extra["precision"].config.scenes == row.extra["precision"].units == 60


def test_an_arm_that_demands_room_is_another_model_of_the_same_checkpoint():
    found = rows(replace(LIGHT, arms=("teacher_augmented", "teacher_room"), settings=("5 %",), draws=(0,)))
    plain, room = [row for row in found if row.cell.regime == "in-distribution"]
    assert plain.spec.name == room.spec.name
    assert plain.model != room.model
    assert room.folder == f"room:{plain.folder}"


def test_a_grid_can_be_thinned_and_filled_later():
    thin = replace(LIGHT, settings=("5 %",), draws=(1,), arms=("teacher", "student"), regimes=("in-distribution",))
    found = rows(thin)
    assert [(row.cell.setting, row.cell.draw, row.arm) for row in found] == [
        ("5 %", 1, "teacher"),
        ("5 %", 1, "student"),
    ]
    whole = {(row.cell.regime, row.cell.setting, row.cell.draw, row.arm, row.model) for row in rows(LIGHT)}
    for row in found:
        assert (row.cell.regime, row.cell.setting, row.cell.draw, row.arm, row.model) in whole


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "label-fractoin"}, "unknown experiment 'label-fractoin'.*did you mean 'label-fraction'"),
        ({"settings": ("3 %",)}, "unknown setting of label-fraction '3 %'"),
        ({"regimes": ("shift",)}, "unknown regime"),
        ({"arms": ("pupil",)}, "unknown arm of label-fraction 'pupil'"),
        ({"arms": ("student_method",)}, "unknown arm of label-fraction 'student_method'"),
        ({"name": "precision", "arms": ("student",)}, "valid are: teacher, teacher_augmented$"),
    ],
)
def test_unknown_names_are_refused_with_the_valid_ones(change, message):
    with pytest.raises(UserError, match=message):
        planning.design_of(replace(LIGHT, **change))


def test_results_of_other_sizes_are_not_mixed(tmp_path):
    planning.check_asked(tmp_path, LIGHT)
    planning.check_asked(tmp_path, replace(LIGHT, seeds=5, scenes=10))
    with pytest.raises(UserError, match="pool = 2000; give the same preset, sizes and seed"):
        planning.check_asked(tmp_path, replace(LIGHT, sizes=replace(LIGHT.sizes, pool=100)))
    asked = read_json(tmp_path / planning.ASKED)
    del asked["sizes"]["ablated_share"]
    write_json(tmp_path / planning.ASKED, asked)
    planning.check_asked(tmp_path, LIGHT)  # results from before there was this size
    with pytest.raises(UserError, match="ablated_share = "):
        planning.check_asked(tmp_path, replace(LIGHT, sizes=replace(LIGHT.sizes, ablated_share=1.0)))
    with pytest.raises(UserError, match="seed = 0"):
        planning.check_asked(tmp_path, replace(LIGHT, seed=1))


@pytest.mark.parametrize("wrong", [{"seeds": 0}, {"workers": 0}, {"scenes": -1}, {"draws": (-1,)}])
def test_impossible_configs_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must|count"):
        ExperimentConfig(**wrong)
    with pytest.raises(ValueError, match="pool"):
        Sizes(pool=0)
    with pytest.raises(ValueError, match="ablated_share"):
        Sizes(ablated_share=0.0)


def test_the_command_lists_names_and_refuses_none(capsys):
    assert main(["experiment", "--help"]) == 0
    assert "labels-per-scene" in capsys.readouterr().out
    assert main(["experiment"]) == 2
    assert main(["experiment", "nothing"]) == 2
    assert "valid are" in capsys.readouterr().err
    assert main(["experiment", "angles", "--preset", "paper", "--print-config"]) == 0
    assert "fpn-resnet50" in capsys.readouterr().out


def test_the_paper_preset_is_the_papers():
    paper = EXPERIMENT_PRESETS["paper"]()
    found = rows(replace(paper, name="label-fraction", settings=("100 %",), regimes=("in-distribution",), draws=(0,)))
    by = {row.arm: row.spec.config for row in found if isinstance(row.spec, Stage)}
    assert by["teacher"].loop.total_steps(2000) == 30 * 250
    assert by["student"].pseudo.angles == 16
    assert by["student"].loop.total_steps(5000) == 30 * 625
    assert paper.sizes.scenes + paper.sizes.relabelled == 5000
    angles = rows(replace(paper, name="angles", draws=(0,)))
    assert {row.spec.config.labels for row in angles if row.arm == "teacher"} == {2000}  # tables IV and V: all labels
    assert set(ARMS) >= set(by)


def test_together_experiments_take_less_than_one_by_one_and_a_dry_run_leaves_nothing(tmp_path, capsys):
    config = replace(
        LIGHT, name="all", seeds=1, regimes=("in-distribution",), cache=tmp_path / "cache", out=tmp_path / "results"
    )
    planned, alone, together = Planned(), 0.0, 0.0
    for each in all_configs(config):
        recipes = Recipes(each)
        found = asked_rows(each, DESIGNS[each.name], recipes)
        shots = "one_shot" in DESIGNS[each.name].measures
        seconds, planned = expected_seconds(each, recipes, found, shots, planned)
        together += seconds
        alone += expected_seconds(each, recipes, found, shots)[0]
        assert expected_seconds(each, recipes, found, False, planned)[0] == 0.0
    assert 0.0 < together < 0.8 * alone
    words = ["experiment", "all", "--dry-run", "--out", str(tmp_path / "results"), "--cache", str(tmp_path / "cache")]
    assert main([*words, "--seeds", "1"]) == 0
    said = capsys.readouterr().err
    assert all(name in said for name in DESIGNS)
    assert not (tmp_path / "results").exists()
    assert main([*words, "--arms", "teacher"]) == 2


@pytest.mark.parametrize("name", ["methods", "memory"])
@pytest.mark.parametrize("preset", EXPERIMENT_PRESETS)
def test_all_of_light_leaves_out_what_only_naming_an_experiment_runs(name, preset):
    whole = EXPERIMENT_PRESETS[preset]()
    (config,) = [each for each in all_configs(replace(whole, name="all")) if each.name == name]
    design = DESIGNS[name]
    found = [{cell.setting for cell in planning.cells_of(each, design)} for each in (config, replace(whole, name=name))]
    left_out = set(design.named_only) if preset == "light" else set()
    assert found == [set(design.settings) - left_out, set(design.settings)]
    assert design.named_only and set(design.named_only) < set(design.settings)


def test_policies_pick_once_for_all_settings_and_models_alternate(tmp_path):
    config = replace(LIGHT, name="picking", cache=tmp_path)
    design, recipes = DESIGNS["picking"], Recipes(config)
    stages = [
        {row.arm: row.extra["picking"].name for row in planning.rows_of(config, design, recipes, cell)}
        for cell in planning.cells_of(config, design)
        if (cell.regime, cell.draw) == ("in-distribution", 0)
    ]
    policies = {own[arm] for own in stages for arm in POLICIES}
    models = [{name for arm, name in own.items() if arm not in POLICIES} for own in stages]
    assert len(policies) == 1 and all(len(own) == 1 for own in models)
    assert len({*policies, *(name for own in models for name in own)}) == 1 + len(stages)


def test_all_light_experiments_take_at_most_ten_hours_on_two_cores_by_the_shipped_costs(tmp_path):
    config = replace(LIGHT, name="all", cache=tmp_path / "cache", out=tmp_path / "results")
    plan = planned_experiments(config)
    assert unknown_costs(config, [row for each in plan for row in each.missing]) == ""
    assert sum(each.seconds for each in plan) < 10 * 3600
