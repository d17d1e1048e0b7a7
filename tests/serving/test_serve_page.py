"""The server's page in a real browser: files dropped on it become grasps, mistakes become sentences."""

import os

import pytest
from tests.serving.running_server import RunningServer
from tests.serving.tabletop import frame_of, tabletop
from tests.web import browser as real

from grasping_student.perception.frame_files import save_frame

pytest.importorskip("fastapi")
pytest.importorskip("prometheus_client")
TOKEN = "a-long-enough-token"
DROP = """(files) => {
  const list = new DataTransfer();
  for (const [name, data] of files) list.items.add(new File([new Uint8Array(data)], name));
  document.dispatchEvent(new DragEvent("drop", { dataTransfer: list, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if reason := real.missing():
        pytest.skip(reason)
    options = ("--backend", "torch", "--workers", 1, "--max-seconds", 60, "--token", TOKEN)
    with RunningServer(tmp_path_factory.mktemp("server") / "log", *options) as running:
        yield running


@pytest.fixture
def page(server):
    with real.chromium() as browser:
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.set_default_timeout(real.PATIENCE)
        troubles = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.goto(f"{server.address}/?token={TOKEN}")
        yield page
        assert not [each for each in troubles if "422" not in each]


def test_files_dropped_on_the_page_become_grasps_and_a_mistake_a_sentence(page, tmp_path):
    save_frame(frame_of(tabletop()), tmp_path)
    page.get_by_text("default: 0.45 m in 112 pixels, torch").wait_for()
    page.evaluate(DROP, [(path.name, list(path.read_bytes())) for path in sorted(tmp_path.iterdir())])
    assert page.locator("input[name=intrinsics]").input_value().endswith("camera.json")
    page.get_by_role("button", name="Find grasps").click()
    page.get_by_text("grasps, the best first").wait_for()
    assert page.locator("#grasps tbody tr").count() == 5
    assert page.locator("#drawing").evaluate("each => each.complete && each.naturalWidth") > 800
    picture(page, "wide")
    page.locator("input[name=region]").fill("0 0 1")
    page.get_by_role("button", name="Find grasps").click()
    page.get_by_text("region has 3 numbers").wait_for()
    assert not page.locator("#drawing").is_visible()
    page.locator("input[name=region]").fill("-0.02 -0.02 0 0")
    page.get_by_role("button", name="Find grasps").click()
    page.get_by_text("Nothing to grasp: something stands in the workspace").wait_for()
    assert "token" not in page.url
    page.set_viewport_size({"width": 380, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not page.locator("#grasps").is_visible()
    picture(page, "narrow")


def picture(page, name):
    """A picture of the page for whoever asks for it."""
    if folder := os.environ.get("PAGE_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
