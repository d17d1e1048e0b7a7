"""The browse page: a grid of attempts, filters above, one attempt in full on demand."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from nicegui import Client, run, ui

from grasping_student.datasets.schema import SOURCES, Attempt
from grasping_student.datasets.store import Dataset
from grasping_student.geometry.grasp import Outcome
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.pipeline.errors import UserError
from grasping_student.web.attempt_pictures import PictureKind, picture_address, serve_attempt_pictures
from grasping_student.web.browse_listing import ENDS, BrowseFilter, BrowsePage, GraspScore, ScoreCache, read_page
from grasping_student.web.labelling_results import OUTCOME_WORDS

STYLES = [Path(__file__).parent / "static" / name for name in ("labelling.css", "browse.css")]
ANY = "any"

PICTURES: tuple[tuple[PictureKind, str], ...] = (("height", "Height"), ("colour", "Colour"))


def build_browse_page(dataset: Dataset, gripper: GripperGeometry, scores: ScoreCache | None, page_size: int) -> None:
    """Register the page at ``/``."""
    serve_attempt_pictures(dataset.path, gripper)

    @ui.page("/", title=f"Browse {dataset.path.name}")
    async def browse_page(client: Client) -> None:
        page = BrowseView(client, dataset, scores, page_size)
        page.build()
        await client.connected()
        await page.refresh()


class BrowseView:
    """What one tab shows."""

    def __init__(self, client: Client, dataset: Dataset, scores: ScoreCache | None, page_size: int) -> None:
        self._client = client
        self._dataset = dataset
        self._scores = scores
        self._page_size = page_size
        self._number = 0
        self._request = 0

    def build(self) -> None:
        """Lay the page out; ``refresh`` fills it."""
        for style in STYLES:
            ui.add_css(style)
        ui.query("body").classes("labelling")
        with ui.element("header").classes("labelling-header"):
            ui.label("Grasping Student").classes("brand")
            ui.label(self._dataset.path.name).classes("dataset")
            ui.element("div").classes("spring")
            self._total = ui.label().props("data-test=total role=status")
        with ui.element("div").classes("browse-filters"):
            self._source = self._select("Chosen by", [ANY, *SOURCES], "source")
            self._end = self._select("Outcome", [ANY, *ENDS], "outcome")
            self._episode = ui.number("Episode", min=0, precision=0, on_change=self._restart)
            self._episode.props("outlined dense clearable data-test=episode")
            self._order = self._select("Order", ["newest first", "oldest first"], "order")
            ui.element("div").classes("spring")
            self._back = self._step("chevron_left", "Previous page", -1, "previous")
            self._where = ui.label().classes("browse-where").props("data-test=where")
            self._on = self._step("chevron_right", "Next page", 1, "next")
        self._grid = ui.element("main").classes("browse-grid")
        ui.keyboard(on_key=self._key)

    def _select(self, label: str, options: list[str], test: str) -> ui.select:
        select = ui.select(options, value=options[0], label=label, on_change=self._restart)
        return select.props(f"outlined dense options-dense data-test={test}").classes("browse-select").mark(test)

    def _step(self, icon: str, name: str, by: int, test: str) -> ui.button:
        button = ui.button(icon=icon, on_click=lambda: self._go(by), color=None)
        return button.props(f'flat aria-label="{name}" data-test={test}').classes("tool").mark(test)

    async def _key(self, event: Any) -> None:
        if event.action.keydown and event.key.arrow_left:
            await self._go(-1)
        elif event.action.keydown and event.key.arrow_right:
            await self._go(1)

    async def _restart(self) -> None:
        self._number = 0
        await self.refresh()

    async def _go(self, by: int) -> None:
        self._number = max(0, self._number + by)
        await self.refresh()

    def _wanted(self) -> BrowseFilter:
        def chosen(select: ui.select) -> str | None:
            return None if select.value == ANY else str(select.value)

        episode = None if self._episode.value is None else int(self._episode.value)
        return BrowseFilter(chosen(self._source), chosen(self._end), episode, self._order.value == "newest first")

    async def refresh(self) -> None:
        """Read the page that the filters ask for; the last request wins."""
        self._request += 1
        request = self._request
        try:
            page = await run.io_bound(read_page, self._dataset, self._wanted(), self._number, self._page_size)
        except UserError as error:
            ui.notify(str(error), type="negative")
            return
        if page is not None and request == self._request and not self._client.is_deleted:
            with self._client:
                await self._show(page, request)

    async def _show(self, page: BrowsePage, request: int) -> None:
        self._number = page.number
        self._total.set_text(f"{page.total:,} attempts".replace(",", " "))
        self._where.set_text(f"{page.number + 1} of {page.pages}")
        self._back.set_enabled(page.number > 0)
        self._on.set_enabled(page.number + 1 < page.pages)
        self._grid.clear()
        labels: list[tuple[Attempt, ui.label]] = []
        with self._grid:
            for attempt in page.attempts:
                labels.append((attempt, self._card(attempt)))
            if not page.attempts:
                ui.label("No attempt meets these conditions.").classes("quiet")
        if self._scores is None:
            return
        for attempt, label in labels:
            score = await run.io_bound(self._scores, attempt)
            if request != self._request or self._client.is_deleted:
                return
            label.set_text(score_text(score))

    def _card(self, attempt: Attempt) -> ui.label:
        mark, word = outcome_mark(attempt)
        kind = "none" if attempt.success is None else "success" if attempt.success else "failure"
        button = ui.element("button").classes(f"attempt {kind}").props(f"type=button data-test=attempt-{attempt.id}")
        button.on("click", lambda: self._open(attempt))
        picture: PictureKind = "crop" if attempt.grasp is not None else "height"
        with button:
            ui.element("img").props(f'src="{picture_address(attempt, picture, 176)}" alt="" loading=lazy')
            with ui.element("div").classes("message " + ("info" if kind == "none" else kind)):
                ui.label(mark).classes("mark")
                ui.label(word)
            chooser = attempt.policy or attempt.source or "scene"
            ui.label(f"{attempt.id} · episode {attempt.episode}.{attempt.index} · {chooser}").classes("quiet")
            score = ui.label("").classes("quiet").props(f"data-test=score-{attempt.id}")
            score.set_visibility(self._scores is not None)
        return score

    def _open(self, attempt: Attempt) -> None:
        with self._client, ui.dialog(value=True) as dialog, ui.card().classes("browse-detail"):
            dialog.on("hide", dialog.delete)
            ui.label(f"Attempt {attempt.id}").classes("help-title")
            with ui.element("div").classes("strip"):
                for kind, name in PICTURES:
                    with ui.element("figure"):
                        address = picture_address(attempt, kind, 360)
                        ui.element("img").props(f'src="{address}" alt="{name}"')
                        with ui.element("figcaption"):
                            ui.label(name)
            with ui.element("div").classes("help-rows"):
                for key, value in describe(attempt):
                    ui.label(key).classes("help-key")
                    ui.label(value).classes("browse-value")
            ui.button("Close", on_click=dialog.close, color=None).props("flat no-caps autofocus data-test=close")


def outcome_mark(attempt: Attempt) -> tuple[str, str]:
    """A mark and a word for how an attempt ended."""
    if attempt.outcome is None:
        empty = (attempt.extra or {}).get("nothing_graspable")
        return ("•", "nothing graspable" if empty else "no label")
    mark, word, _ = OUTCOME_WORDS[Outcome(attempt.outcome)]
    return mark, word.lower()


def score_text(score: GraspScore | None) -> str:
    """A model's score in words."""
    return "not scored" if score is None else f"score {score.score:.2f}, beats {100 * score.beats:.1f} %"


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
