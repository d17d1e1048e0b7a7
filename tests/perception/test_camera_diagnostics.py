"""Each fault of camera, pose or table is found, and none in a good frame."""

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from test_calibration import example_calibration
from tests.fakes.calibration_bench import CAMERA_TO_WORLD, bench_frame

from grasping_student.cameras.simulated import looking_down
from grasping_student.geometry.workspace import light_workspace
from grasping_student.perception.calibration import table_correction
from grasping_student.perception.camera_diagnostics import examine, picture_shift
from grasping_student.perception.floor import FloorPlane

LIGHT = light_workspace()


@pytest.fixture(scope="module")
def healthy():
    return bench_frame()


@pytest.fixture(scope="module")
def calibration(healthy):
    return example_calibration(healthy)


@pytest.fixture(scope="module")
def reference(healthy):
    return cv2.cvtColor(healthy.rgb, cv2.COLOR_RGB2GRAY)


def finding(findings, about):
    (found,) = [each for each in findings if each.about == about]
    return found


def moved_by(x=0.0, y=0.0, z=0.0, tilt=0.12):
    pose = looking_down(0.75, tilt)
    pose[:3, 3] += (x, y, z)
    return pose


def test_a_healthy_camera_has_nothing_wrong(healthy, calibration, reference):
    findings = examine(healthy, LIGHT, calibration, "1234", reference)
    assert [each.about for each in findings] == ["units", "coverage", "holes", "moved", "tilt", "background", "noise"]
    assert {each.severity for each in findings} == {"good"}


def test_without_a_calibration_movement_cannot_be_told(healthy):
    assert finding(examine(healthy, LIGHT), "moved").severity == "warning"


@pytest.mark.parametrize(
    ("factor", "word"), [(1000.0, "millimetres"), (0.001, "wrong unit"), (np.nan, "No pixel has a depth")]
)
def test_another_unit_and_a_blind_camera_are_told_first_and_alone(healthy, factor, word):
    (only,) = examine(replace(healthy, depth=healthy.depth * np.float32(factor)), LIGHT)
    assert (only.about, only.severity) == ("units", "error")
    assert word in only.words


def test_a_camera_far_above_the_table_is_told(healthy):
    far = replace(healthy, depth=healthy.depth * np.float32(5))
    assert finding(examine(far, LIGHT), "units").severity == "warning"


def test_a_workspace_outside_the_picture_is_told_by_its_corners():
    frame = bench_frame(moved_by(x=0.45))
    told = finding(examine(frame, LIGHT), "coverage")
    assert told.severity == "error"
    assert "far left, near left" in told.words
    assert "right" not in told.words.split("corner")[0]


@pytest.mark.parametrize(("width", "severity"), [(0, "good"), (80, "warning"), (250, "error")])
def test_holes_are_judged_by_their_share_of_the_graspable_area(healthy, width, severity):
    depth = healthy.depth.copy()  # the graspable area is some 400 columns wide
    depth[:, 640 - width // 2 : 640 + width // 2] = np.nan
    assert finding(examine(replace(healthy, depth=depth), LIGHT), "holes").severity == severity


@pytest.mark.parametrize(("degrees", "severity"), [(0.2, "good"), (1.5, "warning"), (5.0, "error")])
def test_a_tilted_pose_is_told_in_degrees(degrees, severity, healthy):
    turn = np.linalg.inv(table_correction(FloorPlane(0.0, math.tan(math.radians(degrees)), 0.0)))
    told = finding(examine(replace(healthy, camera_to_world=turn @ CAMERA_TO_WORLD), LIGHT), "tilt")
    assert told.severity == severity
    if severity == "warning":
        assert f"tilted by {degrees:.2f}" in told.words


@pytest.mark.parametrize(("lift", "severity"), [(0.001, "good"), (0.008, "warning"), (0.02, "error"), (0.2, "error")])
def test_a_background_that_is_not_at_zero_is_told(healthy, lift, severity):
    lifted = replace(healthy, camera_to_world=moved_by(z=lift))
    told = finding(examine(lifted, LIGHT), "background")
    assert told.severity == severity
    if severity != "good" and lift < 0.1:
        assert f"{lift * 1000:+.0f}" in told.words


def test_a_rough_table_is_told():
    told = finding(examine(bench_frame(noise=0.004), LIGHT), "noise")
    assert told.severity == "warning"


@pytest.mark.parametrize("way", [{"x": 0.02}, {"y": -0.015}, {"z": 0.012}, {"tilt": 0.15}])
def test_a_camera_that_was_moved_since_its_calibration_is_told(calibration, reference, way):
    frame = replace(bench_frame(moved_by(**way)), camera_to_world=calibration.camera_to_world)
    told = finding(examine(frame, LIGHT, calibration, "1234", reference), "moved")
    assert told.severity == "error"
    assert "Calibrate again" in told.words
    assert calibration.date in told.words


def test_things_in_the_workspace_are_no_movement(healthy, reference):
    rgb = healthy.rgb.copy()
    rgb[250:450, 500:800] = 240
    assert picture_shift(replace(healthy, rgb=rgb), reference, LIGHT) < 0.5


def test_another_camera_or_another_picture_size_is_told(healthy, calibration):
    told = finding(examine(healthy, LIGHT, calibration, "9999"), "moved")
    assert told.severity == "error"
    assert "camera 9999, calibrated was 1234" in told.words
    smaller = replace(calibration, intrinsics=replace(calibration.intrinsics, width=640))
    told = finding(examine(healthy, LIGHT, smaller, "1234"), "moved")
    assert "Set the camera to the calibrated size" in told.words


def test_without_a_reference_picture_sideways_movement_is_said_to_be_unknown(healthy, calibration):
    told = finding(examine(healthy, LIGHT, calibration, "1234"), "moved")
    assert told.severity == "good"
    assert "cannot be told" in told.words
