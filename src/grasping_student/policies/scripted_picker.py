"""A stand-in for a person who labels: sees which block lies free and grips it across its short side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.geometry.grasp import AngleGrid, PlanarGrasp
from grasping_student.perception.observation import Observation
from grasping_student.policies.base import NothingToGrasp, Source
from grasping_student.policies.grasp_sampler import GraspCandidate, GraspSampler, blocks_of
from grasping_student.simulation.blocks import Block

NoiseName = Literal["none", "person"]


@dataclass(frozen=True)
class PickerNoise:
    """How inexactly a person clicks and turns."""

    position: float = 0.0
    """Standard deviation along x and y, metres."""

    angle: float = 0.0
    """Standard deviation of the angle, radians."""

    angle_bins: int | None = None
    """The angle is rounded to one of so many bins over [0, pi)."""

    choice: float = 0.0
    """Candidates whose cost is above the best one's by at most this are chosen as gladly."""


NOISES: dict[NoiseName, PickerNoise] = {
    "none": PickerNoise(),
    "person": PickerNoise(position=0.007, angle=math.radians(5.0), angle_bins=8, choice=2.5),
}

REPEAT_COST = 16.0
"""Cost of trying a block again that failed, for each failure: after two it is left alone."""

HOPELESS_COST = 30.0
"""Candidates of a higher cost (a finger would strike something 7 mm too high, the block failed twice) are not tried."""


class ScriptedPicker:
    """Knows the simulator's blocks; imitates a human labeller. The score is minus the cost of the grasp."""

    version = "2"
    source: Source = "script"

    def __init__(self, environment: SimulationEnvironment, noise: NoiseName = "none", seed: int = 0) -> None:
        self.name = "scripted" if noise == "none" else f"scripted-{noise}"
        self._environment = environment
        self._noise = NOISES[noise]
        self.begin_episode(seed)

    def begin_episode(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._tried: dict[Block, int] = {}

    def __call__(self, observation: Observation) -> tuple[PlanarGrasp, float]:
        blocks = blocks_of(self._environment)
        candidates = [
            (each.cost + REPEAT_COST * self._tried.get(blocks[each.block], 0), each)
            for each in GraspSampler(self._environment).candidates()
        ]
        best = min((cost for cost, _ in candidates), default=math.inf)
        if best > HOPELESS_COST:
            raise NothingToGrasp("no block can be gripped in the graspable area, or those that can have failed twice")
        equal = [(cost, each) for cost, each in candidates if cost <= best + self._noise.choice]
        cost, chosen = equal[int(self._random.integers(len(equal)))]
        # a block that is still there when it is chosen again was not picked
        self._tried[blocks[chosen.block]] = self._tried.get(blocks[chosen.block], 0) + 1
        return self._inexact(chosen), -cost

    def _inexact(self, chosen: GraspCandidate) -> PlanarGrasp:
        workspace = self._environment.workspace
        x, y = chosen.grasp.xy(workspace)
        angle = chosen.grasp.angle
        if self._noise.position > 0.0:
            x, y = np.array([x, y]) + self._random.normal(0.0, self._noise.position, size=2)
        if self._noise.angle > 0.0:
            angle += self._random.normal(0.0, self._noise.angle)
        if self._noise.angle_bins is not None:
            grid = AngleGrid(self._noise.angle_bins)
            angle = grid.angle(grid.index(angle))
        row, col = workspace.pixel_from_xy(x, y)
        low, high = workspace.margin_pixels, workspace.pixels - workspace.margin_pixels - 1
        return PlanarGrasp(int(np.clip(row, low, high)), int(np.clip(col, low, high)), angle)
