"""The recorded scenes beside the canvas: how many are judged, a list to choose from, and the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui
from nicegui.events import GenericEventArguments

from grasping_student.web.grasp_canvas import GraspCanvas
from grasping_student.web.labelling_steps import SceneList

MARKS = {"good": "✓", "bad": "✕", "nothing": "∅", None: ""}
"""Marks of the verdicts in the list: colour never tells alone."""

WORDS = {"good": "good grasp", "bad": "bad grasp", "nothing": "nothing graspable", None: "open"}

CHOSEN = """(event) => {
  const cell = event.target.closest("[data-position]");
  if (cell) emit(Number(cell.dataset.position));
}"""


class ScenesCard:
    """A progress bar, previous and next, and one cell for every scene."""

    def __init__(self, canvas: GraspCanvas, go_to: Callable[[int], Awaitable[None]]) -> None:
        with ui.element("section").classes("card scenes-card"):
            with ui.element("div").classes("scenes-line"):
                _step("chevron_left", "Previous scene (P)", canvas, "previous")
                with ui.element("div").classes("scenes-progress"):
                    self._text = ui.label().props("data-test=scenes-judged role=status")
                    with ui.element("div").classes("bar"):
                        self._bar = ui.element("div")
                _step("chevron_right", "Next scene (F)", canvas, "next")
            self._cells = ui.html("", sanitize=False).classes("scenes-cells").props("data-test=scenes")

            async def chosen(event: GenericEventArguments) -> None:
                if isinstance(event.args, int) and not isinstance(event.args, bool):
                    await go_to(event.args)

            self._cells.on("click", chosen, js_handler=CHOSEN)

    def show(self, scenes: SceneList) -> None:
        """Show what is judged, and where the person is."""
        count, judged = len(scenes.verdicts), len(scenes.verdicts) - len(scenes.open)
        here = "" if scenes.position is None or scenes.done else f"Scene {scenes.position + 1}: "
        self._text.set_text(f"{here}{judged} of {count} judged")
        self._bar.style(f"width: {100 * judged / count:.1f}%")
        self._cells.set_content("".join(_cell(i, verdict, scenes) for i, verdict in enumerate(scenes.verdicts)))


def _cell(position: int, verdict: str | None, scenes: SceneList) -> str:
    here = ' aria-current="true"' if position == scenes.position and not scenes.done else ""
    name = f"scene {position + 1}: {WORDS[verdict]}"
    return (
        f'<button type="button" data-position="{position}" class="{verdict or "open"}" title="{name}" '
        f'aria-label="{name}"{here}>{position + 1}<i>{MARKS[verdict]}</i></button>'
    )


def _step(icon: str, name: str, canvas: GraspCanvas, action: str) -> None:
    button = ui.button(icon=icon, color=None).props(f'flat aria-label="{name}" data-test={action}').classes("tool")
    button.on("click", js_handler=canvas.call("act", action))
    button.tooltip(name)


class DonePanel:
    """Stands over the canvas when every recorded scene is judged."""

    def __init__(self, go_to: Callable[[int], Awaitable[None]]) -> None:
        self._first_open = 0
        with ui.element("div").classes("done-panel").props("role=status data-test=done") as self._panel:
            ui.label("✓").classes("done-mark")
            self._title = ui.label().classes("done-title")
            self._counts = ui.label()
            ui.label(
                "Choose a scene in the list to look at it or to label it once more. Ctrl-C in the terminal ends the "
                "program, which then tells how to learn from the labels."
            ).classes("quiet")
            self._go_on = ui.button("Go on", on_click=lambda: go_to(self._first_open), color=None)
            self._go_on.props("unelevated no-caps data-test=go-on")
        self._panel.set_visibility(False)

    def show(self, scenes: SceneList) -> None:
        """Show the end, or hide it; a judgement that was deleted since leaves a scene to go on with."""
        self._panel.set_visibility(scenes.done)
        said = [scenes.verdicts.count(verdict) for verdict in ("good", "bad", "nothing")]
        self._title.set_text("Done: all scenes are judged" if not scenes.open else f"{len(scenes.open)} open again")
        self._counts.set_text(f"{said[0]} good, {said[1]} bad, {said[2]} with nothing graspable")
        self._go_on.set_visibility(bool(scenes.open))
        self._first_open = scenes.open[0] if scenes.open else 0
