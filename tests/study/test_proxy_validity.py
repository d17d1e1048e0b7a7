"""Validity of the proxy: like is paired with like, and a proxy that ranks is told from one that does not."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from tests.fakes.runs import a_run, outcome_rows

from grasping_student.evaluation.statistics import Counts
from grasping_student.study import proxy_validity as validity
from grasping_student.study.conditions import DEFAULT_STUDENT
from grasping_student.study.rates import Evidence


def run(condition, shots, proxy="", experiment="label-fraction", level="5 %", **columns):
    measures = [("one_shot", outcome_rows(shots))] + ([("proxy", outcome_rows(proxy))] if proxy else [])
    return a_run(experiment, ("in-distribution", level, condition, 0), measures, **columns)


def compared(*runs, experiment="label-fraction"):
    return validity.compared_models({experiment: Evidence(experiment, pd.concat(runs, ignore_index=True))})


def test_a_network_is_paired_with_its_rate_without_its_constraint():
    constrained, without = run(DEFAULT_STUDENT, "1111", "11"), run("student_unconstrained", "1100")
    assert [each.one_shot for each in compared(constrained, without)] == [0.5]
    assert compared(constrained) == []
    assert [each.one_shot for each in compared(run("student", "1110", "11"))] == [0.75]


def models_with(proxy_of, replicates=3, scenes=400):
    """Twelve models a draw whose true rates are spread, and whose proxy has the rate ``proxy_of(true rate)``."""
    random = np.random.default_rng(0)
    found = []
    for replicate in range(replicates):
        for number, rate in enumerate(np.linspace(0.3, 0.9, 12)):
            shots, judged = (
                Counts((random.random(scenes) < share).astype(int), np.ones(scenes, int))
                for share in (rate, proxy_of(rate, random))
            )
            cell = ("label-fraction", "in-distribution", str(number), replicate)
            found.append(validity.ComparedModel("student", (cell,), shots, judged))
    return found


def test_a_proxy_that_ranks_is_told_from_one_that_does_not():
    def verdict(models):
        return validity.validity("All", models).verdict

    assert verdict(models_with(lambda rate, _: rate)) == "right more often than wrong"
    assert verdict(models_with(lambda rate, _: 1.0 - rate)) == "wrong"
    assert verdict(models_with(lambda _, random: 0.3 + 0.6 * random.random())) == "not told apart from chance"
    alike = models_with(lambda rate, _: rate)[:1] * 5
    assert verdict(alike) == "nothing can be ranked"
    assert verdict(models_with(lambda rate, _: rate, replicates=2)) == "nothing concluded: n = 2"


def test_the_rank_correlation_is_that_of_scipy():
    pairs = np.round(np.random.default_rng(1).random((50, 2)), 1)  # many ties
    assert validity.rank_correlation(pairs) == pytest.approx(spearmanr(pairs[:, 0], pairs[:, 1]).statistic)


def test_few_scenes_make_the_interval_of_the_rank_wide():
    wide, narrow = (validity.bootstrap_rank(models_with(lambda rate, _: rate, scenes=n)) for n in (20, 2000))
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])
    assert narrow[0] > 0.9


def test_the_interval_of_the_rank_holds_what_was_measured():
    """Though resampled rates, being noisier, are correlated less."""
    for scenes in (10, 40, 160):
        models = models_with(lambda rate, _: rate, scenes=scenes)
        low, high = validity.bootstrap_rank(models)
        measured = validity.rank_correlation(np.array([(each.one_shot, each.proxy) for each in models]))
        assert low < measured < high


def test_models_of_one_trial_only_are_ordered():
    angles = [
        run("student", "1100", "1100", "angles", "4", model="a"),
        run("teacher", "1000", "1000", "angles", "4", model="t"),
    ]
    others = [
        run("student", "1110", "0000", "labels-per-scene", "4", model="b"),
        run("teacher", "1000", "1000", "labels-per-scene", "4", model="t"),
    ]
    everything = {
        "angles": Evidence("angles", pd.concat(angles, ignore_index=True)),
        "labels-per-scene": Evidence("labels-per-scene", pd.concat(others, ignore_index=True)),
    }
    found = validity.pair_order(validity.compared_models(everything))
    assert (found.pairs, found.share) == (2, 0.5), "angles and labels a scene are no one trial"
