"""Laws of grasp constraints: how masks compose, what turning a scene does to them, and when one is given up."""

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grasping_student.geometry.antipodal import AntipodalContacts
from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, PlanarGrasp, angle_distance
from grasping_student.geometry.grasp_constraints import (
    AllOf,
    ClosingAngles,
    ExclusionZone,
    FingerClearance,
    GraspConstraintConfig,
    Preference,
    Region,
    narrow,
)
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.configuration import to_plain, with_values

WORKSPACE = Workspace(extent=0.3, pixels=60, margin=0.05)
ANGLES = DEPLOYMENT_ANGLES.angles[::4]
SEEDS = st.integers(0, 2**32 - 1)


def scene(seed):
    """Boxes at random places, metres."""
    random = np.random.default_rng(seed)
    height = np.zeros(WORKSPACE.shape, np.float32)
    for _ in range(6):
        row, col, side = random.integers(10, 44), random.integers(10, 44), random.integers(4, 9)
        height[row : row + side, col : col + 2 * side] = random.uniform(0.02, 0.06)
    return height


def constraints(seed):
    """One of every kind."""
    random = np.random.default_rng(seed)
    grasps = tuple(PlanarGrasp(*random.integers(15, 45, 2), random.uniform(0, math.pi)) for _ in range(2))
    return [
        FingerClearance(),
        AntipodalContacts(),
        Region(random.random(WORKSPACE.shape) < 0.5),
        ExclusionZone(grasps, 0.03),
        ExclusionZone(grasps, 0.05, 0.5),
        Region.outside_circles([(0.02, -0.03, 0.04)], WORKSPACE),
        ClosingAngles(*random.uniform(-math.pi, math.pi, 2)),
    ]


@settings(deadline=None, max_examples=15)
@given(SEEDS)
def test_all_of_is_commutative_idempotent_and_allows_nothing_that_a_part_refuses(seed):
    height, parts = scene(seed), constraints(seed)
    for one, other in itertools.combinations(parts, 2):
        both = AllOf((one, other)).allows(height, ANGLES, WORKSPACE)
        np.testing.assert_array_equal(both, AllOf((other, one)).allows(height, ANGLES, WORKSPACE))
        np.testing.assert_array_equal(both, AllOf((one, other, one)).allows(height, ANGLES, WORKSPACE))
        for part in (one, other):
            assert not (both & ~part.allows(height, ANGLES, WORKSPACE)).any()
    assert AllOf().allows(height, ANGLES, WORKSPACE).all()


@settings(deadline=None, max_examples=15)
@given(SEEDS)
def test_preferences_only_narrow_and_an_optional_one_never_takes_the_last_grasp(seed):
    height, parts = scene(seed), constraints(seed)
    allowed = np.zeros((len(ANGLES), *WORKSPACE.shape), dtype=bool)
    allowed[:, 15:45, 15:45] = height[15:45, 15:45] > 0.0
    preferences = [Preference((each,)) for each in parts]
    found, obeyed = narrow(allowed, preferences, height, ANGLES, WORKSPACE)
    assert not (found & ~allowed).any()
    assert found.any() == allowed.any()
    for part, number in zip(parts, obeyed, strict=True):
        assert number is None or not (found & ~part.allows(height, ANGLES, WORKSPACE)).any()


def test_the_first_alternative_that_leaves_a_grasp_is_obeyed_and_a_required_one_may_leave_nothing():
    nothing, left = Region(np.zeros(WORKSPACE.shape, bool)), np.zeros(WORKSPACE.shape, bool)
    left[:, :30] = True
    everything = np.ones((len(ANGLES), *WORKSPACE.shape), dtype=bool)
    given_up = (everything, (Preference((nothing,)),), scene(0), ANGLES, WORKSPACE)
    assert narrow(*given_up)[0].all() and narrow(*given_up)[1] == (None,)
    milder, numbers = narrow(everything, (Preference((nothing, Region(left))),), scene(0), ANGLES, WORKSPACE)
    np.testing.assert_array_equal(milder[0], left)
    assert numbers == (1,)
    assert not narrow(everything, (Preference((nothing,), required=True),), scene(0), ANGLES, WORKSPACE)[0].any()


@settings(deadline=None, max_examples=15)
@given(SEEDS)
def test_half_a_turn_of_the_scene_turns_the_mask_and_leaves_the_angles(seed):
    height = scene(seed)
    turned, angles = np.ascontiguousarray(height[::-1, ::-1]), ANGLES + 0.013  # no sample lies between two pixels
    for constraint in (FingerClearance(), AntipodalContacts()):
        mask = constraint.allows(height, angles, WORKSPACE)
        again = constraint.allows(turned, angles, WORKSPACE)[:, ::-1, ::-1]
        assert (mask != again).mean() < 0.002  # equal but for samples on a threshold


@given(st.tuples(*[st.floats(-0.14, 0.14)] * 4))
def test_a_region_holds_exactly_the_cells_whose_centres_lie_between_its_corners(corners):
    x0, y0, x1, y1 = corners
    every = np.arange(WORKSPACE.pixels)
    x, y = WORKSPACE.xy_from_pixel(every[:, None], every[None, :])
    inside = (np.minimum(x0, x1) < x) & (x < np.maximum(x0, x1)) & (np.minimum(y0, y1) < y) & (y < np.maximum(y0, y1))
    if inside.any():
        found = Region.rectangle(x0, y0, x1, y1, WORKSPACE)
        np.testing.assert_array_equal(found.cells, inside)
        np.testing.assert_array_equal(found.allows(scene(0), ANGLES, WORKSPACE)[1], inside)
    else:
        with pytest.raises(ValueError, match="holds no cell"):
            Region.rectangle(x0, y0, x1, y1, WORKSPACE)


@given(SEEDS, st.floats(0.0, 0.06), st.floats(0.0, math.pi))
@settings(deadline=None, max_examples=30)
def test_an_exclusion_zone_refuses_what_is_both_near_and_turned_alike(seed, distance, angle):
    random = np.random.default_rng(seed)
    grasp = PlanarGrasp(*random.integers(0, 60, 2), random.uniform(0, math.pi))
    mask = ExclusionZone((grasp,), distance, angle).allows(scene(seed), ANGLES, WORKSPACE)
    index, row, col = (int(random.integers(limit)) for limit in mask.shape)
    near = math.hypot(row - grasp.row, col - grasp.col) * WORKSPACE.pixel_size <= distance
    alike = angle_distance(ANGLES[index], grasp.angle) <= angle
    assert mask[index, row, col] != (near and alike)


def test_former_names_are_read_and_the_new_ones_are_told_once(caplog):
    former = {"name": "grip", "least_room": 0.004, "least_grip": 0.8, "friction": 0.5}
    expected = GraspConstraintConfig("antipodal", 0.004, 0.8, 0.5)
    for _ in range(2):
        assert with_values(GraspConstraintConfig(), former, "a stored table") == expected
    assert with_values(GraspConstraintConfig(), {"name": "room"}, "another") == GraspConstraintConfig("clearance")
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == len(set(told)) == 4
    assert "'least_room' is now 'min_clearance'" in told[0]
    assert with_values(GraspConstraintConfig(), json.loads(json.dumps(to_plain(expected))), "own") == expected
