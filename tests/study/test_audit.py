"""The proxy audit: like is paired with like, and a proxy that ranks is told from one that does not."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from grasping_student.evaluation.statistics import Counts
from grasping_student.study import proxy_validity as audit
from grasping_student.study.conditions import DEFAULT_STUDENT
from grasping_student.study.records import Run


def test_the_audit_pairs_a_network_with_what_it_does_without_its_rule():
    def run(arm, shots, **measured):
        where = {"experiment": "label-fraction", "regime": "in-distribution", "setting": "5 %", "draw": 0, "arm": arm}
        return Run(Path("a run"), {**where, "model": arm, "one_shot": {"outcomes": shots}, **measured})

    proxy = {"proxy": {"outcomes": "11"}}
    ruled, bare = run(DEFAULT_STUDENT, "1111", **proxy), run("student_bare", "1100")
    assert [each.one_shot for each in audit.audited_models([ruled, bare])] == [0.5]
    assert audit.audited_models([ruled]) == []
    assert [each.one_shot for each in audit.audited_models([run("student", "1110", **proxy)])] == [0.75]


def models_with(proxy_of, draws=3, scenes=400):
    """Twelve models a draw whose true rates are spread, and whose proxy has the rate ``proxy_of(true rate)``."""
    random = np.random.default_rng(0)
    found = []
    for draw in range(draws):
        for number, rate in enumerate(np.linspace(0.3, 0.9, 12)):
            shots, judged = (
                Counts((random.random(scenes) < share).astype(int), np.ones(scenes, int))
                for share in (rate, proxy_of(rate, random))
            )
            cell = ("label-fraction", "in-distribution", str(number), draw)
            found.append(audit.Audited("student", (cell,), shots, judged))
    return found


def test_the_audit_tells_a_proxy_that_ranks_from_one_that_does_not():
    assert "right more often than wrong" in audit.audit_sentences(models_with(lambda rate, _: rate))[0]
    assert "proxy gives is wrong" in audit.audit_sentences(models_with(lambda rate, _: 1.0 - rate))[0]
    blind = audit.audit_sentences(models_with(lambda _, random: 0.3 + 0.6 * random.random()))[0]
    assert "not told apart from chance" in blind
    alike = [audit.Audited("student", m.cells, m.shots, m.shots) for m in models_with(lambda rate, _: rate)[:1] * 5]
    assert "nothing can be ranked" in audit.audit_sentences(alike)[0]


def test_the_rank_correlation_is_that_of_scipy():
    pairs = np.round(np.random.default_rng(1).random((50, 2)), 1)  # many ties
    assert audit.rank_correlation(pairs) == pytest.approx(spearmanr(pairs[:, 0], pairs[:, 1]).statistic)


def test_the_audit_concludes_nothing_from_two_draws():
    sentence = audit.audit_sentences(models_with(lambda rate, _: rate, draws=2))[0]
    assert "With 2 draws nothing is concluded." in sentence and "right" not in sentence


def test_few_scenes_make_the_interval_of_the_rank_wide():
    wide, narrow = (audit.bootstrap_rank(models_with(lambda rate, _: rate, scenes=n)) for n in (20, 2000))
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])
    assert narrow[0] > 0.9


def test_the_interval_of_the_rank_holds_what_was_measured():
    """Though resampled rates, being noisier, are correlated less."""
    for scenes in (10, 40, 160):
        models = models_with(lambda rate, _: rate, scenes=scenes)
        low, high = audit.bootstrap_rank(models)
        measured = audit.rank_correlation(np.array([(each.one_shot, each.proxy) for each in models]))
        assert low < measured < high


def test_the_audit_compares_models_of_one_cell_only(tmp_path):
    def model(experiment, name, shots, proxy):
        where = {"experiment": experiment, "regime": "r", "setting": "4", "arm": "student", "draw": 0}
        measured = {"model": name, "one_shot": {"outcomes": shots}, "proxy": {"outcomes": proxy}}
        return Run(tmp_path, {**where, **measured})

    runs = [model("angles", "a", "1100", "1100"), model("angles", "t", "1000", "1000")]
    runs += [model("labels-per-scene", "b", "1110", "0000"), model("labels-per-scene", "t", "1000", "1000")]
    sentence = audit.audit_lines(audit.audited_models(runs), {})[-2]
    assert sentence.startswith("Of 2 pairs"), "angles and labels a scene are no one setting"
    assert "orders 50 %" in sentence
