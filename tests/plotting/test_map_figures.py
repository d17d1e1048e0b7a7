"""Figures 2 and 4: a panel for each map, the gripper at its best pixel, the entropy written below."""

import numpy as np
import pytest

from grasping_student.evaluation.network_metrics import entropy_bits
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.plotting.map_figures import SceneMaps, angle_maps_figure, model_maps_figure

WORKSPACE = Workspace(extent=0.4, pixels=20, margin=0.05)


def scene():
    height = np.zeros(WORKSPACE.shape, np.float32)
    height[8:12, 8:12] = 0.03
    return Heightmap(height, np.zeros((*WORKSPACE.shape, 3), np.uint8), WORKSPACE)


def scores(seed):
    drawn = np.random.default_rng(seed).normal(size=WORKSPACE.shape)
    return np.where(WORKSPACE.graspable_mask(), drawn, -np.inf)


@pytest.mark.parametrize("count", [2, 8, 11])
def test_every_angle_has_its_panel_with_the_gripper_at_the_best_pixel(count):
    angles = [k * np.pi / count for k in range(count)]
    maps = np.stack([1 / (1 + np.exp(-scores(k))) for k in range(count)])
    maps[:, ~WORKSPACE.graspable_mask()] = np.nan
    panels = [axes for axes in angle_maps_figure(scene(), maps, angles).axes if axes.get_images()]
    assert len(panels) >= count + 1
    row, col = np.unravel_index(np.nanargmax(maps[0]), WORKSPACE.shape)
    x, y = WORKSPACE.xy_from_pixel(row, col)
    marks = [tuple(line.get_xydata()[0]) for line in panels[1].get_lines() if len(line.get_xydata()) == 1]
    assert marks == [pytest.approx((x, y))]


def test_each_models_map_says_its_entropy():
    maps = [SceneMaps(scene(), (scores(0), 9 * scores(0))), SceneMaps(scene(), (scores(1), 9 * scores(1)))]
    figure = model_maps_figure(maps, ["teacher", "a student with a name too long for one line"])
    said = [axes.get_xlabel() for axes in figure.axes if "bits" in axes.get_xlabel()]
    assert said == [f"{entropy_bits(each):.1f} bits" for maps_ in maps for each in maps_.scores]
    assert float(said[1].split()[0]) < float(said[0].split()[0])
