"""The canvas in the page that a grasp is drawn on; its own JavaScript draws, this side only talks to it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from nicegui import ui
from nicegui.events import GenericEventArguments

from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.configuration import choice
from grasping_student.pipeline.errors import UserError
from grasping_student.web.scene_payload import suggestion_payload
from grasping_student.web.suggestions import Suggestion

ActionName = Literal["execute", "good", "bad", "nothing", "skip", "undo", "retry", "recover", "previous", "next"]
ACTIONS: tuple[ActionName, ...] = get_args(ActionName)


@dataclass(frozen=True)
class Action:
    """What a person asked for."""

    name: ActionName
    scene: int
    grasp: PlanarGrasp | None
    suggestion: int | None


def parse_action(given: Any, workspace: Workspace) -> Action:
    """What the browser sent, checked: it may come from an old page or from no page of ours.

    Raises:
        UserError: it is no action, or its grasp lies outside the heightmap.
    """
    if not isinstance(given, dict) or not isinstance(given.get("scene"), int):
        raise UserError("the page sent no action; reload it")
    name = choice(str(given.get("action")), ACTIONS, "action")
    position = given.get("suggestion")
    suggestion = position if isinstance(position, int) and not isinstance(position, bool) else None
    grasp = _parse_grasp(given.get("grasp"), workspace)
    if grasp is None and name in ("execute", "good", "bad"):
        raise UserError("no grasp was chosen; click a point first")
    return Action(name, given["scene"], grasp, suggestion)  # type: ignore[arg-type]  # choice returned one of ACTIONS


def _parse_grasp(given: Any, workspace: Workspace) -> PlanarGrasp | None:
    if given is None:
        return None
    try:
        row, col, angle = given["row"], given["col"], float(given["angle"])
        whole = isinstance(row, int) and isinstance(col, int)
        valid = whole and 0 <= row < workspace.pixels and 0 <= col < workspace.pixels and math.isfinite(angle)
    except (KeyError, TypeError, ValueError):
        valid = False
    if not valid:
        raise UserError(f"the page sent a grasp outside the {workspace.pixels} x {workspace.pixels} scene; reload it")
    return PlanarGrasp(row, col, angle)


class GraspCanvas(ui.element, component="grasp_canvas.js", esm={"grasping-student-canvas": "static"}):
    """Shows a scene, takes a grasp by pointer, touch or key, and says what the person asks for."""

    def __init__(self, recorded: bool, storage: str, suggests: bool = False, type_ahead: bool = True) -> None:
        """Make an empty canvas.

        Args:
            recorded: whether good and bad take the place of execute.
            storage: name under which the browser keeps a grasp that was not sent yet; unique to this server run.
            suggests: whether a model's grasps follow every scene; keys that take one wait for them.
            type_ahead: whether keys typed while an action runs are kept and applied after it. A robot moves on none
                that was typed before its scene was seen.
        """
        super().__init__()
        self._props["recorded"] = recorded
        self._props["storage"] = storage
        self._props["suggests"] = suggests
        self._props["type-ahead"] = type_ahead

    def on_act(self, handler: Callable[[Any], Awaitable[None]]) -> None:
        """Call a handler with what the browser sent; ``parse_action`` checks it."""

        async def handle(event: GenericEventArguments) -> None:
            await handler(event.args)

        self.on("act", handle)

    def show_scene(self, payload: dict[str, Any]) -> None:
        """Show a scene made by ``scene_payload``."""
        self.run_method("showScene", payload)

    def show_suggestions(self, number: int, suggestions: tuple[Suggestion, ...]) -> None:
        """Show a model's grasps on scene ``number``."""
        self.run_method("showSuggestions", number, suggestion_payload(suggestions))

    def set_view(self, view: str) -> None:
        """Show ``height``, ``colour`` or ``both``."""
        self.run_method("setView", view)

    def set_busy(self, text: str | None) -> None:
        """Lock the canvas while something runs, and say what."""
        self.run_method("setBusy", text or "")

    def set_done(self, done: bool) -> None:
        """Say that every recorded scene is judged: a grasp drawn on the last one is not asked for any more."""
        self.run_method("setDone", done)

    def acted(self) -> None:
        """The action that the browser sent is done or refused, and everything that it changed is shown."""
        self.run_method("acted")

    def drop_typed(self) -> None:
        """Forget the keys typed ahead: what they were meant for did not come about."""
        self.run_method("dropTyped")

    def set_locked(self, locked: bool) -> None:
        """Read only, or not."""
        self.run_method("setLocked", locked)

    def call(self, method: str, *arguments: Any) -> str:
        """JavaScript for an event handler that calls a method in the browser, with no round trip."""
        written = ", ".join(_literal(argument) for argument in arguments)
        return f"() => getElement({self.id}).{method}({written})"


def _literal(value: str | int | float | bool) -> str:
    import json

    return json.dumps(value)
