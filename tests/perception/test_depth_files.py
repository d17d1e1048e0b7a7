"""Depth pictures of every known kind: the same metres back, and one clear sentence for each that cannot be read."""

import zlib

import cv2
import numpy as np
import pytest

from grasping_student.perception.depth_files import DepthFormat, axis_depth, depth_in_metres, ray_lengths, read_depth
from grasping_student.perception.frame import Intrinsics
from grasping_student.perception.point_clouds import MOST_TEXT, read_cloud
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.safe_io import Unusable

CAMERA = Intrinsics(60.0, 61.0, 19.5, 14.5, 40, 30)


@pytest.fixture
def depth():
    metres = np.random.default_rng(0).uniform(0.5, 0.9, CAMERA.shape).astype(np.float32)
    metres[3, 4] = np.nan
    return metres


@pytest.mark.parametrize("scale", [0.001, 0.00025, 0.0001, 0.0002])
@pytest.mark.parametrize("ending", ["png", "PNG", "tiff"])
def test_integers_of_any_scale_are_read_to_half_a_step(tmp_path, depth, scale, ending):
    stored = np.nan_to_num(depth / scale).round().astype(np.uint16)
    (tmp_path / f"depth.{ending}").write_bytes(cv2.imencode(f".{ending.lower()}", stored)[1].tobytes())
    read = read_depth(tmp_path / f"depth.{ending}", DepthFormat(scale=scale))
    assert np.array_equal(np.isnan(read), np.isnan(depth))
    assert np.nanmax(np.abs(read - depth)) <= 0.51 * scale


@pytest.mark.parametrize("shape", [(30, 40), (30, 40, 1), (1, 30, 40)])
def test_floating_point_numbers_are_read_exactly_whatever_holds_them(tmp_path, depth, shape):
    np.save(tmp_path / "depth.npy", depth.reshape(shape))
    np.savez_compressed(tmp_path / "depth.npz", colour=np.zeros((2, 2)), depth=depth.reshape(shape))
    np.savez(tmp_path / "alone.npz", anything=np.asfortranarray(depth))
    cv2.imwrite(str(tmp_path / "depth.tiff"), depth)
    for name in ("depth.npy", "depth.npz", "alone.npz", "depth.tiff"):
        np.testing.assert_array_equal(read_depth(tmp_path / name), depth)


def test_distances_along_the_ray_become_depths_along_the_axis(tmp_path, depth):
    np.save(tmp_path / "depth.npy", depth * ray_lengths(CAMERA))
    read = read_depth(tmp_path / "depth.npy", DepthFormat(is_range=True), CAMERA)
    np.testing.assert_allclose(read, depth, atol=1e-6)
    np.testing.assert_allclose(axis_depth((depth * ray_lengths(CAMERA)).astype(np.float32), CAMERA), depth, atol=1e-6)


def points_of(depth):
    row, col = np.nonzero(np.isfinite(depth))
    z = depth[row, col]
    return np.column_stack([(col - CAMERA.cx) / CAMERA.fx * z, (row - CAMERA.cy) / CAMERA.fy * z, z]).astype(np.float32)


def write_pcd(path, points, how):
    head = (
        f"# .PCD v0.7\nVERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH {len(points)}\nHEIGHT 1\n"
        f"POINTS {len(points)}\nDATA {how}\n"
    )
    body = (
        points.tobytes() if how == "binary" else "\n".join(" ".join(map(repr, map(float, p))) for p in points).encode()
    )
    path.write_bytes(head.encode() + body)


def write_ply(path, points):
    head = (
        f"ply\nformat ascii 1.0\nelement vertex {len(points)}\nproperty float x\nproperty float y\nproperty float z\n"
    )
    path.write_text(head + "end_header\n" + "\n".join(" ".join(map(repr, map(float, p))) for p in points) + "\n")


@pytest.mark.parametrize("how", ["ascii", "binary"])
def test_a_point_cloud_in_the_cameras_frame_gives_the_picture_back(tmp_path, depth, how):
    write_pcd(tmp_path / "cloud.pcd", points_of(depth), how)
    write_ply(tmp_path / "cloud.ply", points_of(depth))
    for name in ("cloud.pcd", "cloud.ply"):
        np.testing.assert_allclose(read_depth(tmp_path / name, intrinsics=CAMERA), depth, atol=1e-6)
    assert len(read_cloud(tmp_path / "cloud.pcd")) == np.isfinite(depth).sum()


def test_a_cloud_of_another_frame_or_cut_off_is_told(tmp_path, depth):
    write_pcd(tmp_path / "cloud.pcd", -points_of(depth), "binary")
    with pytest.raises(UserError, match="optical frame"):
        read_depth(tmp_path / "cloud.pcd", intrinsics=CAMERA)
    whole = (tmp_path / "cloud.pcd").read_bytes()
    (tmp_path / "cloud.pcd").write_bytes(whole[:-50])
    with pytest.raises(UserError, match="cut off"):
        read_depth(tmp_path / "cloud.pcd", intrinsics=CAMERA)
    (tmp_path / "cloud.pcd").write_bytes(whole.replace(b"POINTS ", b"POINTS 99999"))
    with pytest.raises(UserError, match="claims"):
        read_depth(tmp_path / "cloud.pcd", intrinsics=CAMERA)


def test_a_long_text_cloud_is_refused_and_a_binary_ply_is_read(tmp_path, depth):
    points = points_of(depth)
    write_ply(tmp_path / "cloud.ply", points)
    text = (tmp_path / "cloud.ply").read_bytes()
    with (tmp_path / "long.ply").open("wb") as file:
        file.write(text)
        file.truncate(MOST_TEXT + 1000)
    with pytest.raises(Unusable, match="write it as binary"):
        read_cloud(tmp_path / "long.ply")
    head = (
        text[: text.index(b"end_header")].replace(b"ascii", b"binary_big_endian") + b"property uchar red\nend_header\n"
    )
    stored = np.zeros(len(points), [("x", ">f4"), ("y", ">f4"), ("z", ">f4"), ("red", "u1")])
    for axis, name in enumerate("xyz"):
        stored[name] = points[:, axis]
    (tmp_path / "cloud.ply").write_bytes(head + stored.tobytes())
    np.testing.assert_array_equal(read_cloud(tmp_path / "cloud.ply"), points)


def test_zero_single_negative_and_infinite_depths_are_unmeasured():
    stored = np.array([[0.0, 0.7, -1.0], [np.inf, np.nan, 0.8]])
    depth, _ = depth_in_metres(stored, DepthFormat(), "depth")
    assert np.isfinite(depth).tolist() == [[False, True, False], [False, False, True]]


@pytest.mark.parametrize("mark", [65535.0, 10_000.0])
def test_a_mark_for_not_measured_is_found_and_told(depth, mark):
    stored = np.nan_to_num(depth * 1000.0)
    stored[:5] = mark
    read, note = depth_in_metres(stored, DepthFormat("mm"), "depth")
    assert np.isnan(read[:5]).all() and np.isfinite(read[6:]).all() and f"{mark:g}" in note


@pytest.mark.parametrize(
    ("factor", "told", "advice"),
    [
        (100.0, "m", "--depth-scale 0.01 for centimetres"),
        (1000.0, "m", "--depth-unit mm"),
        (1.0, "mm", "--depth-scale 1 for metres"),
        (-1.0, "m", "OpenGL"),
        (0.001, "m", "too near for any camera"),
    ],
)
def test_another_unit_is_named(depth, factor, told, advice):
    with pytest.raises(UserError, match=advice):
        depth_in_metres(depth * np.float32(factor), DepthFormat(told), "depth")


@pytest.mark.parametrize("scale", [0.0, -1.0, 2.0, float("nan"), float("inf")])
def test_a_scale_that_no_camera_has_is_refused(scale):
    with pytest.raises(ValueError, match="depth scale"):
        DepthFormat(scale=scale)


def archive_called_npy(path):
    with path.open("wb") as file:
        np.savez(file, depth=np.ones((4, 4)))


def header_alone(shape, descr="<f4"):
    def write(path):
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})

    return write


def pickled(path):
    np.save(path, np.array([{"no": "numbers"}], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    "write",
    [
        archive_called_npy,
        header_alone((1_000_000, 1_000_000)),
        header_alone((1,), "|V2000000000"),
        header_alone((4, 4)),
        header_alone((4, 4, 3)),
        pickled,
        lambda path: np.save(path, np.ones((4, 4, 3))),
        lambda path: np.save(path, np.ones((4, 4), np.uint8)),
        lambda path: np.save(path, np.ones((4, 4), complex)),
        lambda path: path.mkdir(),
        lambda path: path.write_bytes(b""),
    ],
)
def test_a_npy_file_that_is_none_or_claims_too_much_is_refused_before_it_takes_memory(tmp_path, write):
    write(tmp_path / "depth.npy")
    with pytest.raises(UserError, match=r"depth\.npy"):
        read_depth(tmp_path / "depth.npy")


def test_a_png_that_claims_too_many_pixels_or_has_8_bits_is_refused(tmp_path):
    path = tmp_path / "depth.png"
    cv2.imwrite(str(path), np.full((4, 4), 500, np.uint16))
    picture = bytearray(path.read_bytes())
    picture[16:24] = (100_000).to_bytes(4, "big") * 2
    picture[29:33] = zlib.crc32(picture[12:29]).to_bytes(4, "big")
    path.write_bytes(picture)
    with pytest.raises(UserError, match="claims 100000 x 100000 pixels"):
        read_depth(path, DepthFormat("mm"))
    cv2.imwrite(str(path), np.ones((4, 4), np.uint8))
    with pytest.raises(UserError, match="depth a pixel"):
        read_depth(path, DepthFormat("mm"))


def test_an_unknown_kind_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(UserError, match=r"depth\.npy does not exist"):
        read_depth(tmp_path / "depth.npy")
    (tmp_path / "depth.mat").write_bytes(b"")
    with pytest.raises(UserError, match=r"must be one of \.npy"):
        read_depth(tmp_path / "depth.mat")
