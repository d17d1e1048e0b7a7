"""A stage begins once, goes on with its own work alone, and is finished when its manifest is there."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.pipeline.stage import StageRun


@dataclass(frozen=True)
class Loop:
    steps: int = 5
    show_progress: bool = True


@dataclass(frozen=True)
class Config:
    out: Path = Path("runs/x")
    seed: int = 7
    count: int = 3
    workers: int = 1
    resume: bool = False
    overwrite: bool = False
    data: Path | None = None
    loop: Loop = field(default_factory=Loop)


def work(config, inputs=None, killed=False, stage="work"):
    """Run a stage; returns whether there was something left to do."""
    run = StageRun(stage, config, free=("count",))
    with run.output_folder("result.txt", inputs) as finished:
        if not finished:
            (config.out / "half.txt").write_text("half")
            if killed:
                raise KeyboardInterrupt
            (config.out / "result.txt").write_text("whole")
            run.finish(inputs, note="x")
        return not finished


def begun(config, **options):
    with pytest.raises(KeyboardInterrupt):
        work(config, killed=True, **options)
    return replace(config, resume=True)


def test_a_manifest_says_what_ran_on_what(tmp_path):
    assert work(Config(tmp_path / "run"), {"data": "abc"})
    manifest = read_json(tmp_path / "run" / "manifest.json")
    assert (manifest["stage"], manifest["seed"], manifest["note"]) == ("work", 7, "x")
    assert manifest["config"]["loop"] == {"steps": 5, "show_progress": True}
    assert manifest["inputs"] == {"data": "abc"}
    assert manifest["wall_time_s"] >= 0
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"half.txt", "result.txt", "manifest.json"}


def test_what_is_begun_is_gone_on_with_and_what_is_finished_is_done(tmp_path):
    again = begun(Config(tmp_path / "run"))
    assert (tmp_path / "run" / "started.json").exists()
    assert work(again)
    assert not (tmp_path / "run" / "started.json").exists()
    assert not work(again)


@pytest.mark.parametrize("finish", [False, True])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 8}, r"seed \(7, now 8\)"),
        ({"loop": Loop(6)}, r"loop\.steps \(5, now 6\)"),
        ({"seed": 8, "loop": Loop(6)}, r"seed \(7, now 8\), loop\.steps \(5, now 6\)"),
    ],
)
def test_what_was_begun_with_other_options_is_refused(tmp_path, change, words, finish):
    again = begun(Config(tmp_path / "run"))
    if finish:
        work(again)
    with pytest.raises(UserError, match=rf"--resume: .*run was begun with other values of {words}; give the same"):
        work(replace(again, **change))
    free = replace(again, workers=3, count=9, loop=Loop(show_progress=False))
    assert work(free) == (not finish)


def test_other_data_and_another_stage_are_refused(tmp_path):
    again = begun(Config(tmp_path / "run"), inputs={"data": "abc"})
    with pytest.raises(UserError, match=r"the content of data \(abc, now abd\)"):
        work(again, {"data": "abd"})
    with pytest.raises(UserError, match="holds the output of 'work', not of 'play'"):
        work(again, {"data": "abc"}, stage="play")
    assert work(again, {"data": "abc"})


@pytest.mark.parametrize("name", ["started.json", "collect.json", "demo.json"])
def test_what_earlier_releases_began_is_gone_on_with_or_refused_by_name(tmp_path, name):
    config = Config(tmp_path, resume=True)
    write_json(tmp_path / name, {"seed": 9, "loop": {"steps": 5}})
    with pytest.raises(UserError, match=r"seed \(9, now 7\)"):
        work(config)
    write_json(tmp_path / name, {"seed": 7})
    assert work(config)


def test_options_that_went_since_are_no_difference(tmp_path):
    config = Config(tmp_path, resume=True)
    write_json(tmp_path / "started.json", {"stage": "work", "config": {"seed": 7, "gone": 1, "loop": {"steps": 5}}})
    assert work(config)


@dataclass(frozen=True)
class SimulatingConfig(Config):
    engine: str = "mujoco"


def test_what_was_begun_before_an_engine_could_be_chosen_is_no_work_of_the_default_of_today(tmp_path):
    write_json(tmp_path / "started.json", {"stage": "work", "config": {"seed": 7}})
    with pytest.raises(UserError, match=r"engine \(pybullet, now mujoco\)"):
        work(SimulatingConfig(tmp_path, resume=True))
    assert work(SimulatingConfig(tmp_path, resume=True, engine="pybullet"))


def test_an_evaluation_that_an_earlier_release_began_is_gone_on_with(tmp_path):
    config, world = Config(tmp_path, resume=True, count=3), {"loop": {"steps": 5}}
    write_json(tmp_path / "run.json", {"models": {"a": "x"}, "versions": {"a": "1"}, "world": world, "seed": 7})
    with pytest.raises(UserError, match=r"models \(a, now a, b\)"):
        work(config, {"a": "1", "b": "2"})
    with pytest.raises(UserError, match=r"the content of a \(1, now 2\)"):
        work(config, {"a": "2"})
    assert work(config, {"a": "1"})


@pytest.mark.parametrize("name", ["result.txt", "manifest.json"])
def test_what_nobody_can_say_how_it_was_begun_is_not_gone_on_with(tmp_path, name):
    (tmp_path / name).write_text(json.dumps({"stage": "work"}))
    with pytest.raises(UserError, match="nothing that 'work' can go on with"):
        work(Config(tmp_path, resume=True))
    assert (tmp_path / name).exists()


def test_a_mistake_before_anything_was_made_leaves_an_empty_folder(tmp_path):
    with pytest.raises(UserError, match="wrong"), StageRun("work", Config(tmp_path / "run")).output_folder():
        raise UserError("wrong")
    assert not list((tmp_path / "run").iterdir())


@pytest.mark.parametrize("inside", [".", "labels"])
def test_a_stage_never_replaces_what_its_config_names(tmp_path, inside):
    config = Config(tmp_path / "run")
    work(config)
    (config.out / "labels").mkdir()
    with pytest.raises(UserError, match="which is read and must not be replaced"):
        work(replace(config, data=config.out / inside, overwrite=True))
    assert (config.out / "result.txt").exists()
