"""Each layout is written by a literal fixture in its own convention, read, and checked against the convention."""

import math

import cv2
import numpy as np
import pytest
from foreign_data import (
    RANDOM,
    bar_scene,
    picture_with_bar,
    random_rgb,
    tilted_depth,
    write_authors,
    write_frames,
    write_jacquard,
    write_session,
)
from scipy import ndimage

from grasping_student.cli.main import main
from grasping_student.datasets.importers import authors, frames, jacquard, pushing_grasping
from grasping_student.datasets.importers.rectangles import SquareCrop, height_above_table
from grasping_student.datasets.integrity import check_dataset
from grasping_student.datasets.store import Dataset
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.heightmap_repair import repair_heightmap
from grasping_student.pipeline.files import read_json


def grips_short_side(height, grasp, reach=5):
    """Whether both finger tips stand on the table and the pixel between them on the bar."""
    right, up = math.cos(grasp.angle), math.sin(grasp.angle)
    tips = [height[round(grasp.row - s * reach * up), round(grasp.col + s * reach * right)] for s in (-1, 1)]
    return height[grasp.row, grasp.col] > 0.02 and max(tips) < 0.005


# --- the authors' layout ---


def their_overlay(row, col, angle_index, num_rotations, pixels, spacing=20):
    """The two finger marks as the authors' labelling tool draws them: left and right, turned about the pixel."""
    overlay = np.zeros((pixels, pixels), np.float32)
    for mark in (col - spacing // 2, col + spacing // 2):
        overlay[row - 2 : row + 3, mark - 1 : mark + 2] = 1.0
    turn = cv2.getRotationMatrix2D((col, row), angle_index / num_rotations * 180.0, 1.0)
    return cv2.warpAffine(overlay, turn, overlay.shape, flags=cv2.INTER_LINEAR)


@pytest.mark.parametrize("angle_index", [0, 5, 16, 21, 40, 63])
def test_the_authors_finger_marks_are_where_our_grasp_has_its_finger_tips(angle_index):
    description = {
        "grasping_index": {"row": 40, "col": 60, "angle_index": angle_index},
        "num_rotations": 64,
        "successful": True,
    }
    grasp, outcome = authors.read_description(description)
    assert outcome is Outcome.SUCCESS
    overlay = their_overlay(40, 60, angle_index, 64, 100)
    for side in (-10, 10):
        row = round(grasp.row - side * math.sin(grasp.angle))
        col = round(grasp.col + side * math.cos(grasp.angle))
        assert overlay[row, col] > 0.9
    assert authors.describe(grasp, outcome) == description


def test_the_authors_bins_of_any_number_become_the_same_angle():
    for count in (8, 16, 64):
        for index in range(count + 1):
            values = {
                "grasping_index": {"row": 1, "col": 2, "angle_index": float(index)},
                "num_rotations": count,
                "successful": False,
            }
            grasp, outcome = authors.read_description(values)
            assert grasp == PlanarGrasp(1, 2, index * (64 // count) * math.pi / 64)
            assert outcome is Outcome.MISSED


def test_a_folder_of_the_authors_is_imported(tmp_path, capsys):
    folder, pixels = tmp_path / "theirs", 60
    grasps = [PlanarGrasp(30, 25, index * math.pi / 64) for index in (0, 9, 33, 50)]
    dates = ["01-03-2023_12-00-00", "01-03-2023_12-00-30", "01-03-2023_12-30-00", "02-03-2023_12-00-00"]
    for date, grasp in zip(dates, grasps, strict=True):
        description = authors.describe(grasp, Outcome.SUCCESS)
        write_authors(folder, date, bar_scene(pixels, grasp), random_rgb(pixels), description)
    write_authors(
        folder,
        "03-03-2023_12-00-00",
        bar_scene(pixels, grasps[0]).astype(float),
        random_rgb(pixels),
        {"grasping_index": None, "successful": None},
    )
    assert main(["dataset", "import", "authors", str(folder), "--out", str(tmp_path / "ours")]) == 0
    assert "imported 5 entries (4 labelled, 1 scenes)" in capsys.readouterr().out
    dataset = Dataset(tmp_path / "ours")
    assert dataset.workspace == Workspace(0.45, 60, 0.06)
    attempts = dataset.attempts()
    assert [attempt.grasp for attempt in attempts[:4]] == grasps
    assert [(attempt.episode, attempt.index) for attempt in attempts] == [(0, 0), (0, 1), (1, 0), (2, 0), (3, 0)]
    for attempt in attempts[:4]:
        height = dataset.heightmap(attempt.id).height
        assert grips_short_side(height, attempt.grasp)
        assert not grips_short_side(height, PlanarGrasp(30, 25, attempt.grasp.angle + math.pi / 2))
    assert attempts[4].grasp is None and attempts[0].source == "human"
    assert not check_dataset(tmp_path / "ours").damaged


# --- Jacquard ---


@pytest.mark.parametrize("degrees", [0, 30, 90, 140])
def test_jacquard_angles_grow_clockwise_in_the_picture(tmp_path, degrees):
    height = picture_with_bar(80, 80, 40, 44, math.radians(degrees))
    for view in ("0_cup", "1_cup"):
        write_jacquard(tmp_path / "j" / "cup", view, height, [f"44.0;40.0;{-degrees}.0;16.0;8.0", "nan;1;1;1;1", "1;2"])
    write_jacquard(tmp_path / "j" / "pan", "0_pan", height, [f"44.0;40.0;{-degrees};16.0;8.0"] * 40)
    report = jacquard.run(jacquard.JacquardImport(tmp_path / "j", tmp_path / "ours", pixels=80))
    dataset = Dataset(tmp_path / "ours")
    attempts = dataset.attempts()
    assert report.skipped_count == 4
    assert [(attempt.episode, attempt.index) for attempt in attempts] == [(0, 0), (0, 1)] + [(1, k) for k in range(10)]
    for attempt in attempts[:3]:
        assert grips_short_side(dataset.heightmap(attempt.id).height, attempt.grasp)


def test_the_square_of_a_picture_scales_with_its_grasps():
    crop = SquareCrop(480, 640, Workspace(0.45, 240, 0.0))
    from grasping_student.datasets.importers.rectangles import Rectangle

    for row, col in ((0, 80), (479, 559), (240, 320), (33, 410)):
        grasp = crop.grasp(Rectangle(col, row, 0.3, 10, 5))
        assert (grasp.row, grasp.col) == (row // 2, (col - 80) // 2)


def test_the_table_is_found_under_clutter():
    height = np.zeros((120, 120), np.float32)
    for _ in range(12):
        row, col = RANDOM.integers(0, 105, 2)
        height[row : row + 15, col : col + 15] = RANDOM.uniform(0.02, 0.08)
    found = height_above_table(tilted_depth(height))
    assert np.abs(found - height).max() < 0.004


# --- visual-pushing-grasping ---


@pytest.mark.parametrize("rotation", [0, 1, 3, 4, 7, 9, 14])
def test_pushing_grasping_rotations_turn_about_the_robots_z(tmp_path, rotation):
    # their heuristic turns the picture by the rotation and asks for table left and right of the pixel
    flat = np.zeros((81, 81), np.float32)
    flat[25:56, 37:44] = 0.03
    height = ndimage.rotate(flat, -rotation * 360.0 / 16, reshape=False, order=0)
    turned = ndimage.rotate(height, rotation * 360.0 / 16, reshape=False, order=0)
    assert turned[40, 40] > 0.02 and turned[40, 32] < 0.005 and turned[40, 48] < 0.005
    write_session(tmp_path / "s", [height], [[1, rotation, 40, 40]], [1])
    pushing_grasping.run(pushing_grasping.PushingGraspingImport(tmp_path / "s", tmp_path / "ours"))
    dataset = Dataset(tmp_path / "ours")
    attempt, kept = dataset.attempt(0), dataset.heightmap(0).height
    assert grips_short_side(kept, attempt.grasp, reach=8)
    assert not grips_short_side(kept, PlanarGrasp(40, 40, attempt.grasp.angle + math.pi / 2), reach=8)
    # the pixel at their row has the world point of ours: y of the robot grows with their rows
    high = np.argwhere(height > 0.02)
    np.testing.assert_array_equal(np.argwhere(kept[::-1] > 0.02), high)


def test_a_pushing_grasping_session_is_imported(tmp_path):
    heights = [bar_scene(50, PlanarGrasp(20, 20 + k, 0.3)) for k in range(6)]
    actions = [[1, 2, 10, 20], [0, 3, 1, 1], [1, 2, 10, 20], [1, 17, 1, 1], [1, 0, 50, 0], [1, 0, 3, 4]]
    write_session(tmp_path / "s", heights, actions, [1, 0.5, 0, 0, 0], clearance=[2])
    config = pushing_grasping.PushingGraspingImport(tmp_path / "s", tmp_path / "ours")
    report = pushing_grasping.run(config)
    attempts = Dataset(tmp_path / "ours").attempts()
    assert [attempt.outcome for attempt in attempts] == [Outcome.SUCCESS, Outcome.MISSED]
    assert [(attempt.episode, attempt.index) for attempt in attempts] == [(0, 0), (1, 0)]
    assert attempts[0].grasp == PlanarGrasp(39, 20, math.pi / 4) and attempts[0].source == "policy"
    reasons = [entry.reason for entry in report.skipped]
    assert len(reasons) == 4 and "push" in reasons[0] and "rotation 17" in reasons[1] and "outside" in reasons[2]
    assert "no reward" in reasons[3]
    assert read_json(tmp_path / "ours" / "import.json")["skipped"] == 4
    reactive = pushing_grasping.PushingGraspingImport(tmp_path / "s", tmp_path / "reactive", method="reactive")
    pushing_grasping.run(reactive)
    assert [each.success for each in Dataset(tmp_path / "reactive").attempts()] == [False, True]


# --- frames ---


@pytest.mark.parametrize(("suffix", "unit", "color"), [("npy", "m", True), ("npy", "mm", False), ("png", "mm", True)])
def test_frames_become_scenes(tmp_path, suffix, unit, color):
    write_frames(tmp_path / "f", 4, unit, color, suffix)
    config = frames.FramesImport(
        tmp_path / "f", tmp_path / "ours", depth_unit=unit, pixels=30, frames_per_episode=2, workers=1
    )
    report = frames.run(config)
    assert report.imported == 4 and report.labelled == 0
    dataset = Dataset(tmp_path / "ours")
    attempts = dataset.attempts(labelled=False)
    assert [(attempt.episode, attempt.index) for attempt in attempts] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    # 0.05 m above the table, 0.95 m from the camera: pixel (23, 44) is x = 0.038, y = 0.0665 m
    row, col = dataset.workspace.pixel_from_xy(0.038, 0.0665)
    kept = dataset.heightmap(0)
    assert kept.height[row, col] == pytest.approx(0.05, abs=1e-3)
    assert np.nanmedian(kept.height) == pytest.approx(0.0, abs=1e-3)
    assert dataset.heightmap(3).rgb[row, col, 0] == (30 if color else 0) or not color


def test_frames_are_mended_as_predict_mends_them_if_asked(tmp_path):
    write_frames(tmp_path / "f", 1)
    depth = np.load(tmp_path / "f/depth/f000.npy")
    depth[40:44, 30:34] = np.nan
    np.save(tmp_path / "f/depth/f000.npy", depth)
    for name, repair in (("raw", False), ("mended", True)):
        frames.run(frames.FramesImport(tmp_path / "f", tmp_path / name, pixels=30, repair=repair, workers=1))
    raw, mended = (Dataset(tmp_path / name).heightmap(0) for name in ("raw", "mended"))
    assert raw.unmeasured.any() and not mended.unmeasured.any()
    np.testing.assert_allclose(mended.height, repair_heightmap(raw).heightmap.height, atol=1e-4)


def test_colour_of_twice_the_size_is_averaged_down(tmp_path):
    write_frames(tmp_path / "f", 1)
    large = np.zeros((120, 160, 3), np.uint8)
    large[::2, ::2] = 200
    cv2.imwrite(str(tmp_path / "f" / "color" / "f000.png"), large)
    frames.run(frames.FramesImport(tmp_path / "f", tmp_path / "ours", pixels=30, workers=1))
    kept = Dataset(tmp_path / "ours").heightmap(0)
    assert set(np.unique(kept.rgb[~kept.unmeasured])) == {50}


def test_frames_do_not_depend_on_the_number_of_workers(tmp_path):
    write_frames(tmp_path / "f", 5)
    for workers in (1, 2):
        frames.run(frames.FramesImport(tmp_path / "f", tmp_path / f"w{workers}", pixels=30, workers=workers))
    assert Dataset(tmp_path / "w1").version == Dataset(tmp_path / "w2").version


def test_the_overview_of_layouts(capsys):
    assert main(["dataset", "import", "--help"]) == 0
    assert "pushing-grasping" in capsys.readouterr().out
    assert main(["dataset", "import"]) == 2
    assert main(["dataset", "import", "cornel", "x", "--out", "y"]) == 2
    assert "did you mean 'cornell'" in capsys.readouterr().err
