"""Share of usual mistakes in pose, axes, unit and intrinsics that are accepted; writes ``results/wrong_frames.json``.

Random cameras look at random blocks. A mistake counts as accepted where a grasp comes out, and as dangerous where that
grasp lies on no item. What cannot be told (a camera that looks straight down, an intrinsic that hardly changes
anything) is among the cases: the share that remains is what a user has to know.
"""

from __future__ import annotations

import argparse
import collections
import math
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.fakes.containers import Drawing, beside, empty, photograph

from grasping_student.models.grasp_choice import choose
from grasping_student.perception.depth_files import ray_lengths
from grasping_student.perception.frame import RgbdFrame
from grasping_student.perception.frame_files import frame_files, load_frame, save_frame
from grasping_student.perception.heightmap_repair import observe_frame
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.serving.loading import load_model

FLIP = np.diag([1.0, -1.0, -1.0, 1.0])
LINK = np.array([[0.0, 0.0, 1.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])


def transposed(pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rotation of ``world_to_camera`` with the translation of ``camera_to_world``."""
    turned = pose.copy()
    turned[:3, :3] = pose[:3, :3].T
    return turned


def moved(millimetres: float) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """The camera higher or lower than it stands."""

    def change(pose: NDArray[np.float64]) -> NDArray[np.float64]:
        other = pose.copy()
        other[2, 3] += millimetres / 1000.0
        return other

    return change


POSES: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "right": lambda pose: pose,
    "world_to_camera": np.linalg.inv,
    "rotation transposed": transposed,
    "OpenGL's axes": lambda pose: pose @ FLIP,
    "ROS's camera_link": lambda pose: pose @ np.linalg.inv(LINK),
    "z down": lambda pose: FLIP @ pose,
    "floor 30 mm up": moved(30.0),
    "floor 60 mm up": moved(60.0),
    "floor 40 mm down": moved(-40.0),
}

DEPTHS: dict[str, Callable[[RgbdFrame], NDArray[np.float32]]] = {
    "range for depth": lambda frame: (frame.depth * ray_lengths(frame.intrinsics)).astype(np.float32),
    "0.25 mm as mm": lambda frame: frame.depth * np.float32(4.0),
    "0.1 mm as mm": lambda frame: frame.depth * np.float32(10.0),
}

INTRINSICS: dict[str, Callable[[dict[str, float]], dict[str, float]]] = {
    "cx and cy swapped": lambda k: {**k, "cx": k["cy"], "cy": k["cx"]},
    "twice the resolution": lambda k: {**k, **{name: 2 * k[name] for name in ("fx", "fy", "cx", "cy")}},
    "half the resolution": lambda k: {**k, **{name: k[name] / 2 for name in ("fx", "fy", "cx", "cy")}},
    "focal length of colour": lambda k: {**k, "fx": k["fx"] * 1.42, "fy": k["fy"] * 1.42},
}

STRAIGHT_DOWN = math.radians(1.0)
"""A camera that is tilted by less is counted apart: its inverse pose shows the same table."""


def outcome(drawing: Drawing, frame: RgbdFrame, folder: Path, change: Callable[[Path], None]) -> str:
    """What comes of a frame whose files were changed: refused, on an item, or elsewhere."""
    save_frame(frame, folder)
    change(folder)
    try:
        seen = load_frame(frame_files(folder))[0]
        model = load_model(None, None)
        choice = choose(observe_frame(seen, model.workspace), model, replace(model.query, count=1))
    except (UserError, ValueError):
        return "refused"
    x, y, *_ = choice.grasps[0].place
    warned = any(note.code == "floor-levelled" for note in choice.notes)
    return ("on an item" if drawing.at(drawing.item, x, y) else "elsewhere") + (", warned" if warned else "")


def changes(frame: RgbdFrame) -> dict[str, Callable[[Path], None]]:
    """Every mistake as a change of a frame's files."""

    def intrinsics(change: Callable[[dict[str, float]], dict[str, float]]) -> Callable[[Path], None]:
        return lambda folder: write_json(folder / "camera.json", change(read_json(folder / "camera.json")))

    def pose(change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Callable[[Path], None]:
        return lambda folder: np.savetxt(folder / "pose.txt", change(frame.camera_to_world))

    def depth(change: Callable[[RgbdFrame], NDArray[np.float32]]) -> Callable[[Path], None]:
        return lambda folder: np.save(folder / "depth.npy", change(frame))

    return {
        **{name: pose(change) for name, change in POSES.items()},
        **{name: depth(change) for name, change in DEPTHS.items()},
        **{name: intrinsics(change) for name, change in INTRINSICS.items()},
    }


def main() -> int:
    """Measure, print a line a mistake, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0, help="of the first camera")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "wrong_frames.json")
    options = parser.parse_args()
    counts: dict[str, dict[str, collections.Counter[str]]] = {
        kind: collections.defaultdict(collections.Counter) for kind in ("tilted", "straight down")
    }
    for seed in range(options.seed, options.seed + options.cameras):
        random = np.random.default_rng((seed, 4))
        drawing = beside(empty(), random, int(random.integers(2, 7)), 0.02)
        frame = photograph(drawing.height, seed)
        tilt = math.acos(min(1.0, float(-frame.camera_to_world[2, 2])))
        kind = "straight down" if tilt < STRAIGHT_DOWN else "tilted"
        for name, change in changes(frame).items():
            with tempfile.TemporaryDirectory() as folder:
                counts[kind][name][found := outcome(drawing, frame, Path(folder), change)] += 1
            if found == "elsewhere":
                tilted = f"tilted by {math.degrees(tilt):.1f} degrees"
                print(f"{name}, camera {seed}, {tilted}: a grasp on no item", flush=True)
    for kind, table in counts.items():
        for name, each in table.items():
            print(f"{kind:14}{name:26}{dict(each)}")
    write_json(options.out, {"cameras": options.cameras, "first_seed": options.seed, "outcomes": counts})
    return 0


if __name__ == "__main__":
    sys.exit(main())
