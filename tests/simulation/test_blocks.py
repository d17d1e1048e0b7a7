"""Laws of the blocks' geometry."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from grasping_student.pipeline.errors import UserError
from grasping_student.simulation.blocks import rotation_of, sample_block
from grasping_student.simulation.config import SHAPES, SimulationConfig
from grasping_student.simulation.families import FAMILIES, Family, simulation, standard
from grasping_student.simulation.solids import inset

BLOCKS = st.builds(
    lambda family, shape, seed: sample_block(replace(family(), shapes=(shape,)), np.random.default_rng(seed)),
    st.sampled_from(list(FAMILIES.values())),
    st.sampled_from(SHAPES),
    st.integers(0, 2**32 - 1),
)


@settings(max_examples=60, deadline=None)
@given(BLOCKS)
def test_every_side_has_two_to_ten_centimetres_and_the_gripper_can_span_one(block):
    corners = block.triangles.reshape(-1, 3)
    sides = np.ptp(corners, axis=0)
    np.testing.assert_allclose(sides, block.size, rtol=2e-2)
    assert sides.min() >= 0.0199
    assert sides.max() <= 0.1001
    assert sides.min() < standard().gripper.geometry.opening


@settings(max_examples=25, deadline=None)
@given(BLOCKS)
def test_the_origin_is_the_centre_of_mass_and_the_parts_make_up_the_outline(block):
    random = np.random.default_rng(0)
    low, high = block.outline.min(axis=0), block.outline.max(axis=0)
    points = random.uniform(low, high, size=(40_000, 2))
    in_a_part = np.zeros(len(points), dtype=bool)
    for part in block.parts:
        following = np.roll(part, -1, axis=0)
        along, to_point = following - part, points[:, None] - part
        in_a_part |= (along[:, 0] * to_point[..., 1] - along[:, 1] * to_point[..., 0] >= 0.0).all(axis=1)
    covered = in_a_part.mean() * np.prod(high - low)
    assert covered * block.size[2] == pytest.approx(block.volume, rel=0.03)
    inside = points[in_a_part]
    np.testing.assert_allclose(inside.mean(axis=0), 0.0, atol=0.02 * np.max(high - low))
    solid, (x, y), z = block.solid, (inside**2).mean(axis=0), block.size[2] ** 2 / 12
    assert solid.mass == pytest.approx(700.0 * block.volume)
    assert np.array(solid.inertia) / solid.mass == pytest.approx((y + z, x + z, x + y), rel=0.05)
    assert abs((inside[:, 0] * inside[:, 1]).mean()) < 0.03 * (x + y)


@settings(max_examples=60, deadline=None)
@given(BLOCKS)
def test_the_surface_is_closed_and_looks_outwards(block):
    for part, triangles in zip(block.parts, np.split(block.triangles, _ends(block)), strict=True):
        first, second, third = np.moveaxis(triangles, 1, 0)
        signed_volume = np.einsum("ij,ij->", first, np.cross(second, third)) / 6
        following = np.roll(part, -1, axis=0)
        area = np.sum(part[:, 0] * following[:, 1] - following[:, 0] * part[:, 1]) / 2
        assert signed_volume == pytest.approx(area * block.size[2])
        np.testing.assert_allclose(np.cross(second - first, third - first).sum(axis=0), 0.0, atol=1e-12)


def _ends(block):
    return np.cumsum([4 * len(part) - 4 for part in block.parts])[:-1]


@settings(max_examples=60, deadline=None)
@given(BLOCKS)
def test_an_inset_outline_lies_at_that_distance_inside(block):
    if block.shape == "arch":
        return
    outline, inner = block.outline, inset(block.outline, 0.001)
    along = np.roll(outline, -1, axis=0) - outline
    inwards = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.linalg.norm(along, axis=1, keepdims=True)
    depth = np.einsum("cij,ij->ci", inner[:, None] - outline[None], inwards)
    np.testing.assert_allclose(depth.min(axis=1), 0.001, atol=1e-9)


@given(st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1))
def test_rotations_agree_with_scipys(quaternion):
    expected = Rotation.from_quat(quaternion).as_matrix()
    np.testing.assert_allclose(rotation_of(np.array(quaternion)), expected, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(BLOCKS)
def test_grip_axes_join_opposite_faces(block):
    for axis in block.grip_axes:
        assert np.linalg.norm(axis) == pytest.approx(1.0)
        reach = block.surface @ axis
        if block.shape not in ("half_cylinder", "arch"):
            assert reach.max() == pytest.approx(-reach.min(), rel=0.02)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shapes": ()}, "choose from"),
        ({"fewest_blocks": 9, "most_blocks": 3}, "fewest"),
        ({"scale": (2.0, 1.0)}, "scale"),
    ],
)
def test_an_impossible_scene_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        SimulationConfig(**options)


def test_an_unknown_family_is_refused_with_the_valid_ones():
    with pytest.raises(UserError, match=r"'densse'.*did you mean 'dense'"):
        simulation("densse")


def test_every_family_that_an_option_offers_is_made_under_its_own_name():
    assert get_args(Family) == tuple(FAMILIES)
    assert [FAMILIES[name]().family for name in FAMILIES] == list(FAMILIES)
