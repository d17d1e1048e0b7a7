"""The proxy audit: like is paired with like, and a proxy that ranks is told from one that does not."""

from pathlib import Path

import numpy as np

from grasping_student.experiments import audit
from grasping_student.experiments.arms import DEFAULT_STUDENT
from grasping_student.experiments.records import Run


def test_the_audit_pairs_a_network_with_what_it_does_without_its_rule():
    def run(arm, shots, **measured):
        where = {"experiment": "label-fraction", "regime": "in-distribution", "setting": "5 %", "draw": 0, "arm": arm}
        return Run(Path("a run"), {**where, "model": arm, "one_shot": {"outcomes": shots}, **measured})

    proxy = {"proxy": {"outcomes": "11"}}
    ruled, bare = run(DEFAULT_STUDENT, "1111", **proxy), run("student_bare", "1100")
    assert [each.one_shot for each in audit.audited_models([ruled, bare])] == [0.5]
    assert audit.audited_models([ruled]) == []
    assert [each.one_shot for each in audit.audited_models([run("student", "1110", **proxy)])] == [0.75]


def test_the_audit_tells_a_proxy_that_ranks_from_one_that_does_not():
    random = np.random.default_rng(0)
    truth = random.random(40)
    groups = np.arange(40) // 2
    good, _ = audit.audit_sentences(np.stack([truth, truth + 0.02 * random.random(40)], axis=1), groups)
    blind, _ = audit.audit_sentences(np.stack([truth, random.random(40)], axis=1), groups)
    assert "right more often than wrong" in good
    assert "not told apart from chance" in blind
    assert "nothing can be ranked" in audit.audit_sentences(np.ones((5, 2)), np.zeros(5))[0]


def test_the_audit_compares_models_of_one_cell_only(tmp_path):
    def model(experiment, name, shots, proxy):
        where = {"experiment": experiment, "regime": "r", "setting": "4", "arm": "student", "draw": 0}
        measured = {"model": name, "one_shot": {"outcomes": shots}, "proxy": {"outcomes": proxy}}
        return Run(tmp_path, {**where, **measured})

    runs = [model("angles", "a", "1100", "1100"), model("angles", "t", "1000", "1000")]
    runs += [model("labels-per-scene", "b", "1110", "0000"), model("labels-per-scene", "t", "1000", "1000")]
    sentence = audit.audit_lines(audit.audited_models(runs))[-2]
    assert sentence.startswith("Of 2 pairs"), "angles and labels a scene are no one setting"
    assert "orders 50 %" in sentence
