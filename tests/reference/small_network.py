"""Small networks for the tests: smooth enough to compare pictures that differ by a resampled pixel."""

import torch
from torch import nn


def small_network(seed: int) -> nn.Sequential:
    """Two convolutions that see 7 x 7 pixels, whose scores vary by some units within a scene."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Conv2d(1, 6, kernel_size=5, padding=2), nn.Tanh(), nn.Conv2d(6, 1, kernel_size=3, padding=1)
        )
    with torch.no_grad():
        network[2].weight.mul_(2.0)
    return network
