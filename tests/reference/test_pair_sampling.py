"""The distant angle of a pair: more than ten of 64 bins away around the circle, and every such bin (section III-D)."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from literal.algorithms import sample_distant

from grasping_student.geometry.grasp import TRAINING_ANGLES, angle_distance
from grasping_student.training.batches import distant_angle

COUNT = TRAINING_ANGLES.count
ANGLES = st.floats(0.0, math.pi, exclude_max=True)


@given(ANGLES, st.floats(0.0, 1.0, exclude_max=True))
def test_more_than_ten_bins_away_modulo_pi(angle, draw):
    assert angle_distance(distant_angle(angle, draw), angle) > 10.5 * math.pi / COUNT


@pytest.mark.parametrize("labelled", [0, 5, 31, 32, 60, 63])
def test_every_such_bin_is_drawn_and_equally_often(labelled):
    draws = np.arange(4300) / 4300
    bins = [TRAINING_ANGLES.index(distant_angle(TRAINING_ANGLES.angle(labelled), draw)) for draw in draws]
    times = np.bincount(bins, minlength=COUNT)
    steps = np.abs(np.arange(COUNT) - labelled)
    allowed = np.minimum(steps, COUNT - steps) > 10
    assert allowed.sum() == 43
    np.testing.assert_array_equal(times > 0, allowed)
    np.testing.assert_allclose(times[allowed], 100, atol=1)


def test_the_literal_rejection_draws_the_same_bins():
    labelled = torch.arange(COUNT).repeat(40)
    drawn = sample_distant(labelled, np.random.default_rng(0))
    steps = torch.remainder(drawn - labelled, COUNT)
    assert sorted(set(steps.tolist())) == list(range(11, 54))
