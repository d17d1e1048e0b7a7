"""Items by chance: seeded, one body each, of a size and a mass that a gripper meets, and of many shapes."""

from dataclasses import replace

import numpy as np
import pytest

from grasping_student.simulation.composites import DENSITY, FRICTION, LENGTH, sample_composite
from grasping_student.simulation.engine import open_engine
from grasping_student.simulation.families import standard
from grasping_student.simulation.scene import drop_scene


def items(count, seed=0):
    random = np.random.default_rng(seed)
    return [sample_composite(random) for _ in range(count)]


def test_the_same_draws_give_the_same_item():
    for one, other in zip(items(30), items(30), strict=True):
        np.testing.assert_array_equal(one.triangles, other.triangles)
        assert one.material == other.material


def test_an_item_is_of_a_size_and_a_mass_that_a_gripper_meets():
    for item in items(200):
        sides = np.sort(np.ptp(item.triangles, axis=(0, 1)))
        assert sides[0] > 0.003
        assert LENGTH[0] / 2 < sides[2] < LENGTH[1] + 1e-9
        assert 2e-4 < item.solid.mass < 2.0
        assert FRICTION[0] <= item.material.friction <= FRICTION[1]
        assert DENSITY[0] <= item.material.density <= DENSITY[1] * (1 + 1e-12)
        first, second, third = item.solid.inertia
        assert 0.0 < first <= second <= third <= (first + second) * (1 + 1e-9)


def test_scale_makes_the_same_item_larger():
    for seed in range(20):
        one, twice = (sample_composite(np.random.default_rng(seed), scale) for scale in (1.0, 2.0))
        ratio = np.ptp(twice.triangles, axis=(0, 1)).max() / np.ptp(one.triangles, axis=(0, 1)).max()
        assert ratio == pytest.approx(2.0, rel=0.15)  # parts that are too thin are made thicker


def test_thin_and_thick_simple_and_branching_items_are_all_there():
    found = items(300)
    sides = np.array([np.sort(np.ptp(item.triangles, axis=(0, 1))) for item in found])
    slenderness = sides[:, 1] / sides[:, 2]
    assert {len(item.solid.parts) for item in found} == {1, 2, 3, 4, 5}
    assert np.quantile(slenderness, 0.1) < 0.4 < 0.8 < np.quantile(slenderness, 0.9)


@pytest.mark.parametrize("name", ["mujoco", "pybullet"])
def test_a_pile_of_them_rests_in_the_bin(name):
    pytest.importorskip(name)
    engine = open_engine(
        replace(standard(), items="composites", engine=name, fewest_blocks=25, most_blocks=25, spread=0.1)
    )
    dropped, poses = drop_scene(engine, 3)
    assert {item.name for item in dropped} == {"composite"}
    assert np.abs(poses[:, :2]).max() < 0.225
    assert poses[:, 2].min() > 0.0
    engine.step(engine.steps_of(1.0))
    drift = np.linalg.norm(engine.poses()[:, :3] - poses[:, :3], axis=1)
    assert np.median(drift) < 0.001
    assert (drift < 0.005).mean() > 0.85
    engine.close()
