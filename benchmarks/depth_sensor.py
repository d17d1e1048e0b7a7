"""Cost of an observation by each depth sensor, and the ratio of the two, measured in turn in one process.

Usage: python benchmarks/depth_sensor.py [--families standard bin] [--scenes 3] [--repeats 10]
Processor milliseconds of one thread; the fastest of the repeats of each scene, then the mean over the scenes.
Writes benchmarks/results/depth_sensor.json.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.pipeline.files import write_json
from grasping_student.pipeline.manifest import code_commit, machine_name
from grasping_student.simulation.families import simulation
from grasping_student.simulation.rendering import StillScene
from grasping_student.simulation.sensors import StereoSensor, make_sensor

OUT = Path(__file__).parent / "results" / "depth_sensor.json"
ALLOWED_MS = 60.0
"""A stereo observation costs at most this."""


def milliseconds(work: Callable[[StillScene], object], scene: StillScene) -> float:
    """Processor time of a look at a scene of which nothing was computed before."""
    fresh = StillScene(scene.items, scene.poses, scene.workspace)
    started = time.process_time()
    work(fresh)
    return 1000 * (time.process_time() - started)


def cost(family: str, scenes: int, repeats: int) -> dict[str, float]:
    """Milliseconds of each sensor on the scenes of a family, and the ratio of the two."""
    ideal, stereo = make_sensor(simulation(family, sensor="ideal")), StereoSensor(simulation(family, sensor="stereo"))
    looks: dict[str, Callable[[StillScene], object]] = {
        "ideal": lambda scene: ideal.observe(scene, np.random.default_rng(0)),
        "stereo": lambda scene: stereo.observe(scene, np.random.default_rng(0)),
        "stereo_frame": lambda scene: stereo.camera.capture(scene, np.random.default_rng(0)),
    }
    fastest = []
    with SimulationEnvironment(simulation(family, sensor="ideal")) as environment:
        for seed in range(scenes):
            environment.reset(seed)
            scene = environment.still_scene
            fastest.append(
                np.min([[milliseconds(look, scene) for look in looks.values()] for _ in range(repeats)], axis=0)
            )
    found = dict(zip(looks, np.mean(fastest, axis=0).round(2).tolist(), strict=True))
    return found | {"ratio": round(found["stereo"] / found["ideal"], 1)}


def main() -> None:
    """Measure both sensors in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", nargs="+", default=["standard", "bin"])
    parser.add_argument("--scenes", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=10)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    costs = {family: cost(family, options.scenes, options.repeats) for family in options.families}
    facts = {"machine": machine_name(), "commit": code_commit(), "scenes": options.scenes, "allowed_ms": ALLOWED_MS}
    write_json(OUT, facts | {"ms": costs})
    for family, found in costs.items():
        print(
            f"{family}: ideal {found['ideal']:.1f} ms, stereo {found['stereo']:.1f} ms (its frame alone "
            f"{found['stereo_frame']:.1f}), {found['ratio']:.0f} times as much; at most {ALLOWED_MS:.0f} ms are allowed"
        )


if __name__ == "__main__":
    main()
