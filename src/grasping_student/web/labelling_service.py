"""One labelling session shared by every tab: blocking work on its own thread, and every tab told what changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from grasping_student.datasets.schema import Attempt
from grasping_student.environments.recorded import RecordedEnvironment
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.pipeline.errors import UserError
from grasping_student.web.attempt_log import Progress
from grasping_student.web.edit_lock import Hold
from grasping_student.web.labelling_session import LabellingSession
from grasping_student.web.labelling_steps import Interruptible, Recoverable, SavedLabel, Scene, SceneList, StaleScene
from grasping_student.web.operator import Operator
from grasping_student.web.suggestions import SceneSuggestions, Suggester

log = logging.getLogger(__name__)

Change = Literal["scene", "suggestions", "busy", "message", "progress", "hold", "question", "failed", "scenes"]
Tone = Literal["info", "success", "failure", "error"]


def scene_list(session: LabellingSession) -> SceneList | None:
    """The list as it is now; None where scenes never end."""
    environment = session.environment
    if not isinstance(environment, RecordedEnvironment):
        return None
    said = session.log.judgements(environment.origin)
    count = environment.scene_count
    position = session.scene.seed % count if session.started else None
    return SceneList(tuple(said[i].verdict if i in said else None for i in range(count)), position, session.done)


@dataclass(frozen=True)
class Message:
    """One line for the person; ``tone`` is also told by a mark and a word, never by colour alone."""

    tone: Tone
    text: str


class LabellingService:
    """What the pages share. All methods run on the event loop; the session itself never does."""

    def __init__(
        self,
        make_session: Callable[[], LabellingSession],
        suggester: Suggester | None = None,
        operator: Operator | None = None,
    ) -> None:
        """Prepare; ``start`` opens the world and the dataset.

        Args:
            make_session: called on the session's thread, because a physics client belongs to the thread that began it.
            suggester: proposes grasps; None proposes nothing.
            operator: carries the world's questions to the person, in worlds that ask.
        """
        self._make_session = make_session
        self._suggester = suggester
        self._session_thread = ThreadPoolExecutor(1, thread_name_prefix="labelling")
        self._model_thread = ThreadPoolExecutor(1, thread_name_prefix="suggestions")
        self._lock = asyncio.Lock()
        self._listeners: list[Callable[[Change], None]] = []
        self._background: set[asyncio.Task[None]] = set()
        self.hold = Hold()
        self.operator = operator or Operator()
        self.busy: str | None = None
        self.message: Message | None = None
        self.scene: Scene | None = None
        self.suggestions: SceneSuggestions | None = None
        self.last: SavedLabel | None = None
        self.recent: list[tuple[Attempt, bool]] = []
        self.progress = Progress(0, 0, 0, 0, None)
        self.scenes: SceneList | None = None
        self.can_undo = False
        self.unsaved = False
        self.trouble: str | None = None
        self.recorded = False
        self.environment_name = ""
        self.moves_robot = False
        self.model_looks = False
        self._session: LabellingSession | None = None

    @property
    def session(self) -> LabellingSession:
        assert self._session is not None, "start() opens the session"
        return self._session

    def open(self) -> None:
        """Open the world and the dataset, so that what is wrong with them is said before a page is served.

        Raises:
            UserError: another process writes the dataset, or it keeps another workspace.
        """
        self._session = self._session_thread.submit(self._make_session).result()
        self.recorded = self._session.recorded
        self.environment_name = self._session.environment.name
        self.moves_robot = isinstance(self._session.environment, Recoverable)

    async def start(self) -> None:
        """Show the first scene."""
        self.operator.attend(asyncio.get_running_loop(), lambda: self.tell("question"))
        await self._run("preparing the first scene", lambda session: session.start())

    async def execute(
        self, number: int, grasp: PlanarGrasp, verdict: Outcome | None = None, started_from: int | None = None
    ) -> None:
        """Try a grasp, save it, show the next scene; the message says how it ended only once it is saved."""
        shown = self.suggestions if self.scene is not None and self.scene.number == number else None

        def attempt(session: LabellingSession) -> SavedLabel:
            return session.execute(number, grasp, verdict, shown, started_from)

        _, labelled = await self._run("saving" if self.recorded else "the robot tries the grasp", attempt)
        self._tell_saved(labelled)

    async def retry(self) -> None:
        """Save again what the dataset refused."""
        _, labelled = await self._run("saving", lambda session: session.retry())
        self._tell_saved(labelled)

    async def nothing_graspable(self, number: int) -> None:
        """Keep the scene as one without a grasp."""
        shown = self.suggestions
        done, attempt = await self._run("saving", lambda session: session.nothing_graspable(number, shown))
        if done:
            self._say("info", f"Saved scene {attempt.id}: nothing graspable{self._stop_words or '.'}")

    async def skip(self, number: int) -> None:
        """Go on without keeping anything of the scene."""
        done, _ = await self._run("preparing a scene", lambda session: session.skip(number))
        if done:
            self._say("info", f"Skipped; nothing was saved of that scene{self._stop_words or '.'}")

    async def go_to(self, number: int, position: int) -> None:
        """Show a recorded scene by its position."""
        done, _ = await self._run("opening the scene", lambda session: session.go_to(number, position))
        if done and self.scenes is not None and self.scenes.position is not None:
            position = self.scenes.position
            verdict = self.scenes.verdicts[position]
            judged = f" was judged: {verdict}. Another label is kept beside that one." if verdict else "."
            self._say("info", f"Scene {position + 1} of {len(self.scenes.verdicts)}{judged}")

    async def step(self, number: int, by: int) -> None:
        """Show the recorded scene before or after the current one; after the end, the last one again."""
        scenes = self.scenes
        if scenes is not None:
            away = 0 if scenes.done else by
            await self.go_to(number, (scenes.position or 0) + away)

    async def recover(self) -> None:
        """On the operator's word: let a stopped robot go on, or pass over a recorded scene that cannot be read."""
        done, _ = await self._run("the robot recovers", lambda session: session.recover())
        if done:
            self._say("info", "Here is the next scene." if self.recorded else "The robot is ready again.")

    async def undo(self) -> None:
        """Take the last step back."""
        done, undone = await self._run("taking the last step back", lambda session: session.undo())
        if done:
            self.last = None
            self._say("info", str(undone))

    async def delete(self, attempt_id: int) -> None:
        """Hide an attempt."""
        done, _ = await self._run("deleting", lambda session: session.delete(attempt_id))
        if done:
            self._say("info", f"Deleted attempt {attempt_id}.")

    async def restore(self, attempt_id: int) -> None:
        """Bring a deleted attempt back."""
        done, _ = await self._run("restoring", lambda session: session.restore(attempt_id))
        if done:
            self._say("info", f"Restored attempt {attempt_id}.")

    def listen(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call ``listener`` after every change; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def tell(self, change: Change) -> None:
        """Tell every tab that something changed."""
        for listener in list(self._listeners):
            listener(change)

    def close(self) -> None:
        """Interrupt a robot, then close world and dataset on their own thread, after what is running."""
        self.interrupt()

        def end() -> None:
            if self._session is not None:
                self._session.environment.close()
                self._session.log.close()

        self._session_thread.submit(end).result()
        self._session_thread.shutdown()
        self._model_thread.shutdown(cancel_futures=True)

    def interrupt(self) -> None:
        """Stop a robot at once and answer no question any more: what runs on the session's thread ends soon."""
        if self._session is not None and isinstance(self._session.environment, Interruptible):
            self._session.environment.interrupt()
        self.operator.leave()

    async def _run(self, busy: str, work: Callable[[LabellingSession], Any]) -> tuple[bool, Any]:
        """``work`` on the session's thread: whether it was done, and its result; every tab is told of an error."""
        async with self._lock:
            self.busy = busy
            self.tell("busy")
            try:
                loop = asyncio.get_running_loop()
                return True, await loop.run_in_executor(self._session_thread, work, self.session)
            except StaleScene:
                log.info("an action came twice or from an old page; the first one was done")
            except UserError as error:
                self._say("error", str(error))
                self.tell("failed")
            except Exception as error:
                log.exception("labelling: %s failed", busy)
                self._say(
                    "error", f"{busy.capitalize()} failed: {error}. Nothing was saved; the details are in the log."
                )
                self.tell("failed")
            finally:
                self.busy = None
                await self._take_over_state()
            return False, None

    async def _take_over_state(self) -> None:
        """Copy what the pages show out of the session, on its thread."""

        def read(session: LabellingSession) -> tuple[Any, ...]:
            recent = [(attempt, session.log.is_deleted(attempt.id)) for attempt in session.log.recent]
            scene = session.scene if session.started else None
            counts = session.log.progress(), scene_list(session)
            return scene, recent, *counts, session.can_undo, session.unsaved, session.trouble

        loop = asyncio.get_running_loop()
        state = await loop.run_in_executor(self._session_thread, read, self.session)
        before = self.scene
        self.scene, self.recent, self.progress, self.scenes, self.can_undo, self.unsaved, self.trouble = state
        if self.scene is not None and (before is None or before.number != self.scene.number):
            self.suggestions, self.model_looks = None, self._suggester is not None
            self.tell("scene")  # before "busy": keys typed ahead are meant for the new scene
            self._ask_model(self.scene)
        self.tell("scenes")
        self.tell("busy")
        self.tell("progress")

    def _ask_model(self, scene: Scene) -> None:
        if self._suggester is None:
            return
        task = asyncio.get_running_loop().create_task(self._suggest(scene, self._suggester))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _suggest(self, scene: Scene, suggester: Suggester) -> None:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._model_thread, suggester, scene.observation)
        except Exception as error:
            log.exception("the model failed on scene %d", scene.number)
            self._say("error", f"The model has no suggestion: {error}")
            found = None
        if self.scene is not None and self.scene.number == scene.number:
            self.suggestions, self.model_looks = found, False
            self.tell("suggestions")

    def _tell_saved(self, labelled: SavedLabel | None) -> None:
        if labelled is None:
            return
        self.last = labelled
        outcome = labelled.attempt.outcome
        assert outcome is not None
        tone: Tone = "success" if outcome.success else "failure"
        self._say(tone, f"Saved attempt {labelled.attempt.id}{self._stop_words}")

    @property
    def _stop_words(self) -> str:
        """End of a message: why nothing comes next, empty where something does."""
        if self.trouble is None:
            return ""
        return f". {'There is no next scene' if self.recorded else 'The robot stopped'}: {self.trouble}"

    def _say(self, tone: Tone, text: str) -> None:
        self.message = Message(tone, text)
        self.tell("message")
