"""Fifty grasps labelled through the page in a real browser by a script, then a teacher and a student learn from them.

The script does what a person does: looks for a place where both fingers have room, clicks it, drags to turn, presses
Enter. Needs the extras web and dev, and Chromium. Run: python examples/04_label_through_the_page.py [--help]
"""

import argparse
import io
import math
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from grasping_student.collection.collect import run as collect
from grasping_student.collection.configuration import CollectConfig
from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.episodes.policy_spec import make_policy
from grasping_student.pseudo_labels.configuration import light_pseudo_labels
from grasping_student.pseudo_labels.teacher_pass import run as pseudo_label
from grasping_student.simulation.families import standard
from grasping_student.training.configuration import STUDENT_PRESETS, TEACHER_PRESETS
from grasping_student.training.student import run as train_student
from grasping_student.training.teacher import run as train_teacher

QUIET = ["--no-sandbox", "--headless", "--disable-gpu", "--disable-quic", "--disable-background-networking"]

LOOK_FOR_A_GRASP = """async (tried) => {
  const { footprint, isGraspable } = await import("grasping-student-canvas/footprint.js");
  const { scene } = getElement(document.querySelector(".grasp-canvas"));
  let best = { worth: -1, row: 56, col: 56, angle: 0 };
  for (let row = 0; row < scene.pixels; row += 2) for (let col = 0; col < scene.pixels; col += 2)
      for (let k = 0; k < 16 && isGraspable(scene, row, col); k++) {
        const angle = k * Math.PI / 16, print = footprint(scene, scene.gripper, { row, col, angle });
        const above = print.between - print.tip, room = print.tip - Math.max(print.a, print.b);
        const again = tried.some(([r, c]) => Math.hypot(row - r, col - c) < 5), worth = above + Math.min(room, 0.02);
        if (print.hint === "clear" && above < 0.022 && !again && worth > best.worth) best = { row, col, angle, worth };
      }
  return { pixels: scene.pixels, ...best };
}"""


def draw_grasp(page: Page, tried: list[tuple[int, int]]) -> None:
    """Choose a grasp away from those tried, click its point, drag to turn."""
    found = page.evaluate(LOOK_FOR_A_GRASP, tried[-3:])
    box = page.locator(".grasp-canvas canvas").bounding_box()
    x, y = (box[a] + (found[b] + 0.5) / found["pixels"] * box["width"] for a, b in (("x", "col"), ("y", "row")))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 90 * math.cos(found["angle"]), y - 90 * math.sin(found["angle"]), steps=4)
    page.mouse.up()
    tried.append((found["row"], found["col"]))


def label(folder: Path, labels: int, picture: Path | None) -> None:
    """Draw, execute, wait until the page says saved; again and again."""
    command = [sys.executable, "-m", "grasping_student.cli.main", "label", "--dataset", folder, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server, sync_playwright() as playwright:
        address = next(found[0] for line in server.stderr or [] if (found := re.search(r"http://\S+", line)))
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(address)
        page.wait_for_selector("[data-state]", timeout=60_000)
        tried: list[tuple[int, int]] = []
        for number in range(labels):
            draw_grasp(page, tried)
            page.click("[data-test=execute]")
            said = page.locator("[data-test=message]", has_text=f"Saved attempt {number}.")
            print(said.inner_text(timeout=60_000).split("\n")[-1], flush=True)
            page.wait_for_selector(".grasp-busy", state="detached")
        if picture:
            draw_grasp(page, tried)
            page.wait_for_timeout(500)
            Image.open(io.BytesIO(page.screenshot())).quantize(200).save(picture, optimize=True)
        browser.close()
        server.terminate()


def learn(folder: Path, steps: int, scenes: int, tests: int) -> None:
    """Teacher from the labels, pseudo-labels on unlabelled scenes, student from those; both grasp in new scenes."""
    collect(CollectConfig(kind="scenes", count=scenes, out=folder / "scenes", workers=1, seed=2), make_policy)
    teacher, student = TEACHER_PRESETS["light"](), STUDENT_PRESETS["light"]()
    loop, unlabelled = replace(teacher.loop, steps=steps), folder / "scenes"
    train_teacher(replace(teacher, dataset=folder / "labels", out=folder / "teacher", loop=loop))
    pseudo, table = replace(light_pseudo_labels(), teacher=folder / "teacher", workers=1), folder / "pseudo-labels"
    pseudo_label(replace(pseudo, dataset=unlabelled, out=table))
    train_student(replace(student, dataset=unlabelled, pseudo_labels=table, out=folder / "student", loop=loop))
    with SimulationEnvironment(standard()) as environment:
        for name in ("teacher", "student"):
            policy, successes = make_policy(str(folder / name), environment), 0
            for _ in map(environment.reset, range(1000, 1000 + tests)):
                successes += environment.execute(policy(environment.observe())[0]).success
            print(f"{name}: {successes} of {tests} grasps succeed, one in each scene")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("runs/label-example"))
    for name, default in (("labels", 50), ("steps", 400), ("scenes", 200), ("tests", 20)):
        parser.add_argument(f"--{name}", type=int, default=default, help="(default: %(default)s)")
    parser.add_argument("--picture", type=Path, help="write a picture of the page instead of learning")
    options = parser.parse_args()
    label(options.folder / "labels", options.labels, options.picture)
    if not options.picture:
        learn(options.folder, options.steps, options.scenes, options.tests)
