"""Values of a labelling session: scenes and their list, saved labels, steps that can be taken back, refusals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from grasping_student.datasets.schema import Attempt
from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.errors import UserError
from grasping_student.web.attempt_log import Verdict


class StaleScene(UserError):
    """The action names a scene that is no longer the current one: it was sent twice, or from an old page."""


class NotSaved(UserError):
    """The robot tried the grasp, but the dataset could not take it; ``retry`` saves it."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A scene as the person sees it."""

    number: int
    """Grows with every scene shown; actions name it."""

    episode: int
    index: int
    seed: int
    observation: Observation
    draft: PlanarGrasp | None = None
    """Grasp to begin with: the one that was taken back."""

    labels: int = 0
    """Labels given on this very picture; more than 0 on recorded scenes only."""

    @property
    def heightmap(self) -> Heightmap:
        return self.observation.heightmap


@dataclass(frozen=True)
class SceneList:
    """The recorded scenes: what a person said of each, the one that is shown, and whether all are judged."""

    verdicts: tuple[Verdict | None, ...]
    position: int | None
    done: bool

    @property
    def open(self) -> list[int]:
        """Positions that nobody has judged."""
        return [position for position, verdict in enumerate(self.verdicts) if verdict is None]


@dataclass(frozen=True, eq=False)
class SavedLabel:
    """A saved label, with the scene before and after."""

    attempt: Attempt
    before: Heightmap
    after: Heightmap | None
    """None where a grasp changes nothing: on recorded scenes."""


@dataclass(frozen=True, eq=False)
class Step:
    """What is needed to take a step back."""

    scene: Scene
    state: Any
    attempt_id: int | None
    grasp: PlanarGrasp | None


@dataclass(frozen=True)
class Deletion:
    """An attempt that was deleted, or brought back, among the last ones: a step of its own."""

    attempt_id: int
    deleted: bool
    """False where it was brought back."""


@dataclass(frozen=True)
class Undone:
    """A step that was taken back."""

    step: Step | Deletion
    scene_is_back: bool = False
    """Whether the scene is again as it was before the step."""

    def __str__(self) -> str:
        step, number = self.step, self.step.attempt_id
        if isinstance(step, Deletion):
            return f"{'Restored' if step.deleted else 'Deleted'} attempt {number}; the scene on the page stays."
        what = "Took the last step back" if number is None else f"Deleted attempt {number}"
        return f"{what}; the {'scene is as it was before' if self.scene_is_back else 'workspace stays as it is now'}."


@dataclass(frozen=True, eq=False)
class UnsavedAttempt:
    """A grasp that was tried and that the dataset has not taken yet."""

    scene: Scene
    state: Any
    attempt: Attempt


@runtime_checkable
class Recoverable(Protocol):
    """An environment that stops after a device fault and goes on upon its operator's word: the robot cell."""

    @property
    def stopped(self) -> str | None: ...

    def recover(self) -> None: ...


@runtime_checkable
class Interruptible(Protocol):
    """An environment whose work another thread can cut short: the robot cell."""

    def interrupt(self) -> None: ...
