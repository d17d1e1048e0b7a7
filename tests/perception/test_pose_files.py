"""Poses in every known form: the same rigid motion back; what is ambiguous asks for a word."""

import json

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from grasping_student.perception.pose_files import pose_of, read_pose
from grasping_student.pipeline.errors import UserError


def pose_from(turn, place):
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = Rotation.from_rotvec(turn).as_matrix(), place
    return pose


POSE = pose_from([3.0, 0.2, -0.1], [0.02, 0.01, 0.7])
XYZW, VECTOR, PLACE = Rotation.from_matrix(POSE[:3, :3]).as_quat(), cv2.Rodrigues(POSE[:3, :3])[0].ravel(), POSE[:3, 3]


def text(*rows):
    return "\n".join(" ".join(f"{number:.17g}" for number in row) for row in rows)


FORMS = {
    "four.txt": text(*POSE),
    "three.txt": text(*POSE[:3]),
    "line.txt": text(POSE.ravel()),
    "header.txt": "# camera_to_world, metres\n" + text(*POSE),
    "bom.txt": "\ufeff" + text(*POSE),
    "commas.csv": text(*POSE).replace(" ", ", "),
    "lists.json": json.dumps(POSE.tolist()),
    "named.json": json.dumps({"camera_to_world": POSE.tolist()}),
    "flat.json": json.dumps(POSE.ravel().tolist()),
    "ros.json": json.dumps(
        {"position": dict(zip("xyz", PLACE, strict=True)), "orientation": dict(zip("xyzw", XYZW, strict=True))}
    ),
    "parts.json": json.dumps({"rotation": POSE[:3, :3].tolist(), "translation": PLACE.tolist()}),
}  # the same pose in the words of several programs


@pytest.mark.parametrize("name", FORMS)
def test_every_known_form_gives_the_same_pose(tmp_path, name):
    (tmp_path / name).write_text(FORMS[name], encoding="utf-8")
    np.testing.assert_allclose(read_pose(tmp_path / name), POSE, atol=1e-12)


def test_an_array_file_gives_the_same_pose(tmp_path):
    np.save(tmp_path / "pose.npy", POSE)
    np.testing.assert_array_equal(read_pose(tmp_path / "pose.npy"), POSE)


numbers = st.floats(-2.0, 2.0)


@given(st.tuples(numbers, numbers, numbers), st.tuples(numbers, numbers, numbers))
def test_vectors_in_a_told_order_are_the_motion_that_they_were_made_from(turn, place):
    pose = pose_from(np.array(turn) * 0.8, place)
    x, y, z, w = Rotation.from_matrix(pose[:3, :3]).as_quat()
    orders = {
        "xyz-xyzw": [*place, x, y, z, w],
        "xyz-wxyz": [*place, w, x, y, z],
        "xyzw-xyz": [x, y, z, w, *place],
        "wxyz-xyz": [w, x, y, z, *place],
        "rvec-tvec": [*np.array(turn) * 0.8, *place],
        "tvec-rvec": [*place, *np.array(turn) * 0.8],
    }
    for form, values in orders.items():
        np.testing.assert_allclose(pose_of(values, form), pose, atol=1e-9)


@pytest.mark.parametrize("values", [[*PLACE, *XYZW], [VECTOR.tolist(), PLACE.tolist()]])
def test_an_order_that_cannot_be_told_is_asked_for(values):
    with pytest.raises(ValueError, match="--pose-format"):
        pose_of(values)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("1 2 3", "shape"),
        ("a b c", "something else than numbers"),
        ("", "shape"),
        ("1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 2", "0 0 0 1"),
        ('{"extrinsic": [1]}', "world_to_camera"),
        ('{"world_to_camera": [1]}', "give the inverse"),
        ("[[1, 2], [3]]", "different lengths"),
        ("[" * 100_000, "no JSON"),
        ("1 0 0 0\n0 1 0 0\n0 0 1 700\n0 0 0 1", "millimetres"),
        ("1 0 0 nan\n0 1 0 0\n0 0 1 0\n0 0 0 1", "finite"),
    ],
)
def test_a_pose_that_is_none_is_refused(tmp_path, words, message):
    (tmp_path / "pose.txt").write_text(words)
    with pytest.raises(UserError, match=message):
        read_pose(tmp_path / "pose.txt")


def test_a_number_without_end_in_a_pose_is_refused(tmp_path):
    (tmp_path / "pose.json").write_text(json.dumps(POSE.tolist()).replace("1.0", "9" * 400))
    with pytest.raises(UserError, match="no number"):
        read_pose(tmp_path / "pose.json")


def test_a_missing_pose_is_named(tmp_path):
    with pytest.raises(UserError, match=r"pose\.txt does not exist"):
        read_pose(tmp_path / "pose.txt")
