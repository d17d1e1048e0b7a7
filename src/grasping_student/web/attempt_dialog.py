"""One attempt of a dataset in full: pictures, values, the model's score; previous, next, delete and restore."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable

from nicegui import ui

from grasping_student.datasets.schema import Attempt
from grasping_student.geometry.grasp import Outcome
from grasping_student.web.attempt_pictures import PictureKind, picture_address
from grasping_student.web.browse_listing import GraspScore
from grasping_student.web.labelling_results import OUTCOME_WORDS

PICTURES: tuple[tuple[PictureKind, str], ...] = (("height", "Height"), ("colour", "Colour"))


class AttemptDialog:
    """Shows one attempt at a time; what next, previous and delete do is the page's affair."""

    def __init__(
        self, step: Callable[[int], Awaitable[None]], set_deleted: Callable[[Attempt, bool], Awaitable[None]]
    ) -> None:
        self._step, self._set_deleted = step, set_deleted
        self._attempt: Attempt | None = None
        with ui.dialog() as self._dialog, ui.card().classes("browse-detail") as self._card:
            pass

    @property
    def is_open(self) -> bool:
        return bool(self._dialog.value)

    def shows(self, attempt: Attempt) -> bool:
        """Whether the dialog is open with this attempt."""
        return self.is_open and self._attempt is not None and self._attempt.id == attempt.id

    def show(self, attempt: Attempt, deleted: bool) -> None:
        """Open with an attempt, or change to it."""
        self._attempt = attempt
        self._card.clear()
        with self._card:
            with ui.element("div").classes("browse-line"):
                ui.label(f"Attempt {attempt.id}" + (", deleted" if deleted else "")).classes("help-title")
                ui.element("div").classes("spring")
                self._button("chevron_left", "Previous attempt (left arrow)", -1, "previous-attempt")
                self._button("chevron_right", "Next attempt (right arrow)", 1, "next-attempt")
            with ui.element("div").classes("strip" + (" deleted" if deleted else "")):
                for kind, name in PICTURES:
                    with ui.element("figure"):
                        ui.element("img").props(f'src="{picture_address(attempt, kind, 360)}" alt="{name}"')
                        with ui.element("figcaption"):
                            ui.label(name)
            with ui.element("div").classes("help-rows"):
                for key, value in describe(attempt):
                    ui.label(key).classes("help-key")
                    ui.label(value).classes("browse-value")
                self._score_key = ui.label("Model").classes("help-key")
                self._score = ui.label("").classes("browse-value").props("data-test=score-detail")
            self._score_key.set_visibility(False)
            with ui.element("div").classes("browse-line"):
                name, icon = ("Restore", "restore") if deleted else ("Delete", "delete")
                change = ui.button(
                    name, icon=icon, on_click=lambda: self._set_deleted(attempt, not deleted), color=None
                )
                change.props(f"flat no-caps data-test={name.lower()}").mark(name.lower())
                ui.element("div").classes("spring")
                ui.button("Close", on_click=self._dialog.close, color=None).props("flat no-caps data-test=close")
        self._dialog.open()

    def show_score(self, attempt: Attempt, score: GraspScore | None) -> None:
        """Add what the model thinks of the attempt's grasp."""
        if self.shows(attempt):
            self._score_key.set_visibility(True)
            self._score.set_text(score_sentence(score))

    def _button(self, icon: str, name: str, by: int, test: str) -> None:
        button = ui.button(icon=icon, on_click=lambda: self._step(by), color=None)
        button.props(f'flat aria-label="{name}" data-test={test}').classes("tool").mark(test).tooltip(name)


def score_text(score: GraspScore | None) -> str:
    """A model's score in short."""
    return "not scored" if score is None else f"score {score.score:.2f}, beats {100 * score.beats:.1f} %"


def score_sentence(score: GraspScore | None) -> str:
    """A model's score with its meaning."""
    if score is None:
        return "no score: the attempt has no grasp, or the model may not grasp there"
    share = f"{100 * score.beats:.1f} % of all possible grasps in this scene score lower"
    return f"score {score.score:.2f}, which compares within this scene only: {share}"


def outcome_mark(attempt: Attempt) -> tuple[str, str]:
    """A mark and a word for how an attempt ended."""
    if attempt.outcome is None:
        empty = (attempt.extra or {}).get("nothing_graspable")
        return ("•", "nothing graspable" if empty else "no label")
    mark, word, _ = OUTCOME_WORDS[Outcome(attempt.outcome)]
    return mark, word.lower()


def describe(attempt: Attempt) -> list[tuple[str, str]]:
    """An attempt's values in words."""
    grasp = attempt.grasp
    degrees = 0.0 if grasp is None else math.degrees(grasp.angle)
    rows = [
        ("Outcome", outcome_mark(attempt)[1]),
        ("Grasp", "none" if grasp is None else f"row {grasp.row}, column {grasp.col}, {degrees:.1f}°"),
        ("Finger tips", "–" if attempt.z is None else f"{1000 * attempt.z:.0f} mm above the table"),
        ("Chosen by", f"{attempt.source or 'nobody'}, {attempt.policy or '–'} {attempt.policy_version or ''}"),
        ("Where", f"{attempt.environment}, episode {attempt.episode}, attempt {attempt.index} of it"),
        ("When", attempt.created_at),
    ]
    if attempt.extra:
        rows.append(("Extra", json.dumps(attempt.extra, ensure_ascii=False)))
    return rows
