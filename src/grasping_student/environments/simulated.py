"""The simulated workspace behind the ``Environment`` interface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grasping_student.environments.base import RestorableEnvironment
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry, tip_height
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.observation import Observation
from grasping_student.simulation.config import SimulationConfig
from grasping_student.simulation.depth_noise import add_depth_noise
from grasping_student.simulation.engine import GripperPose, open_engine
from grasping_student.simulation.grasp_attempt import attempt_grasp, settle_without
from grasping_student.simulation.items import Item
from grasping_student.simulation.rendering import Picture, take_picture
from grasping_student.simulation.scene import drop_scene
from grasping_student.simulation.solids import Poses


@dataclass(frozen=True, eq=False)
class SceneState:
    """Everything that decides what a simulated workspace shows and does next: seed, change count, items, poses."""

    seed: int
    changes: int
    items: tuple[Item, ...]
    poses: Poses


class SimulationEnvironment(RestorableEnvironment):
    """Items on a table and a two-finger gripper in a private physics engine (paper, section V).

    The state is a value: items and poses. Each attempt builds the engine's world from it and reads the new poses
    back, so the same state and grasp give the same end, whatever happened before.
    """

    def __init__(self, config: SimulationConfig) -> None:
        self.config = config
        self._engine = open_engine(config)
        self._state: SceneState | None = None
        self._picture: Picture | None = None
        self._seen: Heightmap | None = None

    @property
    def name(self) -> str:
        return "simulation"

    @property
    def workspace(self) -> Workspace:
        return self.config.workspace

    @property
    def gripper(self) -> GripperGeometry:
        return self.config.gripper.geometry

    @property
    def state(self) -> SceneState:
        """The scene as it is; its arrays must not be written to.

        Raises:
            RuntimeError: before the first reset.
        """
        if self._state is None:
            raise RuntimeError("the simulator is empty: call reset(seed) first")
        return self._state

    def reset(self, seed: int) -> None:
        items, poses = drop_scene(self._engine, seed)
        self._change(SceneState(seed, 0, items, poses))

    def observe(self) -> Observation:
        return Observation.of(self._observed()).copy()

    def picture(self) -> Picture:
        """The scene without noise, and the item that each pixel shows: for policies that may know the items."""
        if self._picture is None:
            self._picture = take_picture(self.state.items, self.state.poses, self.workspace)
        return self._picture

    def tip_height(self, grasp: PlanarGrasp) -> float:
        """Height of the finger tips at a grasp in the scene as it is observed now, metres."""
        return tip_height(self._observed().height, grasp.row, grasp.col, self.gripper)

    def execute(self, grasp: PlanarGrasp) -> Outcome:
        state = self.state
        if not self.workspace.is_graspable(grasp.row, grasp.col):
            return Outcome.OUT_OF_REACH
        x, y = grasp.xy(self.workspace)
        pose = GripperPose(x, y, grasp.angle, self.tip_height(grasp))
        result = attempt_grasp(self._engine, state.items, state.poses, pose)
        self._without(result.removed, result.poses)
        return result.outcome

    def take_away(self, indices: list[int]) -> None:
        """Remove items without a gripper and let the others settle: how unlabelled scenes empty quickly."""
        state = self.state
        self._without(indices, settle_without(self._engine, state.items, state.poses, indices))

    def save_state(self) -> SceneState:
        return self.state

    def restore_state(self, state: SceneState) -> None:
        self._change(state)

    def close(self) -> None:
        self._engine.close()

    def _without(self, removed: list[int], poses: Poses) -> None:
        keep = np.setdiff1d(np.arange(len(poses)), removed)
        items = tuple(self.state.items[i] for i in keep)
        self._change(SceneState(self.state.seed, self.state.changes + 1, items, poses[keep]))

    def _change(self, state: SceneState) -> None:
        state.poses.flags.writeable = False
        self._state, self._picture, self._seen = state, None, None

    def _observed(self) -> Heightmap:
        if self._seen is None:
            state = self.state
            random = np.random.default_rng([state.seed, 1, state.changes])
            self._seen = add_depth_noise(self.picture().heightmap, self.config.noise, random)
        return self._seen
