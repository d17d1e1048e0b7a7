"""The scene that a labelling session shows, and which one comes next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from grasping_student.environments.base import Environment, RestorableEnvironment
from grasping_student.environments.recorded import RecordedEnvironment
from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.errors import UserError
from grasping_student.web.attempt_log import AttemptLog
from grasping_student.web.labelling_steps import Recoverable, Scene, Step
from grasping_student.web.scene_queue import SceneQueue


class SceneSequence:
    """Begins episodes and observes scenes, one after the other."""

    def __init__(
        self,
        environment: Environment,
        log: AttemptLog,
        queue: SceneQueue,
        labels_per_scene: int,
        clock: Callable[[], float],
    ) -> None:
        """Prepare; ``begin_episode`` shows the first scene.

        Args:
            environment: is reset and observed.
            log: knows the numbers of the episodes so far.
            queue: names the scenes.
            labels_per_scene: on recorded scenes, labels before the next scene comes.
            clock: seconds.
        """
        self._environment, self._log, self._queue = environment, log, queue
        self._labels_per_scene, self._clock = labels_per_scene, clock
        self._shown_at = 0.0
        self._scene: Scene | None = None
        self._trouble: str | None = None
        self._over = False
        """Whether the scene's episode has ended and the next one could not begin."""
        self._done = False

    @property
    def started(self) -> bool:
        """Whether there is a scene to show."""
        return self._scene is not None

    @property
    def done(self) -> bool:
        """Whether every recorded scene is judged; the scene is then the last one shown."""
        return self._done

    @property
    def scene(self) -> Scene:
        assert self._scene is not None, "the first episode has not begun"
        return self._scene

    @property
    def seconds_shown(self) -> float:
        """Time since the scene came up."""
        return self._clock() - self._shown_at

    @property
    def trouble(self) -> str | None:
        """Why no grasp can be tried until ``recover``, or None."""
        if self._trouble is None and isinstance(self._environment, Recoverable):
            return self._environment.stopped
        return self._trouble

    def begin_episode(self) -> None:
        """Begin the next episode; where every recorded scene is judged, none begins and ``done`` says so.

        Raises:
            UserError: the environment cannot; ``recover`` tries again.
        """
        self._over = True
        self._done = self._log.scenes_left(self._environment) == 0
        if self._done:
            self._trouble = None
            return
        self._begin(self._next_seed())

    def go_to(self, position: int) -> None:
        """Show a recorded scene, with the grasp that was judged there; the scene left behind comes again if it is open.

        Raises:
            UserError: it cannot be read.
        """
        environment = self._environment
        assert isinstance(environment, RecordedEnvironment), "only recorded scenes can be chosen"
        judgements = self._log.judgements(environment.origin)
        if self._scene is not None and not self._over and self._scene.seed % environment.scene_count not in judgements:
            self._queue.give_back(self._scene.seed)
        self._over = True
        self._begin(position, judgements[position].grasp if position in judgements else None)

    def _next_seed(self) -> int:
        """The queue's next seed, without recorded scenes that were judged since the queue took them up."""
        seed, environment = self._queue.next_seed(), self._environment
        if isinstance(environment, RecordedEnvironment):
            judged = self._log.judged(environment.origin)
            while seed % environment.scene_count in judged:
                seed = self._queue.next_seed()
        return seed

    def _begin(self, seed: int, draft: PlanarGrasp | None = None) -> None:
        try:
            self._environment.reset(seed)
            observation = self._environment.observe()
        except UserError as error:
            self._trouble = str(error)
            raise
        if isinstance(self._environment, RecordedEnvironment):
            episode, index = self._log.place_of_recorded(self._environment.group, self._environment.origin)
        else:
            episode, index = self._log.next_episode, 0
        number = 0 if self._scene is None else self._scene.number + 1
        self._show(Scene(number, episode, index, seed, observation, draft))

    def next_episode(self) -> None:
        """Begin the next episode; where the environment cannot, what is done stays done and ``trouble`` says why."""
        try:
            self.begin_episode()
        except UserError as error:
            self._trouble = str(error)

    def next_label(self) -> None:
        """Show the same recorded scene for another label, or after ``labels_per_scene`` the next one."""
        scene = self.scene
        if scene.labels + 1 < self._labels_per_scene:
            self._show(replace(scene, number=scene.number + 1, labels=scene.labels + 1, draft=None))
        else:
            self.next_episode()

    def look_again(self) -> Observation | None:
        """What a grasp left of the scene; None where the environment cannot go on, and ``trouble`` says why."""
        try:
            after = self._environment.observe()
            if after.heightmap.is_empty():
                self.begin_episode()
            else:
                self._show_after(after)
        except UserError as error:
            self._trouble = str(error)
            return None
        return after

    def recover(self) -> None:
        """On the operator's word: let a stopped environment go on, and observe it again.

        Where the environment stopped between two episodes, the next one begins.

        Raises:
            UserError: the environment still cannot go on.
        """
        if isinstance(self._environment, Recoverable) and self._environment.stopped is not None:
            self._environment.recover()
        if self._scene is None or self._over:
            self.begin_episode()
        else:
            self._show_after(self._environment.observe())

    def go_back(self, step: Step) -> bool:
        """Show the scene as it was before a step; False where the environment cannot be restored."""
        if not isinstance(self._environment, RestorableEnvironment):
            return False
        if self.scene.seed != step.scene.seed:
            self._queue.give_back(self.scene.seed)
        self._environment.restore_state(step.state)
        self._show(replace(step.scene, number=self.scene.number + 1, draft=step.grasp))
        return True

    def _show_after(self, observation: Observation) -> None:
        scene = self.scene
        self._show(Scene(scene.number + 1, scene.episode, scene.index + 1, scene.seed, observation))

    def _show(self, scene: Scene) -> None:
        self._trouble, self._over, self._done = None, False, False
        self._scene = scene
        self._shown_at = self._clock()
