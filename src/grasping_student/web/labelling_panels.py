"""The parts of the labelling page beside the canvas. They show and forward; what happens is the service's affair."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from nicegui import ui
from nicegui.events import Handler, ValueChangeEventArguments

from grasping_student.web.edit_lock import Holder
from grasping_student.web.grasp_canvas import GraspCanvas

VIEWS = {"height": "Height", "colour": "Colour", "both": "Both"}

WHERE = {
    "recorded": "recorded scenes: you judge",
    "simulation": "the simulator tries your grasps",
    "robot-cell": "the robot tries your grasps",
}


@contextmanager
def header(dataset: str, environment: str) -> Iterator[None]:
    """The bar on top: where labels go; what is made inside stands at its right end."""
    with ui.element("header").classes("labelling-header"):
        ui.label("Grasping Student").classes("brand")
        with ui.element("div").classes("where"):
            ui.label(dataset).classes("dataset")
            ui.label(WHERE.get(environment, environment)).classes("quiet")
        ui.element("div").classes("spring")
        yield


class HoldBanner:
    """Says that another tab labels, and who it is."""

    def __init__(self, take_over: Callable[[], None]) -> None:
        with ui.element("div").classes("hold-banner").props("role=status data-test=hold") as self._bar:
            self._text = ui.label()
            ui.button("Label in this tab", on_click=take_over, color=None).props(
                "unelevated no-caps data-test=take-over"
            )
        self._bar.set_visibility(False)

    def show(self, holder: Holder | None) -> None:
        """Name the tab that labels; None hides the bar."""
        self._bar.set_visibility(holder is not None)
        if holder is not None:
            gone = "" if holder.connected else " Its connection is lost."
            self._text.set_text(f"Read only: another tab labels this dataset ({holder}).{gone}")


def hold_banner(take_over: Callable[[], None]) -> HoldBanner:
    """A banner that is hidden at first."""
    return HoldBanner(take_over)


class QuestionBar:
    """What the robot asks of the person, and the button that says it is done."""

    def __init__(self, answer: Callable[[], None]) -> None:
        with ui.element("div").classes("hold-banner").props("role=alert data-test=question") as self._bar:
            self._text = ui.label()
            self._done = ui.button("Done", on_click=answer, color=None).props("unelevated no-caps data-test=answer")
        self._bar.set_visibility(False)

    def show(self, question: str | None, mine: bool) -> None:
        """Show a question; only the tab that labels may answer."""
        self._bar.set_visibility(question is not None)
        self._done.set_enabled(mine)
        self._text.set_text(question or "")


def canvas_tools(canvas: GraspCanvas, on_view: Handler[ValueChangeEventArguments[Any]]) -> ui.toggle:
    """Below the canvas: which picture, and turning and moving by touch."""
    with ui.element("div").classes("canvas-tools"):
        view = ui.toggle(VIEWS, value="height", on_change=on_view)
        view.props("no-caps unelevated color=white text-color=grey-10 toggle-color=blue-grey-10 data-test=view")
        with ui.element("div").classes("touch-keys"):
            _tool("rotate_left", "Turn left (Q)", canvas.call("turn", 0.0490873852), "turn-left")
            _tool("rotate_right", "Turn right (E)", canvas.call("turn", -0.0490873852), "turn-right")
            _tool("arrow_back", "Move left", canvas.call("nudge", 0, -1, False), "left")
            _tool("arrow_upward", "Move up", canvas.call("nudge", -1, 0, False), "up")
            _tool("arrow_downward", "Move down", canvas.call("nudge", 1, 0, False), "down")
            _tool("arrow_forward", "Move right", canvas.call("nudge", 0, 1, False), "right")
    return view


def _tool(icon: str, name: str, handler: str, test: str) -> None:
    button = ui.button(icon=icon, color=None).props(f'flat aria-label="{name}" data-test={test}').classes("tool")
    button.on("click", js_handler=handler)
    button.tooltip(name)


def grasp_card(canvas: GraspCanvas, recorded: bool) -> None:
    """What the browser works out about the grasp that is being drawn."""
    rows = [
        ("Angle", "angle"),
        ("Point", "position"),
        ("Finger A", "finger-a"),
        ("Finger B", "finger-b"),
        ("Between", "between"),
        ("Finger tips", "tip"),
    ]
    items = "".join(f'<div><dt>{name}</dt><dd data-readout="{key}">–</dd></div>' for name, key in rows)
    hint = '<div class="hint" data-hint="none" data-test="hint"><span data-mark>•</span><span data-text></span></div>'
    with ui.element("div").classes("card grasp-card"):
        ui.html(f'{hint}<dl class="readouts">{items}</dl>', sanitize=False)


@dataclass(frozen=True)
class ActionButtons:
    """The buttons that change the dataset."""

    all: tuple[ui.button, ...]
    undo: ui.button
    retry: ui.button
    recover: ui.button


def action_buttons(canvas: GraspCanvas, recorded: bool) -> ActionButtons:
    """Execute, or good and bad, and what else a person can do with a scene."""

    def action(name: str, text: str, key: str, icon: str | None, kind: str) -> ui.button:
        button = (
            ui.button(text, icon=icon, color=None)
            .props(f"no-caps unelevated data-test={name}")
            .classes(f"action {kind}")
        )
        if key:
            with button:
                ui.label(key).classes("key")
        button.on("click", js_handler=canvas.call("act", name))
        return button

    with ui.element("div").classes("actions"):
        if recorded:
            first = [
                action("good", "Good grasp", "G", "check", "primary"),
                action("bad", "Bad grasp", "B", "close", "primary-bad"),
            ]
        else:
            first = [action("execute", "Execute", "Enter", "play_arrow", "primary wide")]
        undo = action("undo", "Undo", "U", None, "secondary")
        skip = action("skip", "Skip scene", "S", None, "secondary")
        nothing = action("nothing", "Nothing graspable", "N", None, "secondary")
        retry = action("retry", "Retry saving", "R", "save", "primary-bad wide")
        recover = action("recover", "The cause is removed: go on", "", "restart_alt", "primary-bad wide")
    retry.set_visibility(False)
    recover.set_visibility(False)
    return ActionButtons((*first, undo, skip, nothing, retry, recover), undo, retry, recover)


def card(title: str, test: str) -> ui.element:
    """A titled card; returns its inside, to be filled later."""
    with ui.element("section").classes("card"):
        ui.element("h2").classes("card-title").props(f'data-title="{title}"')
        with ui.element("div").classes("card-body").props(f"data-test={test}") as inside:
            pass
    return inside


def help_dialog(recorded: bool, with_model: bool) -> ui.dialog:
    """What a good grasp is, and all keys; opened with ? or H."""
    if recorded:
        act = [("G", "Good: this grasp would hold an item"), ("B", "Bad: it would not (kept as a negative)")]
    else:
        act = [("Enter or Space", "Execute: the robot tries the grasp, and the outcome is saved")]
    keys = [
        ("Click or tap, then drag", "Choose the point, turn the gripper"),
        ("Drag the round handle", "Turn without moving the point"),
        ("Q / E", "Turn left / right by 2.8°; with Shift by 22.5°"),
        ("Mouse wheel, + / -", "Zoom about the pointer or the gripper; with Shift the wheel turns the gripper"),
        ("Right button, two fingers", "Move the picture; two fingers also zoom"),
        ("Double click, 0", "Show the whole scene"),
        ("Arrow keys", "Move by one pixel; with Shift by 1 cm"),
        *([("1 … 9", "Take up a suggestion; change it or leave it")] if with_model else []),
        *act,
        ("U, Ctrl+Z or Backspace", "Undo the last step; an undone attempt is deleted, and its scene comes back"),
        ("S", "Skip this scene, keep nothing"),
        *([("P / F", "Previous / next scene of the list")] if recorded else []),
        ("N", "Nothing here can be grasped: keep the scene as such"),
        ("V", "Height, colour or both"),
        ("Esc", "Drop the grasp being drawn"),
        ("? or H", "This list"),
    ]
    with ui.dialog() as dialog, ui.card().classes("help"):
        ui.label("How to label").classes("help-title")
        ui.label(
            "Choose a point on an item, and turn the gripper until A and B stand on either side of it, where both have "
            "room. A warning forbids nothing: grasps that fail are labels too."
        )
        with ui.element("div").classes("help-rows"):
            for key, meaning in keys:
                ui.label(key).classes("help-key")
                ui.label(meaning)
        ui.button("Close", on_click=dialog.close, color=None).props("flat no-caps autofocus data-test=close-help")
    return dialog
