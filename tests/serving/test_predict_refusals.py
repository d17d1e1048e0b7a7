"""What predict refuses: files, options and folders that it cannot work with."""

import json

import cv2
import numpy as np
import pytest
from tests.serving.tabletop import arguments, frame_of, tabletop

from grasping_student.cameras.simulated import looking_down
from grasping_student.cli.main import main
from grasping_student.perception.frame_files import save_frame
from grasping_student.pipeline.errors import UserError
from grasping_student.serving import loading
from grasping_student.serving.loading import load_model


def spoil_unit(folder):
    np.save(folder / "depth.npy", np.load(folder / "depth.npy") * 1000.0)


def spoil_depth(value):
    def spoil(folder):
        np.save(folder / "depth.npy", np.full_like(np.load(folder / "depth.npy"), value))

    return spoil


def spoil_intrinsics(folder):
    values = json.loads((folder / "camera.json").read_text())
    del values["fy"]
    (folder / "camera.json").write_text(json.dumps(values))


def spoil_colour(folder):
    cv2.imwrite(str(folder / "color.png"), np.zeros((481, 640, 3), np.uint8))


def spoil_pose(folder):
    np.savetxt(folder / "pose.txt", np.linalg.inv(looking_down(0.75, 0.15)))


def spoil_sight(folder):
    pose = looking_down(0.75, 0.15)
    pose[0, 3] += 2.0
    np.savetxt(folder / "pose.txt", pose)


def spoil_items(folder):
    save_frame(frame_of(tabletop(boxes=())), folder)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_unit, "give --depth-unit mm"),
        (spoil_depth(0.0), "holds no measurement"),
        (spoil_depth(np.nan), "holds no measurement"),
        (spoil_intrinsics, "lacks fy"),
        (spoil_colour, "whole multiple"),
        (spoil_pose, "world_to_camera"),
        (spoil_sight, "measured 0.0%"),
        (spoil_items, "is it empty"),
        (lambda folder: (folder / "depth.npy").unlink(), "depth.npy does not exist"),
        (lambda folder: (folder / "pose.txt").write_text("1 2 3"), "no 4 x 4"),
    ],
    ids=["millimetres", "zero", "nan", "intrinsics", "colour", "inverse", "elsewhere", "empty", "missing", "pose"],
)
def test_bad_input_is_one_clear_message_and_exit_code_2(scene_files, tmp_path, geometric, capsys, spoil, message):
    spoil(scene_files)
    out = tmp_path / "out"
    assert main(arguments(scene_files, out, "--color", scene_files / "color.png")) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert "Traceback" not in printed
    assert not out.exists()


def test_missing_options_are_named(tmp_path, capsys):
    assert main(["predict", "--depth", "depth.npy", "--out", str(tmp_path / "out")]) == 2
    assert "predict needs --intrinsics, --camera-to-world" in capsys.readouterr().err


def test_an_output_folder_that_exists_is_kept_unless_told(scene_files, tmp_path, geometric, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "precious.txt").write_text("mine")
    for more in ([], ["--overwrite"]):
        assert main(arguments(scene_files, out, *more)) == 2
        assert "name another --out" in capsys.readouterr().err
        assert (out / "precious.txt").read_text() == "mine"
    (out / "grasp.json").write_text('{"grasp": "an older one"}')
    assert main(arguments(scene_files, out)) == 2
    assert "--overwrite to replace it" in capsys.readouterr().err
    assert main(arguments(scene_files, out, "--overwrite")) == 0
    assert (out / "grasp.json").exists() and not (out / "precious.txt").exists()


@pytest.mark.parametrize("option", [None, "--color", "--model"])
def test_what_is_read_is_never_replaced(scene_files, tmp_path, geometric, capsys, option):
    out, more = (scene_files, []) if option is None else (tmp_path / "out", [option, tmp_path / "out" / "color.png"])
    if option is not None:
        out.mkdir()
        (scene_files / "color.png").rename(out / "color.png")
    before = sorted(path.name for path in out.iterdir())
    assert main(arguments(scene_files, out, "--overwrite", *more)) == 2
    assert "which is read and must not be replaced" in capsys.readouterr().err
    assert sorted(path.name for path in out.iterdir()) == before


def test_no_checkpoint_is_said(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="no checkpoint"):
        load_model(tmp_path, None)
    monkeypatch.setattr(loading, "PRETRAINED", tmp_path / "nothing")
    with pytest.raises(UserError, match="give --model"):
        load_model(None, None)
