"""What stands beside an experiment's own runs: same cells, same sizes and seed, never in place of an own one."""

from pathlib import Path

from grasping_student.study.designs import Beside
from grasping_student.study.records import Run, run_path
from grasping_student.study.reference_runs import with_beside


def a_run(arm, setting="5 %", draw=0, seed=0, model="a", **measures):
    return Run(
        run_path(Path(), "domain-shift", setting, arm, draw),
        {
            "experiment": "e",
            "regime": "domain-shift",
            "setting": setting,
            "arm": arm,
            "draw": draw,
            "model": model,
            "asked": {"sizes": {"pixels": 112, "episodes": 20 + draw}, "seed": seed},
            "code": {},
            **measures,
        },
    )


SHOT, OTHER = {"outcomes": "10"}, {"outcomes": "01"}


def test_arms_of_another_experiment_stand_in_the_cells_that_hold_own_runs_with_the_own_measures():
    own = [a_run("student", one_shot=SHOT), a_run("student", "20 %", one_shot=SHOT)]
    other = [
        a_run("teacher", setting, draw, one_shot=OTHER, proxy=OTHER) for setting in ("5 %", "10 %") for draw in (0, 1)
    ]
    found = with_beside(own, [*other, a_run("random", one_shot=OTHER)], Beside("other", ("teacher",)))
    assert [(run.arm, run.setting, run.draw) for run in found[2:]] == [("teacher", "5 %", 0)]
    assert found[2].values["one_shot"] == OTHER and "proxy" not in found[2].values


def test_what_stands_beside_at_one_setting_stands_once_a_draw_whatever_is_on_file():
    own = [
        a_run("student", "judge", 0, one_shot=SHOT),
        a_run("student", "plain", 0, one_shot=SHOT),
        a_run("student", "plain", 1, one_shot=SHOT),
    ]
    other = [a_run("teacher", setting, draw, one_shot=OTHER) for setting in ("5 %", "10 %") for draw in (0, 1, 2)]
    found = with_beside(own, other, Beside("other", ("teacher",), setting="5 %"))
    assert [(run.arm, run.setting, run.draw) for run in found[3:]] == [("teacher", "5 %", 0), ("teacher", "5 %", 1)]


def test_own_runs_are_kept_and_those_of_another_seed_or_size_are_not_shown():
    own = [a_run("student", one_shot=SHOT), a_run("teacher", one_shot=SHOT)]
    same, foreign = a_run("teacher", one_shot=OTHER), a_run("random", seed=7, one_shot=OTHER)
    larger = a_run("random", one_shot=OTHER)
    larger.values["asked"]["sizes"]["pixels"] = 338
    assert with_beside(own, [same, foreign, larger], Beside("other", ("teacher", "random"))) == own
    assert len(with_beside(own, [a_run("random", one_shot=OTHER)], Beside("other", ("random",)))) == 3


def test_a_measure_is_borrowed_for_the_same_model_alone_and_never_in_place_of_an_own_one():
    own = [a_run("student", one_shot=SHOT), a_run("teacher", one_shot=SHOT, proxy=SHOT), a_run("student", draw=1)]
    other = [
        a_run("student", one_shot=OTHER, proxy=OTHER),
        a_run("teacher", proxy=OTHER),
        a_run("student", draw=1, model="b", proxy=OTHER),
    ]
    found = with_beside(own, other, Beside("other", measures=("proxy",)))
    assert [run.values.get("proxy") for run in found] == [OTHER, SHOT, None]
    assert found[0].values["one_shot"] == SHOT
