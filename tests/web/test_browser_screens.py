"""Pages in a real browser: the size of the screen, touch, recorded scenes, browsing."""

import re

import pytest
from tests.web import browser as real
from tests.web.labelling_worlds import WORKSPACE, box_grasp, scene_of

from grasping_student.datasets.store import Dataset

CUT_OFF = """() => [...document.querySelectorAll(".labelling-header *, .labelling-main *")].filter((element) => {
  const box = element.getBoundingClientRect();
  return box.width && (box.right > innerWidth + 1 || box.left < -1);
}).map((element) => element.className)"""


def test_it_fits_the_screen_and_works_by_touch(browser, boxes, tmp_path):
    page = real.open_page(browser, boxes.address, touch=True)
    for width, height in ((1280, 800), (768, 1024), (1024, 768)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        box = page.locator(".grasp-canvas canvas").bounding_box()
        assert box["width"] == pytest.approx(box["height"]) and box["width"] > 0.5 * min(width, height)
        button = page.locator("[data-test=execute]").bounding_box()
        assert button["y"] + button["height"] <= height, "in sight without scrolling"
    grasp = box_grasp(scene_of(0))
    page.touchscreen.tap(*real.point(page, WORKSPACE.pixels, grasp.row, grasp.col))
    before = real.state(page)
    assert (before["row"], before["col"]) == (grasp.row, grasp.col)
    for name in ("turn-left", "turn-right", "left", "right", "up", "down"):
        button = page.locator(f"[data-test={name}]")
        assert min(button.bounding_box()[k] for k in ("width", "height")) >= 44, "a finger needs 44 pixels"
        button.tap()
    assert real.state(page) == before
    page.locator("[data-test=execute]").tap()
    real.wait_saved(page, 0)
    for width, height in ((1280, 800), (768, 1024), (1024, 768)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(300)
        outcome = page.locator("[data-test=message]").bounding_box()
        assert outcome["y"] + outcome["height"] <= height, "the outcome is in sight without scrolling"
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(300)
    assert page.evaluate(CUT_OFF) == []
    page.locator("[data-test=thumbnail-0]").tap()
    page.locator("[data-test=delete]").tap()
    page.wait_for_selector("[data-test=restore]")
    assert len(Dataset(tmp_path / "d")) == 0
    page.locator("[data-test=restore]").tap()
    page.wait_for_selector("[data-test=delete]")
    assert len(Dataset(tmp_path / "d")) == 1
    assert not page.errors


SIZES = {"phone": (390, 844), "small phone": (360, 640), "tablet": (820, 1180), "laptop": (1366, 768)}
SIZES["desktop"] = (1920, 1080)


def in_sight(page, name, height):
    box = page.locator(f"[data-test={name}]").bounding_box()
    return box["y"] >= 0 and box["y"] + box["height"] <= height


def test_a_label_is_given_and_its_outcome_read_without_scrolling_at_every_size(browser, tmp_path):
    with real.Server(real.SERVE_BOXES, tmp_path / "d", 0, "--recorded", 6) as server:
        page = real.open_page(browser, server.address)
        for number, (name, (width, height)) in enumerate(SIZES.items()):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(300)
            page.evaluate("scrollTo(0, 0)")
            assert all(in_sight(page, each, height) for each in ("good", "bad", "undo", "skip", "nothing")), name
            real.press(page, WORKSPACE.pixels, 20, 20)
            page.keyboard.press("g")
            real.wait_saved(page, number)
            page.wait_for_timeout(300)
            assert page.evaluate(CUT_OFF) == [], name
            assert name == "small phone" or in_sight(page, "message", height), name
        page.set_viewport_size({"width": 360, "height": 640})
        page.keyboard.press("n")
        page.wait_for_selector("[data-test=done]")
        page.keyboard.press("n")
        page.wait_for_timeout(500)
        assert not page.locator(".grasp-busy").is_visible(), "it lay behind the panel that says the same"
        panel, canvas = (page.locator(each).bounding_box() for each in ("[data-test=done]", ".grasp-canvas"))
        assert canvas["y"] <= panel["y"] and panel["y"] + panel["height"] <= canvas["y"] + canvas["height"]
        assert not page.errors


def test_recorded_scenes_through_the_command_line(browser, tmp_path):
    from tests.web.test_setup import fill

    fill(tmp_path / "scenes")
    command = ["--env", "recorded", tmp_path / "scenes", "--dataset", tmp_path / "d", "--port", 0]
    with real.Server(real.LABEL, *command, "--token", "a-long-enough-token") as server:
        assert re.search(r"\?token=a-long-enough-token$", server.address)
        stranger = browser.new_context().new_page()
        assert stranger.goto(server.address.split("?")[0]).status == 401
        page = real.open_page(browser, server.address)
        assert "token" not in page.url
        page.wait_for_timeout(300)
        for number, key in enumerate("gb"):
            page.keyboard.press("ArrowUp")
            page.keyboard.press(key)
            real.wait_saved(page, number)
            page.wait_for_timeout(200)
        page.keyboard.press("n")
        page.wait_for_selector("text=Saved scene 2: nothing graspable")
        assert not page.errors
    attempts = Dataset(tmp_path / "d").attempts()
    assert [a.success for a in attempts] == [True, False, None]
    assert [(a.episode, a.index) for a in attempts] == [(0, 0), (0, 1), (1, 0)]


def test_browsing_a_dataset(browser, tmp_path):
    from tests.web.test_browse_listing import fill

    fill(tmp_path / "d")
    with real.Server(real.BROWSE, tmp_path / "d", "--port", 0) as server:
        page = real.open_page(browser, server.address, wait_for=".attempt")
        assert page.inner_text("[data-test=total]") == "59 attempts"
        assert len(page.query_selector_all(".attempt")) == 24
        page.wait_for_function(
            "[...document.querySelectorAll('.attempt img')].slice(0, 6).every((i) => i.naturalWidth)"
        )
        page.keyboard.press("ArrowRight")
        page.wait_for_selector("text=2 of 3")
        page.wait_for_selector("[data-test=attempt-30]")
        page.click("[data-test=attempt-30]")
        page.wait_for_function("[...document.querySelectorAll('.browse-detail img')].every((i) => i.naturalWidth)")
        assert "episode 5, attempt 0 of it" in page.inner_text(".browse-detail")
        page.keyboard.press("ArrowRight")
        page.wait_for_selector("text=Attempt 29")
        page.click("[data-test=delete]")
        page.wait_for_selector("text=58 attempts")
        page.click("[data-test=restore]")
        page.wait_for_selector("text=59 attempts")
        page.keyboard.press("Escape")
        page.wait_for_selector(".q-dialog", state="detached")
        page.fill("[data-test=episode]", "3")
        page.wait_for_selector("text=1 of 1")
        assert page.inner_text("[data-test=total]") == "6 attempts"
        assert not page.errors
