"""Laws of the fit, and what a calibration refuses."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_frame import POSES
from tests.fakes.calibration_bench import (
    BOARD,
    CAMERA_TO_WORLD,
    bench_frame,
    corner_in_base,
    corner_in_world,
    world_to_base,
)

from grasping_student.geometry.workspace import light_workspace
from grasping_student.perception.board_config import BoardConfig
from grasping_student.perception.calibration import (
    Calibration,
    calibrate,
    load_calibration,
    plane_in_camera,
    save_calibration,
    table_correction,
)
from grasping_student.perception.charuco import make_board, see_board
from grasping_student.perception.floor import FloorPlane
from grasping_student.perception.frame import world_points
from grasping_student.perception.rigid_fit import RigidFit, check_fit, fit_rigid
from grasping_student.perception.touched_points import TouchedPoint, points_in_camera, read_touched
from grasping_student.pipeline.errors import UserError


@given(POSES, st.integers(4, 12), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_a_rigid_motion_is_found_exactly_and_noise_shows_in_the_residuals(pose, count, seed):
    random = np.random.default_rng(seed)
    source = np.vstack(
        [[[0.3, 0, 0], [-0.3, 0, 0], [0, 0.3, 0], [0, -0.3, 0.1]], random.uniform(-0.3, 0.3, (count, 3))]
    )
    target = source @ pose[:3, :3].T + pose[:3, 3]
    fit = fit_rigid(source, target)
    np.testing.assert_allclose(fit.from_to, pose, atol=1e-9)
    assert fit.rms < 1e-9
    noisy = target + random.normal(0.0, 0.002, target.shape)
    fit = fit_rigid(source, noisy)
    assert 0.0003 < fit.rms < 0.008
    literal = [np.linalg.norm((fit.from_to @ [*a, 1.0])[:3] - b) for a, b in zip(source, noisy, strict=True)]
    np.testing.assert_allclose(fit.residuals, literal, atol=1e-12)
    # least squares: no small motion does better
    for _ in range(5):
        nudge = np.append(random.normal(0.0, 1e-3, 3), 0.0)
        moved = (source @ fit.from_to[:3, :3].T + fit.from_to[:3, 3] + nudge[:3]) - noisy
        assert (moved**2).sum() >= (fit.residuals**2).sum() - 1e-12


def test_a_mirrored_set_of_points_is_no_rigid_motion():
    random = np.random.default_rng(0)
    source = random.uniform(-0.3, 0.3, (8, 3))
    fit = fit_rigid(source, source * [1, 1, -1])
    assert np.linalg.det(fit.from_to[:3, :3]) == pytest.approx(1.0)
    assert fit.rms > 0.05


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.eye(3), "at least 4"),
        (np.column_stack([np.linspace(0, 0.5, 6), np.zeros(6), np.zeros(6)]), "line"),
        (np.random.default_rng(0).uniform(0, 0.01, (6, 3)), "close together"),
    ],
)
def test_points_that_fix_no_motion_are_refused(points, message):
    with pytest.raises(UserError, match=message):
        fit_rigid(points, points)


def test_a_bad_fit_is_refused_and_the_worst_point_named():
    fit = RigidFit(np.eye(4), np.array([0.001, 0.009, 0.002]))
    check_fit(fit, ["a", "b", "c"], 0.006)
    with pytest.raises(UserError, match=r"Worst is b with 9\.0 mm"):
        check_fit(fit, ["a", "b", "c"], 0.003)


@given(st.floats(-0.15, 0.15), st.floats(-0.15, 0.15), st.floats(-0.02, 0.02))
def test_the_correction_lays_the_plane_onto_zero_and_keeps_its_point_under_the_origin(slope_x, slope_y, offset):
    plane = FloorPlane(slope_x, slope_y, offset)
    motion = table_correction(plane)
    np.testing.assert_allclose(motion[:3, :3] @ motion[:3, :3].T, np.eye(3), atol=1e-12)
    for x, y in ((0.0, 0.0), (0.2, 0.1), (-0.1, 0.2)):
        moved = motion @ np.array([x, y, float(plane.z(x, y)), 1.0])
        assert moved[2] == pytest.approx(0.0, abs=1e-12)
        assert math.hypot(moved[0], moved[1]) == pytest.approx(math.hypot(x, y), rel=0.05, abs=1e-12)
    np.testing.assert_allclose(motion @ [0.0, 0.0, offset, 1.0], [0.0, 0.0, 0.0, 1.0], atol=1e-12)


@pytest.fixture(scope="module")
def frame():
    return bench_frame()


def test_board_corners_are_seen_within_a_millimetre(frame):
    board = see_board(frame.rgb, frame.intrinsics, BOARD)
    assert len(board.corners) == (BOARD.columns - 1) * (BOARD.rows - 1)
    assert board.reprojection < 0.5
    world_to_camera = np.linalg.inv(CAMERA_TO_WORLD)
    for number, seen in board.corners.items():
        expected = (world_to_camera @ np.append(corner_in_world(number), 1.0))[:3]
        assert np.linalg.norm(seen - expected) < 0.001


def test_a_board_that_is_not_there_or_another_one_is_said(frame):
    with pytest.raises(UserError, match="0 corners"):
        see_board(np.full_like(frame.rgb, 128), frame.intrinsics, BOARD)
    with pytest.raises(UserError, match="corners of the 8 x 6 board"):
        see_board(frame.rgb, frame.intrinsics, BoardConfig(dictionary="4X4_50"))
    with pytest.raises(UserError, match=r"unknown dictionary '9X9_1'; valid are: .*5X5_100"):
        make_board(BoardConfig(dictionary="9X9_1"))
    with pytest.raises(ValueError, match="smaller than square"):
        BoardConfig(marker=0.04)


@pytest.mark.parametrize("method", ["charuco", "points"])
@pytest.mark.parametrize("tilt", [0.0, 0.02], ids=["level", "arm's points tilted"])
def test_the_camera_is_placed_within_2_mm_and_the_table_lies_level(frame, method, tilt):
    numbers = (0, 6, 28, 34, 17)
    if method == "charuco":
        board = see_board(frame.rgb, frame.intrinsics, BOARD)
        points = [TouchedPoint(tuple(corner_in_base(n)), corner=n) for n in numbers]
    else:
        board = None
        pixels = see_board(frame.rgb, frame.intrinsics, BOARD).pixels
        points = [TouchedPoint(tuple(corner_in_base(n)), pixel=tuple(pixels[n])) for n in numbers]
    in_camera, _ = points_in_camera(points, frame, board)
    touched = np.array([point.base for point in points])
    touched[:, 2] += tilt * (touched[:, 0] - touched[:, 0].mean())
    fit = fit_rigid(in_camera, touched)
    assert fit.rms < 0.0015
    placed, plane, noise = calibrate(frame, fit, world_to_base(), light_workspace(), math.radians(3.0))
    assert math.degrees(plane.tilt) == pytest.approx(math.degrees(math.atan(tilt)), abs=0.35)
    assert noise < 0.001
    for corner in ((0.2, 0.2, 0.0), (-0.2, 0.2, 0.0), (0.2, -0.2, 0.03)):
        back = placed @ np.linalg.inv(CAMERA_TO_WORLD) @ np.append(corner, 1.0)
        assert np.linalg.norm(back[:3] - corner) < 0.003
    table = world_points(replace(frame, camera_to_world=placed))[2, 100:620:20, 300:1000:20]
    assert abs(np.median(table)) < 0.0002
    assert np.abs(table).max() < 0.004
    a, b, c, d = plane_in_camera(placed)
    assert math.hypot(a, b, c) == pytest.approx(1.0)
    assert d == pytest.approx(placed[2, 3])


def test_a_table_far_from_the_touched_points_is_refused(frame):
    world_to_camera = np.linalg.inv(CAMERA_TO_WORLD)
    tilted = world_to_base() @ np.linalg.inv(table_correction(FloorPlane(0.08, 0.0, 0.0))) @ CAMERA_TO_WORLD
    with pytest.raises(UserError, match="tilted by 4"):
        calibrate(frame, RigidFit(tilted, np.zeros(4)), world_to_base(), light_workspace(), math.radians(3.0))
    high = world_to_base() @ CAMERA_TO_WORLD
    high[2, 3] += 0.2
    with pytest.raises(UserError, match="no table is seen"):
        calibrate(frame, RigidFit(high, np.zeros(4)), world_to_base(), light_workspace(), math.radians(3.0))
    assert world_to_camera.shape == (4, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing", "no list 'touched'"),
        ("touched: [3]", "entry 1 is no point"),
        ("touched: [{corner: 1}]", "entry 1 is no point"),
        ("touched: [{base: [0, 0, 0]}]", "either corner or pixel"),
        ("touched: [{base: [0, 0, 0], corner: 1, pixel: [2, 3]}]", "either corner or pixel"),
        ("touched: [{base: [0, 0], corner: 1}]", "three numbers"),
        ("touched: [{base: [120, 0, 3], corner: 1}]", "in metres"),
        ("touched: [", "cannot be read as YAML"),
    ],
)
def test_touched_points_that_are_none_are_refused(tmp_path, text, message):
    (tmp_path / "touched.yaml").write_text(text)
    with pytest.raises(UserError, match=message):
        read_touched(tmp_path / "touched.yaml")


def test_points_that_the_camera_did_not_see_are_named(frame):
    base = (0.0, -0.4, 0.0)
    with pytest.raises(UserError, match="corner 99 of the board was not seen"):
        points_in_camera([TouchedPoint(base, corner=99)], frame, see_board(frame.rgb, frame.intrinsics, BOARD))
    with pytest.raises(UserError, match="no board was looked for"):
        points_in_camera([TouchedPoint(base, corner=0)], frame, None)
    with pytest.raises(UserError, match="outside the 1280 x 720"):
        points_in_camera([TouchedPoint(base, pixel=(1300, 5))], frame, None)
    depth = frame.depth.copy()
    depth[90:110, 190:210] = np.nan
    with pytest.raises(UserError, match="no depth at the touched pixel 200, 100"):
        points_in_camera([TouchedPoint(base, pixel=(200, 100))], replace(frame, depth=depth), None)


def example_calibration(frame) -> Calibration:
    base = world_to_base() @ CAMERA_TO_WORLD
    return Calibration(
        base,
        base,
        CAMERA_TO_WORLD,
        plane_in_camera(CAMERA_TO_WORLD),
        {"corner 0": 0.4},
        0.4,
        "charuco",
        "2026-01-02T03:04:05+00:00",
        "1234",
        "ur5e-1",
        frame.intrinsics,
        0.001,
        0.002,
        0.0005,
        ("a note",),
    )


def test_a_calibration_is_stored_and_read_back_exactly(frame, tmp_path):
    calibration = example_calibration(frame)
    save_calibration(calibration, tmp_path / "calibration.json")
    read = load_calibration(tmp_path / "calibration.json")
    for name, value in vars(calibration).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(read, name), value)
        else:
            assert getattr(read, name) == value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 99}, "no calibration of version 1"),
        ({"camera_to_world": [[1, 2], [3, 4]]}, "camera_to_world has shape"),
        ({"camera_to_base": None}, "holds no calibration"),
        ({"intrinsics": {"fx": 1}}, "holds no calibration"),
    ],
)
def test_a_damaged_calibration_is_refused(frame, tmp_path, change, message):
    path = tmp_path / "calibration.json"
    save_calibration(example_calibration(frame), path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UserError, match=message):
        load_calibration(path)
    values = json.loads(path.read_text()) | {"schema_version": 1}
    del values["date"]
    path.write_text(json.dumps(values))
    with pytest.raises(UserError, match="lacks date"):
        load_calibration(path)
