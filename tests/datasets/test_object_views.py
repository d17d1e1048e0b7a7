"""Cornell's objects from several sides, its original point clouds, and sessions with graded rewards."""

import numpy as np
import pytest
from foreign_data import cornell_corners, picture_with_bar, write_cornell, write_session

from grasping_student.datasets.importers import cornell, pushing_grasping
from grasping_student.datasets.splits import split_by_episode
from grasping_student.datasets.store import Dataset
from grasping_student.geometry.grasp import Outcome
from grasping_student.pipeline.errors import UserError

CORNERS = cornell_corners(40, 30, 0.3, 16, 8)


@pytest.fixture
def pictures(tmp_path):
    """Ten pictures, numbers 100 to 109, in two folders."""
    for number in range(100, 110):
        height = picture_with_bar(60, 80, 30, 40, 0.3)
        write_cornell(tmp_path / "c" / f"0{1 + number // 106}", number, height, [CORNERS])
    return tmp_path / "c"


def imported(folder, out, **options):
    report = cornell.run(cornell.CornellImport(folder, out, pixels=30, **options))
    attempts = Dataset(out).attempts()
    return {int(each.extra["imported_from"][3:7]): each.episode for each in attempts}, report


def test_four_pictures_in_a_row_are_views_of_one_object_and_the_report_says_so(pictures, tmp_path):
    (pictures / "01" / "pcd0102r.png").unlink()  # a missing picture shifts no other
    episodes, report = imported(pictures, tmp_path / "ours")
    assert episodes == {100: 0, 101: 0, 103: 0, 104: 1, 105: 1, 106: 1, 107: 1, 108: 2, 109: 2}
    assert "--views-per-object" in report.lines()[1]


def test_the_list_of_the_archive_tells_the_objects(pictures, tmp_path):
    lines = [f"{number:04d} {'cup' if number < 103 else 'pan'} 5.0" for number in range(100, 108)]
    (pictures / "z.txt").write_text("\n".join(["image object background", *lines]))
    episodes, report = imported(pictures, tmp_path / "ours")
    assert [episodes[number] for number in range(100, 110)] == [0] * 3 + [1] * 5 + [2, 3]
    assert not report.notes


@pytest.mark.parametrize("views", [1, 2, 3, 5])
def test_no_split_shows_an_object_on_both_sides(pictures, tmp_path, views):
    episodes, report = imported(pictures, tmp_path / "ours", views_per_object=views)
    assert bool(report.notes) == (views > 1)
    for seed in range(5):
        split = split_by_episode(Dataset(tmp_path / "ours"), 0.3, seed)
        held_out = {(number - 100) // views for number, episode in episodes.items() if episode in split.held_out}
        learnt = {(number - 100) // views for number, episode in episodes.items() if episode in split.train}
        assert not held_out & learnt


def write_cloud(folder, number, share, random):
    """The original download's cloud in place of the TIFF: points of some pixels, millimetres."""
    import cv2

    path = folder / f"pcd{number:04d}d.tiff"
    depth = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    path.unlink()
    pixels = np.flatnonzero((depth.ravel() > 0) & (random.random(depth.size) < share))
    # any direction will do: only the distance counts
    direction = random.normal(size=(len(pixels), 3))
    points = 1000 * depth.ravel()[pixels, None] * direction / np.linalg.norm(direction, axis=1, keepdims=True)
    rows = [f"{x:.3f} {y:.3f} {z:.3f} 2e-38 {pixel}" for (x, y, z), pixel in zip(points, pixels, strict=True)]
    head = ["# .PCD v.7 - Point Cloud Data file format", "FIELDS x y z rgb index", "SIZE 4 4 4 4 4", "TYPE F F F F U"]
    head += ["COUNT 1 1 1 1 1", f"WIDTH {len(pixels)}", "HEIGHT 1", f"POINTS {len(pixels)}", "DATA ascii"]
    (folder / f"pcd{number:04d}.txt").write_text("\n".join([*head, *rows]) + "\n")


def test_the_original_point_clouds_give_the_same_heights_as_the_pictures(pictures, tmp_path):
    imported(pictures, tmp_path / "pictures")
    random = np.random.default_rng(0)
    for number, share in ((100, 1.0), (101, 0.1)):
        write_cloud(pictures / "01", number, share, random)
    _, report = imported(pictures, tmp_path / "clouds")
    assert not report.skipped
    ours, theirs = Dataset(tmp_path / "clouds"), Dataset(tmp_path / "pictures")
    np.testing.assert_allclose(ours.heightmap(0).height, theirs.heightmap(0).height, atol=1e-4)
    # one point in ten: between them stands the nearest, so edges move by a few pixels
    difference = np.abs(ours.heightmap(1).height - theirs.heightmap(1).height)
    assert np.nanmedian(difference) < 0.002 and np.isfinite(difference).mean() > 0.9


HEAD = """# .PCD v.7
FIELDS x y z rgb index
SIZE 4 4 4 4 4
TYPE F F F F U
COUNT 1 1 1 1 1
WIDTH 1
HEIGHT 1
POINTS 1
DATA ascii
"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no PCD file"),
        ("FIELDS x y z\nDATA ascii\n1 2 3\n", "no PCD file"),
        (HEAD.replace(" index", ""), "PCD"),
        (HEAD + "1 2 3 4\n", "numbers"),
        (HEAD + "1 2 three 4 5\n", "numbers"),
        (HEAD + "1 2 3 4 4800\n", "no pixel"),
        (HEAD + "1 2 3 4 -1\n", "no pixel"),
        (HEAD + "1 2 3 4 0.5\n", "no pixel"),
        (HEAD + "1 2 3 4 nan\n", "no pixel"),
        (HEAD + "1e308 1e308 1e308 4 5\n", "measured"),
        (HEAD, "measured"),
    ],
)
def test_a_broken_point_cloud_is_skipped(pictures, tmp_path, text, reason):
    (pictures / "01" / "pcd0100d.tiff").unlink()
    (pictures / "01" / "pcd0100.txt").write_text(text)
    episodes, report = imported(pictures, tmp_path / "ours")
    assert len(episodes) == 9 and reason in report.skipped[0].reason


@pytest.mark.parametrize("text", ["1e308 1\n2 1\n2 2\n1 2\n", "1e30 1e30\n2e30 1e30\n2e30 2e30\n1e30 2e30\n"])
def test_corners_beyond_all_bounds_are_skipped(pictures, tmp_path, text):
    (pictures / "01" / "pcd0100cpos.txt").write_text(text)
    assert "far outside" in imported(pictures, tmp_path / "ours")[1].skipped[0].reason


def test_a_negative_number_of_views_is_refused(pictures, tmp_path):
    with pytest.raises(ValueError, match="views_per_object"):
        cornell.CornellImport(pictures, tmp_path, views_per_object=-1)


def test_graded_rewards_count_as_successes_and_the_report_says_so(tmp_path):
    actions = [[1, 0, 5, 6], [2, 0, 5, 6], [1, 2, 5, 6], [1, 3, 5, 6], [0, 0, 5, 6]]
    write_session(tmp_path / "s", [np.zeros((12, 12))] * 5, actions, [0.75, 1.25, 0, 2.5, 0.5])
    report = pushing_grasping.run(pushing_grasping.PushingGraspingImport(tmp_path / "s", tmp_path / "ours"))
    outcomes = [attempt.outcome for attempt in Dataset(tmp_path / "ours").attempts()]
    assert outcomes == [Outcome.SUCCESS, Outcome.MISSED, Outcome.SUCCESS]
    assert "2 grasps have graded rewards" in report.notes[0]
    assert [entry.reason for entry in report.skipped] == ["a placement, no grasp", "a push, no grasp"]


@pytest.mark.parametrize("reward", [-1, 1e9, np.inf])
def test_impossible_rewards_are_skipped(tmp_path, reward):
    write_session(tmp_path / "s", [np.zeros((12, 12))] * 2, [[1, 0, 5, 6]] * 2, [reward, 1])
    report = pushing_grasping.run(pushing_grasping.PushingGraspingImport(tmp_path / "s", tmp_path / "ours"))
    assert report.imported == 1 and "reward" in report.skipped[0].reason


def test_graded_rewards_of_a_reactive_session_are_refused(tmp_path):
    write_session(tmp_path / "s", [np.zeros((12, 12))], [[1, 0, 5, 6]], [0.5])
    options = pushing_grasping.PushingGraspingImport(tmp_path / "s", tmp_path / "ours", method="reactive")
    with pytest.raises(UserError, match=r"reward is 0\.5"):
        pushing_grasping.run(options)
