"""Best grasps: per-angle maxima against an argmax over everything, blanked windows against a convolution."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from literal.selection import literal_top_grasps

from grasping_student.models.selection import angle_maxima, non_maximum_suppression

SEEDS = st.integers(0, 2**32 - 1)


def random_scores(seed, angles, side, levels=0):
    """Scores with a forbidden rim; with ``levels`` they take few values, so that many tie."""
    random = np.random.default_rng(seed)
    scores = random.standard_normal((angles, side, side)).astype(np.float32)
    if levels:
        scores = np.round(scores * levels) / np.float32(levels)
    scores[:, :2], scores[:, -2:] = -np.inf, -np.inf
    return scores


@given(SEEDS, st.sampled_from([0, 3]), st.data())
def test_the_best_of_the_per_angle_maxima_is_the_argmax_over_every_subset_of_angles(seed, levels, data):
    scores = random_scores(seed, 64, 9, levels)
    best, rows, cols = angle_maxima(scores)
    subset = np.array(sorted(data.draw(st.sets(st.integers(0, 63), min_size=1))))
    chosen = subset[best[subset].argmax()]
    channel, row, col = np.unravel_index(scores[subset].argmax(), scores[subset].shape)
    assert (chosen, rows[chosen], cols[chosen]) == (subset[channel], row, col)


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 6), st.integers(0, 5))
def test_blanked_windows_choose_what_the_convolution_of_the_mask_chooses(seed, count, ban):
    scores = random_scores(seed, 4, 17)
    literal = literal_top_grasps(torch.from_numpy(scores), count, ban)
    ours = non_maximum_suppression(scores, count, nms_pixels=ban + 0.5)
    assert [(each.angle, each.row, each.col) for each in ours] == literal


def test_both_stop_when_nothing_is_left():
    scores = random_scores(0, 2, 9)
    assert len(literal_top_grasps(torch.from_numpy(scores), 5, ban=9)) == 1
    assert len(non_maximum_suppression(scores, 5, nms_pixels=9.5)) == 1
