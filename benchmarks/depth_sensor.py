"""Cost of an observation by each depth sensor, and the ratio of the two, measured in turn in one process.

Usage: python benchmarks/depth_sensor.py [--scenes 4] [--repeats 10]
Processor milliseconds of one thread; the fastest of the repeats of each scene, then the mean over the scenes.
Writes benchmarks/results/depth_sensor.json.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.pipeline.files import write_json
from grasping_student.pipeline.manifest import code_commit, machine_name
from grasping_student.simulation.families import standard
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


def main() -> None:
    """Measure both sensors in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=10)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    config = replace(standard(), sensor="stereo")
    ideal, stereo = make_sensor(standard()), StereoSensor(config)
    looks: dict[str, Callable[[StillScene], object]] = {
        "ideal": lambda scene: ideal.observe(scene, np.random.default_rng(0)),
        "stereo": lambda scene: stereo.observe(scene, np.random.default_rng(0)),
        "stereo_frame": lambda scene: stereo.camera.capture(scene, np.random.default_rng(0)),
    }
    means: dict[str, list[float]] = {name: [] for name in looks}
    with SimulationEnvironment(standard()) as environment:
        for seed in range(options.scenes):
            environment.reset(seed)
            times = [
                [milliseconds(look, environment.still_scene) for look in looks.values()] for _ in range(options.repeats)
            ]
            for name, fastest in zip(looks, np.min(times, axis=0), strict=True):
                means[name].append(float(fastest))
    result = {name: round(float(np.mean(values)), 2) for name, values in means.items()}
    ratio = round(result["stereo"] / result["ideal"], 1)
    lens = stereo.camera.intrinsics
    write_json(
        OUT,
        {
            "machine": machine_name(),
            "commit": code_commit(),
            "pixels": config.workspace.pixels,
            "picture": [lens.width, lens.height],
            "disparities": stereo.camera.disparities,
            "ms": result,
            "ratio": ratio,
            "allowed_ms": ALLOWED_MS,
        },
    )
    print(
        f"ideal {result['ideal']:.1f} ms, stereo {result['stereo']:.1f} ms (frame {result['stereo_frame']:.1f}, then "
        f"the heightmap), {ratio:.0f} times as much; at most {ALLOWED_MS:.0f} ms are allowed"
    )


if __name__ == "__main__":
    main()
