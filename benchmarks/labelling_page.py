"""From a movement of the pointer to the redrawn gripper, milliseconds in a real browser, at both resolutions.

Beside it a picture of the turned gripper fetched from the server, on the same machine in the same run: what drawing in
the browser saves. Needs the extras web and dev, and Chromium. Run: python benchmarks/labelling_page.py [--out JSON]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.web import browser as real  # noqa: E402  # found by the line above, as all below it

from grasping_student.datasets.schema import Attempt  # noqa: E402
from grasping_student.datasets.store import DatasetWriter  # noqa: E402
from grasping_student.environments.simulated import SimulationEnvironment  # noqa: E402
from grasping_student.geometry.workspace import light_workspace, paper_workspace  # noqa: E402
from grasping_student.simulation.families import standard  # noqa: E402

MOVES = 120
LIMIT = 100.0
"""Milliseconds that a drag may take to show (issue 4)."""

LISTEN = """() => {
  window.drawn = [];
  document.addEventListener("grasp-drawn", ({ detail }) => window.drawn.push(detail.drawn - detail.event));
}"""

FROM_SERVER = """async () => {
  const times = [];
  for (let i = 0; i < 20; i++) {
    const start = performance.now();
    await (await fetch("/attempts/0/height.png?side=700&turn=" + i)).blob();
    times.push(performance.now() - start);
  }
  return times;
}"""


def summary(times: list[float]) -> dict[str, float]:
    """Median, 95th percentile and worst."""
    return {
        "median_ms": round(float(np.median(times)), 1),
        "p95_ms": round(float(np.percentile(times, 95)), 1),
        "worst_ms": round(max(times), 1),
    }


def drag(page: Page, radius: float = 120.0) -> list[float]:
    """Turn the gripper once round, one redraw a movement."""
    box = page.locator(".grasp-canvas canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.evaluate(LISTEN)
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(MOVES):
        angle = 2 * math.pi * step / MOVES
        page.mouse.move(x + radius * math.cos(angle), y - radius * math.sin(angle))
        page.evaluate("() => new Promise(requestAnimationFrame)")
    page.mouse.up()
    return page.evaluate("() => window.drawn")


def scenes(folder: Path, pixels: int) -> Path:
    """A dataset of one scene to be shown."""
    from dataclasses import replace

    workspace = light_workspace() if pixels == 112 else paper_workspace()
    with SimulationEnvironment(replace(standard(), workspace=workspace)) as world:
        world.reset(0)
        with DatasetWriter(folder, workspace) as writer:
            writer.append(world.observe().heightmap, Attempt(episode=0, index=0, environment="simulation"))
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    result: dict[str, object] = {"moves": MOVES, "load_average": round(os.getloadavg()[0], 1), "limit_ms": LIMIT}
    with tempfile.TemporaryDirectory() as temporary, real.chromium() as browser:
        for pixels in (112, 338):
            folder = Path(temporary) / str(pixels)
            recorded = scenes(folder / "scenes", pixels)
            command = ["--env", "recorded", recorded, "--dataset", folder / "labels", "--port", 0]
            with real.Server(real.LABEL, *command) as server:
                page = real.open_page(browser, server.address)
                page.wait_for_timeout(500)
                redraw = drag(page)
                page.keyboard.press("g")
                page.wait_for_selector("text=Saved attempt 0")
                through_server = page.evaluate(FROM_SERVER)
                result[f"drag_to_redraw_{pixels}px"] = summary(redraw)
                result[f"picture_from_server_{pixels}px"] = summary(through_server)
                result[f"server_over_browser_{pixels}px"] = round(
                    float(np.median(through_server) / np.median(redraw)), 1
                )
                page.context.close()
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
