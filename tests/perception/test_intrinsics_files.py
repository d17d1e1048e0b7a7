"""Intrinsics in every known form: the same camera back, and one clear sentence for what no camera has."""

import json

import pytest

from grasping_student.perception.frame import Intrinsics
from grasping_student.perception.intrinsics_files import check_plausible, read_intrinsics
from grasping_student.pipeline.errors import UserError

CAMERA = Intrinsics(600.0, 610.0, 320.0, 240.0, 640, 480)
SIZE = {"width": 640, "height": 480}
PLAIN = {"fx": 600.0, "fy": 610.0, "cx": 320.0, "cy": 240.0, **SIZE}
ROWS = [600.0, 0.0, 320.0, 0.0, 610.0, 240.0, 0.0, 0.0, 1.0]
COLUMNS = [600.0, 0.0, 0.0, 0.0, 610.0, 0.0, 320.0, 240.0, 1.0]
ROS_YAML = """image_width: 640
image_height: 480
camera_matrix:
  rows: 3
  cols: 3
  data: [600.0, 0.0, 320.0, 0.0, 610.0, 240.0, 0.0, 0.0, 1.0]
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [0.0, 0.0, 0.0, 0.0, 0.0]}
"""
OPENCV_YAML = """%YAML:1.0
---
image_width: 640
image_height: 480
camera_matrix: !!opencv-matrix
   rows: 3
   cols: 3
   dt: d
   data: [ 600., 0., 320., 0., 610., 240., 0., 0., 1. ]
"""

FORMS = {
    "ours.json": json.dumps(PLAIN),
    "bom.json": "\ufeff" + json.dumps(PLAIN),
    "realsense.json": json.dumps(
        {
            **SIZE,
            "ppx": 320,
            "ppy": 240,
            "fx": 600,
            "fy": 610,
            "model": "distortion.inverse_brown_conrady",
            "coeffs": [0, 0, 0, 0, 0],
        }
    ),
    "ros.json": json.dumps({**SIZE, "distortion_model": "plumb_bob", "d": [0, 0, 0, 0, 0], "k": ROWS}),
    "ros1.json": json.dumps({**SIZE, "K": ROWS, "D": []}),
    "open3d.json": json.dumps({**SIZE, "intrinsic_matrix": COLUMNS}),
    "open3d-camera.json": json.dumps({"intrinsic": {**SIZE, "intrinsic_matrix": COLUMNS}, "extrinsic": [1] * 16}),
    "nested.json": json.dumps({"color": {**PLAIN, "fx": 900.0}, "depth": PLAIN}),
    "rows.json": json.dumps({**SIZE, "camera_matrix": [ROWS[:3], ROWS[3:6], ROWS[6:]]}),
    "ros.yaml": ROS_YAML,
    "opencv.yml": OPENCV_YAML,
    "three.txt": "600 0 320\n0 610 240\n0 0 1\n",
    "commas.txt": "# K\n600, 0, 320\n0, 610, 240\n0, 0, 1",
}


@pytest.mark.parametrize("name", FORMS)
def test_every_known_form_gives_the_same_camera(tmp_path, name):
    (tmp_path / name).write_text(FORMS[name], encoding="utf-8")
    read = read_intrinsics(tmp_path / name, (480, 640))
    assert (read.intrinsics, read.distortion) == (CAMERA, None)


@pytest.mark.parametrize(
    ("told", "model"),
    [
        ({"distortion": [0.12, -0.25, 0, 0, 0.1], "distortion_model": "plumb_bob"}, "plumb_bob"),
        ({"d": [0.1, 0.0, 0.0, 0.0], "distortion_model": "equidistant"}, "fisheye"),
        ({"distortion_coefficients": {"k1": -0.3, "k2": 0.1, "p1": 0.0, "p2": 0.0}}, "plumb_bob"),
    ],
)
def test_a_lens_is_read(tmp_path, told, model):
    (tmp_path / "camera.json").write_text(json.dumps({**PLAIN, **told}))
    read = read_intrinsics(tmp_path / "camera.json")
    assert read.distortion is not None and read.distortion.model == model


@pytest.mark.parametrize("name", ["fx", "fy", "cx", "cy", "width", "height"])
def test_a_missing_number_is_named(tmp_path, name):
    (tmp_path / "camera.json").write_text(json.dumps({key: value for key, value in PLAIN.items() if key != name}))
    with pytest.raises(UserError, match=f"lacks {name}"):
        read_intrinsics(tmp_path / "camera.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "camera matrix has 9"),
        ("not json", "neither JSON"),
        ("// mine\n" + json.dumps(PLAIN), "comments"),
        (json.dumps({**PLAIN, "fx": "six"}), "finite number"),
        (json.dumps({**PLAIN, "fx": True}), "finite number"),
        (json.dumps({**PLAIN, "width": 640.5}), "whole number"),
        (json.dumps({**PLAIN, "fx": -600}), "above 0"),
        (json.dumps({**PLAIN, "fx": 1e400}), "no number"),
        (json.dumps({**PLAIN, "width": 10**9}), "whole number"),
        (json.dumps({**PLAIN, "width": 10**400}), "no number"),
        (
            json.dumps({**PLAIN, "distortion": [0.1, 0, 0, 0, 0], "distortion_model": "inverse_brown_conrady"}),
            "known are",
        ),
        (json.dumps({**PLAIN, "distortion": ["a"]}), "no list of numbers"),
        (json.dumps({**PLAIN, "distortion": [0.1, 0.2]}), "has 2 numbers"),
        (json.dumps({"left": PLAIN, "right": PLAIN}), "none of them called depth"),
        (json.dumps({**SIZE, "k": [600, 5, 320, 0, 610, 240, 0, 0, 1]}), "skew"),
        ("a: [1, 2", "neither JSON"),
        ("", "9"),
    ],
)
def test_what_no_camera_has_is_refused(tmp_path, text, message):
    (tmp_path / "camera.json").write_text(text)
    with pytest.raises(UserError, match=message):
        read_intrinsics(tmp_path / "camera.json")


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((600, 600, 240, 320, 640, 480), "swapped"),
        ((900, 900, 640, 360, 640, 360), "1280 x 720"),
        ((450, 450, 320, 180, 1280, 720), "640 x 360"),
        ((600, 600, 640, 480, 640, 480), "1280 x 960"),
        ((10, 10, 320, 240, 640, 480), "field of view"),
        ((9000, 9000, 320, 240, 640, 480), "field of view"),
        ((600, 60, 320, 240, 640, 480), "square"),
        ((600, 600, 5, 240, 640, 480), "off its middle"),
    ],
)
def test_numbers_that_do_not_belong_together_are_told(numbers, message):
    with pytest.raises(ValueError, match=message):
        check_plausible(Intrinsics(*numbers))


@pytest.mark.parametrize(
    "numbers",
    [
        (525, 525, 319.5, 239.5, 640, 480),
        (909, 908, 632, 347, 1280, 720),
        (383, 383, 317, 242, 640, 480),
        (365, 365, 256, 205, 512, 424),
        (600, 600, 300, 260, 640, 480),
        (610, 610, 212, 232, 424, 464),
        (2400, 2400, 1032, 772, 2064, 1544),
    ],
)
def test_real_cameras_pass(numbers):
    check_plausible(Intrinsics(*numbers))
