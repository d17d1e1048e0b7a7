"""The conversions of the ROS 2 example, without ROS."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grasping_student.serving.client import Grasp

_SPEC = importlib.util.spec_from_file_location(
    "ros2_grasp_node", Path(__file__).parents[2] / "examples" / "06_ros2_grasp_node.py"
)
node = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(node)


@given(st.floats(0.0, math.pi), st.tuples(*[st.floats(-1, 1)] * 3))
def test_the_tool_points_down_and_its_x_axis_closes_the_fingers(angle, place):
    pose = node.tool_pose(Grasp(*place, angle, 0, 0, 1.0, 0.05, None))
    matrix = node.matrix_of(pose.position, pose.orientation)
    assert np.linalg.norm(pose.orientation) == pytest.approx(1.0)
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix[:3, :3]) == pytest.approx(1.0)
    np.testing.assert_allclose(matrix[:3, 2], (0, 0, -1), atol=1e-12)
    np.testing.assert_allclose(matrix[:3, 0], (math.cos(angle), math.sin(angle), 0), atol=1e-12)
    np.testing.assert_array_equal(matrix[:3, 3], place)


@given(st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1))
def test_a_transform_of_tf_is_a_rigid_motion_and_turns_as_quaternions_do(quaternion):
    matrix = node.matrix_of((1.0, 2.0, 3.0), quaternion)
    x, y, z, w = np.array(quaternion) / np.linalg.norm(quaternion)
    axis, vector = np.array([x, y, z]), np.array([0.3, -0.2, 0.5])
    turned = vector + 2.0 * np.cross(axis, np.cross(axis, vector) + w * vector)
    np.testing.assert_allclose(matrix[:3, :3] @ vector, turned, atol=1e-12)
    np.testing.assert_array_equal(matrix[:, 3], (1, 2, 3, 1))


@pytest.mark.parametrize(("encoding", "dtype"), [("16UC1", np.uint16), ("mono16", np.uint16), ("32FC1", np.float32)])
def test_pictures_of_ros_are_read_with_their_padding(encoding, dtype):
    padded = np.arange(6 * 10).reshape(6, 10).astype(dtype)
    depth = node.depth_of(padded.tobytes(), 6, 8, encoding, padded.strides[0])
    assert depth.dtype == dtype
    np.testing.assert_array_equal(depth, padded[:, :8])
    with pytest.raises(ValueError, match="encoding"):
        node.depth_of(b"", 6, 8, "rgb8", 24)
