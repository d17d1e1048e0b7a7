"""The pair loss against its definition in double precision, and where the definition breaks down."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grasping_student.training.losses import best_is_near, constraint_loss, pair_logit, pair_loss

SEEDS = st.integers(0, 2**32 - 1)


def random_case(seed, side=5, batch=3, scale=3.0):
    random = np.random.default_rng(seed)
    scores = torch.from_numpy(random.normal(0.0, scale, (batch, 2, side, side))).float()
    mask = torch.from_numpy(random.random((batch, 2, side, side)) < 0.7)
    label = torch.from_numpy(random.integers(0, side * side, batch))
    mask[:, 1, 0, 0] = True
    mask.flatten(1)[torch.arange(batch), label] = True
    success = torch.from_numpy(random.integers(0, 2, batch)).float()
    return scores, mask, label, success


def by_definition(scores, mask, label, success):
    """Softmax over both masked maps, binary cross-entropy at the label, in float64."""
    losses = []
    for each, allowed, at, y in zip(scores.double(), mask, label, success, strict=True):
        values = each.flatten()[allowed.flatten()]
        p = torch.exp(each.flatten()[at]) / torch.exp(values).sum()
        losses.append(-torch.log(p) if y else -torch.log(1.0 - p))
    return torch.stack(losses).mean()


@settings(deadline=None, max_examples=50)
@given(SEEDS)
def test_loss_and_gradient_are_those_of_the_definition(seed):
    scores, mask, label, success = random_case(seed)
    ours, theirs = scores.clone().requires_grad_(), scores.clone().requires_grad_()
    loss = pair_loss(pair_logit(ours, mask, label), success, torch.ones(3))
    expected = by_definition(theirs, mask, label, success)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-4, abs=1e-6)
    loss.backward()
    expected.backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-3, atol=1e-5)
    assert not ours.grad[~mask].any()


@pytest.mark.parametrize(("height", "success", "expected"), [(200.0, 0.0, 200.0 - math.log(49)), (-200.0, 1.0, None)])
def test_a_certain_mistake_costs_a_finite_loss_and_keeps_its_gradient(height, success, expected):
    scores = torch.zeros(1, 2, 5, 5)
    scores[0, 0, 2, 2] = height
    scores.requires_grad_()
    loss = pair_loss(
        pair_logit(scores, torch.ones(1, 2, 5, 5).bool(), torch.tensor([12])), torch.tensor([success]), torch.ones(1)
    )
    loss.backward()
    assert loss.item() == pytest.approx(expected or 200.0 + math.log(49), rel=1e-5)
    assert abs(scores.grad[0, 0, 2, 2].item()) == pytest.approx(1.0, rel=1e-5)


@given(SEEDS)
def test_a_weight_of_two_is_the_label_twice(seed):
    scores, mask, label, success = random_case(seed, batch=2)
    logit = pair_logit(scores, mask, label)
    twice = pair_loss(logit[[0, 0, 1]], success[[0, 0, 1]], torch.ones(3)) * 3 / 2
    assert pair_loss(logit, success, torch.tensor([2.0, 1.0])).item() == pytest.approx(twice.item(), rel=1e-5)


def test_only_a_best_pixel_in_the_labels_own_map_can_hit():
    scores, mask = torch.zeros(3, 2, 5, 5), torch.ones(3, 2, 5, 5).bool()
    scores[0, 0, 2, 3] = scores[1, 1, 2, 2] = scores[2, 0, 4, 4] = 1.0
    hits = best_is_near(scores, mask, torch.tensor([12, 12, 12]), radius=1.0)
    assert hits.tolist() == [True, False, False]


@settings(deadline=None, max_examples=50)
@given(SEEDS)
def test_the_constraint_loss_is_minus_the_log_of_the_allowed_probability(seed):
    scores, mask, _, _ = random_case(seed)
    allowed = mask & torch.from_numpy(np.random.default_rng(seed).random(mask.shape) < 0.2)
    allowed[0] = False  # a pair of maps without a good grasp says nothing
    scores = scores.requires_grad_()
    loss = constraint_loss(scores, mask, allowed)
    losses = []
    for each, inside, good in zip(scores.detach().double(), mask, allowed, strict=True):
        if good.any():
            losses.append(-math.log(torch.exp(each[good]).sum() / torch.exp(each[inside]).sum()))
    assert loss.item() == pytest.approx(np.mean(losses) if losses else 0.0, rel=1e-4, abs=1e-5)
    loss.backward()
    assert not scores.grad[0].any() and not scores.grad[~mask].any()
    assert torch.isfinite(scores.grad).all()


def test_the_constraint_loss_does_not_choose_among_allowed_grasps():
    scores = torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    mask, allowed = torch.ones(1, 2, 4, 4).bool(), torch.zeros(1, 2, 4, 4).bool()
    allowed[0, 0, 1, :2] = True
    moved = scores.clone()
    moved[0, 0, 1, :2] = scores[0, 0, 1, :2].flip(0)
    assert constraint_loss(moved, mask, allowed).item() == pytest.approx(
        constraint_loss(scores, mask, allowed).item(), rel=1e-6
    )
