"""The labelling page in a real browser: click, drag, touch, keys, execute, undo, reload, lost server."""

import math

import numpy as np
import pytest
from tests.web import browser as real
from tests.web.labelling_worlds import WORKSPACE, box_grasp, scene_of

from grasping_student.datasets.store import Dataset
from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.web.footprint import footprint


def test_pointer_keys_and_footprint_need_no_server_and_agree_with_python(browser, boxes):
    page = real.open_page(browser, boxes.address)
    scene, shape = scene_of(0), GripperGeometry()
    page.context.set_offline(True)  # whatever follows is worked out in the browser
    random = np.random.default_rng(5)
    for _ in range(12):
        row, col, angle = int(random.integers(0, 40)), int(random.integers(0, 40)), random.uniform(-math.pi, math.pi)
        real.press(page, WORKSPACE.pixels, row, col, (80 * math.cos(angle), -80 * math.sin(angle)))
        seen = real.state(page)
        assert (seen["row"], seen["col"]) == (row, col)
        grasp = PlanarGrasp(row, col, angle)
        assert abs(math.sin(seen["angle"] - grasp.angle)) < 0.02
        expected = footprint(scene, PlanarGrasp(row, col, seen["angle"]), shape)
        assert seen["hint"] == expected.hint
        for name, value in (("tip", expected.tip_height), ("a", expected.finger_a), ("b", expected.finger_b)):
            assert (seen[name] is None) == math.isnan(value)
            assert seen[name] is None or seen[name] == pytest.approx(value, abs=1.1e-4)

    real.press(page, WORKSPACE.pixels, 20, 20)
    start = real.state(page)
    assert page.inner_text("[data-readout=position]") == "row 20, column 20"

    def after(*keys):
        before = real.state(page)
        for key in keys:
            page.keyboard.press(key)
        now = real.state(page)
        turned = now["angle"] - before["angle"]
        turned -= math.pi * round(turned / math.pi)
        return turned, now["row"] - before["row"], now["col"] - before["col"]

    assert after("q") == pytest.approx((math.pi / 64, 0, 0), abs=1e-9)
    assert after("Shift+E") == pytest.approx((-math.pi / 8, 0, 0), abs=1e-9)
    assert after("]", "Shift+Q") == pytest.approx((math.pi * 7 / 64, 0, 0), abs=1e-9)
    assert after("ArrowUp", "ArrowRight", "ArrowRight") == pytest.approx((0, -1, 2))
    assert after("Shift+ArrowDown") == pytest.approx((0, 2, 0)), "1 cm would be one pixel; Shift moves two at least"
    assert real.state(page)["scene"] == start["scene"]
    page.keyboard.press("Escape")
    assert real.state(page)["hint"] == "none"
    page.keyboard.press("ArrowLeft")
    assert scene.height[real.state(page)["row"], real.state(page)["col"]] > 0, "the first key begins on an item"

    page.keyboard.press("Escape")
    real.press(page, WORKSPACE.pixels, 20, 20)  # at angle 0 again: the round handle turns without moving the point
    x, y = real.point(page, WORKSPACE.pixels, 20, 20)
    side = page.locator(".grasp-canvas canvas").bounding_box()["width"]
    handle = (0.085 / 2 + 0.012 + 0.032) / WORKSPACE.extent * side
    page.mouse.move(x + handle, y)
    page.mouse.down()
    page.mouse.move(x, y - handle, steps=6)
    page.mouse.up()
    seen = real.state(page)
    assert (seen["row"], seen["col"]) == (20, 20) and seen["angle"] == pytest.approx(math.pi / 2, abs=0.01)
    page.context.set_offline(False)
    assert not page.errors


def test_execute_undo_and_reload_by_keyboard_alone(browser, boxes, tmp_path):
    page = real.open_page(browser, boxes.address)
    page.keyboard.press("Enter")  # no grasp yet: nothing is sent
    grasp = box_grasp(scene_of(0))
    page.keyboard.press("ArrowUp")
    for axis, less, more in (("row", "ArrowUp", "ArrowDown"), ("col", "ArrowLeft", "ArrowRight")):
        away = getattr(grasp, axis) - real.state(page)[axis]
        for _ in range(abs(away)):
            page.keyboard.press(more if away > 0 else less)
    for _ in range(round(grasp.angle / (math.pi / 8))):
        page.keyboard.press("Shift+Q")
    seen = real.state(page)
    page.keyboard.press("Enter")
    real.wait_saved(page, 0)
    stored = Dataset(tmp_path / "d").attempt(0)  # what the page calls saved is there
    assert stored.grasp == PlanarGrasp(seen["row"], seen["col"], seen["angle"]) == grasp
    assert stored.source == "human" and stored.extra["suggestions"]
    assert page.inner_text("[data-test=labels]") == "1"
    assert len(page.query_selector_all("[data-test=outcome] img")) == 2

    page.keyboard.press("u")
    page.wait_for_function("document.querySelector('[data-test=message]').innerText.includes('Deleted attempt 0')")
    page.wait_for_function("JSON.parse(document.querySelector('[data-state]').dataset.state).row !== undefined")
    back = real.state(page)
    assert (back["row"], back["col"]) == (grasp.row, grasp.col), "the grasp comes back with its scene"
    assert len(Dataset(tmp_path / "d")) == 0

    page.keyboard.press("q")
    page.wait_for_selector(".grasp-busy", state="detached")  # until then the key waits
    drawn = real.state(page)
    page.reload()
    page.wait_for_selector("[data-state]")
    page.wait_for_timeout(300)
    again = real.state(page)
    assert [again[k] for k in ("scene", "row", "col", "angle")] == [drawn[k] for k in ("scene", "row", "col", "angle")]
    page.wait_for_timeout(500)
    page.keyboard.press(" ")
    real.wait_saved(page, 1)
    assert [a.id for a in Dataset(tmp_path / "d").attempts()] == [1]
    assert page.hosts == {boxes.address.split("/")[2]}, "no request left the machine"
    assert not page.errors


def test_suggestions_help_views_and_a_second_tab(browser, boxes, tmp_path):
    page = real.open_page(browser, boxes.address)
    page.wait_for_selector("[data-test=suggestion-2]")
    page.wait_for_timeout(200)
    page.keyboard.press("2")
    assert real.state(page)["suggestion"] == 1
    page.keyboard.press("?")
    page.wait_for_selector("text=How to label")
    page.keyboard.press("q")
    page.keyboard.press("Escape")
    page.wait_for_selector("text=How to label", state="hidden")
    for name in ("colour", "both", "height"):
        page.keyboard.press("v")
        page.wait_for_function(
            "name => document.querySelector('[data-test=view] [aria-pressed=true]').innerText.toLowerCase() == name",
            arg=name,
        )
    page.keyboard.press("Enter")
    real.wait_saved(page, 0)
    extra = Dataset(tmp_path / "d").attempt(0).extra
    assert extra["suggestion_accepted"] == 1 and len(extra["suggestions"]) == 3

    other = real.open_page(browser, boxes.address)
    other.wait_for_selector("[data-test=hold]:visible")
    assert "another tab labels this dataset" in other.inner_text("[data-test=hold]")
    real.press(other, WORKSPACE.pixels, 20, 20)
    other.keyboard.press("Enter")
    assert real.state(other)["hint"] == "none", "a tab that may not write draws nothing"
    other.click("[data-test=take-over]")
    page.wait_for_selector("[data-test=hold]:visible")
    other.wait_for_selector("[data-test=hold]", state="hidden")
    other.wait_for_selector(".grasp-canvas:not(.locked)")  # told after the banner went
    other.keyboard.press("s")
    other.wait_for_selector("text=Skipped")
    assert len(Dataset(tmp_path / "d")) == 1 and not page.errors and not other.errors


def test_enter_executes_after_a_click_on_any_button_and_after_the_help(browser, boxes, tmp_path):
    page = real.open_page(browser, boxes.address)
    page.wait_for_selector("[data-test=suggestion-1]")
    page.wait_for_timeout(200)
    page.click("[data-test=suggestion-2]")
    page.click("[data-test=turn-left]")
    turned = real.state(page)["angle"]
    page.keyboard.press("Enter")
    real.wait_saved(page, 0)
    assert Dataset(tmp_path / "d").attempt(0).grasp.angle == pytest.approx(turned)
    assert Dataset(tmp_path / "d").attempt(0).extra["suggestion_corrected"] == 1
    page.click("[data-test=help]")
    page.wait_for_selector("text=How to label")
    page.click("[data-test=close-help]")
    page.wait_for_selector(".q-dialog", state="detached")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    real.wait_saved(page, 1)
    assert not page.query_selector(".q-dialog")

    page.click("[data-test=thumbnail-0]")
    page.click("[data-test=delete]")
    page.wait_for_selector("[data-test=restore]")
    page.wait_for_selector("text=Deleted attempt 0")
    page.wait_for_selector(".grasp-canvas:not(.locked)")  # a busy canvas takes no keys
    page.keyboard.press("u")
    page.wait_for_selector("text=Restored attempt 0")
    assert [a.id for a in Dataset(tmp_path / "d").attempts()] == [0, 1]
    page.focus("[data-test=turn-left]")
    before = real.state(page)
    page.keyboard.press("Enter")  # reached with the keyboard, a button keeps its key
    assert len(Dataset(tmp_path / "d")) == 2 and real.state(page)["angle"] != before.get("angle")
    assert not page.errors


def test_a_dialog_that_fades_away_swallows_no_key(browser, boxes):
    page = real.open_page(browser, boxes.address)
    for _ in range(4):
        before = page.inner_text("[data-test=view] [aria-pressed=true]")
        page.keyboard.press("?")
        page.wait_for_selector("text=How to label")
        page.evaluate(
            """() => {
              const close = document.querySelector("[data-test=close-help]");
              const leaving = () => document.querySelector('.q-dialog__inner[class*="leave-active"]');
              const press = () => leaving()
                ? window.dispatchEvent(new KeyboardEvent("keydown", { key: "v", bubbles: true }))
                : requestAnimationFrame(press);
              close.click();
              press();
            }"""
        )
        page.wait_for_function(
            "old => document.querySelector('[data-test=view] [aria-pressed=true]').innerText !== old", arg=before
        )
        page.wait_for_selector(".q-dialog", state="detached")
    assert not page.errors


def test_a_killed_server_loses_nothing_that_was_saved_and_the_page_comes_back(browser, tmp_path):
    server = real.Server(real.SERVE_BOXES, tmp_path / "d", 0)
    page = real.open_page(browser, server.address)
    for number in range(3):
        page.wait_for_timeout(300)
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        real.wait_saved(page, number)
    server.kill()
    assert len(Dataset(tmp_path / "d")) == 3
    with real.Server(real.SERVE_BOXES, tmp_path / "d", server.port):
        page.wait_for_function(
            "document.querySelector('[data-test=total]')?.innerText === '3'"
            " && document.querySelector('[data-test=labels]')?.innerText === '0'"
        )
        page.wait_for_selector("[data-state]")
        page.wait_for_timeout(1000)
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        real.wait_saved(page, 3)
    assert len(Dataset(tmp_path / "d")) == 4
