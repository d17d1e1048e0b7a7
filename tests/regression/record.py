"""Runs the same commands at any commit and keeps what they wrote, so that two commits can be compared.

``record.py --checkout FOLDER --out FOLDER`` runs the command line of one checkout: the demo, every kind of experiment
stage, ``predict`` on frames that this file makes itself, and attempts through the simulated robot cell. A step that is
finished is not run again. ``compare.py`` holds two such records against each other.

Run: python tests/regression/record.py --checkout . --out /tmp/after [--full] [--scenes FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FRAMES = 20
WIDTH, HEIGHT, FOCAL = 640, 480, 525.0


@dataclass(frozen=True)
class Step:
    """One command of the recorded set: the folder it writes to, its words, and whether it is a script of its own."""

    name: str
    words: tuple[str, ...]
    script: bool = False


def main() -> int:
    """Run every step that has no finished record yet; the exit code says whether all of them ended well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkout", type=Path, default=Path())
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--full", action="store_true", help="the demo at full size and 100 robot attempts as well")
    parser.add_argument("--scenes", type=Path, help="folders with depth.npy, camera.json and pose.txt")
    options = parser.parse_args()
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    wanted = steps(out, options.checkout, options.full, options.scenes)
    failed = [step.name for step in wanted if not finished(step, options.checkout, out)]
    print(f"failed: {', '.join(failed)}" if failed else "all steps are recorded")
    return 1 if failed else 0


def steps(out: Path, checkout: Path, full: bool, scenes: Path | None) -> Iterator[Step]:
    """The recorded set, quick steps first."""
    frames = list(make_frames(out / "frames"))
    if scenes is not None:
        frames += sorted(path.parent for path in scenes.resolve().rglob("camera.json"))
    for frame in frames:
        yield Step(f"predict-{'-'.join(frame.parts[-2:])}", ("predict", *frame_options(frame)))
    yield Step("demo-smoke", ("demo", "--preset", "smoke"))
    twin = (robot_cell_script(checkout), "--patience", "5", "--attempts", "20")
    yield Step("robot-cell-20", twin, script=True)
    yield Step("experiments-smoke", ("experiment", "all", "--preset", "smoke"))
    if full:
        yield Step("robot-cell-100", (*twin[:-1], "100"), script=True)
        yield Step("demo-full", ("demo",))


def robot_cell_script(checkout: Path) -> str:
    """The script that holds the robot cell against the simulator, which had another name before."""
    names = ("benchmarks/robot_cell_simulated.py", "benchmarks/robot_cell_twin.py")
    return next((name for name in names if (checkout / name).exists()), names[0])


def frame_options(folder: Path) -> tuple[str, ...]:
    """The options of ``predict`` for a frame's folder."""
    return (
        "--depth",
        str(folder / "depth.npy"),
        "--intrinsics",
        str(folder / "camera.json"),
        "--camera-to-world",
        str(folder / "pose.txt"),
    )


def finished(step: Step, checkout: Path, out: Path) -> bool:
    """Run a step unless it is recorded; its standard output and exit code are kept beside what it wrote."""
    folder = out / step.name
    record = folder / "exit.json"
    if not record.exists():
        folder.mkdir(exist_ok=True)
        checkout = checkout.resolve()
        environment = {**os.environ, "PYTHONPATH": str(checkout / "src"), "MPLBACKEND": "Agg"}
        command = [sys.executable, *([] if step.script else ["-m", "grasping_student.cli.main"]), *step.words]
        target = folder / "output"
        if step.script:
            command += ["--out", str(folder / "result.json")]
        elif step.words[0] == "experiment":
            command += ["--out", str(target / "results"), "--cache", str(target / "cache")]
            command += ["--page", str(target / "results.md")]
        else:
            command += ["--out", str(target)]
        print(f"{step.name}: {' '.join(step.words)}", flush=True)
        with (folder / "stdout.txt").open("w") as stdout, (folder / "stderr.txt").open("w") as stderr:
            code = subprocess.run(command, cwd=checkout, env=environment, stdout=stdout, stderr=stderr).returncode
        record.write_text(json.dumps({"exit": code}))
    code = json.loads(record.read_text())["exit"]
    return bool(code in (0, 2) if step.words[0] == "predict" else code == 0)


def make_frames(folder: Path) -> Iterator[Path]:
    """Folders of depth pictures of random boxes on a table, the camera straight above and nodding; seeded."""
    for number in range(FRAMES):
        random = np.random.default_rng(number)
        target = folder / f"{number:02d}"
        target.mkdir(parents=True, exist_ok=True)
        camera_to_world = camera_above(random)
        depth = depth_of_boxes(camera_to_world, random)
        np.save(target / "depth.npy", depth + random.normal(0.0, 0.0005, depth.shape).astype(np.float32))
        np.savetxt(target / "pose.txt", camera_to_world)
        intrinsics = {"fx": FOCAL, "fy": FOCAL, "cx": WIDTH / 2, "cy": HEIGHT / 2, "width": WIDTH, "height": HEIGHT}
        (target / "camera.json").write_text(json.dumps(intrinsics))
        yield target


def camera_above(random: np.random.Generator) -> NDArray[np.float64]:
    """A camera_to_world pose, shape (4, 4), that looks at the origin from 0.6 to 0.8 m, tilted by up to 20 degrees."""
    tilt, turn = random.uniform(0.0, np.radians(20.0)), random.uniform(0.0, 2.0 * np.pi)
    forward = -np.array([np.sin(tilt) * np.cos(turn), np.sin(tilt) * np.sin(turn), np.cos(tilt)])
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.column_stack([right, np.cross(forward, right), forward])
    pose[:3, 3] = -forward * random.uniform(0.6, 0.8)
    return pose


def depth_of_boxes(camera_to_world: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float32]:
    """Depth along the optical axis, metres, shape (HEIGHT, WIDTH), of 1 to 8 upright boxes on the plane z = 0."""
    columns, rows = np.meshgrid(np.arange(WIDTH) - WIDTH / 2, np.arange(HEIGHT) - HEIGHT / 2)
    rays = np.stack([columns / FOCAL, rows / FOCAL, np.ones_like(columns)], axis=-1) @ camera_to_world[:3, :3].T
    origin = camera_to_world[:3, 3]
    depth = -origin[2] / rays[..., 2]
    for _ in range(int(random.integers(1, 9))):
        turn = random.uniform(0.0, np.pi)
        across = np.array([[np.cos(turn), np.sin(turn), 0.0], [-np.sin(turn), np.cos(turn), 0.0], [0.0, 0.0, 1.0]])
        half = np.array([random.uniform(0.012, 0.025), random.uniform(0.02, 0.05), random.uniform(0.01, 0.03)])
        centre = np.array([*random.uniform(-0.13, 0.13, 2), half[2]])
        start, direction = across @ (origin - centre), rays @ across.T
        with np.errstate(divide="ignore", invalid="ignore"):
            first, second = (-half - start) / direction, (half - start) / direction
        enter, leave = np.minimum(first, second).max(axis=-1), np.maximum(first, second).min(axis=-1)
        depth = np.where((enter < leave) & (enter > 0.0), np.minimum(depth, enter), depth)
    return depth.astype(np.float32)


if __name__ == "__main__":
    raise SystemExit(main())
