"""Measures of an affordance network by law: perfect, chance, calibrated, and against literal definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grasping_student.evaluation.network_metrics import affordance_metrics, balanced_accuracy, reliability

PAIRS = st.lists(st.tuples(st.floats(0.0, 1.0), st.booleans()), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_measures_equal_their_definitions(pairs):
    p, y = (np.array(values) for values in zip(*pairs, strict=True))
    metrics = affordance_metrics(p, y)
    tp = sum(a > 0.5 and b for a, b in pairs)
    fp = sum(a > 0.5 and not b for a, b in pairs)
    fn = sum(a <= 0.5 and b for a, b in pairs)
    tn = sum(a <= 0.5 and not b for a, b in pairs)
    assert metrics["precision"] == (pytest.approx(tp / (tp + fp)) if tp + fp else None)
    assert metrics["recall"] == (pytest.approx(tp / (tp + fn)) if tp + fn else None)
    assert metrics["specificity"] == (pytest.approx(tn / (tn + fp)) if tn + fp else None)
    if tp + fn and tn + fp:
        assert metrics["balanced_accuracy"] == pytest.approx((tp / (tp + fn) + tn / (tn + fp)) / 2)
    else:
        assert metrics["balanced_accuracy"] is None
    bins = metrics["reliability"]
    assert sum(bins["count"]) == len(pairs)
    gaps = [abs(a - b) * n for a, b, n in zip(bins["predicted"], bins["seen"], bins["count"], strict=True) if n]
    assert metrics["expected_calibration_error"] == pytest.approx(sum(gaps) / len(pairs))


def test_balanced_accuracy_is_one_half_for_whoever_always_says_the_same():
    outcomes = [1] * 90 + [0] * 10
    assert balanced_accuracy([0.9] * 100, outcomes) == 0.5
    assert balanced_accuracy([0.1] * 100, outcomes) == 0.5
    assert balanced_accuracy(outcomes, outcomes) == 1.0
    assert np.isnan(balanced_accuracy([0.9, 0.2], [1, 1]))


def test_a_calibrated_prediction_has_a_small_calibration_error_and_a_boastful_one_a_large():
    random = np.random.default_rng(0)
    p = random.random(20_000)
    y = random.random(20_000) < p
    assert reliability(p, y).expected_calibration_error < 0.02
    assert reliability(np.where(p > 0.5, 0.99, 0.01), y).expected_calibration_error > 0.2


@pytest.mark.parametrize(
    ("p", "y"),
    [
        ([], []),
        ([0.5], [1, 0]),
        ([1.5], [1]),
        ([float("nan")], [1]),
        ([0.5], [2]),
        ([0.5], [0.7]),
        ([0.5], [-1]),
        ([0.5], [float("nan")]),
        ([0.5], [None]),
        ([0.5], ["1"]),
    ],
)
@pytest.mark.parametrize("measure", [reliability, balanced_accuracy, affordance_metrics])
def test_what_is_no_prediction_or_no_outcome_is_refused(measure, p, y):
    with pytest.raises(ValueError, match="must"):
        measure(p, y)
