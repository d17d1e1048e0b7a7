"""Items: what physics, the cameras and the policies are told of a thing that lies in the bin."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from grasping_student.simulation.materials import Material
from grasping_student.simulation.solids import Solid

SURFACE_SPACING = 0.005
"""Metres between the points that stand for a surface."""


class Item(ABC):
    """A rigid thing. The origin of its frame is its centre of mass, the axes are its principal axes."""

    material: Material
    """Of its surface and of what lies under it."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Category of the item."""

    @property
    @abstractmethod
    def solid(self) -> Solid:
        """The item as a physics engine is told of it."""

    @property
    @abstractmethod
    def triangles(self) -> NDArray[np.float64]:
        """Surface in the item's frame, metres, counter-clockwise from outside, shape ``(count, 3, 3)``."""

    @property
    @abstractmethod
    def colours(self) -> NDArray[np.float64]:
        """RGB in [0, 255] of every triangle, shape ``(count, 3)``."""

    @property
    @abstractmethod
    def reach(self) -> float:
        """Distance of the farthest corner from the centre of mass, metres."""

    @cached_property
    def surface(self) -> NDArray[np.float64]:
        """Points on the surface at most 5 mm apart, in the item's frame, metres, shape ``(count, 3)``."""
        points = []
        for corners in self.triangles:
            longest = np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1).max()
            steps = max(int(np.ceil(longest / SURFACE_SPACING)), 1)
            first, second = (index.ravel() for index in np.mgrid[: steps + 1, : steps + 1])
            weights = np.stack([first, second, steps - first - second], axis=1)[first + second <= steps] / steps
            points.append(weights @ corners)
        return np.unique(np.concatenate(points).round(7), axis=0)


class ItemSet(ABC):
    """Where the items of simulated scenes come from."""

    @abstractmethod
    def sample(self, random: np.random.Generator) -> Item:
        """One item by chance."""
