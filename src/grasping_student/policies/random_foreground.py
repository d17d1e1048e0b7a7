"""Chance: a random foreground pixel at a random angle."""

from __future__ import annotations

import math

import numpy as np

from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.perception.observation import Observation
from grasping_student.policies.base import NothingToGrasp, Source


class RandomForeground:
    """A pixel drawn evenly from the graspable foreground, an angle drawn evenly from [0, pi). The score is always 0."""

    name = "random"
    version = "1"
    source: Source = "script"

    def __init__(self, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)

    def begin_episode(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def __call__(self, observation: Observation) -> tuple[PlanarGrasp, float]:
        foreground = np.argwhere(observation.heightmap.graspable_foreground() & ~observation.excluded)
        if not len(foreground):
            raise NothingToGrasp("no foreground in the graspable area")
        row, col = foreground[int(self._random.integers(len(foreground)))]
        return PlanarGrasp(int(row), int(col), self._random.uniform(0.0, math.pi)), 0.0
