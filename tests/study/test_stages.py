"""Stages in the cache: what names them, what makes them anew, and that nothing is made twice."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.training.synthetic import write_dataset

from grasping_student.datasets.store import Dataset
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.study.costs import cost_key, estimate, format_duration, known_cost, measured_costs
from grasping_student.study.running import check_labels
from grasping_student.study.stage_registry import MergeConfig, code_version
from grasping_student.study.stages import (
    BEGUN,
    DONE,
    changed_values,
    followers,
    make_stage,
    outdated_stages,
    remove_stages,
    run_stage,
    with_inputs,
)
from grasping_student.training.augmentation import AugmentationConfig
from grasping_student.training.configuration import StudentConfig, TeacherConfig
from grasping_student.training.loop_configuration import LoopConfig


def test_a_name_follows_from_everything_that_matters_and_from_nothing_else():
    config = TeacherConfig(dataset=Path("cache/dataset-1"), labels=5)
    name = make_stage("teacher", config, Path("cache")).name
    elsewhere = replace(config, dataset=Path("other/dataset-1"), out=Path("x"), resume=True)
    quiet = replace(config, loop=LoopConfig(show_progress=False))
    assert make_stage("teacher", elsewhere, Path("other")).name == name
    assert make_stage("teacher", quiet, Path("cache")).name == name
    for change in ({"labels": 6}, {"seed": 1}, {"loop": LoopConfig(batch=4)}, {"dataset": Path("cache/dataset-2")}):
        assert make_stage("teacher", replace(config, **change), Path("cache")).name != name
    assert make_stage("student", config, Path("cache")).name != name


def test_only_changed_values_count_at_every_depth():
    assert changed_values(TeacherConfig()) == {}
    config = TeacherConfig(loop=replace(LoopConfig(), steps=7))
    assert changed_values(config) == {"loop": {"steps": 7}}
    # the default of the student's augmentation is not the default of its class
    assert changed_values(StudentConfig(augmentation=AugmentationConfig())).keys() == {"augmentation"}


def test_inputs_come_first_and_each_stage_once():
    a = make_stage("merged", MergeConfig(seed=1), Path("c"))
    b = make_stage("merged", MergeConfig(seed=2), Path("c"), (a,))
    c = make_stage("merged", MergeConfig(seed=3), Path("c"), (a, b))
    same_as_a = make_stage("merged", MergeConfig(seed=1), Path("c"))
    assert [each.name for each in with_inputs([c, same_as_a, b])] == [a.name, b.name, c.name]
    assert (a.depth, b.depth, c.depth) == (0, 1, 2)


@pytest.fixture
def merged(tmp_path):
    """A real stage: two small datasets as one."""
    paths = tuple(write_dataset(tmp_path / name, 3, seed=i) for i, name in enumerate("ab"))
    return make_stage("merged", MergeConfig(paths, first=2), tmp_path / "cache", units=5)


def test_a_stage_runs_once_and_says_what_it_cost(merged):
    assert run_stage(merged) > 0.0
    assert len(Dataset(merged.out)) == 5
    assert len(Dataset(merged.out).episodes()) == 5
    about = read_json(merged.out / DONE)
    assert (about["version"], about["units"]) == (code_version("merged"), 5)
    assert about["processor_seconds"] > 0.0
    assert measured_costs(merged.out.parent)[cost_key("merged", "")] == pytest.approx(about["processor_seconds"] / 5)
    assert run_stage(merged) == 0.0


def test_a_stage_that_was_killed_half_way_is_made_again(merged):
    merged.out.mkdir(parents=True)
    assert not merged.done
    run_stage(merged)
    assert len(Dataset(merged.out)) == 5


def test_stages_of_other_code_are_refused_kept_or_made_anew_with_what_follows_from_them(merged, tmp_path):
    run_stage(merged)
    follows = make_stage("merged", MergeConfig((merged.out, merged.out)), tmp_path / "cache", (merged,))
    run_stage(follows)
    assert outdated_stages([follows], "refuse") == []
    write_json(merged.out / DONE, {**read_json(merged.out / DONE), "version": 0})
    with pytest.raises(UserError, match=r"another version of the code \(merged-.*--on-version-mismatch redo"):
        outdated_stages([follows], "refuse")
    assert [stage.name for stage in outdated_stages([follows], "keep")] == [merged.name]
    assert follows.done
    assert follows.done
    names = followers(tmp_path / "cache", [merged])
    assert names == [merged.name, follows.name]  # whoever asked, and whichever experiment made it
    remove_stages(tmp_path / "cache", names)
    assert not any((tmp_path / "cache").iterdir())


def test_what_other_code_began_is_not_gone_on_with(merged, tmp_path):
    begun = merged.out.with_name(merged.name + BEGUN)
    left = merged.out / "left-over"
    left.mkdir(parents=True)
    write_json(begun, {"version": code_version("merged"), "inputs": ["dataset-1"]})
    assert followers(tmp_path / "cache", [make_stage("dataset", MergeConfig(), tmp_path / "cache")]) != [merged.name]
    write_json(begun, {"version": 0, "inputs": []})
    run_stage(merged)
    assert merged.done
    assert not left.exists()
    assert not begun.exists()


def test_a_removal_that_was_killed_leaves_a_stage_that_is_made_anew(merged, tmp_path, monkeypatch):
    run_stage(merged)
    follows = make_stage("merged", MergeConfig((merged.out, merged.out)), tmp_path / "cache", (merged,))
    run_stage(follows)
    whole = follows.out / DONE

    def killed(folder):
        raise KeyboardInterrupt(folder)

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            remove_stages(tmp_path / "cache", [merged.name, follows.name])
    assert not whole.exists()
    assert merged.done
    assert followers(tmp_path / "cache", [merged]) == [merged.name, follows.name]
    (follows.out / "left-over").touch()
    run_stage(follows)
    assert follows.done
    assert not (follows.out / "left-over").exists()


def test_labels_without_a_success_stop_the_experiment_before_training(tmp_path):
    hopeless = write_dataset(tmp_path / "labels", 6, seed=0, failures=5)
    successes = [attempt.id for attempt in Dataset(hopeless).attempts(success=True)]
    assert len(successes) == 1
    for seed in range(20):
        stage = make_stage("teacher", TeacherConfig(dataset=hopeless, labels=1, label_seed=seed), tmp_path / "cache")
        try:
            check_labels([stage])
        except UserError as error:
            assert "is a success" in str(error)
            assert f"replicate {seed} of 1 labels" in str(error)
            assert "--levels" in str(error)
            return
    pytest.fail("a draw of one label out of six, five of them failures, was never a failure")


def test_the_estimate_adds_up_units_and_durations_have_words(tmp_path):
    stage = make_stage("merged", MergeConfig(), tmp_path, units=100, scale="112")
    costs = {"merged 112": 0.5, "one_shot attempt 112": 0.1}
    assert estimate([stage], {"one_shot attempt 112": 20}, costs, 2) == pytest.approx((50 + 2) / 2)
    assert estimate([], {}, {}, 2) == 0.0
    looked = {"table fpn-resnet50-338": 0.2}  # the cost of a network at one angle, measured elsewhere
    assert estimate([], {"one_shot attempt 338": 10}, looked, 1) == pytest.approx(10 * 16 * 0.2)
    proxy = make_stage("proxy", MergeConfig(), tmp_path, units=100, scale="fpn-resnet50-338")
    assert estimate([proxy], {}, looked, 1) == pytest.approx(100 * 0.2)
    network = make_stage("affordance_filter", MergeConfig(), tmp_path, units=100, scale="112")
    assert known_cost("affordance_filter", "112", {}) is None
    assert estimate([network], {}, {"affordance 112": 0.2}, 1) == pytest.approx(20)  # the cost of its like
    assert estimate([network], {}, {"affordance 112": 0.2, "affordance_filter 112": 0.3}, 1) == pytest.approx(30)
    assert [format_duration(s) for s in (0.2, 40, 600, 9000)] == ["1 s", "40 s", "10 min", "2.5 h"]
