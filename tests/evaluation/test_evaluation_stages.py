"""Both evaluation stages over a world of boxes: resume, workers, pairing, refusals."""

import json

import numpy as np
import pytest
from tests.fakes.boxes import BoxPolicy, BoxWorld, BoxWorldSpec, make_box_policy

from grasping_student.episodes.configuration import StopRule
from grasping_student.episodes.event_log import (
    EpisodeEnd,
    attempts_in,
    is_intent,
    read_attempts,
    read_events,
    settle_intents,
)
from grasping_student.evaluation import one_shot, picking_stage
from grasping_student.evaluation.configuration import OneShotConfig, PickingConfig, parse_models
from grasping_student.evaluation.statistics import wilson_interval
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json

WORLD = BoxWorldSpec()


def pick(out, models=("teacher=random", "student=first"), world=WORLD, **options):
    options = {"episodes": 6, **options}
    return picking_stage.run(PickingConfig(models=models, out=out, **options), world, make_box_policy)


def shoot(out, models=("a=random", "b=first"), world=WORLD, **options):
    return one_shot.run(OneShotConfig(models=models, out=out, **{"scenes": 8, **options}), world, make_box_policy)


def results(folder):
    return (folder / "attempts.jsonl").read_bytes(), (folder / "metrics.json").read_bytes()


def test_models_alternate_teacher_first_on_the_same_scenes(tmp_path):
    ends = [event for event in read_events(pick(tmp_path / "a") / "attempts.jsonl") if isinstance(event, EpisodeEnd)]
    assert [(event.episode, event.policy) for event in ends] == [
        (e, m) for e in range(6) for m in ("teacher", "student")
    ]


@pytest.mark.parametrize("stage", [pick, shoot])
def test_the_result_does_not_depend_on_the_number_of_workers(stage, tmp_path):
    assert results(stage(tmp_path / "one", workers=1)) == results(stage(tmp_path / "two", workers=2))


@pytest.mark.parametrize("stage", [pick, shoot])
def test_a_log_cut_at_any_byte_is_completed_to_the_same_result(stage, tmp_path):
    whole, metrics = results(stage(tmp_path / "whole"))
    for cut in np.random.default_rng(0).integers(0, len(whole), 12):
        (tmp_path / "whole" / "attempts.jsonl").write_bytes(whole[:cut])
        assert results(stage(tmp_path / "whole", resume=True)) == (whole, metrics)


def test_a_finished_run_can_be_resumed_with_more_episodes(tmp_path):
    pick(tmp_path / "a", episodes=3)
    assert results(pick(tmp_path / "a", episodes=6, resume=True)) == results(pick(tmp_path / "b", episodes=6))


@pytest.mark.parametrize("stage", [pick, shoot])
def test_resuming_as_something_else_is_refused(stage, tmp_path):
    stage(tmp_path / "a")
    with pytest.raises(UserError, match=r"seed \(0, now 1\)"):
        stage(tmp_path / "a", seed=1, resume=True)
    with pytest.raises(UserError, match="models"):
        stage(tmp_path / "a", models=("teacher=blind",), resume=True)
    with pytest.raises(UserError, match="--overwrite"):
        stage(tmp_path / "a")


def test_a_run_begun_under_a_former_name_of_an_option_goes_on_or_is_refused_by_its_value(tmp_path):
    whole = results(shoot(tmp_path / "a", max_removed_fraction=0.5))
    manifest = read_json(tmp_path / "a" / "manifest.json")
    manifest["config"]["emptiest"] = manifest["config"].pop("max_removed_fraction")
    write_json(tmp_path / "a" / "manifest.json", manifest)
    with pytest.raises(UserError, match="max_removed_fraction"):
        shoot(tmp_path / "a", resume=True)
    assert results(shoot(tmp_path / "a", max_removed_fraction=0.5, resume=True)) == whole


def test_metrics_count_what_the_log_holds(tmp_path):
    folder = pick(tmp_path / "a", episodes=10)
    attempts = read_attempts(folder / "attempts.jsonl")
    metrics = json.loads((folder / "metrics.json").read_text())
    for model in ("teacher", "student"):
        own = [each for each in attempts if each.policy == model]
        row = metrics["models"][model]
        assert row["attempts"] == len(own)
        assert row["successes"] == sum(each.success for each in own)
        assert row["success_rate"] == row["successes"] / row["attempts"]
        assert row["attempts"] - row["successes"] == sum(row["failures"].values())
        assert sum(row["episode_ends"].values()) == row["episodes"] == 10
        assert row["bootstrap_95"][0] <= row["success_rate"] <= row["bootstrap_95"][1]
    (difference,) = metrics["differences"]
    rates = [metrics["models"][name]["success_rate"] for name in ("teacher", "student")]
    assert difference["all_picks"]["success_rate"] == pytest.approx(rates[1] - rates[0])
    assert (folder / "manifest.json").exists()


class Cell(BoxWorld):
    """A world that stays as a killed program left it."""

    power_fails_at = None

    def execute(self, grasp):
        if self._executed == self.power_fails_at:
            self._executed += 1
            raise KeyboardInterrupt
        return super().execute(grasp)

    def close(self):
        pass


class CellSpec:
    """Always the same cell, however often the program starts."""

    outlives_program = True

    def __init__(self, faults=()):
        self.cell = Cell(faults=faults)

    def make(self):
        return self.cell


def test_a_lasting_world_goes_on_after_any_attempt_without_losing_or_repeating_one(tmp_path, monkeypatch):
    monkeypatch.setattr(picking_stage, "to_plain", lambda value: str(type(value)))
    whole = read_events(pick(tmp_path / "whole", world=CellSpec(), episodes=2) / "attempts.jsonl")
    assert not any(is_intent(event) for event in settle_intents(whole))
    for stop in range(0, len(attempts_in(whole)), 3):
        spec = CellSpec()
        spec.cell.power_fails_at = stop
        out = tmp_path / f"stop-{stop}"
        with pytest.raises(KeyboardInterrupt):
            pick(out, world=spec, episodes=2)
        assert is_intent(read_events(out / "attempts.jsonl")[-1])
        pick(out, world=spec, episodes=2, resume=True)
        again = read_attempts(out / "attempts.jsonl")
        assert [each.outcome for each in again].count("fault") == 1
        assert len(spec.cell.resets) == 4
        keys = [(each.policy, each.episode, each.index) for each in again]
        assert len(keys) == len(set(keys))
        # the cell executed exactly what is on file: nothing lost, nothing twice
        assert spec.cell._executed == len(again)


def test_an_operator_may_cut_off_grasp_after_grasp_and_the_episode_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(picking_stage, "to_plain", lambda value: str(type(value)))
    spec = CellSpec()
    for resume in (False, True, True, True, True):
        spec.cell.power_fails_at = spec.cell._executed
        with pytest.raises(KeyboardInterrupt):
            pick(tmp_path / "a", world=spec, episodes=1, resume=resume)
    spec.cell.power_fails_at = None
    folder = pick(tmp_path / "a", world=spec, episodes=1, resume=True)
    row = json.loads((folder / "metrics.json").read_text())["models"]["teacher"]
    assert row["faults"] == 5
    assert row["episode_ends"].get("fault", 0) == 0
    assert row["attempts"] > 0


def test_a_device_that_keeps_failing_stops_the_run_and_the_next_start_begins_the_next_episode(tmp_path, monkeypatch):
    monkeypatch.setattr(picking_stage, "to_plain", lambda value: str(type(value)))
    spec = CellSpec(faults=(2, 3, 4))
    with pytest.raises(UserError, match="--resume"):
        pick(tmp_path / "a", world=spec, episodes=2)
    folder = pick(tmp_path / "a", world=spec, episodes=2, resume=True)
    row = json.loads((folder / "metrics.json").read_text())["models"]["teacher"]
    assert row["faults"] == 3
    assert row["episode_ends"]["fault"] == 1


def test_a_model_entered_twice_agrees_with_itself_on_every_scene(tmp_path):
    folder = shoot(tmp_path / "a", models=("a=random", "other=first", "b=random"), scenes=40)
    outcomes = {
        name: [(t.grasp, t.outcome) for t in read_attempts(folder / "attempts.jsonl") if t.policy == name]
        for name in ("a", "b", "other")
    }
    assert outcomes["a"] == outcomes["b"] != outcomes["other"]
    metrics = json.loads((folder / "metrics.json").read_text())
    same = next(row for row in metrics["differences"] if (row["first"], row["second"]) == ("a", "b"))
    assert same["one_shot"]["success_rate"] == 0.0
    low, high = same["one_shot"]["bootstrap_95"]
    assert -low == high == pytest.approx(wilson_interval(0, 40).high)  # not one of 40 scenes differed


def test_scenes_of_the_one_shot_test_have_all_fill_levels_and_are_never_empty():
    world, left = BoxWorld(boxes=12), []
    for scene in range(60):
        taken = one_shot.prepare_scene(world, scene, 0, 0.95)
        assert not world.observe().heightmap.is_empty()
        assert len(world.state.items) == 12 - taken
        left.append(12 - taken)
    assert min(left) <= 3
    assert max(left) == 12
    assert len(set(left)) > 6


def test_one_shot_counts_finding_nothing_as_a_failure_and_leaves_out_scenes_with_a_fault(tmp_path):
    row = json.loads((shoot(tmp_path / "a", models=("lazy", "first")) / "metrics.json").read_text())["models"]["lazy"]
    assert (row["attempts"], row["successes"], row["failures"]) == (8, 0, {"no_grasp": 8})
    metrics = json.loads((shoot(tmp_path / "b", world=BoxWorldSpec(faults=(3,))) / "metrics.json").read_text())
    assert [metrics["models"][name]["attempts"] for name in ("a", "b")] == [7, 7]


def test_one_shot_refuses_an_empty_family(tmp_path):
    with pytest.raises(UserError, match="--family"):
        shoot(tmp_path / "a", world=BoxWorldSpec(boxes=0))


@pytest.mark.parametrize("models", [(), ("a=",), ("=b",), ("a=x", "a=y")])
def test_models_that_cannot_be_told_apart_are_refused(models):
    with pytest.raises(UserError, match="--models"):
        parse_models(models)


def test_a_spec_alone_is_its_own_name():
    assert parse_models(["random", "x=runs/a", "runs/student"]) == {
        "random": "random",
        "x": "runs/a",
        "student": "runs/student",
    }


def test_a_changed_log_is_named(tmp_path):
    pick(tmp_path / "a")
    (tmp_path / "a" / "attempts.jsonl").write_text('{"event": "no"}\n')
    with pytest.raises(UserError, match="line 1"):
        pick(tmp_path / "a", resume=True)


def test_counts_below_one_are_refused():
    for wrong in ({"episodes": 0}, {"workers": 0}):
        with pytest.raises(ValueError, match="at least 1"):
            PickingConfig(**wrong)
    with pytest.raises(ValueError, match="share"):
        OneShotConfig(max_removed_fraction=1.0)


def test_the_fake_policy_is_a_policy():
    from grasping_student.policies.base import Policy

    assert isinstance(BoxPolicy("first"), Policy)
    assert StopRule() == PickingConfig().stop
