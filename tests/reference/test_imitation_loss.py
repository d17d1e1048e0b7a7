"""The loss in the rotated frame is the loss of Algorithm 1 with the scores turned back into the scene."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from literal.algorithms import OnHeights, bin_angles, imitation_losses, sample_distant, teacher_loss
from literal.scenes import box_batch
from small_network import small_network

from grasping_student.geometry.grasp import TRAINING_ANGLES
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.normalisation import Normalisation, normalise
from grasping_student.models.rotation import Canvas, View, bordered
from grasping_student.training.losses import pair_logit, pair_loss

SMALL = Workspace(extent=0.2, pixels=48, margin=0.03)
GRASPABLE = torch.from_numpy(SMALL.graspable_mask())
CANVAS = Canvas(SMALL, 4)
NORMALISATION = Normalisation()


def rotated_frame_loss(network, batch, distant):
    """The fast loss, put together from its parts: both maps on the canvas, the label turned into it."""
    logits = []
    for scene, row, col, own, other in zip(
        batch.scenes[:, 0].numpy(),
        batch.rows.tolist(),
        batch.cols.tolist(),
        batch.bins.tolist(),
        distant.tolist(),
        strict=True,
    ):
        views = [View(TRAINING_ANGLES.angle(own)), View(TRAINING_ANGLES.angle(other))]
        flat = normalise(bordered(scene), NORMALISATION).ravel()
        pictures = torch.from_numpy(np.stack([flat[CANVAS.source(view)] for view in views]))[:, None]
        mask = torch.from_numpy(np.stack([CANVAS.mask(view) for view in views]))
        canvas_row, canvas_col = CANVAS.pixel(row, col, views[0])
        label = torch.tensor([int(canvas_row) * CANVAS.side + int(canvas_col)])
        logits.append(pair_logit(network(pictures)[None, :, 0], mask[None], label))
    return pair_loss(torch.cat(logits), batch.successes, torch.ones(len(distant)))


def gradient(loss, network):
    return torch.cat([each.flatten() for each in torch.autograd.grad(loss, list(network.parameters()))])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_loss_and_gradient_of_random_batches(seed):
    random = np.random.default_rng(seed)
    network = small_network(seed)
    batch = box_batch(SMALL, 6, random, boxes=4)
    distant = sample_distant(batch.bins, random)
    literal = teacher_loss(OnHeights(network, NORMALISATION), batch, distant, GRASPABLE)
    fast = rotated_frame_loss(network, batch, distant)
    assert fast.item() == pytest.approx(literal.item(), rel=0.01)
    cosine = torch.cosine_similarity(gradient(literal, network), gradient(fast, network), dim=0)
    assert cosine > 0.99


def test_a_confident_failure_is_not_lost_to_rounding():
    batch = box_batch(SMALL, 3, np.random.default_rng(0))
    pair = torch.zeros(3, 2, *SMALL.shape)
    pair[2, 0, batch.rows[2], batch.cols[2]] = 12.0
    assert batch.successes[2] == 0.0
    literal = imitation_losses(pair.double(), batch_in_double(batch), GRASPABLE)[2]
    others = 2 * SMALL.graspable_pixels**2 - 1
    assert literal.item() == pytest.approx(np.log1p(np.exp(12.0) / others), rel=1e-6)
    label = batch.rows * SMALL.pixels + batch.cols
    fast = pair_logit(pair, GRASPABLE.expand(3, 2, -1, -1), label)[2]
    assert pair_loss(fast[None], torch.zeros(1), torch.ones(1)).item() == pytest.approx(literal.item(), rel=1e-4)


def batch_in_double(batch):
    return type(batch)(batch.scenes, batch.rows, batch.cols, batch.bins, batch.successes.double())


def test_bins_and_angles_of_the_literal_side_are_ours():
    np.testing.assert_allclose(bin_angles(torch.arange(64)).numpy(), TRAINING_ANGLES.angles, rtol=1e-6)
