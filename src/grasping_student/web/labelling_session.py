"""Labelling without a page: which scene is shown, what an action does to it and to the dataset, and how to undo it.

Everything here blocks and belongs to one thread; ``labelling_service`` keeps it off the page's event loop.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from grasping_student.datasets.schema import Attempt
from grasping_student.environments.base import Environment, RestorableEnvironment
from grasping_student.environments.recorded import RecordedEnvironment
from grasping_student.episodes.loop import execute
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry, tip_height
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.errors import UserError
from grasping_student.web.attempt_log import AttemptLog, scene_facts
from grasping_student.web.labelling_steps import (
    Hiding,
    Labelled,
    NotSaved,
    Recoverable,
    Scene,
    StaleScene,
    Step,
    Undone,
    UnsavedAttempt,
)
from grasping_student.web.scene_queue import SceneQueue
from grasping_student.web.suggestions import SceneSuggestions, shown_with_attempt

UNDO_DEPTH = 50
"""Steps that can be taken back."""


class LabellingSession:
    """One person labelling one dataset through one environment."""

    def __init__(
        self,
        environment: Environment,
        log: AttemptLog,
        queue: SceneQueue,
        gripper: GripperGeometry | None = None,
        labels_per_scene: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; ``start`` shows the first scene.

        Args:
            environment: tries the grasps.
            log: keeps them.
            queue: names the scenes.
            gripper: for the height of the finger tips; None takes the default shape.
            labels_per_scene: on recorded scenes, labels before the next scene comes.
            clock: seconds, for the time that a label took.
        """
        self.environment = environment
        self.log = log
        self.gripper = gripper or GripperGeometry()
        self._queue = queue
        self._labels_per_scene = labels_per_scene
        self._clock = clock
        self._shown_at = 0.0
        self._scene: Scene | None = None
        self._steps: deque[Step | Hiding] = deque(maxlen=UNDO_DEPTH)
        self._unsaved: UnsavedAttempt | None = None
        self._trouble: str | None = None
        self._over = False
        """Whether the scene's episode has ended and the next one could not begin."""

    @property
    def recorded(self) -> bool:
        """Whether the person has to give the outcome."""
        return isinstance(self.environment, RecordedEnvironment)

    @property
    def can_undo(self) -> bool:
        return bool(self._steps) or self.unsaved

    @property
    def started(self) -> bool:
        """Whether there is a scene to show."""
        return self._scene is not None

    @property
    def unsaved(self) -> bool:
        """Whether a tried grasp waits to be saved."""
        return self._unsaved is not None

    @property
    def trouble(self) -> str | None:
        """Why no grasp can be tried until ``recover``, or None."""
        if self._trouble is None and isinstance(self.environment, Recoverable):
            return self.environment.stopped
        return self._trouble

    @property
    def scene(self) -> Scene:
        assert self._scene is not None, "start() shows the first scene"
        return self._scene

    def start(self) -> Scene:
        """Begin the first episode.

        Raises:
            UserError: the world cannot begin; ``recover`` tries again.
        """
        try:
            return self._begin_episode()
        except UserError as error:
            self._trouble = str(error)
            raise

    def execute(
        self,
        number: int,
        grasp: PlanarGrasp,
        verdict: Outcome | None = None,
        shown: SceneSuggestions | None = None,
        started_from: int | None = None,
    ) -> Labelled:
        """Let the environment try a grasp, save the attempt, then show the next scene.

        Args:
            number: the scene that the person looked at.
            grasp: what to try.
            verdict: on recorded scenes, how the person says it would end.
            shown: suggestions that were on the page.
            started_from: position of the suggestion that the person took up, if any.

        Raises:
            StaleScene: another scene is shown by now; nothing was tried.
            UserError: the grasp is outside the graspable area or a verdict is missing; nothing was tried.
            NotSaved: it was tried, but the dataset refused it; call ``retry``.
        """
        scene = self._current(number)
        workspace = scene.heightmap.workspace
        if not workspace.is_graspable(grasp.row, grasp.col):
            raise UserError(
                "the grasp lies outside the outlined area, where the robot may not grasp; choose one inside"
            )
        if self.recorded:
            if verdict is None:
                raise UserError("a recorded scene has no robot: say whether the grasp is good or bad")
            self.environment.judge = lambda observation, grasp: verdict  # type: ignore[attr-defined]  # checked above
        state = self._state()
        extra = {
            **scene_facts(self.environment, scene.seed),
            **shown_with_attempt(shown, grasp, started_from),
            "seconds": round(self._clock() - self._shown_at, 2),
            **({"judged_by": "person"} if self.recorded else {}),
        }
        chosen = self._attempt(scene, grasp, extra)
        self._unsaved = UnsavedAttempt(scene, state, execute(self.environment, scene.observation, chosen))
        return self._save()

    def retry(self) -> Labelled:
        """Save the attempt that the dataset refused.

        Raises:
            NotSaved: it still refuses.
        """
        if self._unsaved is None:
            raise UserError("everything is saved; there is nothing to retry")
        return self._save()

    def recover(self) -> Scene:
        """On the operator's word: let a stopped world go on, and look at it anew.

        Where the world stopped between two episodes, the next one begins.

        Raises:
            UserError: the world still cannot go on.
        """
        if isinstance(self.environment, Recoverable) and self.environment.stopped is not None:
            self.environment.recover()
        if self._scene is None or self._over:
            return self._begin_episode()
        return self._show_after(self._scene, self.environment.observe())

    def nothing_graspable(self, number: int, shown: SceneSuggestions | None = None) -> Attempt:
        """Keep the scene as one where a person found nothing to grasp, and begin the next episode.

        The scene is kept when this returns; ``trouble`` says if the next episode could not begin.
        """
        scene = self._current(number)
        state = self._state()
        extra = {
            **scene_facts(self.environment, scene.seed),
            **shown_with_attempt(shown, None, None),
            "nothing_graspable": True,
        }
        attempt = self.log.append(scene.heightmap, self._attempt(scene, None, extra))
        self._steps.append(Step(scene, state, attempt.id, None))
        self._next_episode()
        return attempt

    def skip(self, number: int) -> None:
        """Begin the next episode; nothing is kept of this scene. ``trouble`` says if that could not begin."""
        scene = self._current(number)
        self._steps.append(Step(scene, self._state(), None, None))
        self._next_episode()

    def delete(self, attempt_id: int) -> None:
        """Hide an attempt from all readers; ``restore`` and ``undo`` bring it back."""
        self.log.delete(attempt_id)
        self._steps.append(Hiding(attempt_id, True))

    def restore(self, attempt_id: int) -> None:
        """Bring a deleted attempt back; ``undo`` deletes it again."""
        self.log.restore(attempt_id)
        self._steps.append(Hiding(attempt_id, False))

    def undo(self) -> Undone:
        """Take the last step back: its attempt is deleted, and where the world allows it the scene comes back.

        A grasp that was tried but not saved is taken back before anything else; a world that cannot go back is looked
        at anew then. The step may also be a deletion: its attempt comes back, and the scene stays.

        Raises:
            UserError: there is nothing to undo.
        """
        if self._unsaved is not None:
            unsaved, self._unsaved = self._unsaved, None
            undone = self._take_back(Step(unsaved.scene, unsaved.state, None, unsaved.attempt.grasp))
            if not undone.scene_is_back:
                self._look_anew(unsaved.scene)
            return undone
        if not self._steps:
            raise UserError("there is nothing to undo")
        undone = self._take_back(self._steps[-1])
        self._steps.pop()
        return undone

    def _take_back(self, step: Step | Hiding) -> Undone:
        if isinstance(step, Hiding):
            (self.log.restore if step.hidden else self.log.delete)(step.attempt_id)
            return Undone(step)
        if step.attempt_id is not None and not self.log.is_deleted(step.attempt_id):
            self.log.delete(step.attempt_id)
        if not isinstance(self.environment, RestorableEnvironment):
            return Undone(step)
        if self.scene.seed != step.scene.seed:
            self._queue.give_back(self.scene.seed)
        self.environment.restore_state(step.state)
        self._show(replace(step.scene, number=self.scene.number + 1, draft=step.grasp))
        return Undone(step, scene_is_back=True)

    def _save(self) -> Labelled:
        unsaved = self._unsaved
        assert unsaved is not None
        scene = unsaved.scene
        try:
            attempt = self.log.append(scene.heightmap, unsaved.attempt)
        except UserError as error:
            raise NotSaved(f"the grasp was tried ({unsaved.attempt.outcome}) but is not saved: {error}") from None
        self._unsaved = None
        self._steps.append(Step(scene, unsaved.state, attempt.id, attempt.grasp))
        if self.recorded:
            self._next_recorded(scene)
            return Labelled(attempt, scene.heightmap, None)
        return Labelled(attempt, scene.heightmap, self._look_anew(scene))

    def _attempt(self, scene: Scene, grasp: PlanarGrasp | None, extra: dict[str, Any]) -> Attempt:
        """An attempt in a scene, before it is executed."""
        height = scene.heightmap.height
        return Attempt(
            episode=scene.episode,
            index=scene.index + scene.labels,
            environment=self.environment.name,
            grasp=grasp,
            z=None if grasp is None else tip_height(height, grasp.row, grasp.col, self.gripper),
            extra=extra,
        )

    def _look_anew(self, scene: Scene) -> Heightmap | None:
        """What a grasp left of a scene; None where the world cannot go on, and ``trouble`` says why."""
        try:
            after = self.environment.observe()
            if after.heightmap.is_empty():
                self._begin_episode()
            else:
                self._show_after(scene, after)
        except UserError as error:
            self._trouble = str(error)
            return None
        return after.heightmap

    def _next_recorded(self, scene: Scene) -> None:
        if scene.labels + 1 < self._labels_per_scene:
            self._show(replace(scene, number=scene.number + 1, labels=scene.labels + 1, draft=None))
        else:
            self._next_episode()

    def _next_episode(self) -> None:
        """Begin the next episode; where the world cannot, what was done before stays done, and ``trouble`` says why."""
        try:
            self._begin_episode()
        except UserError as error:
            self._trouble = str(error)

    def _begin_episode(self) -> Scene:
        self._over = True
        seed = self._queue.next_seed()
        self.environment.reset(seed)
        observation = self.environment.observe()
        if isinstance(self.environment, RecordedEnvironment):
            episode, index = self.log.place_of_recorded(self.environment.group, self.environment.origin)
        else:
            episode, index = self.log.next_episode, 0
        number = 0 if self._scene is None else self._scene.number + 1
        return self._show(Scene(number, episode, index, seed, observation))

    def _show_after(self, scene: Scene, observation: Observation) -> Scene:
        """Show what the workspace looks like now, in the same episode."""
        return self._show(Scene(scene.number + 1, scene.episode, scene.index + 1, scene.seed, observation))

    def _show(self, scene: Scene) -> Scene:
        self._trouble, self._over = None, False
        self._scene = scene
        self._shown_at = self._clock()
        return scene

    def _current(self, number: int) -> Scene:
        if self._unsaved is not None:
            raise NotSaved("the last grasp is not saved yet: make room on the disk and press Retry")
        if self.trouble is not None:
            raise UserError(f"nothing is done before this is mended: {self.trouble}")
        if number != self.scene.number:
            raise StaleScene("this was meant for a scene that is no longer shown; nothing was done")
        return self.scene

    def _state(self) -> Any:
        return self.environment.save_state() if isinstance(self.environment, RestorableEnvironment) else None
