"""One-shot tests that grow model by model: what is added later meets the same scenes and states."""

from dataclasses import dataclass

import pytest
from tests.fakes.boxes import BoxWorld

from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.study.one_shot_log import OneShotLog, forget_models
from grasping_student.study.stage_registry import code_version


@dataclass(frozen=True)
class Boxes:
    """A world of boxes that looks like a simulation's spec."""

    family: str = "boxes"
    pixels: int = 40
    engine: str = "mujoco"
    outlives_program: bool = False

    def make(self):
        return BoxWorld(8)


def test_together_or_one_after_the_other_the_outcomes_are_the_same(tmp_path):
    together, apart = OneShotLog(tmp_path / "a", Boxes(), 3), OneShotLog(tmp_path / "b", Boxes(), 3)
    assert together.measure({"one": "random", "two": "random"}, 12, 1) == 24
    assert apart.measure({"two": "random"}, 5, 1) == 5
    assert apart.measure({"one": "random", "two": "random"}, 12, 1) == 12 + 7
    assert apart.measure({"one": "random", "two": "random"}, 12, 1) == 0
    assert together.attempts() == apart.attempts()
    attempts = together.attempts()
    outcomes = {name: [each.success for each in attempts[name].values()] for name in ("one", "two")}
    assert outcomes["one"] == outcomes["two"]
    assert set(outcomes["one"]) == {False, True}


def test_other_seeds_have_other_scenes(tmp_path):
    found = set()
    for seed in range(3):
        log = OneShotLog(tmp_path, Boxes(), seed)
        log.measure({"one": "random"}, 12, 1)
        found.add(tuple(each.success for each in log.attempts()["one"].values()))
    assert len(found) == 3


def test_a_line_cut_short_is_measured_again(tmp_path):
    log = OneShotLog(tmp_path, Boxes(), 0)
    log.measure({"one": "random"}, 6, 1)
    whole = log.path.read_bytes()
    log.path.write_bytes(whole[:-9])
    assert log.measure({"one": "random"}, 6, 1) == 1
    assert log.path.read_bytes() == whole


def test_a_log_of_other_code_is_refused_kept_or_begun_anew(tmp_path):
    log = OneShotLog(tmp_path, Boxes(), 0)
    log.check("refuse")
    assert log.version is None
    log.measure({"one": "random"}, 2, 1)
    log.check("refuse")
    assert log.version == code_version("one_shot")
    about = log.path.with_suffix(".code.json")
    before = read_json(about)
    write_json(about, {**before, "max_removed_fraction": 0.1})
    assert log.outdated, "bins emptied less far are other scenes"
    write_json(about, {**before, "version": 0})
    with pytest.raises(UserError, match="another version of the code"):
        log.check("refuse")
    log.check("keep")
    assert log.attempts()
    assert log.outdated
    assert log.version == 0
    log.remove()
    assert not log.attempts()
    assert not log.outdated


def test_what_is_trained_anew_under_its_old_name_grasps_anew(tmp_path):
    names = ("teacher-0a", "antipodal:teacher-0a", "teacher-0b", "random")
    logs = [OneShotLog(tmp_path, Boxes(), seed) for seed in (0, 1)]
    for log in logs:
        log.measure(dict.fromkeys(names, "random"), 3, 1)
    before = logs[0].path.read_bytes()
    forget_models(tmp_path, {"student-0c"})
    assert logs[0].path.read_bytes() == before
    forget_models(tmp_path, {"teacher-0a"})
    for log in logs:
        assert log.attempts().keys() == {"teacher-0b", "random"}
        assert log.measure(dict.fromkeys(names, "random"), 3, 1) == 6
