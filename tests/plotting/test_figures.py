"""Drawings are to scale and in the world frame, and the same figure is the same bytes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.plotting.figures import draw_gripper, gripper_corners, plot_heightmap, plot_rates, plot_score_map
from grasping_student.plotting.style import data_uri, new_figure, png_bytes, save_figure

WORKSPACE = Workspace(extent=0.4, pixels=40, margin=0.05)


def scene():
    height = np.zeros(WORKSPACE.shape, np.float32)
    height[5:10, 20:30] = 0.03
    height[0, 0] = np.nan
    return Heightmap(height, np.zeros((*WORKSPACE.shape, 3), np.uint8), WORKSPACE)


@given(st.integers(0, 39), st.integers(0, 39), st.floats(-7, 7), st.floats(0.005, 0.1))
def test_inner_faces_lie_the_opening_apart_along_the_grasps_angle(row, col, angle, width):
    grasp = PlanarGrasp(row, col, angle)
    left, right = gripper_corners(WORKSPACE, grasp, width)
    inner = [np.mean(finger[[0, 3]], axis=0) for finger in (left, right)]
    np.testing.assert_allclose(np.mean(inner, axis=0), grasp.xy(WORKSPACE), atol=1e-12)
    gap = inner[1] - inner[0]
    assert np.hypot(*gap) == pytest.approx(width)
    assert abs(gap[0] * math.sin(angle) - gap[1] * math.cos(angle)) < 1e-12


def test_fingers_are_as_large_as_the_grippers():
    shape = GripperGeometry()
    for corners in gripper_corners(WORKSPACE, PlanarGrasp(7, 25, 0.4), 0.05):
        sides = np.linalg.norm(np.diff(corners, axis=0), axis=1)
        np.testing.assert_allclose(sides, [shape.finger_thickness, shape.finger_width, shape.finger_thickness])


def test_a_picture_shows_each_pixel_at_its_place_in_the_world():
    _figure, axes = new_figure(3, 3)
    image = plot_heightmap(axes[0, 0], scene())
    left, right, bottom, top = image.get_extent()
    x, y = WORKSPACE.xy_from_pixel(7, 25)
    col = int((x - left) / (right - left) * WORKSPACE.pixels)
    row = int((top - y) / (top - bottom) * WORKSPACE.pixels)
    assert (row, col) == (7, 25)
    assert image.origin == "upper"
    assert float(image.get_array()[row, col]) == pytest.approx(0.03)


def test_unmeasured_pixels_and_minus_infinity_are_masked():
    _figure, axes = new_figure(3, 3)
    assert plot_heightmap(axes[0, 0], scene()).get_array().mask.sum() == 1
    scores = np.where(WORKSPACE.graspable_mask(), 1.0, -np.inf)
    shown = plot_score_map(axes[0, 0], scores, WORKSPACE).get_array()
    assert (~shown.mask).sum() == WORKSPACE.graspable_mask().sum()


def test_a_scene_with_no_measured_pixel_can_be_drawn():
    nothing = Heightmap(
        np.full(WORKSPACE.shape, np.nan, np.float32), np.zeros((*WORKSPACE.shape, 3), np.uint8), WORKSPACE
    )
    figure, axes = new_figure(3, 3)
    plot_heightmap(axes[0, 0], nothing)
    assert png_bytes(figure).startswith(b"\x89PNG")


def make_figure():
    figure, axes = new_figure(4, 2, 1, 2)
    plot_heightmap(axes[0, 0], scene())
    draw_gripper(axes[0, 0], WORKSPACE, PlanarGrasp(7, 25, 0.3), label="1")
    plot_rates(axes[0, 1], [("teacher", 0.6, (0.5, 0.7)), ("student", 0.8, (0.7, 0.9))])
    return figure


def test_the_same_figure_is_the_same_bytes(tmp_path):
    assert png_bytes(make_figure(), 60) == png_bytes(make_figure(), 60)
    for name in ("a.svg", "b.svg"):
        save_figure(make_figure(), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert data_uri(make_figure(), 60).startswith("data:image/png;base64,")
