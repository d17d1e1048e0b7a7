"""Pixels to world points and back, and frames to heightmaps."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.tabletop import BOXES, boxes_on_table

from grasping_student.cameras.simulated import d415_intrinsics, looking_down, render
from grasping_student.geometry.workspace import Workspace, paper_workspace
from grasping_student.perception.frame import (
    Intrinsics,
    RgbdFrame,
    check_pose,
    frame_to_heightmap,
    pixels_of_world_points,
    world_points,
)

SMALL = Intrinsics(40.0, 42.0, 15.5, 11.0, 32, 24)


def turned(angles, position):
    """A rigid pose from three angles and a position."""
    pose = np.eye(4)
    for axis, angle in enumerate(angles):
        turn, (i, j) = np.eye(4), [(1, 2), (0, 2), (0, 1)][axis]
        turn[i, i] = turn[j, j] = math.cos(angle)
        turn[i, j], turn[j, i] = -math.sin(angle), math.sin(angle)
        pose = turn @ pose
    pose[:3, 3] = position
    return pose


POSES = st.builds(turned, st.tuples(*[st.floats(-3.0, 3.0)] * 3), st.tuples(*[st.floats(-1.0, 1.0)] * 3))


@given(POSES, st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_world_points_agree_with_the_literal_pinhole_and_project_back_to_their_pixel(pose, seed):
    random = np.random.default_rng(seed)
    depth = random.uniform(0.3, 2.0, SMALL.shape).astype(np.float32)
    points = world_points(RgbdFrame(depth, None, SMALL, pose))
    for row, col in random.integers(0, SMALL.shape, (5, 2)):
        d = float(depth[row, col])
        in_camera = np.array([(col - SMALL.cx) / SMALL.fx * d, (row - SMALL.cy) / SMALL.fy * d, d, 1.0])
        np.testing.assert_allclose(points[:, row, col], (pose @ in_camera)[:3], atol=2e-6)
    row, col, inside = pixels_of_world_points(points.reshape(3, -1).T.astype(float), SMALL, pose)
    assert inside.all()
    every = np.indices(SMALL.shape).reshape(2, -1)
    np.testing.assert_array_equal([row, col], every)


def test_a_point_behind_the_camera_is_not_in_its_picture():
    _, _, inside = pixels_of_world_points(np.array([[0.0, 0.0, -1.0], [0.0, 0.0, 1.0]]), SMALL, np.eye(4))
    assert inside.tolist() == [False, True]


@pytest.mark.parametrize("tilt", [0.0, 0.2])
def test_a_frame_of_a_known_scene_gives_its_heightmap_back(tilt):
    fine = Workspace(extent=0.45, pixels=900, margin=0.06)
    frame = render(boxes_on_table(fine), d415_intrinsics(), looking_down(0.7, tilt))
    workspace = paper_workspace()
    result = frame_to_heightmap(frame, workspace)
    assert result.height.shape == (338, 338)
    assert result.unmeasured.mean() < 0.06  # shadows and gaps
    for x, y, _, _, top in BOXES:
        row, col = workspace.pixel_from_xy(x, y)
        np.testing.assert_allclose(result.height[row - 5 : row + 6, col - 5 : col + 6], top, atol=5e-4)
        assert result.rgb[row, col, 1] == 200
    expected = boxes_on_table(workspace).height
    with np.errstate(invalid="ignore"):
        off = np.abs(result.height - expected) > 0.001
    assert off[~result.unmeasured].mean() < 0.02  # one pixel along the boxes' edges


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda pose: pose.T + np.diag([0, 0, 0, 0]), "0 0 0 1"),
        (lambda pose: pose * 1000.0, "0 0 0 1"),
        (lambda pose: pose @ np.diag([1, 1, -1, 1]), "right-handed"),
        (lambda pose: pose @ np.diag([2, 1, 1, 1]), "length 1"),
        (lambda pose: np.where(np.arange(16).reshape(4, 4) == 3, 700.0, pose), "millimetres"),
        (lambda pose: pose[:3], "4 x 4"),
        (lambda pose: pose * np.nan, "finite"),
    ],
)
def test_a_pose_that_is_no_rigid_motion_in_metres_is_refused(change, message):
    check_pose(looking_down(0.7, 0.1))
    with pytest.raises(ValueError, match=message):
        check_pose(change(looking_down(0.7, 0.1)))


def test_shapes_and_types_of_a_frame_are_checked():
    depth = np.ones(SMALL.shape, dtype=np.float32)
    with pytest.raises(ValueError, match="float32"):
        RgbdFrame(depth.astype(np.float64), None, SMALL, np.eye(4))
    with pytest.raises(ValueError, match="uint8"):
        RgbdFrame(depth, np.zeros((*SMALL.shape, 4), np.uint8), SMALL, np.eye(4))
    with pytest.raises(ValueError, match="fx and fy"):
        Intrinsics(0.0, 1.0, 1.0, 1.0, 4, 4)
    with pytest.raises(ValueError, match="at least one pixel"):
        Intrinsics(1.0, 1.0, 1.0, 1.0, 0, 4)
