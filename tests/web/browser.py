"""A real headless Chromium, and servers as processes of their own, for tests and benchmarks."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

CHROMIUM = "/usr/bin/chromium"
OPTIONS = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SERVE_BOXES = [sys.executable, str(Path(__file__).parent / "serve_boxes.py")]
BROWSE = [sys.executable, "-m", "grasping_student.cli.main", "dataset", "browse"]
PATIENCE = 60_000
"""Milliseconds to wait for something to appear: an idle machine needs a few seconds, one that also trains many more."""

LABEL = [sys.executable, "-m", "grasping_student.cli.main", "label"]


def missing() -> str | None:
    """Why there is no browser here, or None."""
    try:
        import playwright  # noqa: F401  # only asked for
    except ImportError:
        return "needs playwright: pip install -e '.[dev]'"
    return None if shutil.which(CHROMIUM) else "needs Chromium: apt-get install chromium (Debian package 'chromium')"


@contextmanager
def chromium():
    """A browser, closed at the end."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


class Server:
    """A page served by a process; ``address`` is known once it listens."""

    def __init__(self, command, *arguments):
        self.process = subprocess.Popen([*command, *map(str, arguments)], stderr=subprocess.PIPE, text=True)
        self.log = []
        self.address = None
        for line in self.process.stderr:
            self.log.append(line)
            found = re.search(r"http://\S+", line)
            if found:
                self.address = found[0]
                break
        assert self.address, "".join(self.log)
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self):
        for line in self.process.stderr:
            self.log.append(line)

    @property
    def port(self):
        return int(self.address.split(":")[2].split("/")[0])

    def kill(self):
        """As the kernel would."""
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()


def open_page(browser, address, width=1280, height=800, touch=False, wait_for="[data-state]"):
    """A tab that shows the canvas, or what ``wait_for`` names, in a browser profile of its own."""
    page = browser.new_context(viewport={"width": width, "height": height}, has_touch=touch).new_page()
    page.set_default_timeout(PATIENCE)
    page.errors, page.hosts = [], set()
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("request", lambda request: page.hosts.add(request.url.split("/")[2]))
    page.goto(address)
    page.wait_for_selector(wait_for)
    return page


def state(page):
    """What the canvas shows: scene, grasp, footprint."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return json.loads(page.get_attribute(".grasp-canvas", "data-state"))


def point(page, pixels, row, col):
    """Where a pixel's centre lies on the screen."""
    box = page.locator(".grasp-canvas canvas").bounding_box()
    return box["x"] + (col + 0.5) / pixels * box["width"], box["y"] + (row + 0.5) / pixels * box["height"]


def press(page, pixels, row, col, drag=(0, 0)):
    """Press at a pixel, drag by screen pixels, let go."""
    x, y = point(page, pixels, row, col)
    page.mouse.move(x, y)
    page.mouse.down()
    if drag != (0, 0):
        page.mouse.move(x + drag[0], y + drag[1], steps=5)
    page.mouse.up()


def wait_saved(page, number):
    """Until the page says that an attempt is on the disk."""
    page.wait_for_function(
        "number => document.querySelector('[data-test=message]')?.innerText.includes('Saved attempt ' + number)",
        arg=number,
    )
