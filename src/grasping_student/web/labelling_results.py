"""What the labelling page shows of results: the last grasp before and after, suggestions, the session so far."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from grasping_student.datasets.schema import Attempt
from grasping_student.geometry.grasp import Outcome
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.plotting.png import png_address
from grasping_student.web.attempt_log import Progress
from grasping_student.web.attempt_pictures import picture_address
from grasping_student.web.grasp_canvas import GraspCanvas
from grasping_student.web.labelling_service import LabellingService, Message
from grasping_student.web.labelling_steps import SavedLabel
from grasping_student.web.pictures import around, draw_gripper, enlarge, height_colours, top_of_scale
from grasping_student.web.suggestions import SceneSuggestions

STRIP_SIDE = 176
"""Pictures before and after, pixels."""

STRIP_METRES = 0.2
"""What they show around the grasp, metres."""

OUTCOME_WORDS = {
    Outcome.SUCCESS: ("✓", "Success", "the gripper holds an item"),
    Outcome.MISSED: ("✕", "Missed", "the gripper closed on nothing"),
    Outcome.DROPPED: ("✕", "Dropped", "the item was lost in the lift"),
    Outcome.COLLISION: ("✕", "Collision", "a finger met something on the way down"),
    Outcome.OUT_OF_REACH: ("✕", "Out of reach", "the robot may not grasp there"),
    Outcome.FAULT: ("!", "Device fault", "not the grasp's fault: it does not count"),
}

UNCERTAINTY = (
    "Spread of the model's scores over all grasps of this scene: near 0 it prefers one place by far, near 1 all "
    "grasps look alike to it. Labels on scenes of high uncertainty teach it most."
)

MARKS = {"info": "•", "success": "✓", "failure": "✕", "error": "!"}


def fill_outcome(
    inside: ui.element, last: SavedLabel | None, message: Message | None, gripper: GripperGeometry, recorded: bool
) -> None:
    """The message, and the last saved grasp with its pictures."""
    inside.clear()
    with inside:
        if message is None:
            then = "say whether it is good or bad" if recorded else "execute it"
            ui.label(f"Nothing yet. Choose a grasp, then {then}.").classes("quiet")
            return
        if last is not None and message.tone in ("success", "failure"):
            _strip(last, gripper)
        with ui.element("div").classes(f"message {message.tone}").props("role=status data-test=message"):
            ui.label(MARKS[message.tone]).classes("mark")
            ui.label(_message_text(last, message))


def _message_text(last: SavedLabel | None, message: Message) -> str:
    if last is None or message.tone not in ("success", "failure"):
        return message.text
    assert last.attempt.outcome is not None
    if last.attempt.environment == "recorded":
        return f"{'Good' if last.attempt.success else 'Bad'} grasp. {message.text}."
    _, word, meaning = OUTCOME_WORDS[last.attempt.outcome]
    return f"{word}: {meaning}. {message.text}."


def _strip(last: SavedLabel, gripper: GripperGeometry) -> None:
    grasp, workspace = last.attempt.grasp, last.before.workspace
    assert grasp is not None
    top, side = top_of_scale(last.before), round(2 * STRIP_SIDE * workspace.extent / STRIP_METRES)
    scenes = [("Your grasp", last.before)]
    if last.after is not None:
        scenes = [("Before", last.before), ("After", last.after)]
    with ui.element("div").classes("strip"):
        for name, heightmap in scenes:
            picture = enlarge(height_colours(heightmap, top), side)
            if heightmap is last.before:
                picture = draw_gripper(picture, grasp, gripper, workspace, 3)
            crop = enlarge(around(picture, grasp, STRIP_METRES, workspace), STRIP_SIDE)
            with ui.element("figure"):
                ui.element("img").props(f'src="{png_address(crop)}" alt="{name} the grasp"')
                with ui.element("figcaption"):
                    ui.label(name)


def fill_suggestions(inside: ui.element, canvas: GraspCanvas, found: SceneSuggestions) -> None:
    """A button for every suggestion."""
    inside.clear()
    with inside:
        if not found.suggestions:
            ui.label("The model sees nothing to grasp here.").classes("quiet")
        for position, suggestion in enumerate(found.suggestions):
            button = ui.button(f"{position + 1}", color=None).props(
                f"no-caps unelevated data-test=suggestion-{position + 1}"
            )
            button.classes("suggestion").on("click", js_handler=canvas.call("take", position))
            button.tooltip(f"score {suggestion.score:.2f}")
        label = ui.label(f"uncertainty {found.uncertainty:.2f} (0 sure, 1 knows nothing)").classes("quiet")
        label.tooltip(UNCERTAINTY)


def progress_numbers(progress: Progress, recorded: bool) -> list[tuple[str, str, str]]:
    """Test name, number and what it counts."""
    share = f"{100 * progress.session_successes / progress.session_labels:.0f} %" if progress.session_labels else "–"
    rate = "–" if progress.labels_per_minute is None else f"{progress.labels_per_minute:.1f}"
    verb = "good" if recorded else "succeeded"
    return [
        ("labels", str(progress.session_labels), "labels"),
        ("rate", share, f"{verb} ({progress.session_successes})"),
        ("speed", rate, "a minute"),
        ("total", str(progress.total_labels), "in the dataset"),
    ]


def fill_session(
    inside: ui.element,
    service: LabellingService,
    selected: int | None,
    select: Callable[[int], None],
    delete: Callable[[int], Awaitable[None]],
    restore: Callable[[int], Awaitable[None]],
) -> None:
    """Counts, and the last attempts as small pictures; the selected one can be deleted, a deleted one restored."""
    inside.clear()
    with inside:
        with ui.element("div").classes("numbers"):
            for test, number, meaning in progress_numbers(service.progress, service.recorded):
                with ui.element("div"):
                    ui.label(number).classes("number").props(f"data-test={test}")
                    ui.label(meaning).classes("quiet")
        with ui.element("div").classes("thumbnails"):
            for attempt, deleted in service.recent:
                _thumbnail(attempt, deleted, attempt.id == selected, select)
        chosen = next(((a, deleted) for a, deleted in service.recent if a.id == selected), None)
        if chosen is not None:
            _details(*chosen, delete, restore)
        elif service.recent:
            ui.label("Choose a picture to delete its attempt, or to bring it back.").classes("quiet")


def _thumbnail(attempt: Attempt, deleted: bool, selected: bool, select: Callable[[int], None]) -> None:
    mark, word, _ = OUTCOME_WORDS[attempt.outcome or Outcome.FAULT]
    kind = "deleted" if deleted else "success" if attempt.success else "failure"
    name = f"attempt {attempt.id}: {'deleted' if deleted else word.lower()}"
    button = ui.element("button").classes(f"thumbnail {kind} {'selected' if selected else ''}")
    button.props(f'type=button aria-label="{name}" title="{name}" data-test=thumbnail-{attempt.id}')
    button.mark(f"thumbnail-{attempt.id}").on("click", lambda: select(attempt.id))
    with button:
        ui.element("img").props(f'src="{picture_address(attempt, "crop", 96)}" alt="" loading=lazy')
        ui.label("deleted" if deleted else mark).classes("mark")


def _details(
    attempt: Attempt, deleted: bool, delete: Callable[[int], Awaitable[None]], restore: Callable[[int], Awaitable[None]]
) -> None:
    _, word, _ = OUTCOME_WORDS[attempt.outcome or Outcome.FAULT]
    with ui.element("div").classes("details"):
        ui.label(f"Attempt {attempt.id}, {'deleted' if deleted else word.lower()}")
        if deleted:
            button = ui.button("Restore", icon="restore", on_click=lambda: restore(attempt.id), color=None)
        else:
            button = ui.button("Delete", icon="delete", on_click=lambda: delete(attempt.id), color=None)
        button.props(f"flat dense no-caps data-test={'restore' if deleted else 'delete'}")
