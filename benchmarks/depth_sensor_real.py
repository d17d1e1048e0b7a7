"""The simulated stereo camera against real depth: noise of still surfaces, width of edges, share of holes.

Usage: python benchmarks/depth_sensor_real.py --bins FOLDER [--tables FOLDER] [--pictures FOLDER]
``--bins`` holds bins/N/SENSOR/depth_K.npy (three pictures of each still scene, metres) with the sensor's .intr, and
phoxi/N and primesense/N with depth.npy; ``--tables`` holds depth/depth_NNNN.png (millimetres) of a Kinect. The data are
not part of this project: only numbers are written, to benchmarks/results/depth_sensor_real.json. ``--pictures`` takes
the comparison of pictures, which shows the data and stays outside.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from depth_measures import edges, flat_patches, hole_share
from numpy.typing import NDArray

from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.geometry.workspace import light_workspace
from grasping_student.pipeline.files import write_json
from grasping_student.plotting.sensor_figure import plot_depth
from grasping_student.plotting.style import new_figure, save_figure
from grasping_student.simulation.blocks import Block
from grasping_student.simulation.families import FAMILIES
from grasping_student.simulation.rendering import StillScene
from grasping_student.simulation.sensor_config import StereoConfig
from grasping_student.simulation.stereo import StereoCamera

OUT = Path(__file__).parent / "results" / "depth_sensor_real.json"
FRAMES = 3

SENSORS = {
    "ensenso": ("Ensenso, stereo with a projected pattern", 768.0 * 0.0985),
    "primesense": ("PrimeSense, structured light", None),
    "phoxi": ("PhoXi, structured light in many pictures", None),
    "kinect": ("Kinect, structured light", None),
}
"""Sensor -> words, and focal length times baseline (pixels x metres) of the stereo one, whose depth steps tell it."""

DISTANCES = (0.55, 0.60, 0.65, 0.70, 0.75, 0.85)
INTEL_SUBPIXEL = (0.032, 0.08)
"""Noise of a D415 on a plane, pixels of disparity: at best, and what its maker's engineer advises to reckon with."""

Frames = NDArray[np.float64]
"""Still pictures of one scene, metres, NaN where unmeasured, shape ``(frames, height, width)``."""


def real_scenes(bins: Path, tables: Path | None) -> Iterator[tuple[str, Frames]]:
    """Sensor and frames of every real scene."""
    for sensor in ("ensenso", "primesense"):
        for folder in sorted(bins.glob(f"bins/*/{sensor}")):
            yield sensor, unmeasured_as_nan([np.load(path)[..., 0] for path in sorted(folder.glob("depth_*.npy"))])
    for path in sorted(bins.glob("phoxi/*/depth.npy")):
        yield "phoxi", unmeasured_as_nan([np.load(path)])
    for path in sorted(tables.glob("depth/depth_*.png")) if tables else []:
        yield "kinect", unmeasured_as_nan([cv2.imread(str(path), cv2.IMREAD_UNCHANGED) / 1000.0])


def unmeasured_as_nan(pictures: list[NDArray[Any]]) -> Frames:
    """Depth pictures in which 0 means unmeasured."""
    frames = np.stack(pictures).astype(np.float64)
    return np.where(frames > 0.0, frames, np.nan)


def simulated_scenes(family: str, count: int) -> Iterator[Frames]:
    """Frames of settled scenes under the stereo camera."""
    camera = StereoCamera(StereoConfig(), light_workspace())
    with SimulationEnvironment(replace(FAMILIES[family](), sensor="ideal")) as environment:
        for seed in range(count):
            environment.reset(seed)
            yield shots(camera, environment.still_scene)


def one_box(count: int) -> Iterator[Frames]:
    """Frames of an upright box near the middle of the table, whose sides the camera hardly sees."""
    camera = StereoCamera(StereoConfig(), light_workspace())
    for shift in np.linspace(-0.01, 0.01, count):
        box = Block("cuboid", (0.06, 0.06, 0.05), (200, 80, 40))
        yield shots(camera, StillScene((box,), np.array([[shift, 0, 0.025, 0, 0, 0, 1.0]]), light_workspace()))


def shots(camera: StereoCamera, scene: StillScene) -> Frames:
    """Still frames of a scene, each with noise of its own."""
    return np.stack([camera.capture(scene, np.random.default_rng(k)).frame.depth for k in range(FRAMES)]).astype(float)


def measures(scenes: list[Frames], strength: float | None) -> dict[str, Any]:
    """All measures of one sensor's scenes.

    Args:
        scenes: frames of each.
        strength: focal length times baseline, pixels x metres; None leaves the disparities out.
    """
    patches = [np.column_stack(flat_patches(frames)) for frames in scenes]
    distance, over_frames, roughness = np.concatenate(patches).T
    found: dict[str, Any] = {"scenes": len(scenes), "patches": len(distance)}
    found |= {"distance_m": median(distance), "roughness_mm": median(1000 * roughness)}
    if np.isfinite(over_frames).any():
        found["over_frames_mm"] = median(1000 * over_frames)
    if strength is not None:
        pixels = strength / distance**2
        found["roughness_px"] = median(roughness * pixels)
        found["over_frames_px"] = median(over_frames * pixels)
    crossed = [edges(frames[0]) for frames in scenes] + [edges(frames[0].T) for frames in scenes]
    means = [float(each.ramp.mean()) for each in crossed if each.ramp.size >= 30]
    found["ramp_px"] = [round(value, 2) for value in (min(means), float(np.mean(means)), max(means))]
    holes = [hole_share(frames[0], middle(frames[0])) for frames in scenes]
    found["holes"] = [round(value, 4) for value in (min(holes), float(np.mean(holes)), max(holes))]
    return found


def median(values: NDArray[np.float64]) -> float:
    """Rounded to what a reader needs."""
    return round(float(np.nanmedian(values)), 3)


def middle(depth: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The middle half of a picture along both axes: what a bin's floor or a table fills."""
    rows, cols = depth.shape
    inside = np.zeros(depth.shape, dtype=bool)
    inside[rows // 4 : 3 * rows // 4, cols // 4 : 3 * cols // 4] = True
    return inside


def plane_noise() -> list[dict[str, float]]:
    """Noise of the simulated camera on a bare table, by distance; depths are not rounded here."""
    rows = []
    for distance in DISTANCES:
        config = StereoConfig(distance=distance, highest=0.15, depth_unit=1e-6)
        scene = StillScene((), np.empty((0, 7)), light_workspace())
        patches = flat_patches(shots(StereoCamera(config, scene.workspace), scene))
        pixels = config.focal_length * config.baseline / distance**2
        over_frames, roughness = (float(np.median(each)) for each in (patches.over_frames, patches.roughness))
        row = {"distance_m": distance, "over_frames_mm": 1000 * over_frames, "roughness_mm": 1000 * roughness}
        row |= {"over_frames_px": over_frames * pixels, "roughness_px": roughness * pixels}
        row |= {f"intel_{each}_px_mm": 1000 * each / pixels for each in INTEL_SUBPIXEL}
        rows.append({name: round(value, 3) for name, value in row.items()})
    return rows


def save_pictures(real: dict[str, list[Frames]], simulated: dict[str, list[Frames]], folder: Path) -> None:
    """One depth picture of each sensor, the real above, the simulated below, in one file."""
    everything = [*((name, scenes[0][0]) for name, scenes in real.items())]
    everything += [(f"simulated, {family}", scenes[0][0]) for family, scenes in simulated.items()]
    figure, axes = new_figure(12.0, 5.6, 2, 4)
    for each in axes.ravel():
        each.axis("off")
    for each, (name, depth) in zip(axes.ravel(), everything, strict=False):
        rows, cols = depth.shape
        plot_depth(each, depth[rows // 6 : -rows // 6, cols // 6 : -cols // 6], 0.1, name)
    save_figure(figure, folder / "depth-sensors.png")


def main() -> None:
    """Measure the real sensors and the simulated one alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bins", type=Path, required=True)
    parser.add_argument("--tables", type=Path)
    parser.add_argument("--pictures", type=Path)
    options = parser.parse_args()
    real: dict[str, list[Frames]] = {}
    for sensor, frames in real_scenes(options.bins, options.tables):
        real.setdefault(sensor, []).append(frames)
    simulated = {family: list(simulated_scenes(family, 4)) for family in ("sparse", "standard")}
    simulated["one upright box"] = list(one_box(4))
    config = StereoConfig()
    result = {
        "real": {name: {"words": SENSORS[name][0], **measures(s, SENSORS[name][1])} for name, s in real.items()},
        "simulated": {name: measures(s, config.focal_length * config.baseline) for name, s in simulated.items()},
        "plane": plane_noise(),
    }
    write_json(OUT, result)
    if options.pictures:
        save_pictures(real, simulated, options.pictures)
    for group in ("real", "simulated"):
        for name, found in result[group].items():
            print(group, name, found)
    for row in result["plane"]:
        print(row)


if __name__ == "__main__":
    main()
