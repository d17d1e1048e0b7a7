"""A stand-in for a person who labels scenes of any items: sees which grasps hold and clicks one, not quite exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.geometry.antipodal import AntipodalContacts
from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, Outcome, PlanarGrasp
from grasping_student.perception.observation import Observation
from grasping_student.policies.base import NothingToGrasp, Source
from grasping_student.simulation.items import Item


@dataclass(frozen=True)
class ClickNoise:
    """How inexactly a person clicks and turns."""

    position: float = 0.0
    """Standard deviation along x and y, metres."""

    angle: float = 0.0
    """Standard deviation of the angle, radians."""


EXACT, PERSON = ClickNoise(), ClickNoise(position=0.005, angle=math.radians(5.0))

ROOM = 0.005
"""A grasp lies free as far as its neighbours within this distance (metres) and one angle would hold too."""

FREE_WEIGHT, MIDDLE_WEIGHT, HEIGHT_WEIGHT = 2.0, 160.0, 80.0
"""Logarithms of the odds with which a grasp is thought of: gain of one that lies free, loss for each metre from the
middle of its item, gain for each metre of height. No two people start with the same grasp."""

MOST_TRIALS = 4
"""So many grasps, each on another item, are judged by the engine; if none holds, the first is clicked all the same."""

FAILURE_COST = 10.0
"""Loss of the grasps on an item for each click on it that failed."""


class _Candidate(NamedTuple):
    """A grasp, the item it is on, and how gladly a person would take it."""

    grasp: PlanarGrasp
    item: int
    appeal: float


class Person:
    """Antipodal grasps on the true heights, judged by the engine; of those that hold, one that a person would click.

    The score is how gladly a person would take the grasp: free, near the middle of the item, high.
    """

    version = "1"
    source: Source = "script"

    def __init__(self, environment: SimulationEnvironment, noise: ClickNoise = PERSON, seed: int = 0) -> None:
        self.name = "person" if noise == PERSON else "person-exact"
        self._environment = environment
        self._noise = noise
        self._constraint = AntipodalContacts(environment.gripper)
        self.begin_episode(seed)

    def begin_episode(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._failed: dict[Item, int] = {}
        self._chosen: Item | None = None

    def observe_outcome(self, grasp: PlanarGrasp, outcome: Outcome) -> None:
        """Grasps on an item that was clicked in vain are taken less gladly."""
        if self._chosen is not None and outcome is not Outcome.SUCCESS:
            self._failed[self._chosen] = self._failed.get(self._chosen, 0) + 1

    def __call__(self, observation: Observation) -> tuple[PlanarGrasp, float]:
        candidates = self._candidates(~observation.excluded)
        if not candidates:
            raise NothingToGrasp("no item in the graspable area has sides that two fingers can hold")
        foresee = self._environment.foresee
        holding = (each for each in candidates[:MOST_TRIALS] if foresee(each.grasp) is Outcome.SUCCESS)
        chosen = next(holding, candidates[0])
        self._chosen = self._environment.state.items[chosen.item]
        return self._clicked(chosen.grasp), chosen.appeal

    def _candidates(self, reachable: NDArray[np.bool_]) -> list[_Candidate]:
        """The grasp on every item that is thought of first, in this order."""
        picture, workspace = self._environment.picture(), self._environment.workspace
        height = picture.heightmap.height
        holds = self._constraint.allows(height, DEPLOYMENT_ANGLES.angles, workspace) & reachable
        holds &= picture.item >= 0
        angle, row, col = np.nonzero(holds)
        if not len(row):
            return []
        items, owner = self._environment.state.items, picture.item[row, col]
        x, y = workspace.xy_from_pixel(row, col)
        centre = self._environment.state.poses[owner, :2]
        appeal = FREE_WEIGHT * _lies_free(holds, ROOM / workspace.pixel_size)[angle, row, col]
        appeal += HEIGHT_WEIGHT * height[row, col] - MIDDLE_WEIGHT * np.hypot(x - centre[:, 0], y - centre[:, 1])
        appeal -= FAILURE_COST * np.array([self._failed.get(item, 0) for item in items])[owner]
        # the order of draws without replacement by these odds
        order = np.argsort(-appeal - self._random.gumbel(size=len(appeal)), kind="stable")
        _, best = np.unique(owner[order], return_index=True)  # the first of every item
        return [
            _Candidate(
                PlanarGrasp(int(row[i]), int(col[i]), DEPLOYMENT_ANGLES.angle(int(angle[i]))),
                int(owner[i]),
                float(appeal[i]),
            )
            for i in order[np.sort(best)]
        ]

    def _clicked(self, grasp: PlanarGrasp) -> PlanarGrasp:
        """Where a person would click who means a grasp."""
        workspace = self._environment.workspace
        x, y = np.array(grasp.xy(workspace)) + self._random.normal(0.0, 1.0, size=2) * self._noise.position
        angle = grasp.angle + self._random.normal(0.0, 1.0) * self._noise.angle
        if self._noise == EXACT:
            return grasp
        row, col = workspace.pixel_from_xy(x, y)
        low, high = workspace.margin_pixels, workspace.pixels - workspace.margin_pixels - 1
        return PlanarGrasp(int(np.clip(row, low, high)), int(np.clip(col, low, high)), angle % math.pi)


def _lies_free(holds: NDArray[np.bool_], pixels: float) -> NDArray[np.float64]:
    """Share of the grasps around each that hold too, weighed by nearness; shape ``(angles, pixels, pixels)``."""
    import cv2

    near = np.stack([cv2.GaussianBlur(each.astype(np.float32), (0, 0), pixels) for each in holds])
    # angles are a circle: the last is a neighbour of the first
    return (0.5 * near + 0.25 * np.roll(near, 1, axis=0) + 0.25 * np.roll(near, -1, axis=0)).astype(np.float64)
