"""Laws of workspace, grasp and heightmap."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grasping_student.geometry.grasp import (
    DEPLOYMENT_ANGLES,
    TRAINING_ANGLES,
    AngleGrid,
    PlanarGrasp,
    angle_distance,
    turn_grasp,
    wrap_angle,
)
from grasping_student.geometry.gripper import GripperGeometry, tip_height
from grasping_student.geometry.heightmap import Heightmap, fill_holes, heightmap_from_points, turn_heightmap
from grasping_student.geometry.workspace import Workspace, light_workspace, paper_workspace

WORKSPACES = st.builds(Workspace, extent=st.floats(0.05, 5.0), pixels=st.integers(2, 700), margin=st.floats(0.0, 0.02))
ANGLES = st.floats(-50.0, 50.0)


@given(WORKSPACES)
def test_pixel_to_metre_to_pixel_is_exact_for_every_pixel(workspace):
    every = np.arange(workspace.pixels)
    x, y = workspace.xy_from_pixel(every, every)
    row, col = workspace.pixel_from_xy(x, y)
    np.testing.assert_array_equal(row, every)
    np.testing.assert_array_equal(col, every)


def test_row_zero_is_the_largest_y_and_column_zero_the_smallest_x():
    workspace = paper_workspace()
    x, y = workspace.xy_from_pixel(0, 0)
    assert x == pytest.approx(-0.225 + 0.45 / 338 / 2)
    assert y == pytest.approx(0.225 - 0.45 / 338 / 2)


def test_the_papers_margin_leaves_248_of_338_pixels():
    workspace = paper_workspace()
    assert workspace.margin_pixels == 45
    assert workspace.graspable_pixels == 248
    assert workspace.graspable_mask().sum() == 248**2
    assert light_workspace().graspable_pixels == 82


@given(WORKSPACES)
def test_graspable_means_the_pixels_centre_lies_inside_the_margin(workspace):
    x, _ = workspace.xy_from_pixel(0, np.arange(workspace.pixels))
    inside = np.abs(x) <= workspace.extent / 2 - workspace.margin + 1e-9 * workspace.pixel_size
    mask = workspace.graspable_mask()
    np.testing.assert_array_equal(mask.any(axis=0), inside)
    assert all(workspace.is_graspable(i, i) == inside[i] for i in range(workspace.pixels))


@given(st.integers(0, 337), st.integers(0, 337), ANGLES)
def test_a_grasp_and_its_half_turn_are_equal(row, col, angle):
    grasp, half_turn = PlanarGrasp(row, col, angle), PlanarGrasp(row, col, angle + math.pi)
    assert grasp == half_turn
    assert hash(grasp) == hash(half_turn)
    assert 0.0 <= half_turn.angle < math.pi
    assert grasp != PlanarGrasp(row, col, angle + 0.1)


@given(ANGLES, ANGLES)
def test_angle_distance_is_a_distance_modulo_pi(a, b):
    assert angle_distance(a, b) == pytest.approx(angle_distance(b, a), abs=1e-9)
    assert 0.0 <= angle_distance(a, b) <= math.pi / 2 + 1e-12
    assert angle_distance(a, a + math.pi) < 1e-9
    assert angle_distance(a, b) == pytest.approx(angle_distance(wrap_angle(a), wrap_angle(b)), abs=1e-9)


@given(st.integers(1, 128), ANGLES)
def test_the_nearest_bin_is_at_most_half_a_bin_away(count, angle):
    grid = AngleGrid(count)
    assert angle_distance(grid.angle(grid.index(angle)), angle) <= math.pi / count / 2 + 1e-9


def test_deployment_angles_are_training_angles():
    indices = DEPLOYMENT_ANGLES.indices_in(TRAINING_ANGLES)
    np.testing.assert_allclose(TRAINING_ANGLES.angles[indices], DEPLOYMENT_ANGLES.angles)
    with pytest.raises(ValueError, match="multiple"):
        AngleGrid(3).indices_in(DEPLOYMENT_ANGLES)


@given(st.integers(40, 72), st.integers(40, 72), ANGLES, ANGLES)
def test_a_label_turned_with_its_scene_stays_where_it_was_on_the_item(row, col, angle, phi):
    workspace = light_workspace()
    grasp = PlanarGrasp(row, col, angle)
    turned = turn_grasp(grasp, phi, workspace)
    x, y = grasp.xy(workspace)
    turned_x, turned_y = turned.xy(workspace)
    back_x = math.cos(phi) * turned_x + math.sin(phi) * turned_y
    back_y = -math.sin(phi) * turned_x + math.cos(phi) * turned_y
    assert math.hypot(back_x - x, back_y - y) <= workspace.pixel_size * math.sqrt(0.5) + 1e-9
    assert angle_distance(turned.angle, angle + phi) < 1e-9

    height = np.zeros(workspace.shape, dtype=np.float32)
    height[row - 2 : row + 3, col - 2 : col + 3] = 0.03
    scene = Heightmap(height, np.zeros((*workspace.shape, 3), np.uint8), workspace)
    assert turn_heightmap(scene, phi).height[turned.row, turned.col] == pytest.approx(0.03)


def test_turning_is_counter_clockwise_seen_from_above():
    workspace = light_workspace()
    right = PlanarGrasp.from_xy(0.1, 0.0, 0.0, workspace)
    x, y = turn_grasp(right, math.pi / 2, workspace).xy(workspace)
    assert (x, y) == pytest.approx((0.0, 0.1), abs=workspace.pixel_size)


def test_tip_height_is_the_mean_of_the_measured_3x3_less_the_finger_depth():
    height = np.full((5, 5), 0.04, dtype=np.float32)
    height[2, 2], height[1, 1] = 0.05, np.nan
    assert tip_height(height, 2, 2, GripperGeometry(finger_depth=0.015)) == pytest.approx((7 * 0.04 + 0.05) / 8 - 0.015)
    assert tip_height(height, 0, 0, GripperGeometry()) == pytest.approx(0.04 - 0.015)
    assert tip_height(np.full((3, 3), np.nan, dtype=np.float32), 1, 1, GripperGeometry(clearance=0.007)) == 0.007
    with pytest.raises(ValueError, match="outside"):
        tip_height(height, 5, 0, GripperGeometry())


def literal_z_buffer(points, workspace):
    height = np.full(workspace.shape, np.nan, dtype=np.float32)
    for x, y, z in points:
        row, col = workspace.pixel_from_xy(x, y)
        if 0 <= row < workspace.pixels and 0 <= col < workspace.pixels:
            height[row, col] = z if np.isnan(height[row, col]) else max(height[row, col], np.float32(z))
    return height


@given(st.integers(0, 2**32 - 1), st.integers(0, 400))
def test_z_buffer_agrees_with_the_literal_loop(seed, count):
    random = np.random.default_rng(seed)
    workspace = Workspace(extent=0.2, pixels=9, margin=0.0)
    points = random.uniform([-0.12, -0.12, 0.0], [0.12, 0.12, 0.1], size=(count, 3))
    result = heightmap_from_points(points, None, workspace)
    np.testing.assert_array_equal(result.height, literal_z_buffer(points, workspace))


def test_z_buffer_keeps_the_colour_of_the_highest_point_and_leaves_bad_points_out():
    workspace = Workspace(extent=0.2, pixels=2, margin=0.0)
    points = np.array([[0.05, 0.05, 0.02], [0.05, 0.05, 0.03], [0.05, 0.05, np.nan], [0.05, 0.05, 9.0]])
    colours = np.array([[1, 1, 1], [2, 2, 2], [3, 3, 3], [4, 4, 4]], dtype=np.uint8)
    result = heightmap_from_points(points, colours, workspace)
    assert result.height[0, 1] == np.float32(0.03)
    assert result.rgb[0, 1].tolist() == [2, 2, 2]
    assert np.isnan(result.height).sum() == 3


@given(st.integers(0, 2**32 - 1))
def test_filled_holes_take_the_value_of_a_nearest_measured_pixel(seed):
    random = np.random.default_rng(seed)
    workspace = Workspace(extent=0.2, pixels=12, margin=0.0)
    height = random.uniform(0, 0.1, workspace.shape).astype(np.float32)
    height[random.random(workspace.shape) < 0.6] = np.nan
    height[3, 4] = 0.05
    scene = Heightmap(height, random.integers(0, 255, (12, 12, 3), dtype=np.uint8), workspace)
    filled = fill_holes(scene)
    rows, cols = np.nonzero(~scene.unmeasured)
    for row, col in np.argwhere(scene.unmeasured):
        distance = np.hypot(rows - row, cols - col)
        source = np.flatnonzero(filled.height[row, col] == height[rows, cols])
        # OpenCV's 5 x 5 mask approximates the Euclidean distance within a few per cent
        assert distance[source].min() <= distance.min() * 1.08 + 1e-6
    np.testing.assert_array_equal(filled.height[~scene.unmeasured], height[~scene.unmeasured])


def test_nothing_measured_cannot_be_filled():
    workspace = light_workspace()
    nothing = Heightmap(np.full(workspace.shape, np.nan, np.float32), np.zeros((112, 112, 3), np.uint8), workspace)
    with pytest.raises(ValueError, match="no measured pixel"):
        fill_holes(nothing)


def test_empty_means_at_least_98_percent_table_in_the_graspable_area():
    workspace = light_workspace()
    height = np.zeros(workspace.shape, dtype=np.float32)
    height[:15] = 0.05  # the rim does not count
    scene = Heightmap(height, np.zeros((112, 112, 3), np.uint8), workspace)
    assert scene.is_empty()
    height[20:22, 15:97] = 0.05  # 2.4 % of the graspable area
    assert not scene.is_empty()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"extent": -1.0}, "positive"),
        ({"extent": 450.0}, "millimetres"),
        ({"margin": 0.3}, "half the extent"),
        ({"pixels": 1}, "2 to 4096"),
    ],
)
def test_an_impossible_workspace_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Workspace(**options)


@given(st.integers(0, 2**32 - 1))
def test_z_buffer_tells_neighbouring_floats_of_either_sign_apart(seed):
    random = np.random.default_rng(seed)
    workspace = Workspace(extent=0.2, pixels=2, margin=0.0)
    level = np.float32(random.uniform(-0.04, 0.04))
    heights = np.array([level, np.nextafter(level, np.float32(1)), np.nextafter(level, np.float32(-1)), 0.0, -0.0])
    random.shuffle(heights)
    points = np.column_stack([np.full(5, 0.05), np.full(5, 0.05), heights])
    assert heightmap_from_points(points, None, workspace).height[0, 1] == np.float32(heights.max())
