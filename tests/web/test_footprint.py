"""Laws of the footprint: what the fingers would meet."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.web.footprint import finger_rectangles, footprint

WORKSPACE = Workspace(extent=0.3, pixels=75, margin=0.04)
SHAPE = GripperGeometry()


def scene(height=None):
    height = np.zeros(WORKSPACE.shape, np.float32) if height is None else height.astype(np.float32)
    return Heightmap(height, np.zeros((*WORKSPACE.shape, 3), np.uint8), WORKSPACE)


def with_box(half_x, half_y, top=0.05):
    """A box in the middle, half sides in metres."""
    x, _ = WORKSPACE.xy_from_pixel(0, np.arange(75))
    return scene(np.where((np.abs(x)[None] <= half_x) & (np.abs(x)[:, None] <= half_y), top, 0.0))


PLACES = st.builds(PlanarGrasp, st.integers(0, 74), st.integers(0, 74), st.floats(0, math.pi))


def test_a_narrow_box_fits_between_the_fingers_and_a_wide_one_does_not():
    along = footprint(with_box(0.03, 0.1), PlanarGrasp(37, 37, 0.0), SHAPE)
    assert along.hint == "clear" and along.finger_a == along.finger_b == 0.0
    assert along.between == pytest.approx(0.05) and along.tip_height == pytest.approx(0.035)
    across = footprint(with_box(0.03, 0.1), PlanarGrasp(37, 37, math.pi / 2), SHAPE)
    assert across.hint == "both-fingers-hit" and across.finger_a == pytest.approx(0.05)


def test_finger_b_lies_along_the_angle():
    left_edge = PlanarGrasp(37, 25, 0.0)  # the box reaches under the finger on the right only
    assert footprint(with_box(0.05, 0.1), left_edge, SHAPE).hint == "finger-b-hits"
    assert footprint(with_box(0.05, 0.1), PlanarGrasp(37, 49, 0.0), SHAPE).hint == "finger-a-hits"


def test_bare_table_and_the_rim_are_named():
    assert footprint(scene(), PlanarGrasp(37, 37, 0.3), SHAPE).hint == "nothing-between"
    assert footprint(with_box(0.2, 0.2), PlanarGrasp(2, 37, 0.3), SHAPE).hint == "outside"


def test_unmeasured_surface_under_a_finger_is_not_taken_for_room():
    height = with_box(0.03, 0.1).height.copy()
    height[:, :30] = np.nan
    seen = footprint(scene(height), PlanarGrasp(37, 37, 0.0), SHAPE)
    assert math.isnan(seen.finger_a) and seen.hint == "unmeasured"


@settings(max_examples=40, deadline=None)
@given(
    st.builds(PlanarGrasp, st.integers(0, 74), st.integers(0, 74), st.floats(0.1, 3.0)), st.integers(0, 2**32 - 1)
)  # angles near 0 and pi may name the fingers the other way round
def test_half_a_turn_changes_nothing_and_raising_everything_raises_everything(grasp, seed):
    height = np.random.default_rng(seed).uniform(0.02, 0.08, WORKSPACE.shape).astype(np.float32)
    one = footprint(scene(height), grasp, SHAPE)
    turned = footprint(scene(height), PlanarGrasp(grasp.row, grasp.col, grasp.angle + math.pi), SHAPE)
    assert str(one) == str(turned)  # as text, because NaN differs from itself
    raised = footprint(scene(height + np.float32(0.1)), grasp, SHAPE)
    assert raised.tip_height == pytest.approx(one.tip_height + 0.1, abs=1e-6) or one.tip_height == SHAPE.clearance
    if not math.isnan(one.finger_a):
        assert raised.finger_a == pytest.approx(one.finger_a + 0.1, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(PLACES)
def test_rectangles_have_the_grippers_sizes(grasp):
    finger_a, finger_b, opening = finger_rectangles(grasp, SHAPE, WORKSPACE)
    for rectangle, along in ((finger_a, 0.012), (finger_b, 0.012), (opening, 0.085)):
        sides = np.linalg.norm(np.diff(rectangle, axis=0, append=rectangle[:1]), axis=1)
        np.testing.assert_allclose(sides, [along, 0.022, along, 0.022])
    direction = finger_b.mean(axis=0) - finger_a.mean(axis=0)
    assert np.linalg.norm(direction) == pytest.approx(0.097)
    assert abs(math.sin(math.atan2(direction[1], direction[0]) - grasp.angle)) < 1e-9


@settings(max_examples=30, deadline=None)
@given(PLACES, st.integers(0, 2**32 - 1))
@example(PlanarGrasp(5, 65, 0.75), 0)
def test_surface_under_a_finger_agrees_with_a_dense_count_of_points(grasp, seed):
    """The literal way: a point every 0.2 mm. A coarse sampling can only miss a pixel that the finger clips."""
    height = np.random.default_rng(seed).uniform(0.0, 0.08, WORKSPACE.shape).astype(np.float32)
    x, y = grasp.xy(WORKSPACE)
    u, v = np.meshgrid(np.arange(0.0425, 0.0545, 2e-4), np.arange(-0.011, 0.011, 2e-4))
    cos, sin = math.cos(grasp.angle), math.sin(grasp.angle)
    row, col = WORKSPACE.pixel_from_xy(x + cos * u - sin * v, y + sin * u + cos * v)
    inside = (row >= 0) & (row < 75) & (col >= 0) & (col < 75)
    found = footprint(scene(height), grasp, SHAPE).finger_b
    if not inside.any():
        assert math.isnan(found)
        return
    touched, counts = np.unique(row[inside] * 75 + col[inside], return_counts=True)
    values = height.ravel()[touched]
    assert math.isnan(found) or found <= values.max() + 1e-7 or found in height
    half_a_pixel = (WORKSPACE.pixel_size / 2e-4) ** 2 / 2  # a finger at the picture's corner may only clip one
    well_inside = values[counts > 0.6 * max(counts.max(), half_a_pixel)]
    assert all(found >= well_inside - 1e-7)
