"""Recorded pictures as an environment: there is no robot, so somebody says how each grasp would have ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from grasping_student.environments.base import RestorableEnvironment
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.errors import UserError


class RecordedScenes(Protocol):
    """Observations by position, read when asked for: a dataset, a folder of frames, a list in memory."""

    @property
    def origin(self) -> str:
        """Short name of where they come from, kept with every label."""
        ...

    @property
    def workspace(self) -> Workspace: ...

    def __len__(self) -> int: ...

    def observation(self, position: int) -> Observation: ...

    def group(self, position: int) -> int:
        """Scenes of one group show one filling of the workspace: they belong into one episode, whole."""
        ...


Judge = Callable[[Observation, PlanarGrasp], Outcome]
"""Says how a grasp on a recorded scene would have ended: a person at the page, an affordance model, a script."""


class RecordedEnvironment(RestorableEnvironment):
    """Replays recorded scenes; a picture never changes, so a grasp removes nothing.

    The seed of ``reset`` is the position of the scene, counted round: seeds 0 to ``len(scenes) - 1`` show every scene
    once.
    """

    def __init__(
        self, scenes: RecordedScenes, judge: Judge | None = None, gripper: GripperGeometry | None = None
    ) -> None:
        """Begin at the first scene.

        Args:
            scenes: what to replay.
            judge: names the outcome of each executed grasp; None lets only ``reset`` and ``observe`` work.
            gripper: would execute the grasps; None takes the standard one.

        Raises:
            UserError: there is no scene.
        """
        if len(scenes) == 0:
            raise UserError(
                "there are no recorded scenes to show; give a dataset or a folder of frames that holds some"
            )
        self._scenes = scenes
        self._position = 0
        self.judge = judge
        self._gripper = gripper or GripperGeometry()

    @property
    def name(self) -> str:
        return "recorded"

    @property
    def workspace(self) -> Workspace:
        return self._scenes.workspace

    @property
    def gripper(self) -> GripperGeometry:
        return self._gripper

    @property
    def origin(self) -> str:
        """Where the scenes come from."""
        return self._scenes.origin

    @property
    def position(self) -> int:
        """Which scene is shown."""
        return self._position

    @property
    def group(self) -> int:
        """Which filling of the workspace is shown."""
        return self._scenes.group(self._position)

    @property
    def scene_count(self) -> int:
        """How many different scenes there are."""
        return len(self._scenes)

    def reset(self, seed: int) -> None:
        self._position = seed % len(self._scenes)

    def observe(self) -> Observation:
        return self._scenes.observation(self._position)

    def execute(self, grasp: PlanarGrasp) -> Outcome:
        if not self.workspace.is_graspable(grasp.row, grasp.col):
            return Outcome.OUT_OF_REACH
        if self.judge is None:
            raise UserError("a recorded scene has no robot: say how the grasp would end (a good one, or a bad one)")
        return self.judge(self.observe(), grasp)

    def save_state(self) -> int:
        return self._position

    def restore_state(self, state: int) -> None:
        self._position = state

    def close(self) -> None:
        pass


class ScenesInMemory:
    """A list of heightmaps of one workspace, each a filling of its own."""

    def __init__(self, heightmaps: Sequence[Heightmap], origin: str = "memory") -> None:
        self.origin = origin
        self._heightmaps = list(heightmaps)
        if any(heightmap.workspace != self.workspace for heightmap in self._heightmaps):
            raise UserError("the recorded scenes have different workspaces; give scenes of one workspace")

    @property
    def workspace(self) -> Workspace:
        return self._heightmaps[0].workspace if self._heightmaps else Workspace()

    def __len__(self) -> int:
        return len(self._heightmaps)

    def observation(self, position: int) -> Observation:
        return Observation.of(self._heightmaps[position]).copy()

    def group(self, position: int) -> int:
        return position
