"""Grids: which cells and arms an invocation asks for, thinned as the user says, and what is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from grasping_student.cli.main import main
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.study import planning
from grasping_student.study.conditions import CONDITIONS, DEFAULT_STUDENT, OLD_NAMES, POLICIES
from grasping_student.study.configuration import EXPERIMENT_PRESETS, ExperimentConfig, Sizes, with_current_names
from grasping_student.study.designs import DESIGNS, FRACTIONS, PAPER_DESIGNS
from grasping_student.study.estimates import Planned, all_configs, expected_seconds, planned_experiments, unknown_costs
from grasping_student.study.methods import ABLATION, METHODS
from grasping_student.study.results_sizes import SIZES, check_sizes, with_engine
from grasping_student.study.run_store import read_stages
from grasping_student.study.stage_graph import StageGraph
from grasping_student.study.stages import Stage

LIGHT = EXPERIMENT_PRESETS["light"]()


def planned(config):
    return planning.planned_runs(config, planning.design_of(config), StageGraph(config))


@pytest.mark.parametrize("preset", EXPERIMENT_PRESETS)
@pytest.mark.parametrize("name", DESIGNS)
def test_every_experiment_of_every_preset_has_runs_and_every_stage_a_config_that_its_class_accepts(name, preset):
    found = planned(replace(EXPERIMENT_PRESETS[preset](), name=name))
    assert found
    for run in found:
        assert all(isinstance(stage, Stage) for stage in run.stages())


def test_the_label_fractions_are_the_papers_with_controls_in_every_cell():
    found = planned(LIGHT)
    assert list(FRACTIONS.values()) == [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
    inside = [run for run in found if run.trial.domain == "in-distribution"]
    for setting in FRACTIONS:
        arms = {run.condition for run in inside if run.trial.level == setting}
        assert {"random", "scripted", "teacher", "teacher_augmented", "student", "student_augmented"} <= arms
        assert DEFAULT_STUDENT in arms
    shifted = {run.trial.level for run in found if run.trial.domain == "domain-shift"}
    matched = {run.trial.level for run in inside if run.condition == "teacher_matched"}
    assert shifted == matched == {"5 %", "20 %", "100 %"}
    assert {run.trial.replicate for run in inside if run.trial.level == "1 %"} == set(range(5))
    assert {run.trial.replicate for run in inside if run.trial.level == "2 %"} == set(range(3))


def test_students_and_teachers_of_a_cell_share_labels_and_seeds_and_draws_differ():
    found = [run for run in planned(LIGHT) if run.trial.level == "5 %" and run.trial.domain == "in-distribution"]
    by = {(run.condition, run.trial.replicate): run.spec for run in found}
    plain, augmented = by["teacher", 0].config, by["teacher_augmented", 0].config
    assert (plain.labels, plain.label_seed, plain.seed) == (augmented.labels, augmented.label_seed, augmented.seed)
    assert plain.labels == 100
    assert by["teacher", 0].name != by["teacher", 1].name
    assert by["student", 0].config.loop.steps == LIGHT.sizes.student_steps
    assert by["teacher_matched", 0].config.loop.steps == augmented.loop.steps + LIGHT.sizes.student_steps


def test_experiments_share_their_stages():
    fraction = {run.model for run in planned(LIGHT) if run.trial.level == "5 %" and run.condition == "student"}
    one_label = {
        run.model
        for run in planned(replace(LIGHT, name="labels-per-scene"))
        if run.trial.level == "1" and run.condition == "student"
    }
    assert fraction & one_label
    tables = {
        run.spec.inputs[0].name
        for run in planned(replace(LIGHT, name="angles", replicates=1))
        if run.condition == "student"
    }
    assert len(tables) == 1  # all numbers of angles are read from one table of 64
    test_seeds = {StageGraph(replace(LIGHT, name=name)).test_seed(1) for name in DESIGNS}
    assert len(test_seeds) == 1


def test_every_method_is_accepted_by_its_stages_and_changes_something():
    found = planned(replace(LIGHT, name="methods", replicates=1, domains=("domain-shift",)))
    models = {run.trial.level: run.model for run in found if run.condition == "student_method"}
    assert set(models) == set(ABLATION)
    assert len(set(models.values())) == len(models)
    assert set(ABLATION) <= set(METHODS)


def test_experiments_that_need_fewer_scenes_take_fewer_unless_told():
    for name, least in (("precision", 60), ("label-fraction", 160)):
        assert planning.scenes_of(replace(LIGHT, name=name), DESIGNS[name]) == least
        assert planning.scenes_of(replace(LIGHT, name=name, scenes=700), DESIGNS[name]) == 700
    (run, *_) = planned(replace(LIGHT, name="precision"))
    assert run.measures["precision"].config.scenes == run.measures["precision"].units == 60


def test_a_condition_under_a_constraint_is_another_model_of_the_same_checkpoint():
    found = planned(
        replace(LIGHT, conditions=("teacher_augmented", "teacher_clearance"), levels=("5 %",), replicate_ids=(0,))
    )
    plain, clear = [run for run in found if run.trial.domain == "in-distribution"]
    assert plain.spec.name == clear.spec.name
    assert plain.model != clear.model
    assert clear.policy_spec == f"clearance:{plain.policy_spec}"


def test_a_grid_can_be_thinned_and_filled_later():
    thin = replace(
        LIGHT, levels=("5 %",), replicate_ids=(1,), conditions=("teacher", "student"), domains=("in-distribution",)
    )
    found = planned(thin)
    assert [(run.trial.level, run.trial.replicate, run.condition) for run in found] == [
        ("5 %", 1, "teacher"),
        ("5 %", 1, "student"),
    ]
    whole = {
        (run.trial.domain, run.trial.level, run.trial.replicate, run.condition, run.model) for run in planned(LIGHT)
    }
    for run in found:
        assert (run.trial.domain, run.trial.level, run.trial.replicate, run.condition, run.model) in whole


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "label-fractoin"}, "unknown experiment 'label-fractoin'.*did you mean 'label-fraction'"),
        ({"levels": ("3 %",)}, "unknown level of label-fraction '3 %'"),
        ({"domains": ("shift",)}, "unknown domain"),
        ({"conditions": ("pupil",)}, "unknown condition of label-fraction 'pupil'"),
        ({"conditions": ("student_method",)}, "unknown condition of label-fraction 'student_method'"),
        ({"name": "precision", "conditions": ("student",)}, "valid are: teacher, teacher_augmented$"),
    ],
)
def test_unknown_names_are_refused_with_the_valid_ones(change, message):
    with pytest.raises(UserError, match=message):
        planning.design_of(replace(LIGHT, **change))


def test_results_of_other_sizes_are_not_mixed(tmp_path):
    check_sizes(tmp_path, LIGHT)
    check_sizes(tmp_path, replace(LIGHT, replicates=5, scenes=10))
    with pytest.raises(UserError, match="pool = 2000; give the same preset, sizes, seed and engine"):
        check_sizes(tmp_path, replace(LIGHT, sizes=replace(LIGHT.sizes, pool=100)))
    asked = read_json(tmp_path / SIZES)
    del asked["sizes"]["ablated_share"]
    write_json(tmp_path / SIZES, asked)
    check_sizes(tmp_path, LIGHT)  # results from before there was this size
    with pytest.raises(UserError, match="ablated_share = "):
        check_sizes(tmp_path, replace(LIGHT, sizes=replace(LIGHT.sizes, ablated_share=1.0)))
    with pytest.raises(UserError, match="seed = 0"):
        check_sizes(tmp_path, replace(LIGHT, seed=1))


def test_results_of_two_engines_are_not_mixed_and_the_engine_on_file_is_gone_on_with(tmp_path):
    assert with_engine(replace(LIGHT, out=tmp_path)).engine == "mujoco"
    check_sizes(tmp_path, replace(LIGHT, engine="pybullet"))
    assert with_engine(replace(LIGHT, out=tmp_path)).engine == "pybullet"
    check_sizes(tmp_path, LIGHT)
    with pytest.raises(UserError, match="engine = pybullet; give the same preset"):
        check_sizes(tmp_path, replace(LIGHT, engine="mujoco"))


def test_committed_results_are_pybullets_and_its_stages_keep_their_names():
    results = Path(__file__).parents[2] / "results"
    on_file = {stage["name"] for stage in read_stages(results / "label-fraction")}
    config = with_engine(replace(LIGHT, out=results))
    assert config.engine == "pybullet"
    design = planning.design_of(config)
    stages = planning.stages_of(planning.planned_runs(config, design, StageGraph(config)))
    assert on_file >= {stage.name for stage in stages if stage.kind in ("dataset", "teacher")}
    for graph in map(StageGraph, (config, replace(config, engine="mujoco"))):
        assert (graph.data.pool("standard").name in on_file) == (graph.engine == "pybullet")


@pytest.mark.parametrize("wrong", [{"replicates": 0}, {"workers": 0}, {"scenes": -1}, {"replicate_ids": (-1,)}])
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
    found = planned(
        replace(paper, name="label-fraction", levels=("100 %",), domains=("in-distribution",), replicate_ids=(0,))
    )
    by = {run.condition: run.spec.config for run in found if isinstance(run.spec, Stage)}
    assert by["teacher"].loop.total_steps(2000) == 30 * 250
    assert by["student"].pseudo.angles == 16
    assert by["student"].loop.total_steps(5000) == 30 * 625
    assert paper.sizes.scenes + paper.sizes.relabelled == 5000
    angles = planned(replace(paper, name="angles", replicate_ids=(0,)))
    assert {run.spec.config.labels for run in angles if run.condition == "teacher"} == {
        2000
    }  # tables IV and V: all labels
    assert set(CONDITIONS) >= set(by)


def test_together_experiments_take_less_than_one_by_one_and_a_dry_run_leaves_nothing(tmp_path, capsys):
    config = replace(
        LIGHT,
        name="all",
        replicates=1,
        domains=("in-distribution",),
        cache=tmp_path / "cache",
        out=tmp_path / "results",
    )
    before, alone, together = Planned(), 0.0, 0.0
    for each in all_configs(config):
        graph = StageGraph(each)
        found = planning.planned_runs(each, DESIGNS[each.name], graph)
        one_shot = "one_shot" in DESIGNS[each.name].measures
        seconds, before = expected_seconds(each, graph, found, one_shot, before)
        together += seconds
        alone += expected_seconds(each, graph, found, one_shot)[0]
        assert expected_seconds(each, graph, found, False, before)[0] == 0.0
    assert 0.0 < together < 0.8 * alone
    words = ["experiment", "all", "--dry-run", "--out", str(tmp_path / "results"), "--cache", str(tmp_path / "cache")]
    assert main([*words, "--replicates", "1"]) == 0
    said = capsys.readouterr().err
    assert all(name in said for name in PAPER_DESIGNS)
    assert not (tmp_path / "results").exists()
    assert main([*words, "--conditions", "teacher"]) == 2


@pytest.mark.parametrize("name", ["methods", "failure-avoidance"])
@pytest.mark.parametrize("preset", EXPERIMENT_PRESETS)
def test_all_of_light_leaves_out_what_only_naming_an_experiment_runs(name, preset):
    whole = EXPERIMENT_PRESETS[preset]()
    (config,) = [each for each in all_configs(replace(whole, name="all")) if each.name == name]
    design = DESIGNS[name]
    found = [
        {trial.level for trial in planning.trials_of(each, design)} for each in (config, replace(whole, name=name))
    ]
    left_out = set(design.named_only) if preset == "light" else set()
    assert found == [set(design.levels) - left_out, set(design.levels)]
    assert design.named_only and set(design.named_only) < set(design.levels)


def test_policies_pick_once_for_all_levels_and_models_alternate(tmp_path):
    config = replace(LIGHT, name="picking", cache=tmp_path, domains=("in-distribution",), replicate_ids=(0,))
    stages = {}
    for run in planned(config):
        stages.setdefault(run.condition in POLICIES, set()).add((run.trial.level, run.measures["picking"].name))
    assert len({name for _, name in stages[True]}) == 1
    assert len(stages[False]) == len({name for _, name in stages[False]}) == len(DESIGNS["picking"].levels)


def test_names_of_the_release_before_are_read_and_told(capsys):
    config = with_current_names(replace(LIGHT, levels=("judge",), conditions=("student_grip", "teacher")))
    assert (config.levels, config.conditions) == (("affordance-filter",), ("student_antipodal", "teacher"))
    assert capsys.readouterr().err.count("is now called") == 2
    known = {*CONDITIONS, *METHODS, *DESIGNS}
    assert set(OLD_NAMES.values()) <= known and not set(OLD_NAMES) & known


def test_all_light_experiments_take_at_most_ten_hours_on_two_cores_by_the_shipped_costs(tmp_path):
    config = replace(LIGHT, name="all", cache=tmp_path / "cache", out=tmp_path / "results")
    plan = planned_experiments(config)
    assert unknown_costs(config, [run for each in plan for run in each.missing]) == ""
    assert sum(each.seconds for each in plan) < 10 * 3600
