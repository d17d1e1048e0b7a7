"""Algorithms 1, 2 and 3 of the paper, line by line, as the authors' release runs them: fp32, one angle at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, TRAINING_ANGLES, AngleGrid
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.normalisation import Normalisation
from literal.rotation import crop, literal_canvas, pad, rotate
from literal.selection import literal_top_grasps

DISTANT_BINS = 10
"""A distant angle lies more than this many bins of the training grid away (the authors' constant)."""

Network = Callable[[Tensor], Tensor]
"""Heights in metres to scores, both of shape ``(batch, 1, side, side)``."""


class OnHeights(nn.Module):
    """A network that is given heights in metres: normalised after the rotation, so that outside is bare table."""

    def __init__(self, network: nn.Module, normalisation: Normalisation) -> None:
        super().__init__()
        self.network, self.normalisation = network, normalisation

    def forward(self, heights: Tensor) -> Tensor:
        return self.network((heights - self.normalisation.mean) / self.normalisation.std)


@dataclass(frozen=True, eq=False)
class Batch:
    """Scenes with one label each.

    Attributes:
        scenes: heights in the world frame, metres, float32 ``(batch, 1, pixels, pixels)``.
        rows, cols: labelled pixels, int64 ``(batch,)``.
        bins: labelled angles as bins of the training grid, int64 ``(batch,)``.
        successes: 1.0 where the grasp succeeded, float32 ``(batch,)``.
    """

    scenes: Tensor
    rows: Tensor
    cols: Tensor
    bins: Tensor
    successes: Tensor


def bin_angles(bins: Tensor, grid: AngleGrid = TRAINING_ANGLES) -> Tensor:
    """Radians of bins of a grid, float32, the bins' shape."""
    return (bins.double() * (torch.pi / grid.count)).float()


def forward(network: Network, scenes: Tensor, angles: Tensor) -> Tensor:
    """``Rot_-phi(g(Rot_phi(x)))``: scores in the world frame, shape ``(batch, 1, pixels, pixels)``. Algorithm 1, 2."""
    pixels = scenes.shape[-1]
    turned = rotate(pad(scenes, literal_canvas(pixels)), angles)
    return crop(rotate(network(turned), -angles), pixels)


def sample_distant(bins: Tensor, random: np.random.Generator, grid: AngleGrid = TRAINING_ANGLES) -> Tensor:
    """Bins more than ten bins away around the circle, drawn by rejection. Algorithm 1, line 5."""
    drawn = []
    for labelled in bins.tolist():
        while True:
            other = int(random.integers(grid.count))
            steps = abs(other - labelled)
            if min(steps, grid.count - steps) > DISTANT_BINS:
                break
        drawn.append(other)
    return torch.tensor(drawn)


def forward_pair(network: Network, scenes: Tensor, bins: Tensor, distant: Tensor) -> Tensor:
    """Scores at the labelled and the distant angle, shape ``(batch, 2, pixels, pixels)``. Algorithm 1, lines 4 to 9."""
    labelled_scores = forward(network, scenes, bin_angles(bins))
    distant_scores = forward(network, scenes, bin_angles(distant))
    return torch.cat([labelled_scores, distant_scores], dim=1)


def imitation_losses(pair: Tensor, batch: Batch, graspable: Tensor | None = None) -> Tensor:
    """``BCE(SOFTMAX3D([p, p'])[r, c], y)`` of each scene, shape ``(batch,)``. Algorithm 1, lines 13 and 14.

    Args:
        pair: scores, shape ``(batch, 2, pixels, pixels)``.
        batch: the labels.
        graspable: bool ``(pixels, pixels)``, where the softmax has its support; None: the whole picture.
    """
    if graspable is not None:
        pair = pair.masked_fill(~graspable, -torch.inf)
    share = torch.softmax(pair.flatten(1), dim=1).reshape(pair.shape)
    at_label = share[torch.arange(len(pair)), 0, batch.rows, batch.cols]
    return functional.binary_cross_entropy(at_label, batch.successes, reduction="none")


def teacher_loss(network: Network, batch: Batch, distant: Tensor, graspable: Tensor | None = None) -> Tensor:
    """Mean loss of a batch of labels, a scalar. Algorithm 1, lines 10 to 14."""
    return imitation_losses(forward_pair(network, batch.scenes, batch.bins, distant), batch, graspable).mean()


def affordance_loss(network: Network, batch: Batch) -> Tensor:
    """Mean loss of the affordance network, a scalar. Algorithm 3."""
    share = torch.sigmoid(forward(network, batch.scenes, bin_angles(batch.bins)))
    at_label = share[torch.arange(len(share)), 0, batch.rows, batch.cols]
    return functional.binary_cross_entropy(at_label, batch.successes)


@torch.no_grad()
def score_maps(network: Network, scenes: Tensor, bins: Tensor, workspace: Workspace, grid: AngleGrid) -> Tensor:
    """Scores of every grasp, one angle at a time, -inf outside the graspable area.

    Returns:
        Shape ``(batch, len(bins), pixels, pixels)``, world frame.
    """
    graspable = torch.from_numpy(workspace.graspable_mask())
    maps = [forward(network, scenes, bin_angles(index, grid).expand(len(scenes))) for index in bins]
    return torch.cat(maps, dim=1).masked_fill(~graspable, -torch.inf)


def best_grasp(network: Network, scene: Tensor, workspace: Workspace) -> tuple[int, int, int]:
    """Bin of the deployment grid, row and column of the largest score over 16 angles (section VI-D)."""
    grid = DEPLOYMENT_ANGLES
    scores = score_maps(network, scene[None], torch.arange(grid.count), workspace, grid)[0]
    index, row, col = np.unravel_index(int(scores.argmax()), scores.shape)
    return int(index), int(row), int(col)


def relabel(
    teacher: Network,
    scenes: Tensor,
    workspace: Workspace,
    random: np.random.Generator,
    angles: int = 16,
    count: int = 1,
) -> Batch:
    """Pseudo-labels of a batch from ``angles`` bins drawn anew. Algorithm 2, line 3; section IV-D."""
    bins = torch.from_numpy(random.choice(TRAINING_ANGLES.count, angles, replace=False))
    scores = score_maps(teacher, scenes, bins, workspace, TRAINING_ANGLES)
    grasps = torch.stack([torch.tensor(literal_top_grasps(each, count)[-1]) for each in scores])
    channel, rows, cols = grasps.unbind(dim=1)
    return Batch(scenes, rows, cols, bins[channel], torch.ones(len(scenes)))


def literal_training_step(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    affordance: nn.Module,
    batch: Batch,
    random: np.random.Generator,
    teacher: nn.Module | None = None,
    workspace: Workspace | None = None,
) -> float:
    """One step of the release: relabel (student only), loss, update, affordance pass for the proxy; returns the loss.

    Args:
        network: learns, in training mode.
        optimizer: of the network.
        affordance: judges the argmax of the labelled angle, in evaluation mode (the proxy of section IV-A).
        batch: scenes and, for a teacher, their labels.
        random: draws the distant angles and the teacher's angles.
        teacher: for a student's step: relabels the batch's scenes first.
        workspace: needed with a teacher.
    """
    if teacher is not None:
        assert workspace is not None
        batch = relabel(teacher, batch.scenes, workspace, random)
    pair = forward_pair(network, batch.scenes, batch.bins, sample_distant(batch.bins, random))
    loss = imitation_losses(pair, batch).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        success = torch.sigmoid(forward(affordance, batch.scenes, bin_angles(batch.bins)))
        chosen = pair[:, 0].flatten(1).argmax(dim=1, keepdim=True)
        success.flatten(1).gather(1, chosen)
    return loss.item()
