"""A ROS 2 node that asks the grasp server about each depth picture and publishes the best grasp as a PoseStamped.

Start the server (``grasping-student serve``) and then, in a shell where ROS 2 is set up::

    python examples/06_ros2_grasp_node.py --ros-args -p server:=http://127.0.0.1:8090 -p base_frame:=base_link

It hears ``depth/image_rect`` (16UC1 in millimetres or 32FC1 in metres) and ``depth/camera_info``, takes the pose of the
camera from tf, and publishes ``grasp`` (geometry_msgs/PoseStamped, in ``base_frame``) and ``grasp/width``
(std_msgs/Float32).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from grasping_student.serving.client import Grasp, GraspClient, GraspOptions, RequestRefused


class ToolPose(NamedTuple):
    """Position in metres and orientation as a quaternion x y z w."""

    position: tuple[float, float, float]
    orientation: tuple[float, float, float, float]


def tool_pose(grasp: Grasp) -> ToolPose:
    """Pose of a tool whose z axis points down, out of the fingers, and whose x axis is the line in which they close.

    Turn it about z by the angle at which your gripper's fingers stand in its own tool frame.
    """
    half = grasp.angle / 2.0
    return ToolPose((grasp.x, grasp.y, grasp.z), (math.cos(half), math.sin(half), 0.0, 0.0))


def matrix_of(translation: Sequence[float], quaternion: Sequence[float]) -> np.ndarray:
    """The 4 x 4 matrix of a transform of tf: translation in metres and quaternion x y z w."""
    x, y, z, w = np.asarray(quaternion, dtype=float) / np.linalg.norm(quaternion)
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, 3] = translation
    return matrix


def depth_of(data: bytes, height: int, width: int, encoding: str, step: int) -> np.ndarray:
    """The depth picture of a sensor_msgs/Image: uint16 millimetres or float32 metres, ``(height, width)``."""
    kinds = {"16UC1": "<u2", "mono16": "<u2", "32FC1": "<f4"}
    if encoding not in kinds:
        raise ValueError(f"encoding is {encoding}; it must be one of {', '.join(kinds)}")
    kind = np.dtype(kinds[encoding])
    return np.frombuffer(data, kind).reshape(height, step // kind.itemsize)[:, :width].copy()


def main() -> None:
    """Run the node until it is stopped."""
    import rclpy
    from geometry_msgs.msg import PoseStamped
    from rclpy.node import Node
    from sensor_msgs.msg import CameraInfo, Image
    from std_msgs.msg import Float32
    from tf2_ros import Buffer, TransformListener

    class GraspNode(Node):
        def __init__(self) -> None:
            super().__init__("grasping_student")
            self.frame = self.declare_parameter("base_frame", "base_link").value
            center = self.declare_parameter("workspace_center", [0.0, 0.0, 0.0]).value
            self.options = GraspOptions(top=1, workspace_center=tuple(center))
            self.client = GraspClient(self.declare_parameter("server", "http://127.0.0.1:8090").value)
            self.camera: CameraInfo | None = None
            self.buffer = Buffer()
            self.listener = TransformListener(self.buffer, self)
            self.poses = self.create_publisher(PoseStamped, "grasp", 1)
            self.widths = self.create_publisher(Float32, "grasp/width", 1)
            self.create_subscription(CameraInfo, "depth/camera_info", self.hear_camera, 1)
            self.create_subscription(Image, "depth/image_rect", self.hear_depth, 1)

        def hear_camera(self, message: CameraInfo) -> None:
            self.camera = message

        def hear_depth(self, message: Image) -> None:
            if self.camera is None:
                return
            k = self.camera.k
            intrinsics = {
                "fx": k[0],
                "fy": k[4],
                "cx": k[2],
                "cy": k[5],
                "width": message.width,
                "height": message.height,
            }
            try:
                found = self.buffer.lookup_transform(
                    self.frame, message.header.frame_id, message.header.stamp
                ).transform
                t, q = found.translation, found.rotation
                pose = matrix_of((t.x, t.y, t.z), (q.x, q.y, q.z, q.w))
                depth = depth_of(bytes(message.data), message.height, message.width, message.encoding, message.step)
                answer = self.client.grasps(depth, intrinsics, pose, self.options)
            except (RequestRefused, OSError, ValueError) as error:
                self.get_logger().warning(str(error))
                return
            if not answer.grasps:
                self.get_logger().info(answer.nothing.text)
                return
            self.publish(message, answer.grasps[0])

        def publish(self, message: Image, grasp: Grasp) -> None:
            place, stamped = tool_pose(grasp), PoseStamped()
            stamped.header.stamp, stamped.header.frame_id = message.header.stamp, self.frame
            position, orientation = stamped.pose.position, stamped.pose.orientation
            position.x, position.y, position.z = place.position
            orientation.x, orientation.y, orientation.z, orientation.w = place.orientation
            self.poses.publish(stamped)
            self.widths.publish(Float32(data=grasp.width))

    rclpy.init()
    rclpy.spin(GraspNode())


if __name__ == "__main__":
    main()
