"""Zoom and pan of the scene in a real browser: wheel, pinch, drag, keys, double click."""

import pytest
from tests.web import browser as real
from tests.web.labelling_worlds import WORKSPACE


@pytest.fixture
def page(browser, boxes):
    page = real.open_page(browser, boxes.address, touch=True)
    yield page
    assert not page.errors


def on_scene(page, x, y):
    """Place in the scene, in its sides, of a point on the screen."""
    box, view = page.locator(".grasp-canvas canvas").bounding_box(), real.state(page)["viewport"]
    return [
        ((place - box[edge]) / box["width"] + view[corner]) / view["zoom"]
        for place, edge, corner in ((x, "x", "left"), (y, "y", "top"))
    ]


def test_the_wheel_zooms_about_the_pointer_and_a_click_hits_the_pixel_under_it(page):
    x, y = real.point(page, WORKSPACE.pixels, 12, 27)
    before = on_scene(page, x, y)
    page.mouse.move(x, y)
    for _ in range(6):
        page.mouse.wheel(0, -120)
    page.wait_for_selector(".grasp-fit")
    assert real.state(page)["viewport"]["zoom"] > 3
    assert on_scene(page, x, y) == pytest.approx(before, abs=1e-3)
    page.mouse.click(x, y)
    assert [real.state(page)[k] for k in ("row", "col")] == [12, 27]
    page.mouse.click(x + 100, y)
    moved = int(on_scene(page, x + 100, y)[0] * WORKSPACE.pixels)
    assert [real.state(page)[k] for k in ("row", "col")] == [12, moved] and moved > 27
    for _ in range(40):
        page.mouse.wheel(0, 120)
    page.wait_for_selector(".grasp-fit", state="detached")
    assert real.state(page)["viewport"] == {"zoom": 1, "left": 0, "top": 0}


def test_a_drag_with_the_right_button_moves_the_picture_and_a_double_click_shows_it_whole(page):
    real.press(page, WORKSPACE.pixels, 20, 20)
    grasp = {k: real.state(page)[k] for k in ("row", "col", "angle")}
    for _ in range(5):
        page.keyboard.press("+")
    x, y = real.point(page, WORKSPACE.pixels, 20, 20)
    under = on_scene(page, x, y)
    page.mouse.move(x, y)
    page.mouse.down(button="right")
    page.mouse.move(x + 60, y + 30, steps=4)
    page.mouse.up(button="right")
    assert on_scene(page, x + 60, y + 30) == pytest.approx(under, abs=5e-3)
    page.mouse.dblclick(x + 150, y + 100)
    page.wait_for_selector(".grasp-fit", state="detached")
    assert {k: real.state(page)[k] for k in ("row", "col", "angle")} == grasp, "the grasp stays"


def test_keys_keep_the_gripper_in_sight(page):
    real.press(page, WORKSPACE.pixels, 20, 20)
    for _ in range(8):
        page.keyboard.press("+")
    for _ in range(9):
        page.keyboard.press("Shift+ArrowLeft")
    seen = real.state(page)
    place = (seen["col"] + 0.5) / WORKSPACE.pixels * seen["viewport"]["zoom"] - seen["viewport"]["left"]
    assert seen["col"] < 10 and 0 <= place <= 1
    page.keyboard.press("0")
    assert real.state(page)["viewport"]["zoom"] == 1


def test_two_fingers_zoom_and_move_and_change_no_grasp(page):
    real.press(page, WORKSPACE.pixels, 30, 10)
    grasp = {k: real.state(page)[k] for k in ("row", "col", "angle")}
    x, y = real.point(page, WORKSPACE.pixels, 15, 25)
    under = on_scene(page, x, y)
    touch = page.context.new_cdp_session(page)

    def send(kind, *points):
        points = [{"x": px, "y": py, "id": i} for i, (px, py) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", (x - 40, y))
    send("touchStart", (x - 40, y), (x + 40, y))
    for step in range(1, 9):
        send("touchMove", (x - 40 - 8 * step, y + 2 * step), (x + 40 + 8 * step, y + 2 * step))
    send("touchEnd")
    view = real.state(page)["viewport"]
    assert view["zoom"] == pytest.approx(208 / 80, rel=0.05)
    assert on_scene(page, x, y + 16) == pytest.approx(under, abs=0.01), "what was between the fingers stays there"
    assert {k: real.state(page)[k] for k in ("row", "col", "angle")} == grasp
