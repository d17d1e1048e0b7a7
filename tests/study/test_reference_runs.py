"""Reference runs: of the same trials, never in place of an own run, only with measures that the own ones have."""

import pandas as pd
from tests.fakes.runs import a_run, outcome_rows

from grasping_student.study.design import ReferenceRuns
from grasping_student.study.reference_runs import with_reference
from grasping_student.study.run_store import by_run


def one(condition, level="5 %", replicate=0, name="label-fraction", model="a", **measures):
    rows = [(measure, outcome_rows(text)) for measure, text in measures.items()]
    return a_run(name, ("domain-shift", level, condition, replicate), rows, model=model)


def keys(own, other, reference):
    found = with_reference(pd.concat(own), pd.concat(other), reference)
    return {key: sorted(rows["measure"].unique()) for key, rows in by_run(found).items()}


def test_conditions_of_another_experiment_stand_in_trials_that_hold_own_runs_with_the_own_measures():
    own = [one("student", one_shot="10"), one("student", "20 %", one_shot="10")]
    other = [one("teacher", level, n, one_shot="01", proxy="01") for level in ("5 %", "10 %") for n in (0, 1)]
    found = keys(own, [*other, one("random", one_shot="01")], ReferenceRuns("label-fraction", ("teacher",)))
    assert found == {
        ("domain-shift", "5 %", "student", 0): ["one_shot"],
        ("domain-shift", "20 %", "student", 0): ["one_shot"],
        ("domain-shift", "5 %", "teacher", 0): ["one_shot"],
    }


def test_reference_runs_of_one_level_stand_once_a_replicate_whatever_is_on_file():
    own = [
        one("student_method", level, n, "methods", one_shot="10")
        for level, n in (("strong", 0), ("plain", 0), ("plain", 1))
    ]
    other = [one("teacher", level, n, one_shot="01") for level in ("5 %", "10 %") for n in (0, 1, 2)]
    found = keys(own, other, ReferenceRuns("label-fraction", ("teacher",), level="5 %"))
    assert [key for key in found if key[2] == "teacher"] == [("domain-shift", "5 %", "teacher", n) for n in (0, 1)]


def test_own_runs_are_kept():
    own = [one("student", one_shot="10"), one("teacher", one_shot="11")]
    found = with_reference(pd.concat(own), one("teacher", one_shot="00"), ReferenceRuns("x", ("teacher",)))
    pd.testing.assert_frame_equal(found, pd.concat(own, ignore_index=True))


def test_a_measure_is_taken_for_the_same_model_alone_and_never_in_place_of_an_own_one():
    own = [
        one("student", one_shot="10"),
        one("teacher", one_shot="10", proxy="10"),
        one("student", replicate=1, one_shot="1"),
    ]
    other = [
        one("student", one_shot="01", proxy="01"),
        one("teacher", proxy="01"),
        one("student", replicate=1, model="b", proxy="01"),
    ]
    found = by_run(with_reference(pd.concat(own), pd.concat(other), ReferenceRuns("x", measures=("proxy",))))
    proxies = {key[2:]: rows.loc[rows["measure"] == "proxy", "successes"].tolist() for key, rows in found.items()}
    assert proxies == {("student", 0): [0, 1], ("teacher", 0): [1, 0], ("student", 1): []}
    assert found["domain-shift", "5 %", "student", 0]["successes"].tolist()[:2] == [1, 0]
