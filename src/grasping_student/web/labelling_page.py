"""The labelling page: one per browser tab, all showing the one session that ``LabellingService`` runs."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nicegui import Client, ui
from nicegui.events import ValueChangeEventArguments

from grasping_student.geometry.grasp import Outcome
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.pipeline.errors import UserError
from grasping_student.web import labelling_panels as panels
from grasping_student.web import labelling_results as results
from grasping_student.web.attempt_pictures import serve_attempt_pictures
from grasping_student.web.edit_lock import browser_name
from grasping_student.web.grasp_canvas import Action, GraspCanvas, parse_action
from grasping_student.web.labelling_scenes import DonePanel, ScenesCard
from grasping_student.web.labelling_service import Change, LabellingService, Message
from grasping_student.web.scene_payload import scene_payload

STYLE = Path(__file__).parent / "static" / "labelling.css"

RELOAD_SECONDS = 1.0
"""How much later than the new page's the old page's connection may end in a reload."""

VERDICTS = {"good": Outcome.SUCCESS, "bad": Outcome.MISSED}
"""What a person says of a grasp on a recorded scene, as an outcome."""


@dataclass(frozen=True)
class PageOptions:
    """What every tab of one server shares, apart from the session."""

    dataset: Path
    gripper: GripperGeometry
    with_model: bool
    storage: str = field(default_factory=lambda: secrets.token_hex(4))


def build_labelling_page(service: LabellingService, options: PageOptions) -> None:
    """Register the page at ``/``; ``service.start`` shows the first scene."""
    serve_attempt_pictures(options.dataset, options.gripper)

    @ui.page("/", title=f"Label {options.dataset.name}")
    def labelling_page(client: Client) -> None:
        LabellingPage(client, service, options).build()


class LabellingPage:
    """What one tab shows."""

    def __init__(self, client: Client, service: LabellingService, options: PageOptions) -> None:
        self._client = client
        self._service = service
        self._options = options
        self._selected: int | None = None

    def build(self) -> None:
        """Lay the page out and connect it to the service."""
        ui.add_css(STYLE)
        ui.query("body").classes("labelling")
        service, recorded = self._service, self._service.recorded
        self._help = panels.help_dialog(recorded, self._options.with_model)
        with panels.header(self._options.dataset.name, service.environment_name):
            ui.button("Help", icon="help_outline", on_click=self._help.open, color=None).props(
                "flat no-caps data-test=help"
            )
        self._banner = panels.hold_banner(self._take_over)
        self._question = panels.QuestionBar(self._answer)
        with ui.element("main").classes("labelling-main"):
            with ui.element("section").classes("labelling-scene"):
                self._canvas = GraspCanvas(
                    recorded, self._options.storage, self._options.with_model, type_ahead=not service.moves_robot
                ).classes("labelling-canvas")
                self._view = panels.canvas_tools(self._canvas, self._change_view)
                self._done = DonePanel(self._go_to)
            with ui.element("aside").classes("labelling-side"):
                panels.grasp_card(self._canvas, recorded)
                self._actions = panels.action_buttons(self._canvas, recorded)
                self._outcome = panels.card("Last grasp", "outcome")
                if self._options.with_model:
                    self._suggestions = panels.card("Model suggests", "suggestions")
                self._scenes = ScenesCard(self._canvas, self._go_to) if recorded else None
                self._session = panels.card("This session", "session")
        self._canvas.on("ready", self._show_everything)
        self._canvas.on("help", self._help.open)
        self._canvas.on("view", lambda event: self._view.set_value(event.args["view"]))
        self._canvas.on_act(self._act)
        stop = service.listen(self._changed)
        self._client.on_connect(self._connected)
        self._client.on_disconnect(self._disconnected)
        self._client.on_delete(stop)
        self._client.on_delete(self._gone)
        for change in ("message", "progress", "scenes"):
            self._changed(change)
        if service.suggestions is not None:
            results.fill_suggestions(self._suggestions, self._canvas, service.suggestions)

    def _changed(self, change: Change) -> None:
        """Show what the service says has changed."""
        service = self._service
        with self._client:
            if change == "scene":
                self._show_scene()
            elif change == "suggestions":
                self._show_suggestions()
            elif change == "busy":
                self._canvas.set_busy(service.busy)
            elif change == "message":
                self._show_message(service.message)
            elif change == "progress":
                results.fill_session(self._session, service, self._selected, self._select, self._delete, self._restore)
                self._actions.undo.set_enabled(service.can_undo)
                self._actions.retry.set_visibility(service.unsaved)
                self._actions.recover.set_visibility(service.trouble is not None)
            elif change == "scenes":
                self._show_scenes()
            elif change == "failed":
                self._canvas.drop_typed()
            elif change in ("hold", "question"):
                self._show_hold()

    def _show_everything(self) -> None:
        """The canvas has begun: first load, reload, or a connection that came back."""
        self._show_scene()
        self._show_suggestions()
        self._show_scenes()
        self._canvas.set_busy(self._service.busy)
        self._show_hold()

    def _show_scene(self) -> None:
        scene = self._service.scene
        if scene is not None:
            self._canvas.show_scene(scene_payload(scene.number, scene.heightmap, self._options.gripper, scene.draft))
        if self._options.with_model:
            self._suggestions.clear()
            with self._suggestions:
                ui.label("the model is looking …").classes("quiet")

    def _show_scenes(self) -> None:
        scenes = self._service.scenes
        if scenes is None or self._scenes is None:
            return
        self._scenes.show(scenes)
        self._done.show(scenes)
        self._canvas.set_done(scenes.done)

    def _show_suggestions(self) -> None:
        found, scene, model_looks = self._service.suggestions, self._service.scene, self._service.model_looks
        if scene is None or model_looks:
            return
        if found is None:
            self._canvas.show_suggestions(scene.number, ())
            return
        self._canvas.show_suggestions(scene.number, found.suggestions)
        results.fill_suggestions(self._suggestions, self._canvas, found)

    def _show_message(self, message: Message | None) -> None:
        service = self._service
        results.fill_outcome(self._outcome, service.last, message, self._options.gripper, service.recorded)

    def _show_hold(self) -> None:
        mine = self._service.hold.held_by(self._client.id)
        holder = self._service.hold.holder
        self._canvas.set_locked(not mine)
        self._banner.show(None if mine else holder)
        self._question.show(self._service.operator.question, mine)
        for button in self._actions.all:
            button.set_enabled(mine and (button is not self._actions.undo or self._service.can_undo))

    def _change_view(self, event: ValueChangeEventArguments[Any]) -> None:
        self._canvas.set_view(event.value)

    async def _act(self, given: Any) -> None:
        """Do what the person asked for, if this tab may."""
        try:
            await self._act_if_allowed(given)
        finally:
            if not self._client.is_deleted:
                self._canvas.acted()

    async def _act_if_allowed(self, given: Any) -> None:
        service = self._service
        if not service.hold.held_by(self._client.id):
            self._canvas.set_busy(service.busy)
            self._show_hold()
            return
        try:
            action = parse_action(given, service.session.environment.workspace)
        except UserError as error:
            self._canvas.set_busy(service.busy)
            ui.notify(str(error), type="negative")
            return
        await self._perform(action)

    async def _perform(self, action: Action) -> None:
        service = self._service
        if action.name in ("execute", "good", "bad"):
            assert action.grasp is not None
            verdict = VERDICTS.get(action.name)
            await service.execute(action.scene, action.grasp, verdict, action.suggestion)
        elif action.name == "nothing":
            await service.nothing_graspable(action.scene)
        elif action.name == "skip":
            await service.skip(action.scene)
        elif action.name in ("previous", "next"):
            await service.step(action.scene, -1 if action.name == "previous" else 1)
        elif action.name == "undo":
            await service.undo()
        elif action.name == "recover":
            await service.recover()
        else:
            await service.retry()

    def _select(self, attempt_id: int) -> None:
        self._selected = None if self._selected == attempt_id else attempt_id
        self._changed("progress")

    def _answer(self) -> None:
        if self._service.hold.held_by(self._client.id):
            self._service.operator.answer()

    async def _go_to(self, position: int) -> None:
        service = self._service
        if service.hold.held_by(self._client.id) and service.busy is None:
            await service.go_to(-1 if service.scene is None else service.scene.number, position)

    async def _delete(self, attempt_id: int) -> None:
        if self._service.hold.held_by(self._client.id):
            await self._service.delete(attempt_id)

    async def _restore(self, attempt_id: int) -> None:
        if self._service.hold.held_by(self._client.id):
            await self._service.restore(attempt_id)

    # ---- which tab may write

    async def _connected(self) -> None:
        self._take(force=False)
        if not self._service.hold.held_by(self._client.id):
            # after a reload the old page's connection may end a moment later than the new one's begins
            await asyncio.sleep(RELOAD_SECONDS)
            if not self._client.is_deleted:
                self._take(force=False)

    def _take_over(self) -> None:
        self._take(force=True)

    def _take(self, force: bool) -> None:
        request = self._client.request
        browser = browser_name(request.headers.get("user-agent", "")) if request is not None else "a browser"
        self._service.hold.take(self._client.id, self._client.ip or "this machine", browser, force)
        self._service.tell("hold")

    def _disconnected(self) -> None:
        self._service.hold.connection_lost(self._client.id)
        self._service.tell("hold")

    def _gone(self) -> None:
        self._service.hold.release(self._client.id)
        self._service.tell("hold")
