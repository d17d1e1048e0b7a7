"""Cornell's and IVALab's pictures from the side: a box on a table comes out where it stands, with its rectangle."""

import math

import cv2
import numpy as np
import pytest

from grasping_student.datasets.importers import cornell, ivalab
from grasping_student.datasets.store import Dataset
from grasping_student.geometry.grasp import Outcome, angle_distance
from grasping_student.perception.frame import Intrinsics
from grasping_student.pipeline.errors import UserError

CAMERA = Intrinsics(525.0, 525.0, 319.5, 239.5, 640, 480)
HALF = np.array([0.05, 0.02, 0.02])
"""Half the sides of the box, metres."""


def camera_over_table(tilt, height=0.75):
    """camera_to_world of a camera that looks at the origin from the side of negative y, nodding by some degrees."""
    nod = math.radians(tilt)
    forward = np.array([0.0, math.sin(nod), -math.cos(nod)])
    pose = np.eye(4)
    pose[:3, :3] = np.column_stack([[1.0, 0.0, 0.0], np.cross(forward, [1.0, 0.0, 0.0]), forward])
    pose[:3, 3] = -forward * height / math.cos(nod)
    return pose


def points_of_box(pose, centre, turn):
    """Camera-frame points of all pixels, metres (480, 640, 3), of a table with a box that is turned about z."""
    rows, cols = np.indices(CAMERA.shape)
    rays = np.stack([(cols - CAMERA.cx) / CAMERA.fx, (rows - CAMERA.cy) / CAMERA.fy, np.ones(CAMERA.shape)], -1)
    world = rays @ pose[:3, :3].T
    depth = -pose[2, 3] / world[..., 2]
    to_box = np.array([[math.cos(turn), math.sin(turn), 0], [-math.sin(turn), math.cos(turn), 0], [0, 0, 1.0]])
    start, along = to_box @ (pose[:3, 3] - np.array([*centre, HALF[2]])), world @ to_box.T
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = (-HALF - start) / along, (HALF - start) / along
    enter, leave = np.minimum(one, two).max(-1), np.maximum(one, two).min(-1)
    depth = np.where((enter < leave) & (enter > 0), np.minimum(depth, enter), depth)
    return rays * depth[..., None]


def rectangle_over_box(pose, centre, turn, opening=0.06, jaw=0.03):
    """Corners in the picture of a rectangle that closes over the box's short side, at the height of its top."""
    across = np.array([-math.sin(turn), math.cos(turn), 0.0]) * opening / 2
    along = np.array([math.cos(turn), math.sin(turn), 0.0]) * jaw / 2
    middle = np.array([*centre, 2 * HALF[2]])
    corners = [middle - across - along, middle + across - along, middle + across + along, middle - across + along]
    camera = (np.array(corners) - pose[:3, 3]) @ pose[:3, :3]
    return camera[:, :2] / camera[:, 2:] * CAMERA.fx + (CAMERA.cx, CAMERA.cy)


def write_corners(path, *rectangles):
    path.write_text("".join(f"{x:.4f} {y:.4f}\n" for corners in rectangles for x, y in corners))


def write_scene(layout, folder, number, pose, centre, turn, base=(0.0, 0.0, 0.0), more=()):
    """One picture in a layout's own files; Cornell's distances are measured from a base in the camera's frame."""
    folder.mkdir(exist_ok=True)
    points = points_of_box(pose, centre, turn)
    rgb = np.full((*CAMERA.shape, 3), 90, np.uint8)
    corners = rectangle_over_box(pose, centre, turn)
    if layout == "cornell":
        cv2.imwrite(str(folder / f"pcd{number:04d}r.png"), rgb)
        distance = np.linalg.norm(points - np.array(base), axis=-1).astype(np.float32)
        cv2.imwrite(str(folder / f"pcd{number:04d}d.tiff"), distance)
        write_corners(folder / f"pcd{number:04d}cpos.txt", corners, *more)
    else:
        for kind in ("rgb", "depth", "annotations"):
            (folder / kind).mkdir(exist_ok=True)
        cv2.imwrite(str(folder / f"rgb/rgb_{number:04d}.jpg"), rgb)
        depth = np.round(points[..., 2] * 1000).astype(np.uint16)
        depth[100:110, 100:200] = 0
        cv2.imwrite(str(folder / f"depth/depth_{number:04d}.png"), depth)
        write_corners(folder / f"annotations/rgb_{number:04d}_annotations.txt", corners, *more)


def run(layout, folder, out, **options):
    module, config = {"cornell": (cornell, cornell.CornellImport), "ivalab": (ivalab, ivalab.IvalabImport)}[layout]
    return module.run(config(folder, out, **options))


@pytest.mark.parametrize(
    ("layout", "tilt", "base"),
    [
        ("ivalab", 0.0, None),
        ("ivalab", 23.0, None),
        ("ivalab", 45.0, None),
        ("cornell", 23.0, (0.0, 0.0, 0.0)),
        ("cornell", 37.0, (-0.2, 0.8, 0.15)),
        ("cornell", 37.0, (0.3, 0.6, -0.2)),
    ],
)
@pytest.mark.parametrize("turn", [0.0, 0.6, 2.2])
def test_a_box_comes_out_where_it_stands_with_its_rectangle(tmp_path, layout, tilt, base, turn):
    pose, centre = camera_over_table(tilt), np.array([0.06, -0.03])
    outside = rectangle_over_box(pose, (0.5, 0.0), 0.0)
    write_scene(layout, tmp_path / "in", 100, pose, centre, turn, base, more=[np.full((4, 2), np.nan), outside])
    report = run(layout, tmp_path / "in", tmp_path / "ours")
    assert report.imported == 1
    assert sorted(entry.reason for entry in report.skipped) == [
        "a corner is NaN",
        "the rectangle's centre lies outside the heightmap",
    ]
    dataset = Dataset(tmp_path / "ours")
    (attempt,) = dataset.attempts()
    assert attempt.outcome is Outcome.SUCCESS and attempt.source == "human"
    assert np.abs(np.subtract(attempt.grasp.xy(dataset.workspace), centre)).max() < 0.006
    assert angle_distance(attempt.grasp.angle, turn + math.pi / 2) < math.radians(2)
    assert attempt.extra["opening_m"] == pytest.approx(0.06, rel=0.04)
    assert attempt.extra["jaw_m"] == pytest.approx(0.03, rel=0.04)
    heightmap = dataset.heightmap(attempt.id)
    assert heightmap.height[attempt.grasp.row, attempt.grasp.col] == pytest.approx(2 * HALF[2], abs=0.003)
    rows, cols = np.indices(heightmap.height.shape)
    x, y = heightmap.workspace.xy_from_pixel(rows, cols)
    far = np.hypot(x - centre[0], y - centre[1]) > 0.12
    assert np.nanmax(np.abs(heightmap.height[far])) < 0.004


def test_scenes_of_the_same_objects_become_one_episode(tmp_path):
    pose = camera_over_table(23.0)
    for number in (0, 7, 8, 15, 16):
        write_scene("ivalab", tmp_path / "in", number, pose, (0.0, 0.0), 0.1 * number)
    run("ivalab", tmp_path / "in", tmp_path / "ours")
    assert [attempt.episode for attempt in Dataset(tmp_path / "ours").attempts()] == [0, 0, 1, 1, 2]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda folder: (folder / "depth/depth_0003.png").unlink(), "missing"),
        (lambda folder: cv2.imwrite(str(folder / "depth/depth_0003.png"), np.ones((48, 64), np.uint16)), "depth is"),
        (lambda folder: cv2.imwrite(str(folder / "depth/depth_0003.png"), np.zeros((480, 640), np.uint16)), "measured"),
        (lambda folder: (folder / "annotations/rgb_0003_annotations.txt").write_text("1 2\n3 4\n"), "cut off"),
    ],
)
def test_a_broken_scene_is_left_out_and_the_rest_taken(tmp_path, damage, reason):
    for number in (3, 4):
        write_scene("ivalab", tmp_path / "in", number, camera_over_table(23.0), (0.0, 0.0), 0.3)
    damage(tmp_path / "in")
    report = run("ivalab", tmp_path / "in", tmp_path / "ours")
    assert report.imported == 1 and report.skipped[0].name == "scene 0003" and reason in report.skipped[0].reason


def test_distances_that_make_no_table_flat_are_refused(tmp_path):
    pose = camera_over_table(30.0)
    write_scene("cornell", tmp_path / "in", 100, pose, (0.0, 0.0), 0.0)
    path = tmp_path / "in" / "pcd0100d.tiff"
    distance = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    rows, cols = np.indices(distance.shape)
    cv2.imwrite(str(path), distance + (0.03 * np.sin(rows / 15) * np.cos(cols / 15)).astype(np.float32))
    with pytest.raises(UserError, match="not flat within"):
        run("cornell", tmp_path / "in", tmp_path / "ours")
