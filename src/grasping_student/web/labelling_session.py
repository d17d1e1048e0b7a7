"""Labelling without a page: actions of a person on the scene and the dataset, and their undoing.

Everything here blocks and belongs to one thread; ``labelling_service`` keeps it off the page's event loop.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from grasping_student.datasets.schema import Attempt
from grasping_student.environments.base import Environment, RestorableEnvironment
from grasping_student.environments.recorded import RecordedEnvironment
from grasping_student.episodes.loop import execute
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.perception.placement import place_grasp
from grasping_student.pipeline.errors import UserError
from grasping_student.web.attempt_log import AttemptLog, scene_facts
from grasping_student.web.labelling_steps import (
    Deletion,
    NotSaved,
    SavedLabel,
    Scene,
    StaleScene,
    Step,
    Undone,
    UnsavedAttempt,
)
from grasping_student.web.scene_queue import SceneQueue
from grasping_student.web.scene_sequence import SceneSequence
from grasping_student.web.suggestions import SceneSuggestions, shown_with_attempt

UNDO_DEPTH = 50
"""Steps that can be taken back."""

UNSAVED = "the last grasp is not saved yet: make room on the disk and press Retry"
STALE = "this was meant for a scene that is no longer shown; nothing was done"


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
        self._scenes = SceneSequence(environment, log, queue, labels_per_scene, clock)
        self._steps: deque[Step | Deletion] = deque(maxlen=UNDO_DEPTH)
        self._unsaved: UnsavedAttempt | None = None

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
        return self._scenes.started

    @property
    def unsaved(self) -> bool:
        """Whether a tried grasp waits to be saved."""
        return self._unsaved is not None

    @property
    def trouble(self) -> str | None:
        """Why no grasp can be tried until ``recover``, or None."""
        return self._scenes.trouble

    @property
    def done(self) -> bool:
        """Whether every recorded scene is judged."""
        return self._scenes.done

    @property
    def scene(self) -> Scene:
        return self._scenes.scene

    def start(self) -> None:
        """Begin the first episode; ``done`` says if there is none, because every recorded scene is judged.

        Raises:
            UserError: the environment cannot begin; ``recover`` tries again.
        """
        self._scenes.begin_episode()

    def execute(
        self,
        number: int,
        grasp: PlanarGrasp,
        verdict: Outcome | None = None,
        shown: SceneSuggestions | None = None,
        started_from: int | None = None,
    ) -> SavedLabel:
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
            "seconds": round(self._scenes.seconds_shown, 2),
            **({"judged_by": "person"} if self.recorded else {}),
        }
        chosen = self._attempt(scene, grasp, extra)
        self._unsaved = UnsavedAttempt(scene, state, execute(self.environment, scene.observation, chosen))
        return self._save()

    def retry(self) -> SavedLabel:
        """Save the attempt that the dataset refused.

        Raises:
            NotSaved: it still refuses.
        """
        if self._unsaved is None:
            raise UserError("everything is saved; there is nothing to retry")
        return self._save()

    def recover(self) -> None:
        """On the operator's word: let a stopped environment go on, and look at it anew.

        Where the environment stopped between two episodes, the next one begins.

        Raises:
            UserError: the environment still cannot go on.
        """
        self._scenes.recover()

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
        self._scenes.next_episode()
        return attempt

    def skip(self, number: int) -> None:
        """Begin the next episode; nothing is kept of this scene. ``trouble`` says if that could not begin."""
        scene = self._current(number)
        self._steps.append(Step(scene, self._state(), None, None))
        self._scenes.next_episode()

    def go_to(self, number: int, position: int) -> None:
        """Show a recorded scene, judged or not; nothing is kept of the one that is shown.

        Args:
            number: the scene that the person looked at; it does not matter where none is shown.
            position: of the scene to show, counted round.

        Raises:
            StaleScene: another scene is shown by now.
            UserError: there is a robot, or the scene cannot be read.
        """
        if not isinstance(self.environment, RecordedEnvironment):
            raise UserError("only recorded scenes can be chosen from a list; here Skip brings another scene")
        if self._unsaved is not None:
            raise NotSaved(UNSAVED)
        if self.started and number != self.scene.number:
            raise StaleScene(STALE)
        self._scenes.go_to(position % self.environment.scene_count)

    def delete(self, attempt_id: int) -> None:
        """Hide an attempt from all readers; ``restore`` and ``undo`` bring it back."""
        self.log.delete(attempt_id)
        self._steps.append(Deletion(attempt_id, True))

    def restore(self, attempt_id: int) -> None:
        """Bring a deleted attempt back; ``undo`` deletes it again."""
        self.log.restore(attempt_id)
        self._steps.append(Deletion(attempt_id, False))

    def undo(self) -> Undone:
        """Take the last step back: its attempt is deleted, and where the environment allows it the scene comes back.

        A grasp that was tried but not saved is taken back before anything else; an environment that cannot
        go back is observed again then. The step may also be a deletion: its attempt comes back, and the scene stays.

        Raises:
            UserError: there is nothing to undo.
        """
        if self._unsaved is not None:
            unsaved, self._unsaved = self._unsaved, None
            undone = self._take_back(Step(unsaved.scene, unsaved.state, None, unsaved.attempt.grasp))
            if not undone.scene_is_back:
                self._scenes.look_again()
            return undone
        if not self._steps:
            raise UserError("there is nothing to undo")
        undone = self._take_back(self._steps[-1])
        self._steps.pop()
        return undone

    def _take_back(self, step: Step | Deletion) -> Undone:
        if isinstance(step, Deletion):
            (self.log.restore if step.deleted else self.log.delete)(step.attempt_id)
            return Undone(step)
        if step.attempt_id is not None and not self.log.is_deleted(step.attempt_id):
            self.log.delete(step.attempt_id)
        return Undone(step, scene_is_back=self._scenes.go_back(step))

    def _save(self) -> SavedLabel:
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
            self._scenes.next_label()
            return SavedLabel(attempt, scene.heightmap, None)
        after = self._scenes.look_again()
        return SavedLabel(attempt, scene.heightmap, None if after is None else after.heightmap)

    def _attempt(self, scene: Scene, grasp: PlanarGrasp | None, extra: dict[str, Any]) -> Attempt:
        """An attempt in a scene, before it is executed."""
        place = None if grasp is None else place_grasp(scene.observation, grasp, self.gripper)
        return Attempt(
            episode=scene.episode,
            index=scene.index + scene.labels,
            environment=self.environment.name,
            grasp=grasp,
            z=None if place is None else place.tip,
            extra=extra,
        )

    def _current(self, number: int) -> Scene:
        if self._unsaved is not None:
            raise NotSaved(UNSAVED)
        if self.trouble is not None:
            raise UserError(f"nothing is done until this is solved: {self.trouble}")
        if self.done:
            raise UserError("every scene is judged; choose one in the list to look at it or to label it once more")
        if number != self.scene.number:
            raise StaleScene(STALE)
        return self.scene

    def _state(self) -> Any:
        return self.environment.save_state() if isinstance(self.environment, RestorableEnvironment) else None
