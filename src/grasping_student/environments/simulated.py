"""The simulated workspace behind the ``Environment`` interface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grasping_student.environments.base import RestorableEnvironment
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry, tip_height
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.observation import Observation
from grasping_student.simulation.config import SimulationConfig
from grasping_student.simulation.engine import GripperPose, open_engine
from grasping_student.simulation.grasp_attempt import attempt_grasp, judge_grasp, settle_without
from grasping_student.simulation.item_sets import open_item_set
from grasping_student.simulation.items import Item
from grasping_student.simulation.rendering import Picture, StillScene
from grasping_student.simulation.scene import drop_scene
from grasping_student.simulation.sensors import make_sensor
from grasping_student.simulation.solids import Poses


@dataclass(frozen=True, eq=False)
class SceneState:
    """Everything that decides what a simulated workspace shows and does next: seed, change count, items, poses."""

    seed: int
    changes: int
    items: tuple[Item, ...]
    poses: Poses


class _Look:
    """A state of the workspace, and what was computed of it so far."""

    def __init__(self, state: SceneState, config: SimulationConfig) -> None:
        self.state = state
        self.scene = StillScene(state.items, state.poses, config.workspace, config.walls)
        self.seen: Observation | None = None


class SimulationEnvironment(RestorableEnvironment):
    """Items on a table and a two-finger gripper in a private physics engine (paper, section V).

    The state is a value: items and poses. Each attempt builds the engine's world from it and reads the new poses
    back, so the same state and grasp give the same end, whatever happened before.
    """

    def __init__(self, config: SimulationConfig) -> None:
        self.config = config
        open_item_set(config)  # what is wrong with it is told at once
        self._engine = open_engine(config)
        self._sensor = make_sensor(config)
        self._look: _Look | None = None
        self._before: _Look | None = None

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
        return self._current.state

    def reset(self, seed: int) -> None:
        items, poses = drop_scene(self._engine, seed)
        self._change(SceneState(seed, 0, items, poses))

    def observe(self) -> Observation:
        return self._observed().copy()

    def picture(self) -> Picture:
        """The scene without noise, and the item that each pixel shows: for policies that may know the items."""
        return self.still_scene.picture

    @property
    def still_scene(self) -> StillScene:
        """The scene as any sensor may look at it."""
        return self._current.scene

    def tip_height(self, grasp: PlanarGrasp) -> float:
        """Height of the finger tips at a grasp in the scene as it is observed now, metres."""
        return tip_height(self._observed().surface, grasp.row, grasp.col, self.gripper)

    def execute(self, grasp: PlanarGrasp) -> Outcome:
        state = self.state
        if not self._can_reach(grasp):
            return Outcome.OUT_OF_REACH
        result = attempt_grasp(self._engine, state.items, state.poses, self._pose(grasp))
        self._without(result.removed, result.poses)
        return result.outcome

    def foresee(self, grasp: PlanarGrasp) -> Outcome:
        """Outcome that ``execute`` would have; the scene stays as it is, and what was disturbed need not settle."""
        if not self._can_reach(grasp):
            return Outcome.OUT_OF_REACH
        return judge_grasp(self._engine, self.state.items, self.state.poses, self._pose(grasp))

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

    def _can_reach(self, grasp: PlanarGrasp) -> bool:
        excluded = self._observed().excluded
        return bool(self.workspace.is_graspable(grasp.row, grasp.col) and not excluded[grasp.row, grasp.col])

    def _pose(self, grasp: PlanarGrasp) -> GripperPose:
        x, y = grasp.xy(self.workspace)
        return GripperPose(x, y, grasp.angle, self.tip_height(grasp))

    @property
    def _current(self) -> _Look:
        if self._look is None:
            raise RuntimeError("the simulator is empty: call reset(seed) first")
        return self._look

    def _change(self, state: SceneState) -> None:
        state.poses.flags.writeable = False
        before, self._before = self._before, self._look
        # a state that is restored after one attempt from it was seen already
        self._look = before if before is not None and before.state is state else _Look(state, self.config)

    def _observed(self) -> Observation:
        look = self._current
        if look.seen is None:
            random = np.random.default_rng([look.state.seed, 1, look.state.changes])
            look.seen = self._sensor.observe(look.scene, random)
        return look.seen
