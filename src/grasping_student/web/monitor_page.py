"""The live page of a robot cell: what it sees, chooses and achieves, how its devices are, and a stop button."""

from __future__ import annotations

import asyncio
import html
import time
from pathlib import Path
from typing import Any

from nicegui import ui

from grasping_student.episodes.event_log import outcome_name
from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.plotting.figures import draw_gripper, plot_heightmap, plot_rates, plot_score_map
from grasping_student.plotting.style import bare, data_uri, new_figure, picture_figure
from grasping_student.robots.cell.config import CellConfig
from grasping_student.robots.cell.devices import arm_config
from grasping_student.robots.cell.telemetry import request_stop
from grasping_student.web.monitor_source import MonitorSource, Numbers, Scene

STATIC = Path(__file__).parent / "static"
PERIOD = 0.5
"""Seconds between two looks at the files."""

CAPTIONS = {"camera": "Camera", "height": "Heightmap and chosen grasp", "score": "Best score over 16 angles"}


def build_monitor_page(cell: CellConfig, source: MonitorSource) -> None:
    """Register the page at ``/``."""

    @ui.page("/", title="Robot cell")
    def monitor_page() -> None:
        MonitorPage(cell, source).build()


class MonitorPage:
    """What one tab shows. It only reads, but for the stop button."""

    def __init__(self, cell: CellConfig, source: MonitorSource) -> None:
        self._cell, self._source = cell, source
        self._scene: Scene | None = None
        self._drawn_grasp: PlanarGrasp | None = None
        self._drawn_numbers: Numbers | None = None

    def build(self) -> None:
        """Lay the page out and start looking."""
        ui.add_css(STATIC / "labelling.css")
        ui.add_css(STATIC / "monitor.css")
        ui.query("body").classes("labelling")
        with ui.element("header").classes("labelling-header"):
            ui.label("Grasping Student").classes("brand")
            ui.label("robot cell").classes("quiet")
            ui.element("div").classes("spring")
            ui.button("STOP", on_click=self._stop, color=None).props("unelevated data-test=stop").classes(
                "monitor-stop"
            )
        with ui.element("div").classes("monitor-message").props("role=alert data-test=stop-message") as self._message:
            self._message_text = ui.label()
            ui.button("Close", on_click=lambda: self._message.set_visibility(False), color=None).props("flat no-caps")
        self._message.set_visibility(False)
        with ui.element("main").classes("monitor-main labelling"):
            with ui.element("section").classes("monitor-left"):
                with ui.element("div").classes("monitor-pictures"):
                    self._pictures = {name: _figure(name) for name in CAPTIONS}
                self._rates = _card("Success so far, all picks, with 95 % Wilson interval", "rates")
                self._outcomes = _card("Last outcomes, newest first", "outcomes")
            with ui.element("aside").classes("monitor-side"):
                self._phase = _card("Now", "phase")
                self._devices = _card("Arm and gripper", "devices")
        ui.timer(PERIOD, self._look)

    async def _look(self) -> None:
        self._show_phase(await asyncio.to_thread(self._source.status))
        self._show_devices(self._source.status(), await asyncio.to_thread(arm_config(self._cell).status))
        numbers = await asyncio.to_thread(self._source.numbers)
        if numbers is not self._drawn_numbers:
            self._drawn_numbers = numbers
            self._show_numbers(numbers)
        scene = await asyncio.to_thread(self._source.scene)
        if scene is None:
            return
        is_new = self._scene is None or scene.number != self._scene.number
        self._scene = scene
        grasp = self._source.grasp(scene.number)
        if is_new or (grasp is not None and grasp != self._drawn_grasp):
            self._drawn_grasp = grasp
            uris = await asyncio.to_thread(_draw_scene, scene, grasp)
            for name, uri in uris.items():
                self._pictures[name].set_content(
                    f'<img alt="{CAPTIONS[name]}" src="{uri}">' if uri else _blank("this policy has no scores")
                )

    async def _stop(self) -> None:
        words, well = await press_stop(self._cell)
        self._message_text.set_text(("✓ " if well else "! ") + words)
        self._message.props(f"data-well={str(well).lower()}")
        self._message.set_visibility(True)

    def _show_phase(self, status: dict[str, Any]) -> None:
        if not status:
            words = (
                "the cell has not started yet"
                if self._cell.telemetry
                else "the cell's file names no `telemetry` folder"
            )
            self._phase.set_content(f'<p class="monitor-phase" data-state="waiting">{words}</p>')
            return
        age = max(0.0, time.time() - status["time"])
        pressed = self._source.stop_requested()
        if pressed:
            status = {**status, "phase": "stopped", "reason": "the stop button was pressed; `cell recover` clears it"}
        state = "stopped" if status["phase"] == "stopped" else "running"
        reason = html.escape(str(status.get("reason", ""))) if state == "stopped" else ""
        acting = self._source.numbers().model if state == "running" else None
        words = html.escape(status["phase"] if acting is None else f"{acting}: {status['phase']}")
        self._phase.set_content(
            f'<p class="monitor-phase" data-state="{state}">{words}</p>'
            f'<p class="quiet">{age:.0f} s ago</p><p>{reason}</p>'
        )

    def _show_devices(self, status: dict[str, Any], arm_now: str) -> None:
        arm, gripper = status.get("arm") or {}, status.get("gripper") or {}
        place = " ".join(f"{value:+.3f}" for value in arm.get("position", [])) or "unknown"
        stroke = f"{gripper['stroke_mm']:.1f} mm" if gripper else "unknown"
        holds = {True: "yes", False: "no", None: "unknown"}[gripper.get("object")]
        rows = {"Arm now": arm_now, "Tool last seen at, m": place, "Fingers open": stroke, "Holds something": holds}
        self._devices.set_content(_table(rows))

    def _show_numbers(self, numbers: Numbers) -> None:
        rows = [
            (f"{name} ({row['successes']}/{row['attempts']})", row["success_rate"], tuple(row["wilson_95"]))
            for name, row in numbers.rates.items()
            if row["attempts"]
        ]
        if rows:
            figure, axes = new_figure(9.0, 0.6 + 0.55 * len(rows))
            plot_rates(axes[0, 0], rows)
            self._rates.set_content(f'<img alt="success rates" style="width:100%" src="{data_uri(figure)}">')
        else:
            none = "no attempt yet" if self._source.has_run else "name the evaluation's output folder with --run"
            self._rates.set_content(f'<p class="quiet">{none}</p>')
        self._outcomes.set_content(
            '<div class="monitor-outcomes">'
            + "".join(
                f'<span class="monitor-outcome" data-success="{str(bool(each.success)).lower()}">'
                f"{html.escape(str(each.policy))}: {html.escape(outcome_name(each))}</span>"
                for each in numbers.last
            )
            + "</div>"
        )


async def press_stop(cell: CellConfig) -> tuple[str, bool]:
    """Brake over the arm's own channel and tell the cell to begin nothing new, at once: neither waits for the other.

    Returns:
        What to tell whoever pressed, and whether both were done.
    """
    braked, trouble = await asyncio.gather(
        asyncio.to_thread(arm_config(cell).brake), asyncio.to_thread(_hold, cell.telemetry)
    )
    words = "The arm was told to stop." if braked else "The arm did not answer: use the red button on its tablet!"
    if trouble:
        words += f" The next program is not held: {trouble}. End what drives the arm yourself."
    return words, braked and not trouble


def _hold(telemetry: Path | None) -> str:
    """Write the request to stop; in words why that was not possible, empty if it was."""
    if telemetry is None:
        return "the cell's file names no `telemetry` folder"
    try:
        request_stop(telemetry)
    except OSError as error:
        return f"`telemetry` cannot be written ({error})"
    return ""


def _draw_scene(scene: Scene, grasp: PlanarGrasp | None) -> dict[str, str | None]:
    """The three pictures as data URIs; None for a score map that does not exist."""
    figures = {name: picture_figure(4.0) for name in CAPTIONS if name != "score" or scene.scores is not None}
    workspace = scene.heightmap.workspace
    half = workspace.extent / 2
    figures["camera"][1].imshow(scene.picture, extent=(-half, half, -half, half))
    bare(figures["camera"][1])
    plot_heightmap(figures["height"][1], scene.heightmap)
    if scene.scores is not None:
        plot_score_map(figures["score"][1], scene.scores, workspace)
    if grasp is not None:
        for name in figures.keys() - {"camera"}:
            draw_gripper(figures[name][1], workspace, grasp)
    return {name: data_uri(figures[name][0], dpi=110) if name in figures else None for name in CAPTIONS}


def _figure(name: str) -> ui.html:
    with ui.element("figure").props(f"data-test={name}"):
        picture = ui.html(_blank("waiting for a scene"), sanitize=False)
        ui.html(f"<figcaption>{CAPTIONS[name]}</figcaption>", sanitize=False)
    return picture


def _card(title: str, test: str) -> ui.html:
    with ui.element("section").classes("monitor-card").props(f"data-test={test}"):
        ui.html(f"<h2>{html.escape(title)}</h2>", sanitize=False)
        return ui.html("", sanitize=False)


def _blank(words: str) -> str:
    return f'<div class="monitor-blank">{html.escape(words)}</div>'


def _table(rows: dict[str, str]) -> str:
    lines = (f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in rows.items())
    return f'<table class="monitor-table">{"".join(lines)}</table>'
