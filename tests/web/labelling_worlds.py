"""Sessions on a world of boxes, for the tests of the labelling page."""

from __future__ import annotations

from itertools import count

import numpy as np
from tests.fakes.boxes import WORKSPACE, BoxWorld

from grasping_student.environments.base import Environment
from grasping_student.environments.recorded import RecordedEnvironment, ScenesInMemory
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.models.grasp_choice import GraspQuery
from grasping_student.pipeline.errors import UserError
from grasping_student.web.attempt_log import AttemptLog
from grasping_student.web.labelling_session import LabellingSession
from grasping_student.web.scene_queue import InOrder


class RobotWorld(Environment):
    """A world of boxes whose past cannot be brought back, as with a real robot."""

    name = "robot"
    workspace = WORKSPACE
    gripper = GripperGeometry()

    def __init__(self):
        self._boxes = BoxWorld()

    def reset(self, seed):
        self._boxes.reset(seed)

    def observe(self):
        return self._boxes.observe()

    def execute(self, grasp):
        return self._boxes.execute(grasp)

    def take_away(self, boxes):
        self._boxes.take_away(boxes)

    def close(self):
        self._boxes.close()


class StoppingRobot(RobotWorld):
    """A robot that asks a person to fill its workspace, and stops after a fault until its operator has looked."""

    def __init__(self, ask=lambda text: None, fault_at=1):
        super().__init__()
        self._boxes = BoxWorld(faults=(fault_at,))
        self._ask = ask
        self.stopped = None
        self.stops_at_reset = False

    def reset(self, seed):
        self._refuse()
        super().reset(seed)
        if self.stops_at_reset:
            self.stopped = "protective stop"
        self._refuse()
        self._ask("Fill the workspace")

    def observe(self):
        self._refuse()
        return super().observe()

    def _refuse(self):
        if self.stopped is not None:
            raise UserError(f"the cell is stopped: {self.stopped}")

    def execute(self, grasp):
        self._refuse()
        outcome = super().execute(grasp)
        if outcome is Outcome.FAULT:
            self.stopped = "protective stop"
        return outcome

    def recover(self):
        self.stopped = None


class ConstantModel:
    """Scores every pixel by its height; ``spread`` makes it surer or less sure."""

    version = "constant-1"
    workspace = WORKSPACE

    def __init__(self, spread=1.0):
        self.spread = spread
        self.asked = 0

    query = GraspQuery(foreground_only=False)

    def score_maps(self, heightmap, grid):
        self.asked += 1
        scores = np.full((grid.count, *WORKSPACE.shape), -np.inf, np.float32)
        inside = (slice(None), *WORKSPACE.graspable_slice)
        scores[inside] = self.spread * np.nan_to_num(heightmap.height)[WORKSPACE.graspable_slice]
        return scores


def recorded_world(scenes: int = 3):
    """Recorded pictures of different box worlds."""
    pictures = []
    for seed in range(scenes):
        world = BoxWorld(boxes=4)
        world.reset(seed)
        pictures.append(world.observe().heightmap)
    return RecordedEnvironment(ScenesInMemory(pictures, origin="shelf"))


def make_session(path, environment=None, labels_per_scene=1, clock=None, start=True):
    """A session that has begun, in a dataset at ``path``."""
    ticks = count(0.0, 10.0)
    clock = clock or (lambda: next(ticks))
    environment = environment or BoxWorld()
    log = AttemptLog(path, environment.workspace, clock)
    session = LabellingSession(environment, log, InOrder(count()), labels_per_scene=labels_per_scene, clock=clock)
    if start:
        session.start()
    return session


def box_grasp(heightmap: Heightmap) -> PlanarGrasp:
    """A grasp on the first box, across its short side."""
    row, col = map(int, np.argwhere(heightmap.height > 0)[0])
    lying = heightmap.height[row, min(col + 3, WORKSPACE.pixels - 1)] > 0
    return PlanarGrasp(row + (1 if lying else 3), col + (3 if lying else 1), np.pi / 2 if lying else 0.0)


SUCCESS, MISSED = Outcome.SUCCESS, Outcome.MISSED


def label(session, grasp=None, verdict=None, **options):
    """Execute a grasp, or give a verdict on it, in the scene that is shown."""
    scene = session.scene
    return session.execute(scene.number, grasp or box_grasp(scene.heightmap), verdict, **options)


def scene_of(seed: int) -> Heightmap:
    """What a ``BoxWorld`` shows after a reset with this seed."""
    world = BoxWorld()
    world.reset(seed)
    return world.observe().heightmap
