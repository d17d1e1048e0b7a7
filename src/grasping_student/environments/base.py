"""The environment interface of the episode loop: simulator, robot cell and recorded replay implement it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, Self

from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.observation import Observation


class Environment(ABC):
    """A workspace with items in it and something that can grasp one. Use as a context manager."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Short name, kept with every attempt (``simulation``, ``robot-cell``, ``recorded``)."""

    @property
    @abstractmethod
    def workspace(self) -> Workspace:
        """What the pixels of the heightmaps mean in metres."""

    @property
    @abstractmethod
    def gripper(self) -> GripperGeometry:
        """The gripper that executes grasps here: how wide it opens, how deep it goes."""

    @abstractmethod
    def reset(self, seed: int) -> None:
        """Begin an episode: fill the workspace anew. The same seed gives the same scene where the world allows it."""

    @abstractmethod
    def observe(self) -> Observation:
        """The scene as it is now; the arrays are the caller's own."""

    @abstractmethod
    def execute(self, grasp: PlanarGrasp) -> Outcome:
        """Try one grasp and name how it ended; a grasped item leaves the workspace.

        A grasp outside the graspable area is not tried: ``Outcome.OUT_OF_REACH``.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the world; calling it twice does no harm."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class RestorableEnvironment(Environment):
    """An environment whose exact state can be saved and restored: what the one-shot paired test needs."""

    @abstractmethod
    def save_state(self) -> Any:
        """An opaque copy of the world as it is now."""

    @abstractmethod
    def restore_state(self, state: Any) -> None:
        """Put the world back; executing the same grasp from it twice ends the same way, bit for bit."""
