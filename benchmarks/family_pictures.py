"""Draws the pictures of docs/simulator.md: a scene of every family as it is and as its sensor sees it, and every item.

Usage: python benchmarks/family_pictures.py [--seed 3]
Writes docs/images/family-*.png and docs/images/household.png.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.plotting.figures import plot_heightmap
from grasping_student.plotting.sensor_figure import sensor_figure
from grasping_student.plotting.side_views import view_from_the_side
from grasping_student.plotting.style import bare, new_figure, save_figure, style
from grasping_student.simulation.blocks import Block
from grasping_student.simulation.families import FAMILIES
from grasping_student.simulation.household.item_set import CATEGORIES, TEST, sample_item
from grasping_student.simulation.sensors import StereoSensor

IMAGES = Path(__file__).parents[1] / "docs" / "images"

TABLE = Block("plank", (0.5, 0.5, 0.02), (150, 154, 160))
TABLE_POSE = (0.0, 0.0, -0.01, 0.0, 0.0, 0.0, 1.0)


def plot_stereo(family: str, seed: int) -> None:
    """Infrared pair, colour, depth and heights of one scene under the stereo camera."""
    with SimulationEnvironment(FAMILIES[family]()) as environment:
        environment.reset(seed)
        scene, sensor = environment.still_scene, StereoSensor(environment.config)
        shot = sensor.camera.capture(scene, np.random.default_rng([seed, 1, 0]))
        seen = environment.observe().heightmap
    save_figure(sensor_figure(shot, seen, scene.picture.heightmap, family), IMAGES / f"family-{family}.png", dpi=60)


def plot_ideal(families: list[str], seed: int) -> None:
    """True heights, what the sensor gives, and colours, a row a family."""
    figure, axes = new_figure(9.0, 3.0 * len(families), len(families), 3)
    for row, family in zip(axes, families, strict=True):
        with SimulationEnvironment(FAMILIES[family]()) as environment:
            environment.reset(seed)
            true, seen = environment.picture().heightmap, environment.observe().heightmap
        with style():
            ceiling = max(float(np.percentile(true.height, 99.5)), 0.02)
            plot_heightmap(row[0], true, ceiling, f"{family}: true heights")
            plot_heightmap(row[1], seen, ceiling, "what the sensor gives")
            row[2].imshow(true.rgb)
            for each, title in zip(row, (None, None, "colour"), strict=True):
                bare(each, title) if title else bare(each)
    save_figure(figure, IMAGES / "family-ideal.png", dpi=60)


def plot_household(seed: int) -> None:
    """Two items of every category, as drawn and turned, from the side."""
    columns = 6
    figure, axes = new_figure(15.0, 12.0, int(np.ceil(len(CATEGORIES) / columns)), columns)
    for axis, name in zip(axes.ravel(), CATEGORIES, strict=False):
        random, items, poses = np.random.default_rng(seed), [TABLE], [TABLE_POSE]
        for column in (-0.07, 0.07):
            item = sample_item(name, CATEGORIES[name], random)
            for row, turn in ((-0.07, Rotation.identity()), (0.07, Rotation.random(rng=random))):
                low = turn.apply(item.triangles.reshape(-1, 3))[:, 2].min()
                items.append(item)
                poses.append((column, row, -low, *turn.as_quat()))
        axis.imshow(view_from_the_side(items, np.array(poses), (0.0, 0.0, 0.02), 0.3))
        bare(axis, f"{name} (test)" if name in TEST else name)
    for axis in axes.ravel()[len(CATEGORIES) :]:
        axis.axis("off")
    save_figure(figure, IMAGES / "household.png", dpi=60)


def main() -> None:
    """Draw everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=3)
    seed = parser.parse_args().seed
    plot_household(seed)
    ideal = [name for name, make in FAMILIES.items() if make().sensor == "ideal"]
    plot_ideal(ideal, seed)
    for family in FAMILIES:
        if family not in ideal:
            plot_stereo(family, seed)


if __name__ == "__main__":
    main()
