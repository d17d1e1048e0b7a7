"""Household items: categories apart, seeded, of a size and a material that a bin has."""

from dataclasses import replace

import numpy as np
import pytest

from grasping_student.simulation.engine import open_engine
from grasping_student.simulation.families import simulation, standard
from grasping_student.simulation.household.item_set import CATEGORIES, TEST, TRAINING, HouseholdSet, sample_item
from grasping_student.simulation.scene import build_scene, drop_scene


def test_at_least_twelve_categories_to_learn_from_and_others_to_test_on():
    assert len(TRAINING) >= 12
    assert not set(TRAINING) & set(TEST)
    random = np.random.default_rng(0)
    for categories in (TRAINING, TEST):
        assert {HouseholdSet(categories, (1.0, 1.0)).sample(random).name for _ in range(200)} == set(categories)


@pytest.mark.parametrize("name", CATEGORIES)
def test_an_item_is_of_a_size_and_a_mass_that_a_gripper_meets(name):
    category = CATEGORIES[name]
    random = np.random.default_rng(1)
    for _ in range(12):
        item = sample_item(name, category, random)
        sides = np.sort(np.ptp(item.triangles, axis=(0, 1)))
        assert sides[0] > 0.004
        assert sides[1] < 0.11
        assert sides[2] < 0.17
        assert 0.003 < item.solid.mass < 0.8
        assert category.friction[0] <= item.material.friction == item.solid.friction <= category.friction[1]
        assert category.density[0] <= item.material.density <= category.density[1]
        shares = (item.material.albedo, item.material.gloss, item.material.translucency)
        assert all(0.0 <= share <= 1.0 for share in shares)
        first, second, third = item.solid.inertia
        assert 0.0 < first <= second <= third <= first + second + 1e-12


@pytest.mark.parametrize("name", CATEGORIES)
def test_the_same_draws_give_the_same_item(name):
    one, other = (sample_item(name, CATEGORIES[name], np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one.triangles, other.triangles)
    assert one.material == other.material


def test_cups_are_hollow():
    cup = sample_item("cup", CATEGORIES["cup"], np.random.default_rng(2))
    volume = cup.solid.mass / cup.material.density
    assert volume < 0.25 * np.prod(np.ptp(cup.triangles, axis=(0, 1)))


@pytest.mark.parametrize("items", ["household", "household-test"])
@pytest.mark.parametrize("engine", ["mujoco", "pybullet"])
def test_a_pile_of_them_rests_in_the_bin(items, engine):
    pytest.importorskip(engine)
    config = replace(standard(), items=items, engine=engine, fewest_blocks=25, most_blocks=25, spread=0.1)
    engine = open_engine(config)
    dropped, poses = drop_scene(engine, 3)
    assert {item.name for item in dropped} <= set(TEST if items == "household-test" else TRAINING)
    assert np.abs(poses[:, :2]).max() < 0.225
    assert poses[:, 2].min() > 0.0
    engine.step(engine.steps_of(1.0))
    drift = np.linalg.norm(engine.poses()[:, :3] - poses[:, :3], axis=1)
    assert np.median(drift) < 0.0005
    assert (drift < 0.005).mean() > 0.9
    engine.close()


def test_a_scene_of_the_bin_family_comes_to_rest_in_its_coarser_steps():
    engine = open_engine(simulation("bin"))
    items, poses = drop_scene(engine, 3)
    assert len(items) == 55
    assert 0.03 < poses[:, 2].max() < 0.2
    build_scene(engine, items, poses, np.ones(len(items), dtype=bool))
    engine.prefer_rest()
    engine.step(engine.steps_of(0.25))
    drift = np.linalg.norm(engine.poses()[:, :3] - poses[:, :3], axis=1)
    assert np.median(drift) < 0.001
    assert (drift < 0.005).mean() > 0.85
    engine.close()
