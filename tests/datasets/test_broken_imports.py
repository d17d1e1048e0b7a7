"""Foreign files broken in every way their format allows: skipped with a reason, or stopped with one, never in part."""

import json

import cv2
import numpy as np
import pytest
from damage import (
    array,
    bomb_npy,
    bomb_png,
    bomb_tiff,
    cut,
    empty,
    leads_outside,
    leads_to_itself,
    npy_header,
    pickled_npy,
    picture,
    pipe,
    text,
)
from foreign_data import (
    GOOD,
    cornell_corners,
    picture_with_bar,
    random_rgb,
    write_authors,
    write_cornell,
    write_frames,
    write_jacquard,
    write_session,
)

from grasping_student.cli.main import main
from grasping_student.datasets.importers import authors, cornell, frames, jacquard, pushing_grasping
from grasping_student.datasets.integrity import check_dataset
from grasping_student.datasets.store import Dataset
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.safe_io import MOST_PIXELS


def description(**changed):
    values = {**GOOD, **{key: value for key, value in changed.items() if key not in GOOD["grasping_index"]}}
    index = {key: value for key, value in changed.items() if key in GOOD["grasping_index"]}
    values["grasping_index"] = {**GOOD["grasping_index"], **index}
    return text(json.dumps(values))


AUTHORS = [
    ("img", "png", cut, "cut off"),
    ("img", "png", empty, "picture"),
    ("img", "png", bomb_png, "claims 60000"),
    ("img", "png", picture((10, 20, 3)), "image"),
    ("img", "png", leads_outside, "leads outside"),
    ("img", "png", text("no picture"), "picture"),
    ("depth", "npy", cut, "whole .npy"),
    ("depth", "npy", empty, "whole .npy"),
    ("depth", "npy", bomb_npy, "pixels"),
    ("depth", "npy", pickled_npy, "one number a pixel"),
    ("depth", "npy", array(np.nan), "no measurement"),
    ("depth", "npy", array(30.0), "1 m and more"),
    ("depth", "npy", array(0.0, (20, 21)), "depth is"),
    ("depth", "npy", array(0.0, (20, 20, 3)), "one number a pixel"),
    ("depth", "npy", array(1j, dtype=complex), "one number"),
    ("depth", "npy", leads_outside, "leads outside"),
    ("depth", "npy", leads_to_itself, "leads nowhere"),
    ("depth", "npy", pipe, "no plain"),
    ("depth", "npy", npy_header("{'descr':'<f4','fortran_order':False,'shape':(True,True),}"), "whole .npy"),
    ("depth", "npy", npy_header("{'descr':'<f4','fortran_order':False,'shape':((20,20),"), "whole .npy"),
    ("depth", "npy", npy_header("{'descr':'<f4','fortran_order':False,'shape':(-20,-20),}"), "whole .npy"),
    ("depth", "npy", array(np.inf, (20, 20)), "no measurement"),
    ("desc", "json", cut, "JSON"),
    ("desc", "json", empty, "JSON"),
    ("desc", "json", text("[]"), "expected an object"),
    ("desc", "json", text('{"a": "é"}', "latin-1"), "UTF-8"),
    ("desc", "json", text("[" * 100_000), "JSON"),
    ("desc", "json", text(" " * 5_000_000), "at most"),
    ("desc", "json", leads_outside, "leads outside"),
    ("desc", "json", description(angle_index=65), "angle_index"),
    ("desc", "json", description(angle_index=-1), "angle_index"),
    ("desc", "json", description(angle_index=1.5), "whole number"),
    ("desc", "json", description(row=20), "outside"),
    ("desc", "json", description(col=-1), "outside"),
    ("desc", "json", description(row=None), "whole number"),
    ("desc", "json", description(row=True), "whole number"),
    ("desc", "json", description(row="1"), "whole number"),
    ("desc", "json", description(col=float("nan")), "JSON"),
    ("desc", "json", description(num_rotations=0), "num_rotations"),
    ("desc", "json", description(col=float("inf")), "JSON"),
    ("desc", "json", description(row=10**400), "JSON"),
    ("desc", "json", description(row=10**20), "outside"),
    ("desc", "json", description(num_rotations=10**20, angle_index=1), "num_rotations"),
    ("desc", "json", description(angle_index=1e308, num_rotations=1e308), "num_rotations"),
    ("desc", "json", description(successful=1), "true or false"),
    ("desc", "json", text('{"grasping_index": 3}'), "no object"),
    ("desc", "json", text('{"a": ' + "1" * 5000 + "}"), "JSON"),
    ("desc", "json", lambda path: path.unlink(), "missing"),
    ("desc", "json", lambda path: (path.unlink(), path.mkdir()), "no plain"),
]


@pytest.mark.parametrize(("kind", "suffix", "damage", "reason"), AUTHORS)
def test_a_broken_entry_of_the_authors_is_skipped_and_the_others_are_not(tmp_path, kind, suffix, damage, reason):
    folder = tmp_path / "in" / "theirs"
    folder.mkdir(parents=True)
    for date in ("a", "b", "c"):
        write_authors(folder, date, np.zeros((20, 20), np.float32), random_rgb(20), GOOD)
    damage(folder / f"{kind}_b.{suffix}")
    report = authors.run(authors.AuthorsImport(folder, tmp_path / "ours"))
    assert report.imported == 2
    assert [entry.name for entry in report.skipped] in (["b"], ["episode 1, entry 0"])
    assert reason in report.skipped[0].reason
    assert not check_dataset(tmp_path / "ours").damaged
    assert [attempt.extra["imported_from"] for attempt in Dataset(tmp_path / "ours").attempts()] == ["a", "c"]


@pytest.fixture
def cornell_folder(tmp_path):
    height = picture_with_bar(60, 80, 30, 40, 0.3)
    for number in (100, 101):
        good = cornell_corners(40, 30, 0.3, 16, 8)
        write_cornell(tmp_path / "in" / "c", number, height, [good], [good])
    return tmp_path / "in" / "c"


CORNELL = [
    ("r.png", cut, "cut off", 2),
    ("r.png", bomb_png, "claims", 2),
    ("r.png", picture((60, 70, 3)), "depth is", 2),
    ("d.tiff", cut, "picture", 2),
    ("d.tiff", bomb_tiff, "pixels", 2),
    ("d.tiff", empty, "picture", 2),
    ("d.tiff", lambda path: cv2.imwrite(str(path), np.full((60, 80), np.nan, np.float32)), "measured", 2),
    ("d.tiff", lambda path: cv2.imwrite(str(path), np.full((60, 80), 700, np.float32)), "metres", 2),
    ("d.tiff", lambda path: cv2.imwrite(str(path), np.full((60, 80, 3), 1, np.float32)), "picture", 2),
    ("cpos.txt", text("1 2\n3 4\n5 6\n"), "cut off", 1),
    ("cpos.txt", text("1 2\nx y\n1 1\n1 1\n"), "numbers", 1),
    ("cpos.txt", text("1 2 3\n" * 4), "3 numbers", 1),
    ("cpos.txt", text("1 1\n" * 4), "no area", 1),
    ("cpos.txt", text("é", "latin-1"), "UTF-8", 1),
    ("cpos.txt", text("NaN NaN\n" * 4), "NaN", 1),
    ("cpos.txt", text("inf 1\n1 2\n3 4\n5 6\n"), "NaN", 1),
    ("cpos.txt", leads_outside, "leads outside", 1),
    ("cpos.txt", text("900 1\n920 1\n920 9\n900 9\n"), "outside", 1),
    ("cpos.txt", text("1" * 5_000_000), "at most", 1),
    ("cpos.txt", text("1 2\n" * 40_004), "10001 rectangles", 1),
]


@pytest.mark.parametrize(("ending", "damage", "reason", "lost"), CORNELL)
def test_a_broken_cornell_file_is_skipped(cornell_folder, tmp_path, ending, damage, reason, lost):
    damage(cornell_folder / f"pcd0100{ending}")
    report = cornell.run(cornell.CornellImport(cornell_folder, tmp_path / "ours", pixels=30))
    assert report.imported == 4 - lost and report.skipped_count == 1
    assert reason in report.skipped[0].reason


JACQUARD = [
    ("grasps.txt", text("1;2;3;4\n"), "x;y;theta"),
    ("grasps.txt", text("a;b;c;d;e\n"), "x;y;theta"),
    ("grasps.txt", text("40;30;nan;9;9\n"), "NaN"),
    ("grasps.txt", text("40;30;0;-9;9\n"), "no area"),
    ("grasps.txt", text("40;30;4000;9;9\n"), "one turn"),
    ("grasps.txt", text("-40;30;0;9;9\n"), "outside"),
    ("grasps.txt", empty, "empty"),
    ("grasps.txt", text("40;30;0;9;9\n" * 10_001), "10001 rectangles"),
    ("grasps.txt", text("é", "latin-1"), "UTF-8"),
    ("RGB.png", cut, "cut off"),
    ("perfect_depth.tiff", bomb_tiff, "pixels"),
    ("perfect_depth.tiff", cut, "picture"),
    ("perfect_depth.tiff", leads_outside, "leads outside"),
]


@pytest.mark.parametrize(("ending", "damage", "reason"), JACQUARD)
def test_a_broken_jacquard_file_is_skipped(tmp_path, ending, damage, reason):
    folder = tmp_path / "in" / "j"
    for view in ("0_a", "0_b"):
        write_jacquard(folder, view, picture_with_bar(60, 60, 30, 40, 0.3), ["40;30;-17;16;8"])
    damage(folder / f"0_a_{ending}")
    report = jacquard.run(jacquard.JacquardImport(folder, tmp_path / "ours", pixels=30))
    assert report.imported == 1 and report.skipped_count == 1
    assert reason in report.skipped[0].reason


def _session(folder):
    write_session(folder, [np.zeros((30, 30))] * 3, [[1, k, 5, 6] for k in range(3)], [1, 1, 1])
    return folder


@pytest.mark.parametrize(
    ("name", "damage", "reason"),
    [
        ("data/depth-heightmaps/000001.0.depth.png", cut, "cut off"),
        ("data/depth-heightmaps/000001.0.depth.png", lambda path: bomb_png(path, 16, 0), "claims"),
        ("data/depth-heightmaps/000001.0.depth.png", picture((30, 30)), "uint8"),
        ("data/depth-heightmaps/000001.0.depth.png", picture((30, 31), np.uint16), "depth is"),
        ("data/color-heightmaps/000001.0.color.png", lambda path: path.unlink(), "missing"),
        ("transitions/executed-action.log.txt", text("1 0 5 6\n1 nan 5 6\n1 2 5 6\n"), "whole number"),
        ("transitions/executed-action.log.txt", text("1 0 5 6\n1 16 5 6\n1 2 5 6\n"), "rotation 16"),
        ("transitions/executed-action.log.txt", text("1 0 5 6\n7 1 5 6\n1 2 5 6\n"), "primitive 7"),
        ("transitions/reward-value.log.txt", text("1\n-0.3\n1\n"), "reward is -0.3"),
        ("transitions/reward-value.log.txt", text("1\nnan\n1\n"), "reward is nan"),
    ],
)
def test_a_broken_entry_of_a_session_is_skipped(tmp_path, name, damage, reason):
    damage(_session(tmp_path / "s") / name)
    report = pushing_grasping.run(pushing_grasping.PushingGraspingImport(tmp_path / "s", tmp_path / "ours"))
    assert report.imported == 2 and reason in report.skipped[0].reason


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("executed-action.log.txt", text("1 2 3\n")),
        ("executed-action.log.txt", text("é", "latin-1")),
        ("executed-action.log.txt", lambda path: path.unlink()),
        ("reward-value.log.txt", text("x")),
        ("reward-value.log.txt", leads_outside),
        ("clearance.log.txt", text("1 2")),
    ],
)
def test_a_session_with_a_broken_log_is_refused_as_a_whole(tmp_path, name, damage):
    damage(_session(tmp_path / "in" / "s") / "transitions" / name)
    with pytest.raises(UserError, match="no session of visual-pushing-grasping"):
        pushing_grasping.run(pushing_grasping.PushingGraspingImport(tmp_path / "in" / "s", tmp_path / "ours"))
    assert not (tmp_path / "ours").exists()


@pytest.mark.parametrize(
    ("name", "damage", "reason"),
    [
        ("depth/f001.npy", cut, "whole .npy"),
        ("depth/f001.npy", bomb_npy, str(MOST_PIXELS)),
        ("depth/f001.npy", array(np.nan, (60, 80)), "no measurement"),
        ("depth/f001.npy", array(0, (60, 80)), "no measurement"),
        ("depth/f001.npy", array(900, (60, 80)), "--depth-unit mm"),
        ("depth/f001.npy", array(1, (60, 81)), "give the intrinsics"),
        ("depth/f001.npy", array(5, (60, 80)), "--depth-scale"),
        ("depth/f001.npy", leads_outside, "leads outside"),
        ("color/f001.png", cut, "cut off"),
        ("color/f001.png", bomb_png, "claims"),
        ("color/f001.png", picture((30, 40, 3)), "colour must"),
    ],
)
def test_a_broken_frame_is_skipped(tmp_path, name, damage, reason):
    write_frames(tmp_path / "in" / "f", 3)
    damage(tmp_path / "in" / "f" / name)
    report = frames.run(frames.FramesImport(tmp_path / "in" / "f", tmp_path / "ours", pixels=20, workers=1))
    assert report.imported == 2 and reason in report.skipped[0].reason


@pytest.mark.parametrize("name", ["camera.json", "pose.txt"])
@pytest.mark.parametrize(
    "damage",
    [
        empty,
        text("{}"),
        text("1 2 3"),
        text("é", "latin-1"),
        text('{"a":' * 20_000),
        pipe,
        leads_to_itself,
        lambda path: path.unlink(),
        lambda path: (path.unlink(), path.mkdir()),
    ],
)
def test_frames_without_a_calibration_are_refused(tmp_path, name, damage, capsys):
    write_frames(tmp_path / "f", 2)
    damage(tmp_path / "f" / name)
    assert main(["dataset", "import", "frames", str(tmp_path / "f"), "--out", str(tmp_path / "ours")]) == 2
    assert name in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f"]
