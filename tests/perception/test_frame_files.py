"""Frames from files: exact round trips, and one clear message for each thing that can be wrong."""

import json

import cv2
import numpy as np
import pytest

from grasping_student.cameras.simulated import looking_down
from grasping_student.perception.depth_files import DepthFormat
from grasping_student.perception.frame import Intrinsics, RgbdFrame
from grasping_student.perception.frame_files import FrameFormat, frame_files, load_frame, read_color, save_frame
from grasping_student.pipeline.errors import UserError

MILLIMETRES = FrameFormat(DepthFormat("mm"))
INTRINSICS = Intrinsics(60.0, 61.0, 20.0, 15.0, 40, 30)


@pytest.fixture
def frame():
    random = np.random.default_rng(0)
    depth = random.uniform(0.5, 0.9, INTRINSICS.shape).astype(np.float32)
    depth[3, 4] = np.nan
    rgb = random.integers(0, 256, (*INTRINSICS.shape, 3), dtype=np.uint8)
    return RgbdFrame(depth, rgb, INTRINSICS, looking_down(0.7, 0.2))


@pytest.fixture
def folder(frame, tmp_path):
    save_frame(frame, tmp_path / "frame")
    return tmp_path / "frame"


def test_a_saved_frame_is_read_back_exactly(frame, folder):
    read, notes = load_frame(frame_files(folder))
    assert notes == []
    np.testing.assert_array_equal(read.depth, frame.depth)
    np.testing.assert_array_equal(read.rgb, frame.rgb)
    np.testing.assert_array_equal(read.camera_to_world, frame.camera_to_world)
    assert read.intrinsics == frame.intrinsics


def test_a_16_bit_png_in_millimetres_is_read_to_half_a_millimetre(frame, folder):
    millimetres = np.nan_to_num(frame.depth * 1000.0).round().astype(np.uint16)
    (folder / "depth.npy").unlink()
    cv2.imwrite(str(folder / "depth.png"), millimetres)
    read, _ = load_frame(frame_files(folder), MILLIMETRES)
    assert np.isnan(read.depth[3, 4])
    measured = frame.measured
    assert np.abs(read.depth - frame.depth)[measured].max() < 0.00051


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_depth_without_any_measurement_is_refused(folder, value):
    np.save(folder / "depth.npy", np.full(INTRINSICS.shape, value, np.float32))
    with pytest.raises(UserError, match="holds no measurement"):
        load_frame(frame_files(folder))


def test_a_wrong_unit_is_recognised_and_the_right_one_named(folder, frame):
    with pytest.raises(UserError, match="--depth-scale 1 for metres"):
        load_frame(frame_files(folder), MILLIMETRES)
    np.save(folder / "depth.npy", frame.depth * 1000)
    with pytest.raises(UserError, match="--depth-unit mm"):
        load_frame(frame_files(folder))
    np.save(folder / "depth.npy", frame.depth / 1000)
    with pytest.raises(UserError, match="too near for any camera"):
        load_frame(frame_files(folder))


@pytest.mark.parametrize("factor", [2, 3])
def test_colour_of_a_whole_multiple_of_the_depths_size_is_averaged_down_and_said(folder, frame, factor):
    larger = frame.rgb.repeat(factor, axis=0).repeat(factor, axis=1)
    cv2.imwrite(str(folder / "color.png"), larger[..., ::-1])
    read, notes = load_frame(frame_files(folder))
    np.testing.assert_array_equal(read.rgb, frame.rgb)
    assert notes and f"{factor} times as large" in notes[0]


@pytest.mark.parametrize("shape", [(30, 41), (60, 40), (45, 60), (10, 10)])
def test_colour_of_another_size_is_refused(folder, shape):
    cv2.imwrite(str(folder / "color.png"), np.zeros((*shape, 3), np.uint8))
    with pytest.raises(UserError, match="whole multiple"):
        load_frame(frame_files(folder))


def test_intrinsics_of_another_picture_are_refused(folder):
    values = json.loads((folder / "camera.json").read_text())
    (folder / "camera.json").write_text(json.dumps(values | {"width": 80}))
    with pytest.raises(UserError, match="intrinsics of the depth picture"):
        load_frame(frame_files(folder))


def test_colours_that_are_missing_or_no_picture_are_named(tmp_path):
    with pytest.raises(UserError, match=r"color.png does not exist"):
        read_color(tmp_path / "color.png", (4, 4))
    (tmp_path / "color.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match="no readable picture"):
        read_color(tmp_path / "color.png", (4, 4))


def test_files_are_found_by_the_names_that_people_give_them(folder, frame):
    (folder / "depth.npy").rename(folder / "DEPTH.NPY")
    (folder / "color.png").rename(folder / "RGB.PNG")
    (folder / "camera.json").rename(folder / "Intrinsics.json")
    read, _ = load_frame(frame_files(folder))
    np.testing.assert_array_equal(read.depth, frame.depth)
    np.testing.assert_array_equal(read.rgb, frame.rgb)


def test_a_lens_told_in_the_file_is_rectified(folder):
    values = json.loads((folder / "camera.json").read_text())
    (folder / "camera.json").write_text(json.dumps(values | {"distortion": [-0.3, 0.1, 0.0, 0.0]}))
    _, notes = load_frame(frame_files(folder))
    assert len(notes) == 1 and "rectified" in notes[0]
