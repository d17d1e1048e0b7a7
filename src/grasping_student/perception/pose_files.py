"""Poses of a camera from the files that people have: matrices, quaternions, rotation vectors, as text, JSON or npy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.perception.frame import check_pose
from grasping_student.pipeline import safe_io
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import parse_json, read_text

PoseFormat = Literal["auto", "matrix", "xyz-xyzw", "xyz-wxyz", "wxyz-xyz", "xyzw-xyz", "rvec-tvec", "tvec-rvec"]
"""What numbers without names mean: a matrix, a translation with a quaternion in that order, or OpenCV's vectors."""

Pose = NDArray[np.float64]


def read_pose(path: Path, form: PoseFormat = "auto") -> Pose:
    """Read ``camera_to_world``, float64 4 x 4: camera frame x right, y down, z forward; metres.

    Args:
        path: text, ``.json`` or ``.npy``; 4 x 4, 3 x 4, 16 or 12 numbers, a translation with a quaternion (7 numbers),
            or a rotation vector with a translation (6 numbers).
        form: what 6 or 7 numbers mean; ``auto`` refuses them, because their order cannot be told.

    Raises:
        UserError: missing, of no known form, ambiguous, or no rigid motion in metres.
    """
    try:
        pose = pose_of(_parse(path), form)
        check_pose(pose)
    except ValueError as error:
        raise UserError(f"{path} is no 4 x 4 camera_to_world in metres: {error}") from None
    return pose


def pose_of(value: Any, form: PoseFormat = "auto") -> Pose:
    """A pose, float64 4 x 4, of numbers or of an object with names.

    Raises:
        ValueError: of no known form, or ambiguous.
    """
    if isinstance(value, Mapping):
        return _of_names(value)
    try:
        numbers = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError("it holds rows of different lengths, or something else than numbers") from None
    if numbers.size in (6, 7):
        return _of_vectors(numbers.reshape(-1), form)
    if form not in ("auto", "matrix"):
        raise ValueError(f"it holds {numbers.size} numbers, and --pose-format {form} has {7 if 'w' in form else 6}")
    if numbers.size == 16 and numbers.shape in ((16,), (1, 16), (16, 1), (4, 4)):
        return numbers.reshape(4, 4)
    if numbers.size == 12 and numbers.shape in ((12,), (1, 12), (3, 4)):
        return np.vstack([numbers.reshape(3, 4), (0.0, 0.0, 0.0, 1.0)])
    raise ValueError(f"it has shape {numbers.shape}; it must be 4 x 4 or 3 x 4 numbers")


def _parse(path: Path) -> Any:
    if path.suffix.lower() == ".npy":
        if not path.is_file():
            raise UserError(f"{path} does not exist")
        try:
            return safe_io.read_npy_array(path)
        except safe_io.Unusable as error:
            raise ValueError(str(error)) from None
    text = read_text(path).removeprefix("\ufeff")
    if text.lstrip().startswith(("{", "[")):
        try:
            return parse_json(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"it is no JSON: {error}") from None
    lines = [line.split("#")[0].replace(",", " ").replace(";", " ").split() for line in text.splitlines()]
    try:
        rows = [[float(number) for number in line] for line in lines if line]
    except ValueError as error:
        raise ValueError(f"it holds something else than numbers: {error}") from None
    return rows[0] if len(rows) == 1 else rows


def _of_names(value: Mapping[str, Any]) -> Pose:
    """A pose of an object: a matrix under a usual name, or a translation with a named rotation (ROS and others)."""
    for name in ("camera_to_world", "cam2world", "T_world_camera", "extrinsic", "transform", "pose", "matrix"):
        if name in value:
            if name == "extrinsic":
                raise ValueError("'extrinsic' is Open3D's world_to_camera: give its inverse as camera_to_world")
            return pose_of(value[name])
    inverse = [name for name in ("world_to_camera", "world2cam", "extrinsics", "T_camera_world") if name in value]
    if inverse:
        raise ValueError(f"it holds {inverse[0]}: give the inverse, as camera_to_world")
    translation = _first(value, "translation", "position", "t", "tvec")
    rotation = _first(value, "rotation", "orientation", "quaternion", "q", "R", "rvec")
    if translation is None or rotation is None:
        raise ValueError(
            f"it holds {', '.join(list(map(str, value))[:6])}; expected camera_to_world, or translation and rotation"
        )
    moved = [float(translation[axis]) for axis in "xyz"] if isinstance(translation, Mapping) else translation
    if isinstance(rotation, Mapping):
        lacking = [axis for axis in "xyzw" if axis not in rotation]
        if lacking:
            raise ValueError(f"its quaternion lacks {', '.join(lacking)}")
        turned = _of_quaternion([float(rotation[axis]) for axis in "xyzw"])
    else:
        numbers = np.array(rotation, dtype=np.float64)
        if numbers.size == 4:
            raise ValueError("its quaternion has four numbers without names: name them x, y, z, w")
        turned = numbers.reshape(3, 3) if numbers.size == 9 else _of_rotation_vector(numbers.reshape(-1))
    return _assembled(turned, np.array(moved, dtype=np.float64).reshape(-1))


def _of_vectors(numbers: NDArray[np.float64], form: PoseFormat) -> Pose:
    """A pose of 6 or 7 numbers in a told order.

    Raises:
        ValueError: the order was not told, or belongs to another count.
    """
    orders: dict[str, Callable[[], Pose]] = {
        "xyz-xyzw": lambda: _assembled(_of_quaternion(numbers[3:]), numbers[:3]),
        "xyz-wxyz": lambda: _assembled(_of_quaternion(numbers[[4, 5, 6, 3]]), numbers[:3]),
        "xyzw-xyz": lambda: _assembled(_of_quaternion(numbers[:4]), numbers[4:]),
        "wxyz-xyz": lambda: _assembled(_of_quaternion(numbers[[1, 2, 3, 0]]), numbers[4:]),
        "rvec-tvec": lambda: _assembled(_of_rotation_vector(numbers[:3]), numbers[3:]),
        "tvec-rvec": lambda: _assembled(_of_rotation_vector(numbers[3:]), numbers[:3]),
    }
    fitting = [name for name in orders if ("w" in name.replace("tvec", "").replace("rvec", "")) == (numbers.size == 7)]
    if form not in fitting:
        what = "a translation and a quaternion" if numbers.size == 7 else "a translation and a rotation vector"
        raise ValueError(
            f"it holds {numbers.size} numbers, {what} whose order cannot be told: give --pose-format "
            f"{', '.join(fitting)} (of camera_to_world; OpenCV's solvePnP gives world_to_camera, which is its inverse)"
        )
    return orders[form]()


def _of_quaternion(xyzw: Any) -> NDArray[np.float64]:
    from scipy.spatial.transform import Rotation

    length = float(np.linalg.norm(xyzw))
    if not abs(length - 1.0) < 0.01:
        raise ValueError(f"its quaternion has the length {length:.4g}; it must be 1: is the order another?")
    return np.asarray(Rotation.from_quat(xyzw).as_matrix(), dtype=np.float64)


def _of_rotation_vector(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    if vector.size != 3:
        raise ValueError(f"its rotation has {vector.size} numbers; expected 3 x 3, a rotation vector or a quaternion")
    if np.linalg.norm(vector) > 2.0 * np.pi + 0.01:
        raise ValueError(
            f"its rotation vector has the length {np.linalg.norm(vector):.4g} radians: were these degrees?"
        )
    return np.asarray(cv2.Rodrigues(vector)[0], dtype=np.float64)


def _assembled(rotation: NDArray[np.float64], translation: NDArray[np.float64]) -> Pose:
    if translation.shape != (3,):
        raise ValueError(f"its translation has {translation.size} numbers; it must have 3")
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation, translation
    return pose


def _first(value: Mapping[str, Any], *names: str) -> Any:
    return next((value[name] for name in names if name in value), None)
