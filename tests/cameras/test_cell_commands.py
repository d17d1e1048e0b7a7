"""``cell calibrate`` and ``cell check`` from the command line, on a rendered cell whose camera's place is known."""

import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
import yaml
from tests.fakes.calibration_bench import CAMERA_TO_WORLD, bench_frame, corner_in_base, world_to_base

from grasping_student.cameras.simulated import looking_down
from grasping_student.cli.main import main
from grasping_student.perception.calibration import load_calibration
from grasping_student.perception.frame_files import save_frame
from grasping_student.perception.pose_files import read_pose
from grasping_student.robots.cell import check_camera as checking

CORNERS = (0, 6, 28, 34, 17)


@pytest.fixture(scope="module")
def cell(tmp_path_factory):
    """A cell's file, a recorded frame whose own pose is useless, and the touched points."""
    folder = tmp_path_factory.mktemp("cell")
    lying = world_to_base()
    values = {
        "view": {"kind": "recorded", "options": {"camera": {"folder": str(folder / "frame")}}},
        "workspace": {"extent": 0.45, "pixels": 112, "margin": 0.06},
        "workspace_in_base": {
            "x": float(lying[0, 3]),
            "y": float(lying[1, 3]),
            "z": float(lying[2, 3]),
            "yaw": float(np.arctan2(lying[1, 0], lying[0, 0])),
        },
    }
    (folder / "cell.yaml").write_text(yaml.safe_dump(values))
    frame = bench_frame()
    save_frame(frame, folder / "frame")
    np.savetxt(folder / "frame" / "pose.txt", looking_down(1.0))
    write_points(folder / "touched.yaml", CORNERS)
    return folder


def write_points(path, corners, shift=0.0):
    random = np.random.default_rng(1)
    points = [(corner, corner_in_base(corner) + random.normal(0, 0.0004, 3)) for corner in corners]
    points[0][1][0] += shift
    entries = [{"corner": corner, "base": [float(value) for value in base]} for corner, base in points]
    path.write_text(yaml.safe_dump({"touched": entries}))


def calibrate(cell, out, *more, touched="touched.yaml"):
    return main(
        [
            "cell",
            "calibrate",
            "--cell",
            str(cell / "cell.yaml"),
            "--touched",
            str(cell / touched),
            "--out",
            str(out),
            *map(str, more),
        ]
    )


@pytest.fixture(scope="module")
def calibrated(cell, tmp_path_factory):
    out = tmp_path_factory.mktemp("calibrated") / "calibration"
    assert calibrate(cell, out, "--robot-serial", "ur5e-42") == 0
    return out


def test_calibrate_stores_pose_residuals_date_and_serials_and_draws_them(cell, calibrated):
    calibration = load_calibration(calibrated / "calibration.json")
    for point in ((0.2, 0.2, 0.0), (-0.2, -0.2, 0.02)):
        seen = np.linalg.inv(CAMERA_TO_WORLD) @ np.append(point, 1.0)
        assert np.linalg.norm((calibration.camera_to_world @ seen)[:3] - point) < 0.003
        in_base = (world_to_base() @ np.append(point, 1.0))[:3]
        assert np.linalg.norm((np.loadtxt(calibrated / "camera_to_base.txt") @ seen)[:3] - in_base) < 0.003
    np.testing.assert_allclose(read_pose(calibrated / "world_to_base.txt", "matrix"), world_to_base(), atol=1e-9)
    assert 0.0 < calibration.residual_mm < 1.5
    assert set(calibration.residuals_mm) == {f"corner {number}" for number in CORNERS}
    assert calibration.camera_serial == "frame"
    assert calibration.robot_serial == "ur5e-42"
    assert calibration.date.startswith("20")
    assert calibration.method == "charuco"
    assert cv2.imread(str(calibrated / "calibration.png")).shape[0] > 300
    assert cv2.imread(str(calibrated / "reference.png")).shape[:2] == (720, 1280)
    assert json.loads((calibrated / "manifest.json").read_text())["stage"] == "cell calibrate"


def test_calibrate_says_how_good_it_is(cell, tmp_path, capsys):
    assert calibrate(cell, tmp_path / "out") == 0
    printed = capsys.readouterr().out
    assert "residual 0." in printed
    assert "corner 17" in printed
    assert "reprojected within" in printed


def test_a_bad_fit_is_refused_and_nothing_is_stored(cell, tmp_path, capsys):
    write_points(cell / "wrong.yaml", CORNERS, shift=0.03)
    out = tmp_path / "out"
    assert calibrate(cell, out, touched="wrong.yaml") == 2
    message = capsys.readouterr().err
    assert "Worst is corner 0" in message
    assert not out.exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--method", "points"], "no board was looked for"),
        (["--board.dictionary", "4X4_50"], "corners of the 8 x 6 board"),
        (["--frame", "nowhere"], "no recorded frame"),
    ],
)
def test_what_calibrate_cannot_do_is_one_message_and_exit_code_2(cell, tmp_path, capsys, more, message):
    assert calibrate(cell, tmp_path / "out", *more) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("inside", ["cell.yaml", "touched.yaml", "frame"])
def test_calibrate_never_replaces_what_it_reads(cell, tmp_path, capsys, inside):
    out = tmp_path / "calibration"
    shutil.copytree(cell, out)
    given = {"cell.yaml": "--cell", "touched.yaml": "--touched", "frame": "--frame"}[inside]
    assert calibrate(cell, out, given, out / inside, "--overwrite") == 2
    assert f"holds {out / inside}, which is read" in capsys.readouterr().err
    assert (out / "touched.yaml").exists() and (out / "frame" / "depth.npy").exists()


def test_impossible_limits_exit_with_code_2(capsys):
    assert main(["cell", "calibrate", "--max-residual-mm", "-1"]) == 2
    assert "must be above 0" in capsys.readouterr().err


def test_needed_options_are_named(capsys, cell):
    assert main(["cell", "calibrate"]) == 2
    assert "--cell FILE" in capsys.readouterr().err
    assert main(["cell", "check"]) == 2
    assert "--frame FOLDER" in capsys.readouterr().err


def test_a_cell_without_a_camera_needs_a_frame(tmp_path, capsys, cell):
    (tmp_path / "cell.yaml").write_text("view: {kind: twin}")
    assert main(["cell", "check", "--cell", str(tmp_path / "cell.yaml")]) == 2
    assert "no camera: give --frame" in capsys.readouterr().err


def check(cell, frame, *more):
    return main(["cell", "check", "--cell", str(cell / "cell.yaml"), "--frame", str(frame), *map(str, more)])


def test_check_finds_a_calibrated_camera_healthy(cell, calibrated, tmp_path, capsys):
    out = tmp_path / "out"
    assert check(cell, cell / "frame", "--calibration", calibrated / "calibration.json", "--out", out) == 0
    printed = capsys.readouterr().out
    assert "error" not in printed
    assert "stands where it was calibrated" in printed
    findings = json.loads((out / "check.json").read_text())["findings"]
    assert len([finding for finding in findings if finding["about"] != "cell"]) == 7


def test_check_warns_of_what_a_cells_file_lacks_to_move_the_arm(cell, calibrated, tmp_path, capsys):
    frame, calibration = str(cell / "frame"), str(calibrated / "calibration.json")
    lacking = tmp_path / "lacking.yaml"
    values = yaml.safe_load((cell / "cell.yaml").read_text())
    lacking.write_text(yaml.safe_dump(values))
    assert main(["cell", "check", "--cell", str(lacking), "--frame", frame, "--calibration", calibration]) == 0
    printed = capsys.readouterr().out
    assert (
        f"warning cell        Picking would refuse this file: {lacking} lacks arm, gripper, safe_box, drop" in printed
    )
    place = values["workspace_in_base"]
    whole = tmp_path / "whole.yaml"
    values |= {
        "arm": {"kind": "twin"},
        "gripper": {"kind": "twin"},
        "drop": {key: place[key] for key in "xy"} | {"z": 0.3},
        "safe_box": {"low": [-2.0, -2.0, -2.0], "high": [2.0, 2.0, 2.0]},
    }
    whole.write_text(yaml.safe_dump(values))
    assert main(["cell", "check", "--cell", str(whole), "--frame", frame, "--calibration", calibration]) == 0
    assert "Picking would refuse" not in capsys.readouterr().out


def test_check_finds_a_moved_camera_and_exits_2(cell, calibrated, tmp_path, capsys):
    moved = CAMERA_TO_WORLD.copy()
    moved[0, 3] += 0.02
    save_frame(bench_frame(moved), tmp_path / "moved")
    assert check(cell, tmp_path / "moved", "--calibration", calibrated / "calibration.json") == 2
    captured = capsys.readouterr()
    assert "the camera was moved" in captured.out
    assert "checks failed (moved)" in captured.err


def test_check_tells_millimetres(cell, tmp_path, capsys):
    save_frame(bench_frame(), tmp_path / "frame")
    np.save(tmp_path / "frame" / "depth.npy", np.load(tmp_path / "frame" / "depth.npy") * 1000)
    assert check(cell, tmp_path / "frame") == 2
    assert "--depth-unit mm" in capsys.readouterr().out


def test_check_never_replaces_what_it_reads(cell, calibrated, tmp_path, capsys):
    out = tmp_path / "check"
    shutil.copytree(calibrated, out)
    more = ["--calibration", out / "calibration.json", "--out", out, "--overwrite"]
    assert check(cell, cell / "frame", *more) == 2
    assert "which is read" in capsys.readouterr().err
    assert (out / "calibration.json").exists()


@pytest.fixture
def live_cell(cell, calibrated, tmp_path, monkeypatch):
    """Writes a cell's file that names a calibrated RealSense; its camera gives the bench's frame, without a pose."""
    monkeypatch.setattr(checking, "take_frame", lambda *_: (replace(bench_frame(), camera_to_world=np.eye(4)), "frame"))

    def write(pose=calibrated / "camera_to_base.txt", lift=0.0):
        values = yaml.safe_load((cell / "cell.yaml").read_text())
        values["view"] = {"kind": "realsense", "options": {"camera_to_base": str(pose)}}
        values["workspace_in_base"]["z"] += lift
        (tmp_path / "cell.yaml").write_text(yaml.safe_dump(values))
        return ["cell", "check", "--cell", str(tmp_path / "cell.yaml")]

    return write


def test_check_finds_the_cells_own_camera_healthy(live_cell, capsys):
    assert main(live_cell()) == 0
    assert "stands where it was calibrated" in capsys.readouterr().out


def test_check_judges_the_place_of_the_workspace_that_picking_uses(live_cell, calibrated, capsys):
    assert main(live_cell(lift=0.02)) == 2
    printed = capsys.readouterr().out
    assert "`workspace_in_base` changed" in printed
    assert "The table measures -20" in printed or "The table measures -19" in printed


def test_check_tells_a_pose_that_is_not_the_calibrated_one(live_cell, calibrated, tmp_path, capsys):
    sideways = np.loadtxt(calibrated / "camera_to_base.txt")
    sideways[0, 3] += 0.05
    np.savetxt(tmp_path / "older.txt", sideways)
    command = [*live_cell(tmp_path / "older.txt"), "--calibration", str(calibrated / "calibration.json")]
    assert main(command) == 2
    captured = capsys.readouterr()
    assert "holds another pose than the calibration" in captured.out
    assert "(pose)" in captured.err


def test_check_judges_a_good_pose_without_its_calibration(live_cell, calibrated, tmp_path, capsys):
    shutil.copy(calibrated / "camera_to_base.txt", tmp_path)
    assert main(live_cell(tmp_path / "camera_to_base.txt")) == 0
    printed = capsys.readouterr().out
    assert "The table is level" in printed and "No calibration was given" in printed


def test_check_refuses_intrinsics_that_no_camera_has(live_cell, capsys, monkeypatch):
    frame = replace(bench_frame(), camera_to_world=np.eye(4))
    exchanged = replace(frame.intrinsics, cx=frame.intrinsics.cy, cy=frame.intrinsics.cx)
    monkeypatch.setattr(checking, "take_frame", lambda *_: (replace(frame, intrinsics=exchanged), "frame"))
    assert main(live_cell()) == 2
    assert "(intrinsics)" in capsys.readouterr().err


def test_check_of_a_camera_without_a_pose_says_what_writes_one(live_cell, tmp_path, capsys):
    assert main(live_cell(tmp_path / "nowhere.txt")) == 2
    assert "cell calibrate" in capsys.readouterr().err
