"""Turning on our canvas is the literal turning, pixel for pixel."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from literal.rotation import crop, literal_canvas, pad, rotate

from grasping_student.geometry.grasp import TRAINING_ANGLES
from grasping_student.geometry.workspace import Workspace, paper_workspace
from grasping_student.models.rotation import Canvas, bordered, graspable_pixels_at, source_at

SMALL = Workspace(extent=0.16, pixels=40, margin=0.02)
BINS = st.integers(0, TRAINING_ANGLES.count - 1)
TIES = 0.005
"""Share of pixels that lie on the edge between two pixels to the last digit, where single precision decides."""


def test_the_papers_picture_is_padded_from_338_to_480_pixels_and_ours_to_352():
    assert literal_canvas(338) == 480
    assert Canvas(paper_workspace(), 32).side == 352


@settings(max_examples=40, deadline=None)
@given(BINS, st.integers(0, 2**32 - 1))
def test_our_picture_is_the_middle_of_the_literal_one(index, seed):
    phi = TRAINING_ANGLES.angle(index)
    height = np.random.default_rng(seed).random(SMALL.shape).astype(np.float32)
    canvas = Canvas(SMALL, 4)
    ours = bordered(height).ravel()[source_at(canvas, phi)]
    angles = torch.tensor([phi], dtype=torch.float32)
    literal = rotate(pad(torch.from_numpy(height)[None, None], literal_canvas(SMALL.pixels)), angles)
    middle = crop(literal, canvas.side)[0, 0].numpy()
    assert np.mean(ours != middle) <= TIES


@settings(max_examples=40, deadline=None)
@given(BINS)
def test_turning_the_label_picks_the_score_that_turning_the_scores_back_picks(index):
    phi = TRAINING_ANGLES.angle(index)
    canvas = Canvas(SMALL, 4)
    scores = torch.arange(canvas.side**2, dtype=torch.float32).reshape(1, 1, canvas.side, canvas.side)
    whole = pad(scores, literal_canvas(SMALL.pixels))
    literal = crop(rotate(whole, torch.tensor([-phi], dtype=torch.float32)), SMALL.pixels)[0, 0].numpy()
    ours = graspable_pixels_at(canvas, phi)
    assert np.mean(ours != literal[SMALL.graspable_slice]) <= TIES


@pytest.mark.parametrize("degrees", [0.0, 30.0, 90.0, 135.0])
def test_a_bar_at_phi_comes_to_lie_horizontal(degrees):
    phi, pixels = math.radians(degrees), 41
    steps = np.arange(-15, 16)
    bar = torch.zeros(1, 1, pixels, pixels)
    rows = 20 - np.round(steps * math.sin(phi)).astype(int)
    cols = 20 + np.round(steps * math.cos(phi)).astype(int)
    bar[0, 0, rows, cols] = 1.0
    turned = rotate(bar, torch.tensor([phi]))[0, 0]
    assert turned[19:22].sum() == turned.sum() > 20
