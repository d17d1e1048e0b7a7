"""Limits that a person asks for: what they allow, how they compose, and one sentence for each that makes no sense."""

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tests.serving.tabletop import BOXES, LIGHT, frame_of, tabletop

from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, PlanarGrasp
from grasping_student.geometry.grasp_constraints import ClosingAngles
from grasping_student.geometry.limits_config import GraspLimitsConfig
from grasping_student.perception.frame import pixels_of_world_points
from grasping_student.perception.grasp_limits import GraspLimits
from grasping_student.perception.heightmap_repair import observe_frame
from grasping_student.perception.masks import read_mask
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.errors import UserError

FRAME = frame_of(tabletop())
OBSERVATION = observe_frame(FRAME, LIGHT)
ANGLES = DEPLOYMENT_ANGLES.angles


def allowed(config, mask=None, observation=OBSERVATION):
    limits = GraspLimits(config, mask)
    return limits.constraint(observation).allows(observation.filled_height, ANGLES, observation.workspace)


def mask_of_box(index, grown=0.0):
    """The pixels that show one box from the camera."""
    cx, cy, sx, sy, top = BOXES[index]
    corners = np.array(
        [
            (cx + u * (sx / 2 + grown), cy + v * (sy / 2 + grown), z)
            for u in (-1, 1)
            for v in (-1, 1)
            for z in (0.0, top)
        ]
    )
    row, col, _ = pixels_of_world_points(corners, FRAME.intrinsics, FRAME.camera_to_world)
    hull = cv2.convexHull(np.column_stack([col, row]).astype(np.int32))
    return cv2.fillPoly(np.zeros(FRAME.depth.shape, np.uint8), [hull], 1) > 0


DEGREES = st.integers(-36_000, 36_000).map(lambda hundredths: hundredths / 100)  # finer than rounding by half turns


@settings(deadline=None, max_examples=60)
@given(DEGREES, DEGREES, st.integers(-3, 3))
@example(1e-82, 0.0, 1)
@example(0.0, 1e-82, 1)
def test_a_range_of_closing_angles_is_the_same_after_half_turns_and_holds_its_ends(first, last, turns):
    angles = np.radians([first, last, 0.0, 40.0, 90.0, 135.0])
    given_range = ClosingAngles(math.radians(first), math.radians(last))
    inside = given_range.allows(None, angles, LIGHT)[:, 0, 0]
    assert inside[0] and inside[1]
    turned = ClosingAngles(math.radians(first + 180 * turns), math.radians(last + 180 * turns))
    wide = [angle for angle, held in zip(angles, inside, strict=True) if held]
    assert turned.allows(None, np.array(wide), LIGHT).all()
    assume(min((last - first) % 180, (first - last) % 180) > 1e-6)
    complement = ClosingAngles(math.radians(last), math.radians(first)).allows(None, angles, LIGHT)[:, 0, 0]
    assert (inside | complement).all(), "a range and the one from its end to its beginning hold every angle"


@pytest.mark.parametrize(
    ("range_", "held"),
    [
        ((80, 100), [90]),
        ((170, 10), [0, 170]),
        ((-10, 10), [0, 170]),
        ((350, 10), [0, 170]),
        ((0, 180), [0, 45, 90, 170]),
    ],
)
def test_closing_angles_are_degrees_modulo_180(range_, held):
    angles = np.radians([0, 45, 90, 170])
    inside = ClosingAngles(*map(math.radians, range_)).allows(None, angles, LIGHT)[:, 0, 0]
    assert np.degrees(angles[inside]).round().tolist() == held


def test_all_limits_that_are_given_hold_together():
    parts = [
        (GraspLimitsConfig(region=(-0.1, -0.1, 0.1, 0.12)), None),
        (GraspLimitsConfig(closing_angle_degrees=(30, 120)), None),
        (GraspLimitsConfig(keep_away=(0.05, 0.05, 0.03, -0.05, 0.0, 0.02)), None),
        (GraspLimitsConfig(), mask_of_box(0)),
    ]
    everything = GraspLimitsConfig((-0.1, -0.1, 0.1, 0.12), None, (30, 120), (0.05, 0.05, 0.03, -0.05, 0.0, 0.02))
    together = allowed(everything, parts[3][1])
    np.testing.assert_array_equal(together, np.logical_and.reduce([allowed(*part) for part in parts]))
    over_each_other = OBSERVATION
    for config, mask in parts:
        over_each_other = GraspLimits(config, mask).over(over_each_other)
    held = over_each_other.limits.allows(OBSERVATION.filled_height, ANGLES, LIGHT)
    np.testing.assert_array_equal(held, together)


@pytest.mark.parametrize("index", [0, 1])
def test_a_mask_allows_the_cells_of_the_object_that_it_marks_and_none_of_another(index):
    cells = allowed(GraspLimitsConfig(), mask_of_box(index, grown=0.004))[0]
    every = np.arange(LIGHT.pixels)
    x, y = LIGHT.xy_from_pixel(every[:, None], every[None, :])
    for number, (cx, cy, sx, sy, _) in enumerate(BOXES):
        inside = (np.abs(x - cx) <= sx / 2 - 0.004) & (np.abs(y - cy) <= sy / 2 - 0.004)
        assert cells[inside].all() if number == index else not cells[inside].any()


def test_circles_keep_grasps_away_by_their_radius():
    cells = allowed(GraspLimitsConfig(keep_away=(0.06, 0.05, 0.04)))[0]
    row, col = np.indices(LIGHT.shape)
    x, y = LIGHT.xy_from_pixel(row, col)
    np.testing.assert_array_equal(cells, np.hypot(x - 0.06, y - 0.05) > 0.04)


def test_an_observation_refuses_a_grasp_outside_its_limits():
    limited = GraspLimits(GraspLimitsConfig(closing_angle_degrees=(80, 100))).over(OBSERVATION)
    row, col = LIGHT.pixel_from_xy(0.06, 0.05)
    assert limited.within_limits(PlanarGrasp(row, col, math.pi / 2))
    assert not limited.within_limits(PlanarGrasp(row, col, 0.0))
    assert OBSERVATION.within_limits(PlanarGrasp(row, col, 0.0))


def test_no_limits_are_none():
    assert GraspLimits.of(GraspLimitsConfig()) is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, bool])
def test_a_mask_is_read_from_pictures_of_labels_and_from_arrays(tmp_path, dtype):
    mask = mask_of_box(0)
    path = tmp_path / ("mask.npy" if dtype is bool else "mask.png")
    if dtype is bool:
        np.save(path, mask)
    else:
        cv2.imwrite(str(path), mask.astype(dtype) * (1 if dtype == np.uint8 else 300))
    np.testing.assert_array_equal(read_mask(path), mask)
    limits = GraspLimits.of(GraspLimitsConfig(mask=path))
    np.testing.assert_array_equal(limits.mask, mask)


def test_transparency_marks_nothing(tmp_path):
    picture = np.zeros((*FRAME.depth.shape, 4), np.uint8)
    picture[..., 3] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), picture)
    with pytest.raises(UserError, match="empty mask"):
        read_mask(tmp_path / "mask.png")


@pytest.mark.parametrize(
    "values",
    [
        {"region": (0.1,)},
        {"region": (0.0, 0.0, 0.1)},
        {"region": (0.0, 0.0, math.nan, 0.1)},
        {"region": (-100.0, -100.0, 100.0, 100.0)},
        {"keep_away": (0.1, 0.1)},
        {"keep_away": (0.1, 0.1, 0.0)},
        {"keep_away": (0.1, 0.1, math.inf)},
        {"closing_angle_degrees": (0.0, 700.0)},
        {"closing_angle_degrees": (math.nan, 10.0)},
    ],
)
def test_senseless_numbers_are_refused(values):
    with pytest.raises(ValueError):
        GraspLimitsConfig(**values)


@pytest.mark.parametrize("region", [(1.0, 1.0, 2.0, 2.0), (0.1, 0.1, 0.1, 0.2)])
def test_a_region_outside_or_without_area_is_refused_in_one_sentence(region):
    with pytest.raises(UserError, match="holds no cell"):
        GraspLimits(GraspLimitsConfig(region=region)).check(LIGHT)


def test_masks_of_another_size_without_a_picture_and_beside_the_workspace_are_refused():
    small = np.ones((10, 10), bool)
    with pytest.raises(UserError, match="the mask is 10 x 10 pixels, the depth picture 640 x 480"):
        allowed(GraspLimitsConfig(), small)
    with pytest.raises(UserError, match="this scene has none"):
        allowed(GraspLimitsConfig(), small, Observation.of(OBSERVATION.heightmap))
    corner = np.zeros(FRAME.depth.shape, bool)
    corner[0, 0] = True
    with pytest.raises(UserError, match="marks nothing inside"):
        allowed(GraspLimitsConfig(), corner, replace(OBSERVATION, frame=FRAME))
