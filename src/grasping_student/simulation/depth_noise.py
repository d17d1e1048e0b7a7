"""What a depth camera does to a perfect heightmap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from grasping_student.geometry.heightmap import Heightmap
from grasping_student.simulation.sensor_config import DepthNoise


def add_depth_noise(heightmap: Heightmap, noise: DepthNoise, random: np.random.Generator) -> Heightmap:
    """The heightmap with noise on every pixel, rounded heights, and unmeasured pixels (NaN)."""
    clean = heightmap.height
    height = clean.astype(np.float64)
    if noise.sigma > 0.0:
        height += random.normal(0.0, noise.sigma, size=clean.shape)
    if noise.step > 0.0:
        height = np.round(height / noise.step) * noise.step
    holes = random.random(clean.shape) < noise.random_holes
    if noise.edge_holes > 0.0:
        holes |= _beside_a_step(clean, noise.edge_height) & (random.random(clean.shape) < noise.edge_holes)
    height[holes] = np.nan
    return replace(heightmap, height=height.astype(np.float32))


def _beside_a_step(height: np.ndarray, smallest: float) -> np.ndarray:
    """Pixels that differ from a neighbour of the same row or column by more than a height."""
    steps = np.zeros(height.shape, dtype=bool)
    down = np.abs(np.diff(height, axis=0)) > smallest
    right = np.abs(np.diff(height, axis=1)) > smallest
    steps[1:] |= down
    steps[:-1] |= down
    steps[:, 1:] |= right
    steps[:, :-1] |= right
    return steps
