"""Frames from files: exact round trips, and one clear message for each thing that can be wrong."""

import json
import zlib

import cv2
import numpy as np
import pytest

from grasping_student.cameras.simulated import looking_down
from grasping_student.perception.frame import Intrinsics, RgbdFrame
from grasping_student.perception.frame_files import (
    depth_in_metres,
    frame_files,
    load_frame,
    read_color,
    read_depth,
    read_intrinsics,
    read_pose,
    save_frame,
)
from grasping_student.pipeline.errors import UserError

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
    read, _ = load_frame(frame_files(folder), "mm")
    assert np.isnan(read.depth[3, 4])
    measured = frame.measured
    assert np.abs(read.depth - frame.depth)[measured].max() < 0.00051


def test_zero_negative_and_infinite_depths_are_unmeasured():
    stored = np.array([[0.0, 0.7, -1.0], [np.inf, np.nan, 0.8]])
    assert np.isfinite(depth_in_metres(stored, "m", "depth")).tolist() == [[False, True, False], [False, False, True]]


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_depth_without_any_measurement_is_refused(folder, value):
    np.save(folder / "depth.npy", np.full(INTRINSICS.shape, value, np.float32))
    with pytest.raises(UserError, match="holds no measurement"):
        load_frame(frame_files(folder))


def test_a_wrong_unit_is_recognised_and_the_right_one_named(folder, frame):
    with pytest.raises(UserError, match="give --depth-unit m"):
        load_frame(frame_files(folder), "mm")
    np.save(folder / "depth.npy", frame.depth * 1000)
    with pytest.raises(UserError, match="give --depth-unit mm"):
        load_frame(frame_files(folder), "m")
    np.save(folder / "depth.npy", frame.depth / 1000)
    with pytest.raises(UserError, match="too near for any camera"):
        load_frame(frame_files(folder), "m")


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


@pytest.mark.parametrize("field", ["fx", "fy", "cx", "cy", "width", "height"])
def test_a_missing_intrinsics_field_is_named(folder, field):
    values = json.loads((folder / "camera.json").read_text())
    del values[field]
    (folder / "camera.json").write_text(json.dumps(values))
    with pytest.raises(UserError, match=f"lacks {field}"):
        load_frame(frame_files(folder))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "expected an object"),
        ("not json", "no JSON"),
        ('{"fx": "six", "fy": 1, "cx": 1, "cy": 1, "width": 4, "height": 4}', "must be a number"),
        ('{"fx": 6, "fy": 1, "cx": 1, "cy": 1, "width": 4.5, "height": 4}', "whole ones"),
        ('{"fx": -6, "fy": 1, "cx": 1, "cy": 1, "width": 4, "height": 4}', "above 0"),
    ],
)
def test_intrinsics_that_no_camera_has_are_refused(tmp_path, text, message):
    (tmp_path / "camera.json").write_text(text)
    with pytest.raises(UserError, match=message):
        read_intrinsics(tmp_path / "camera.json")


def test_intrinsics_of_another_picture_are_refused(folder):
    values = json.loads((folder / "camera.json").read_text())
    (folder / "camera.json").write_text(json.dumps(values | {"width": 80}))
    with pytest.raises(UserError, match="intrinsics of the depth picture"):
        load_frame(frame_files(folder))


@pytest.mark.parametrize("text", ["1 2 3", "a b c", "1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 2", ""])
def test_a_pose_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "pose.txt").write_text(text)
    with pytest.raises(UserError, match="no 4 x 4 camera_to_world"):
        read_pose(tmp_path / "pose.txt")


def test_missing_and_unreadable_files_are_named(folder, tmp_path):
    with pytest.raises(UserError, match=r"pose.txt does not exist"):
        read_pose(tmp_path / "pose.txt")
    with pytest.raises(UserError, match=r"depth.npy does not exist"):
        read_depth(tmp_path / "depth.npy", "m")
    with pytest.raises(UserError, match=r"color.png does not exist"):
        read_color(tmp_path / "color.png", (4, 4))
    (tmp_path / "color.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match="no readable picture"):
        read_color(tmp_path / "color.png", (4, 4))
    (folder / "depth.npy").write_bytes((folder / "depth.npy").read_bytes()[:200])
    with pytest.raises(UserError, match=r"no readable \.npy"):
        load_frame(frame_files(folder))
    cv2.imwrite(str(tmp_path / "depth.png"), np.ones((4, 4), np.uint8))
    with pytest.raises(UserError, match="16 bits"):
        read_depth(tmp_path / "depth.png", "mm")
    np.save(tmp_path / "cube.npy", np.ones((4, 4, 3)))
    with pytest.raises(UserError, match="one number a pixel"):
        read_depth(tmp_path / "cube.npy", "m")
    (tmp_path / "depth.tiff").write_bytes(b"")
    with pytest.raises(UserError, match=r"must be \.npy"):
        read_depth(tmp_path / "depth.tiff", "m")


def test_a_pickled_depth_file_is_refused(tmp_path):
    np.save(tmp_path / "depth.npy", np.array([{"no": "numbers"}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match=r"no readable \.npy"):
        read_depth(tmp_path / "depth.npy", "m")


def archive_called_npy(path):
    with path.open("wb") as file:
        np.savez(file, depth=np.ones((4, 4)))


def header_alone(shape, descr="<f4"):
    def write(path):
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})

    return write


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (archive_called_npy, r"no readable \.npy"),
        (header_alone((1_000_000, 1_000_000)), "holds 1000000 x 1000000 float32; at most 32000000 numbers"),
        (header_alone((1,), "|V2000000000"), "at most 32000000 numbers"),
        (header_alone((4, 4)), r"no readable \.npy"),
    ],
    ids=["archive", "vast", "vast-items", "cut-off"],
)
def test_a_npy_file_that_is_none_or_claims_too_much_is_refused_before_it_takes_memory(tmp_path, write, message):
    write(tmp_path / "depth.npy")
    with pytest.raises(UserError, match=message):
        read_depth(tmp_path / "depth.npy", "m")


def test_a_png_that_claims_too_many_pixels_is_refused(tmp_path):
    path = tmp_path / "depth.png"
    cv2.imwrite(str(path), np.full((4, 4), 500, np.uint16))
    picture = bytearray(path.read_bytes())
    picture[16:24] = (100_000).to_bytes(4, "big") * 2
    picture[29:33] = zlib.crc32(picture[12:29]).to_bytes(4, "big")
    path.write_bytes(picture)
    with pytest.raises(UserError, match="no readable PNG"):
        read_depth(path, "mm")
