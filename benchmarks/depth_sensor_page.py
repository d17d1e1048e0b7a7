"""Puts measured numbers and pictures of the stereo camera into docs/depth-sensor.md, between its markers.

Usage: python benchmarks/depth_sensor_page.py, after depth_sensor.py and depth_sensor_real.py.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.geometry.workspace import light_workspace
from grasping_student.pipeline.files import read_json, write_text
from grasping_student.plotting.sensor_figure import plot_depth, sensor_figure
from grasping_student.plotting.style import BLACK, BLUE, GREY, ORANGE, bare, new_figure, save_figure, style
from grasping_student.simulation.blocks import Block
from grasping_student.simulation.families import standard
from grasping_student.simulation.materials import Material
from grasping_student.simulation.pinhole import project
from grasping_student.simulation.rasteriser import NOTHING
from grasping_student.simulation.rendering import StillScene
from grasping_student.simulation.sensor_config import StereoConfig
from grasping_student.simulation.sensors import StereoSensor
from grasping_student.simulation.stereo import StereoCamera

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parents[1] / "docs" / "depth-sensor.md"
IMAGES = PAGE.parent / "images"

MATERIALS = {
    "matt, as toy blocks": Material(),
    "dark, albedo 0.08": Material(albedo=0.08),
    "black, albedo 0.05": Material(albedo=0.05),
    "soot, albedo 0.02": Material(albedo=0.02),
    "gloss 0.3": Material(gloss=0.3),
    "gloss 0.6": Material(gloss=0.6),
    "gloss 0.9": Material(gloss=0.9),
    "black and gloss 0.5": Material(albedo=0.05, gloss=0.5),
    "translucency 0.5": Material(translucency=0.5),
    "translucency 0.8": Material(translucency=0.8),
    "translucency 0.95": Material(translucency=0.95),
    "translucency 0.7, gloss 0.5": Material(translucency=0.7, gloss=0.5),
}
"""Material in words -> material, in rows of four from the upper left."""

Facts = dict[str, Any]


def material_scene() -> StillScene:
    """A standing box and, below it, a lying cylinder of every material."""
    lying = 0.5**0.5
    items, poses = [], []
    for index, material in enumerate(MATERIALS.values()):
        x, y = -0.17 + 0.11 * (index % 4), 0.14 - 0.14 * (index // 4)
        items.append(Block("cuboid", (0.045, 0.045, 0.04), (200, 80, 40), material))
        poses.append((x, y, 0.02, 0.0, 0.0, 0.0, 1.0))
        items.append(Block("cylinder", (0.04, 0.04, 0.06), (60, 110, 190), material))
        poses.append((x, y - 0.06, 0.02, 0.0, lying, 0.0, lying))
    return StillScene(tuple(items), np.array(poses), light_workspace())


def material_table(_: Facts) -> str:
    """Holes and errors on box and cylinder of every material; draws the picture of the scene too."""
    scene, camera = material_scene(), StereoCamera(StereoConfig(), light_workspace())
    shot = camera.capture(scene, np.random.default_rng(0))
    depth, seen = project(scene.surface.triangles, camera.intrinsics, camera.left_to_world)
    item = np.append(scene.surface.owner, NOTHING)[seen]
    error = np.abs(shot.frame.depth - depth)
    lines = ["| material | unmeasured | more than 5 mm off | median error, mm |", "|---|---|---|---|"]
    for index, words in enumerate(MATERIALS):
        own = error[(item // 2 == index) & (item != NOTHING)]
        lines.append(
            f"| {words} | {100 * np.isnan(own).mean():.0f} % | {100 * (own > 0.005).mean():.0f} % | "
            f"{1000 * np.nanmedian(own):.1f} |"
        )
    figure, axes = new_figure(9.0, 2.9, 1, 3)
    left, measured, truth = axes.ravel()
    left.imshow(shot.left, cmap="gray", vmin=0, vmax=255)
    bare(left, "left eye")
    plot_depth(measured, shot.frame.depth, 0.06, "depth, unmeasured grey")
    plot_depth(truth, depth, 0.06, "true depth")
    save_figure(figure, IMAGES / "depth-sensor-materials.png", dpi=100)
    return "\n".join(lines)


def real_table(facts: Facts) -> str:
    """Real sensors and the simulated one, side by side."""
    lines = [
        "| sensor | scenes | distance, m | over frames, mm (px) | from a plane, mm (px) | edge width, px | holes |",
        "|---|---|---|---|---|---|---|",
    ]
    rows = [(found["words"], found) for found in facts["real"].values()]
    rows += [(f"**simulated**, {family}", found) for family, found in facts["simulated"].items()]
    for words, found in rows:
        noise = [
            "" if f"{name}_mm" not in found else f"{found[f'{name}_mm']:.2f}" + in_pixels(found, f"{name}_px")
            for name in ("over_frames", "roughness")
        ]
        low, mean, high = found["ramp_px"]
        fewest, holes, most = (100 * share for share in found["holes"])
        lines.append(
            f"| {words} | {found['scenes']} | {found['distance_m']:.2f} | {noise[0]} | {noise[1]} | {mean:.1f} "
            f"({low:.1f} to {high:.1f}) | {holes:.1f} % ({fewest:.1f} to {most:.1f}) |"
        )
    return "\n".join(lines)


def in_pixels(found: Facts, name: str) -> str:
    """A noise in pixels of disparity, in brackets, where it is known."""
    return f" ({found[name]:.3f})" if name in found else ""


def plane_table(facts: Facts) -> str:
    """Noise on a bare table by distance, beside what the maker names; draws the curve too."""
    lines = [
        "| distance, m | over frames, mm | from a plane, mm | in px | D415 at best, mm | D415 to reckon with, mm |",
        "|---|---|---|---|---|---|",
    ]
    rows = facts["plane"]
    for row in rows:
        lines.append(
            f"| {row['distance_m']:.2f} | {row['over_frames_mm']:.2f} | {row['roughness_mm']:.2f} | "
            f"{row['roughness_px']:.3f} | {row['intel_0.032_px_mm']:.2f} | {row['intel_0.08_px_mm']:.2f} |"
        )
    figure, axes = new_figure(6.0, 3.4)
    plot, distance = axes[0, 0], [row["distance_m"] for row in rows]
    with style():
        low, high = ([row[f"intel_{each}_px_mm"] for row in rows] for each in ("0.032", "0.08"))
        plot.fill_between(distance, low, high, color=GREY, alpha=0.25, label="D415 by its maker, 0.032 to 0.08 px")
        curves = (("roughness_mm", BLUE, "o", "from a plane"), ("over_frames_mm", ORANGE, "s", "over frames"))
        for name, colour, marker, words in curves:
            noise = [row[name] for row in rows]
            plot.plot(distance, noise, color=colour, marker=marker, label=f"simulated, {words}")
        ensenso = facts["real"]["ensenso"]
        plot.plot(
            [ensenso["distance_m"]] * 2,
            [ensenso["over_frames_mm"], ensenso["roughness_mm"]],
            color=BLACK,
            marker="x",
            linestyle="none",
            label="real Ensenso: over frames, from a plane",
        )
        plot.set(xlabel="distance, m", ylabel="noise, mm", ylim=(0.0, None))
        plot.legend(loc="upper left", fontsize=8)
    save_figure(figure, IMAGES / "depth-sensor-noise.png", dpi=100)
    return "\n".join(lines)


def cost_table(facts: Facts) -> str:
    """Cost of an observation by each sensor; draws the picture of a scene too."""
    sensor = StereoSensor(replace(standard(), sensor="stereo"))
    with SimulationEnvironment(standard()) as environment:
        environment.reset(3)
        scene = environment.still_scene
    shot = sensor.camera.capture(scene, np.random.default_rng([3, 1, 0]))
    seen = sensor.observe(scene, np.random.default_rng([3, 1, 0])).heightmap
    save_figure(sensor_figure(shot, seen, scene.picture.heightmap), IMAGES / "depth-sensor-blocks.png", dpi=80)
    lines = ["| family | ideal, ms | stereo, ms | of it the frame, ms | stereo / ideal |", "|---|---|---|---|---|"]
    for family, found in facts["ms"].items():
        lines.append(
            f"| `{family}` | {found['ideal']:.1f} | {found['stereo']:.0f} | {found['stereo_frame']:.0f} | "
            f"{found['ratio']:.0f} |"
        )
    return "\n".join(
        [*lines, "", f"One thread of {facts['machine']}; at most {facts['allowed_ms']:.0f} ms are allowed."]
    )


PARTS = {
    "real": ("depth_sensor_real.json", real_table),
    "plane": ("depth_sensor_real.json", plane_table),
    "materials": ("depth_sensor_real.json", material_table),
    "cost": ("depth_sensor.json", cost_table),
}
"""Marker -> result file and what is made of it."""


def with_numbers(page: str) -> str:
    """The page with every part renewed."""
    for name, (file, make) in PARTS.items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        before, _, rest = page.partition(begin)
        _, found, after = rest.partition(end)
        assert found, f"{PAGE} has no markers {begin} and {end}"
        page = f"{before}{begin}\n{make(read_json(RESULTS / file))}\n{end}{after}"
    return page


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    write_text(PAGE, with_numbers(PAGE.read_text(encoding="utf-8")))
