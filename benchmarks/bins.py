"""Rates of grasps on a bin's wall, and of scenes without a bin that are refused as one; writes ``results/bins.json``.

Every scene is drawn anew from its seed, seen by a random camera with a stereo camera's noise, and goes the way of
``predict``.
"""

from __future__ import annotations

import argparse
import collections
import functools
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.fakes.containers import OTHERS, Drawing, photograph, random_container

from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.grasp_model import GraspModel
from grasping_student.perception.frame_files import frame_files, save_frame
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import write_json
from grasping_student.serving.configuration import PredictConfig
from grasping_student.serving.loading import load_model
from grasping_student.serving.predict import NothingStanding, predict_files
from grasping_student.simulation.families import FAMILIES, simulation

BINS = {"empty": 0, "one item": 1, "four items": 4, "filled": 25}
HARD = ("sloped", "stand", "two heights", "bridged")


@functools.cache
def model(extent: float | None) -> GraspModel:
    """The general model that ships with the package."""
    return load_model(None, extent)


def outcome(height: np.ndarray, seed: int, workspace: Workspace | None = None) -> tuple[str, tuple[float, float]]:
    """What ``predict`` makes of a scene, in a word, and where its best grasp lies."""
    frame = photograph(height, seed, *([] if workspace is None else [workspace]))
    try:
        with tempfile.TemporaryDirectory() as folder:
            save_frame(frame, Path(folder))
            files = frame_files(Path(folder))
            config = PredictConfig(
                depth=files.depth, intrinsics=files.intrinsics, camera_to_world=files.camera_to_world, top=1
            )
            choice = predict_files(config, model).choice
    except NothingStanding as nothing:
        return "empty bin" if nothing.bounded else "empty", (0.0, 0.0)
    except UserError as error:
        return f"refused: {str(error)[:60]}", (0.0, 0.0)
    place = choice.grasps[0].place
    return "grasp", (place.x, place.y)


def of_bin(drawing: Drawing, seed: int) -> str:
    """What comes of a bin, in a word."""
    found, (x, y) = outcome(drawing.height, seed)
    if found != "grasp":
        return found
    if drawing.at(drawing.item, x, y):
        return "item"
    return "wall" if drawing.at(drawing.wall, x, y) else "floor" if drawing.at(drawing.inside, x, y) else "outside"


def of_other(drawing: Drawing, seed: int) -> str:
    """What comes of a scene without a bin, in a word."""
    found, (x, y) = outcome(drawing.height, seed)
    return found if found != "grasp" else "item" if drawing.at(drawing.item, x, y) else "floor"


def simulated(family: str, seeds: range) -> dict[str, int]:
    """Outcomes of scenes of a simulated family."""
    counts: collections.Counter[str] = collections.Counter()
    with SimulationEnvironment(simulation(family)) as environment:
        for seed in seeds:
            environment.reset(seed)
            heightmap = environment.observe().heightmap
            counts[outcome(np.nan_to_num(heightmap.height), seed, heightmap.workspace)[0]] += 1
    return dict(counts)


def main() -> int:
    """Measure, print a line a kind, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=50, help="of each kind")
    parser.add_argument("--seed", type=int, default=0, help="of the first scene")
    parser.add_argument("--only", default="", help="kinds whose name holds this")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "bins.json")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.scenes)
    table: dict[str, Any] = {}

    def add(name: str, found: dict[str, list[int]]) -> None:
        table[name] = {each: len(which) for each, which in found.items()}
        print(
            f"{name:32}",
            {each: len(w) if each == "item" else (len(w), w[:12]) for each, w in found.items()},
            flush=True,
        )

    for name, items in BINS.items():
        for away in (False, True):
            title = f"bin, {name}{', half in view' if away else ''}"
            if options.only in title:
                found: dict[str, list[int]] = collections.defaultdict(list)
                for seed in seeds:
                    found[of_bin(random_container(seed, items, away), seed)].append(seed)
                add(title, found)
    for kind in HARD:
        for items in ("empty", "four items"):
            for away in (False, True):
                title = f"bin, {kind}, {items}{', half in view' if away else ''}"
                if options.only in title:
                    found = collections.defaultdict(list)
                    for seed in seeds:
                        found[of_bin(random_container(seed, BINS[items], away, kind), seed)].append(seed)
                    add(title, found)
    for name, make in OTHERS.items():
        if options.only in name:
            found = collections.defaultdict(list)
            for seed in seeds:
                found[of_other(make(np.random.default_rng((seed, 3))), seed)].append(seed)
            add(name, found)
    for family in FAMILIES:
        if options.only in f"simulated {family}":
            table[f"simulated {family}"] = simulated(family, seeds)
            print(f"simulated {family:22}", table[f"simulated {family}"])
    write_json(options.out, {"scenes": options.scenes, "first_seed": options.seed, "outcomes": table})
    return 0


if __name__ == "__main__":
    sys.exit(main())
