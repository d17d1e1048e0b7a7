"""A world of boxes on a grid, without physics: exact, quick, restorable, with faults on demand."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

from grasping_student.environments.base import RestorableEnvironment
from grasping_student.geometry.grasp import Outcome, PlanarGrasp, angle_distance
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.observation import Observation
from grasping_student.policies.base import NothingToGrasp

WORKSPACE = Workspace(extent=0.4, pixels=40, margin=0.05)


class BoxWorld(RestorableEnvironment):
    """Boxes of 3 x 7 pixels, upright or lying; 4 of 5 grasps on one within 0.5 rad of its short side succeed."""

    def __init__(self, boxes: int = 6, faults: tuple[int, ...] = ()) -> None:
        self._boxes = boxes
        self._faults = faults
        self._places: list[tuple[int, int, bool]] = []
        self._executed = 0
        self._generator = np.random.default_rng(0)
        self.resets: list[int] = []
        self.closed = False

    name = "boxes"
    workspace = WORKSPACE
    gripper = GripperGeometry()

    def reset(self, seed):
        self.resets.append(seed)
        self._generator = np.random.default_rng(seed)
        cells = self._generator.permutation(16)[: self._boxes]
        self._places = [(8 + 7 * (c // 4), 8 + 7 * (c % 4), bool(self._generator.integers(2))) for c in cells]

    def _pixels(self, place):
        row, col, lying = place
        half_row, half_col = (1, 3) if lying else (3, 1)
        return slice(row - half_row, row + half_row + 1), slice(col - half_col, col + half_col + 1)

    def observe(self):
        height = np.zeros(WORKSPACE.shape, np.float32)
        for place in self._places:
            height[self._pixels(place)] = 0.03
        return Observation.of(Heightmap(height, np.zeros((*WORKSPACE.shape, 3), np.uint8), WORKSPACE))

    def execute(self, grasp):
        self._executed += 1
        if self._executed in self._faults:
            return Outcome.FAULT
        if not WORKSPACE.is_graspable(grasp.row, grasp.col):
            return Outcome.OUT_OF_REACH
        luck = self._generator.random()
        for place in self._places:
            rows, cols = self._pixels(place)
            if rows.start <= grasp.row < rows.stop and cols.start <= grasp.col < cols.stop:
                short_side = np.pi / 2 if place[2] else 0.0
                if angle_distance(grasp.angle, short_side) > 0.5:
                    return Outcome.COLLISION
                if luck > 0.8:
                    return Outcome.DROPPED
                self._places.remove(place)
                return Outcome.SUCCESS
        return Outcome.MISSED

    @property
    def state(self):
        return SimpleNamespace(items=list(self._places))

    def picture(self):
        block = np.full(WORKSPACE.shape, -1, np.int32)
        for index, place in enumerate(self._places):
            block[self._pixels(place)] = index
        return SimpleNamespace(item=block)

    def take_away(self, indices):
        self._places = [place for index, place in enumerate(self._places) if index not in indices]

    def save_state(self):
        return list(self._places), self._generator.bit_generator.state

    def restore_state(self, state):
        self._places = list(state[0])
        self._generator.bit_generator.state = state[1]

    def close(self):
        self.closed = True


@dataclass(frozen=True)
class BoxWorldSpec:
    """Makes a ``BoxWorld`` in any process."""

    boxes: int = 6
    faults: tuple[int, ...] = ()
    outlives_program: bool = False

    def make(self):
        return BoxWorld(self.boxes, self.faults)


@dataclass
class BoxPolicy:
    """Takes a foreground pixel by chance (``random``), the first (``first``), or misses on purpose (``blind``)."""

    kind: str
    generator: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    name = "box-policy"
    source = "script"

    @property
    def version(self):
        return f"{self.kind}-1"

    def begin_episode(self, seed):
        self.generator = np.random.default_rng(seed)

    def __call__(self, observation):
        rows, cols = np.nonzero(observation.heightmap.graspable_foreground())
        if not len(rows) or self.kind == "lazy":
            raise NothingToGrasp
        if self.kind == "blind":
            return PlanarGrasp(6, 33, 0.0), 0.0
        if self.kind == "first":
            return PlanarGrasp(rows[0] + 1, cols[0] + 1, 0.0), -np.inf
        chosen = self.generator.integers(len(rows))
        return PlanarGrasp(rows[chosen], cols[chosen], self.generator.uniform(0, np.pi)), 1.0


def make_box_policy(spec, environment):
    """Same shape as ``make_policy``."""
    return BoxPolicy(spec)
