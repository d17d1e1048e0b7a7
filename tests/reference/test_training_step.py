"""A whole training step of ours, from scenes and labels to loss and gradient, against Algorithm 1 on the same draw."""

import math

import numpy as np
import pytest
import torch
from literal.algorithms import OnHeights, teacher_loss
from literal.scenes import box_batch
from small_network import small_network

from grasping_student.geometry.grasp import TRAINING_ANGLES
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.normalisation import Normalisation
from grasping_student.models.rotation import Canvas, bordered
from grasping_student.training import batches as batches_module
from grasping_student.training.augmentation import no_augmentation
from grasping_student.training.batches import Group, PairBatches
from grasping_student.training.labels import HEIGHT_UNIT, Labels, Scenes
from grasping_student.training.losses import PairStep

SMALL = Workspace(extent=0.2, pixels=48, margin=0.03)
GRASPABLE = torch.from_numpy(SMALL.graspable_mask())


def our_batches(batch, seed):
    """The labels of a literal batch as a data set of its own size; scenes go to the store's unit and back."""
    count = len(batch.scenes)
    heights = np.stack([np.rint(bordered(each) / HEIGHT_UNIT) for each in batch.scenes[:, 0].numpy()])
    labels = Labels(
        np.arange(count),
        batch.rows.numpy(),
        batch.cols.numpy(),
        TRAINING_ANGLES.angles[batch.bins.numpy()],
        batch.successes.numpy(),
        np.ones(count, dtype=np.float32),
    )
    group = Group(labels, Scenes(np.arange(count), heights.astype(np.uint16)), count)
    return PairBatches((group,), Canvas(SMALL, 4), Normalisation(), no_augmentation(), seed, 1)


@pytest.mark.parametrize("seed", range(10))
def test_loss_and_gradient_of_a_step(seed, monkeypatch):
    pairs = []

    def recorded(angle, draw, original=batches_module.distant_angle):
        distant = original(angle, draw)
        pairs.append((angle, distant))
        return distant

    monkeypatch.setattr(batches_module, "distant_angle", recorded)
    batch, network = box_batch(SMALL, 6, np.random.default_rng(seed), boxes=4), small_network(seed)
    ours = PairStep(SMALL.pixel_size)(network, our_batches(batch, seed)[0])["loss"]

    order = batches_module.items_of_step(0, 6, 6, seed)
    distant = torch.zeros(6, dtype=torch.int64)
    for item, (angle, other) in zip(order, pairs, strict=True):
        assert TRAINING_ANGLES.index(angle) == batch.bins[item]
        distant[item] = TRAINING_ANGLES.index(math.fmod(other, math.pi))
    literal = teacher_loss(OnHeights(network, Normalisation()), batch, distant, GRASPABLE)
    assert ours.item() == pytest.approx(literal.item(), rel=0.01)

    gradients = [torch.autograd.grad(loss, list(network.parameters())) for loss in (ours, literal)]
    first, second = (torch.cat([each.flatten() for each in gradient]) for gradient in gradients)
    assert torch.cosine_similarity(first, second, dim=0) > 0.99
