"""What the depth camera adds, and what it leaves."""

import numpy as np

from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import light_workspace
from grasping_student.simulation.depth_noise import add_depth_noise
from grasping_student.simulation.sensor_config import DepthNoise


def step_scene():
    workspace = light_workspace()
    height = np.zeros(workspace.shape, np.float32)
    height[40:70, 40:70] = 0.05
    return Heightmap(height, np.zeros((*workspace.shape, 3), np.uint8), workspace)


def noisy(seed=0, **options):
    return add_depth_noise(step_scene(), DepthNoise(**options), np.random.default_rng(seed)).height


def test_no_noise_changes_nothing():
    np.testing.assert_array_equal(noisy(), step_scene().height)


def test_the_noise_has_its_sigma_and_follows_the_seed():
    error = noisy(sigma=0.002) - step_scene().height
    assert abs(error.std() - 0.002) < 1e-4
    assert abs(error.mean()) < 1e-4
    np.testing.assert_array_equal(noisy(seed=3, sigma=0.002), noisy(seed=3, sigma=0.002))
    assert (noisy(seed=3, sigma=0.002) != noisy(seed=4, sigma=0.002)).any()


def test_heights_are_multiples_of_the_step():
    steps = noisy(sigma=0.002, step=0.0015).astype(np.float64) / 0.0015
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-4)


def test_edge_holes_lie_beside_a_step_in_height_only():
    holes = np.isnan(noisy(edge_holes=1.0))
    expected = np.zeros(holes.shape, bool)
    expected[39:71, 40:70] = expected[40:70, 39:71] = True
    expected[41:69, 41:69] = False
    np.testing.assert_array_equal(holes, expected)
    assert 0.3 < np.isnan(noisy(edge_holes=0.4))[expected].mean() < 0.5


def test_random_holes_have_their_share():
    assert abs(np.isnan(noisy(random_holes=0.1)).mean() - 0.1) < 0.01
