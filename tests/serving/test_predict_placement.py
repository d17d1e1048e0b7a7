"""The workspace somewhere in the robot's base frame: the same grasp, moved; and what a program can read of a doubt."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from tests.fakes.bins import random_bin
from tests.perception.test_frame_checks import frame_of

from grasping_student.cli.main import main
from grasping_student.perception.frame_files import save_frame


def predicted(folder, capsys, *options):
    words = ["predict", "--out", str(folder / "out"), "--overwrite", *options]
    for option, name in {"depth": "depth.npy", "intrinsics": "camera.json", "camera-to-world": "pose.txt"}.items():
        words += [f"--{option}", str(folder / name)]
    try:
        code = main(words)
    except SystemExit as stop:
        code = stop.code
    written = folder / "out" / "grasp.json"
    return code, json.loads(written.read_text()) if written.exists() else None, capsys.readouterr().err


@pytest.mark.parametrize("yaw", [0.0, 0.7])
def test_a_workspace_in_the_base_frame_gives_the_same_grasp_moved(tmp_path, capsys, yaw):
    frame = frame_of()
    save_frame(frame, tmp_path / "world")
    place = np.eye(4)
    place[:2, :2] = ((math.cos(yaw), -math.sin(yaw)), (math.sin(yaw), math.cos(yaw)))
    place[:3, 3] = (0.5, -0.1, 0.02)
    save_frame(replace(frame, camera_to_world=place @ frame.camera_to_world), tmp_path / "base")
    np.savetxt(tmp_path / "world_to_base.txt", place)
    _, here, _ = predicted(tmp_path / "world", capsys)
    centre = ("--workspace-center", "0.5", "-0.1", "0.02", "--workspace-yaw", str(yaw))
    for options in (centre, ("--world-to-base", str(tmp_path / "world_to_base.txt"))):
        code, there, _ = predicted(tmp_path / "base", capsys, *options)
        assert code == 0
        moved = place @ (*(here["grasp"][axis] for axis in "xyz"), 1.0)
        assert np.allclose(moved[:3], [there["grasp"][axis] for axis in "xyz"], atol=2e-3)
        turned = (there["grasp"]["angle"] - here["grasp"]["angle"] - yaw) % math.pi
        assert min(turned, math.pi - turned) < 1e-6
    code, _, said = predicted(tmp_path / "base", capsys)
    assert code == 2 and "x +0" in said and "--workspace-center" in said


def test_an_emptied_bin_is_empty_however_far_one_looks(tmp_path, capsys):
    save_frame(random_bin(11).frame(), tmp_path / "bin")
    code, told, said = predicted(tmp_path / "bin", capsys)
    assert code == 2 and told is None and "the bin is empty" in said


def test_what_is_to_be_doubted_can_be_read_and_ends_strictly_with_3(tmp_path, capsys):
    save_frame(frame_of(), tmp_path / "good")
    code, told, _ = predicted(tmp_path / "good", capsys, "--strict")
    assert (code, told["constrained"], told["on_seen_material"]) == (0, True, True)
    low = frame_of(count=0)
    bump = low.depth.copy()
    bump[200:280, 280:360] -= np.float32(0.006)  # too low to be held
    save_frame(replace(low, depth=bump), tmp_path / "poor")
    code, told, _ = predicted(tmp_path / "poor", capsys, "--strict")
    assert code == 3 and not (told["constrained"] and told["on_seen_material"])
    assert {"constraint-not-met", "not-on-seen-material"} & {each["code"] for each in told["warnings"]}
