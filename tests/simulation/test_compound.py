"""Items of several parts: mass and principal axes follow from the volume."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from grasping_student.simulation.compound import compound, mass_properties, triangles_of
from grasping_student.simulation.materials import Material
from grasping_student.simulation.solids import Box, Cylinder, Hull

GREY = (128, 128, 128)
SIDES = st.tuples(*[st.floats(0.004, 0.05)] * 3)


def test_mass_properties_of_a_box_are_those_of_the_textbook():
    found = mass_properties(triangles_of(Box((0.01, 0.02, 0.03), (0.1, -0.2, 0.3))))
    assert found.volume == pytest.approx(8 * 6e-6)
    np.testing.assert_allclose(found.centre, (0.1, -0.2, 0.3))
    expected = np.diag([0.02**2 + 0.03**2, 0.01**2 + 0.03**2, 0.01**2 + 0.02**2]) / 3
    np.testing.assert_allclose(found.inertia(1.0), expected, atol=1e-12)


@given(first=SIDES, second=SIDES, turn=st.tuples(*[st.floats(-2.0, 2.0)] * 3))
@settings(max_examples=40, deadline=None)
def test_an_item_lies_in_its_principal_frame_with_the_mass_of_its_volume(first, second, turn):
    x, y, z, w = Rotation.from_rotvec(turn).as_quat().tolist()
    parts = [(Box(first), GREY), (Box(second, (0.15, 0.01, 0.02), (x, y, z, w)), GREY)]
    item = compound("two boxes", parts, Material(density=900.0))
    assert item.solid.mass == pytest.approx(900.0 * 8 * (np.prod(first) + np.prod(second)))
    found = mass_properties(item.triangles)
    np.testing.assert_allclose(found.centre, 0.0, atol=1e-9)
    np.testing.assert_allclose(found.inertia(item.solid.mass), np.diag(item.solid.inertia), atol=1e-9)
    # the parts that physics gets are the surface that a camera sees
    physics = np.concatenate([triangles_of(part) for part in item.solid.parts])
    np.testing.assert_allclose(physics.min(axis=(0, 1)), item.triangles.min(axis=(0, 1)), atol=1e-9)
    np.testing.assert_allclose(physics.max(axis=(0, 1)), item.triangles.max(axis=(0, 1)), atol=1e-9)
    assert item.reach == pytest.approx(np.linalg.norm(physics, axis=2).max())
    assert np.linalg.norm(item.surface, axis=1).max() <= item.reach + 1e-6


def test_every_triangle_looks_outwards():
    for part in (Box((0.01, 0.02, 0.03)), Cylinder(0.02, 0.03), Hull(np.eye(3) * 0.05 - 0.01)):
        triangles = (
            triangles_of(part)
            if not isinstance(part, Hull)
            else triangles_of(Hull(np.concatenate([part.points, [[0.0, 0.0, 0.0]]])))
        )
        normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        away = triangles.mean(axis=1) - triangles.mean(axis=(0, 1))
        assert (np.einsum("ij,ij->i", normals, away) > 0.0).all()


@pytest.mark.parametrize("margin", [0.0, 0.001, 0.02])
def test_a_hull_moved_inwards_stays_inside(margin):
    points = np.random.default_rng(0).normal(0.0, 0.01, size=(30, 3))
    inner = Hull(points).corners(margin)
    planes = ConvexHull(points).equations
    assert (inner @ planes[:, :3].T + planes[:, 3]).max() < 1e-9
