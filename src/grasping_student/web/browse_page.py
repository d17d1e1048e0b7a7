"""The browse page: a grid of attempts, filters above, one attempt in full on demand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nicegui import Client, run, ui

from grasping_student.datasets.schema import SOURCES, Attempt
from grasping_student.datasets.store import Dataset
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.pipeline.errors import UserError
from grasping_student.web.attempt_dialog import AttemptDialog, outcome_mark, score_text
from grasping_student.web.attempt_pictures import PictureKind, picture_address, serve_attempt_pictures
from grasping_student.web.browse_listing import ENDS, BrowseFilter, BrowsePage, ScoreCache, read_page, set_deleted

STYLES = [Path(__file__).parent / "static" / name for name in ("labelling.css", "browse.css")]
ANY = "any"

BEATS = "beats: share of all possible grasps in the same scene that the model scores lower"


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
        self._page_attempts: tuple[Attempt, ...] = ()
        self._shown: tuple[Attempt, ...] = ()
        """What next and previous go through: the page when an attempt was opened, deleted ones since among it."""
        self._position = 0
        self._deleted: set[int] = set()
        self._last_deleted: Attempt | None = None

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
            self._undo = ui.button("Undo", icon="undo", on_click=self._undo_delete, color=None)
            self._undo.props("flat no-caps data-test=undo").classes("tool").mark("undo").set_visibility(False)
            if self._scores is not None:
                ui.label(BEATS).classes("quiet").props("data-test=beats")
            ui.element("div").classes("spring")
            with ui.element("div").classes("browse-pages"):
                self._back = self._step("chevron_left", "Previous page", -1, "previous")
                self._where = ui.label().classes("browse-where").props("data-test=where")
                self._on = self._step("chevron_right", "Next page", 1, "next")
        self._grid = ui.element("main").classes("browse-grid")
        self._dialog = AttemptDialog(self._step_attempt, self._set_deleted)
        ui.keyboard(on_key=self._key, ignore=["input", "select", "textarea"])

    def _select(self, label: str, options: list[str], test: str) -> ui.select:
        select = ui.select(options, value=options[0], label=label, on_change=self._restart)
        return select.props(f"outlined dense options-dense data-test={test}").classes("browse-select").mark(test)

    def _step(self, icon: str, name: str, by: int, test: str) -> ui.button:
        button = ui.button(icon=icon, on_click=lambda: self._go(by), color=None)
        return button.props(f'flat aria-label="{name}" data-test={test}').classes("tool").mark(test)

    async def _key(self, event: Any) -> None:
        if not event.action.keydown:
            return
        step = self._step_attempt if self._dialog.is_open else self._go
        if event.key.arrow_left:
            await step(-1)
        elif event.key.arrow_right:
            await step(1)
        elif event.key.delete and self._dialog.is_open:
            attempt = self._shown[self._position]
            await self._set_deleted(attempt, attempt.id not in self._deleted)

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
        self._number, self._page_attempts = page.number, page.attempts
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
        button.mark(f"attempt-{attempt.id}")
        button.on("click", lambda: self._open_on_page(attempt))
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

    # ---- one attempt in full

    async def _open_on_page(self, attempt: Attempt) -> None:
        self._shown = self._page_attempts
        self._position = self._shown.index(attempt)
        await self._show_attempt(attempt)

    async def _show_attempt(self, attempt: Attempt) -> None:
        self._dialog.show(attempt, attempt.id in self._deleted)
        if self._scores is not None:
            score = await run.io_bound(self._scores, attempt)
            if not self._client.is_deleted:
                self._dialog.show_score(attempt, score)

    async def _step_attempt(self, by: int) -> None:
        """The attempt before or after the open one, over the borders of pages."""
        position = self._position + by
        if not 0 <= position < len(self._shown):
            before = self._number
            await self._go(by)
            if self._number == before or not self._page_attempts:
                return
            self._shown = self._page_attempts
            position = 0 if by > 0 else len(self._shown) - 1
        self._position = position
        await self._show_attempt(self._shown[position])

    async def _set_deleted(self, attempt: Attempt, deleted: bool) -> None:
        try:
            await run.io_bound(set_deleted, self._dataset, attempt.id, deleted)
        except UserError as error:
            ui.notify(str(error), type="negative")
            return
        (self._deleted.add if deleted else self._deleted.discard)(attempt.id)
        self._last_deleted = attempt if deleted else None
        self._undo.set_visibility(deleted)
        self._undo.set_text(f"Undo: restore attempt {attempt.id}")
        if self._dialog.shows(attempt):
            await self._show_attempt(attempt)
        await self.refresh()

    async def _undo_delete(self) -> None:
        if self._last_deleted is not None:
            await self._set_deleted(self._last_deleted, False)
