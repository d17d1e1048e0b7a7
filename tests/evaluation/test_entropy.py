"""Laws of the entropy of a score map."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grasping_student.evaluation.network_metrics import entropy_bits, log_probabilities

SCORES = arrays(np.float64, (4, 5), elements=st.floats(-50, 50))


@given(SCORES, st.floats(-1000, 1000))
def test_probabilities_sum_to_one_and_a_constant_changes_nothing(scores, shift):
    logs = log_probabilities(scores)
    assert np.exp(logs).sum() == pytest.approx(1.0)
    np.testing.assert_allclose(log_probabilities(scores + shift), logs, atol=1e-9)
    assert -1e-9 <= entropy_bits(scores) <= np.log2(scores.size) + 1e-9


def test_known_values():
    assert entropy_bits(np.zeros(8)) == pytest.approx(3.0)
    assert entropy_bits([0.0, -np.inf, np.nan, 0.0]) == pytest.approx(1.0)
    assert entropy_bits([1e4, 0.0]) == 0.0
    with pytest.raises(ValueError, match="finite"):
        entropy_bits([-np.inf])
