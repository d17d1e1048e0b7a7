"""Every usual mistake in a frame is named; a right frame of any camera is not."""

from dataclasses import replace

import numpy as np
import pytest
from tests.fakes.bins import TABLE, BinScene

from grasping_student.geometry.workspace import light_workspace
from grasping_student.perception.depth_files import ray_lengths
from grasping_student.perception.frame_checks import check_frame
from grasping_student.perception.heightmap_repair import HeightmapRepairConfig, observe_frame
from grasping_student.pipeline.errors import UserError

WORKSPACE = light_workspace()
FLIP = np.diag([1.0, -1.0, -1.0, 1.0])
LINK = np.array([[0.0, 0.0, 1.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])


def scene(seed=0, count=5):
    random = np.random.default_rng(seed)
    x, y = TABLE.xy_from_pixel(*np.mgrid[: TABLE.pixels, : TABLE.pixels])
    height = np.zeros(TABLE.shape)
    for _ in range(count):
        cx, cy = random.uniform(-0.13, 0.13, 2)
        inside = (np.abs(x - cx) < random.uniform(0.01, 0.03)) & (np.abs(y - cy) < random.uniform(0.01, 0.03))
        height = np.where(inside, random.uniform(0.02, 0.05), height)
    return BinScene(height, height < 0, height > 0)


def frame_of(tilt=0.06, seed=0, count=5):
    return scene(seed, count).frame(camera_height=0.75, tilt=tilt, seed=seed)


@pytest.mark.parametrize("tilt", [0.0, 0.03, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_right_frame_passes(tilt, seed):
    check_frame(frame_of(tilt, seed), WORKSPACE)


def transposed(pose):
    turned = pose.copy()
    turned[:3, :3] = pose[:3, :3].T
    return turned


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.linalg.inv, "world_to_camera"),
        (transposed, "rotation transposed"),
        (lambda pose: pose @ FLIP, "OpenGL"),
        (lambda pose: pose @ np.linalg.inv(LINK), "camera_link"),
        (lambda pose: FLIP @ pose, "z axis points down"),
    ],
)
@pytest.mark.parametrize("tilt", [0.04, 0.3])
def test_a_wrong_pose_is_named(given, words, tilt):
    frame = frame_of(tilt)
    with pytest.raises(UserError, match=words):
        check_frame(replace(frame, camera_to_world=given(frame.camera_to_world)), WORKSPACE)


@pytest.mark.parametrize(
    ("factor", "words"), [(4.0, "--depth-scale 0.00025"), (10.0, "--depth-scale 0.0001"), (5.0, "--depth-scale 0.0002")]
)
def test_another_scale_is_named(factor, words):
    frame = frame_of()
    with pytest.raises(UserError, match=words):
        check_frame(replace(frame, depth=frame.depth * np.float32(factor)), WORKSPACE)


def test_distances_along_the_ray_are_named():
    frame = frame_of()
    ranges = (frame.depth * ray_lengths(frame.intrinsics)).astype(np.float32)
    with pytest.raises(UserError, match="--depth-is-range"):
        check_frame(replace(frame, depth=ranges), WORKSPACE)


def raised(frame, metres):
    pose = frame.camera_to_world.copy()
    pose[2, 3] += metres
    return replace(frame, camera_to_world=pose)


@pytest.mark.parametrize("metres", [0.03, 0.05, 0.08, -0.04, -0.08])
@pytest.mark.parametrize("count", [0, 3])
def test_a_floor_at_another_height_is_refused_and_levelled_when_asked(metres, count):
    frame = raised(frame_of(count=count), metres)
    with pytest.raises(UserError, match=r"level surface at|no floor at height 0"):
        observe_frame(frame, WORKSPACE)
    observation = observe_frame(frame, WORKSPACE, HeightmapRepairConfig(any_floor=True))
    assert abs(observation.floor.offset - metres) < 0.002
    assert (observation.heightmap.height > 0.0).any() == (count > 0)


@pytest.mark.parametrize("bulge", [0.005, 0.008, -0.006])
def test_a_table_that_a_camera_sees_bulge_is_flat_again(bulge):
    surface = scene(3)
    x, y = TABLE.xy_from_pixel(*np.mgrid[: TABLE.pixels, : TABLE.pixels])
    bent = BinScene(
        surface.height + max(bulge, 0.0) - bulge * np.minimum((x**2 + y**2) / 0.32**2, 1.0), surface.wall, surface.items
    )
    observation = observe_frame(bent.frame(camera_height=0.75, tilt=0.06), WORKSPACE)
    assert "floor-curved" in {note.code for note in observation.notes}
    straight = observe_frame(surface.frame(camera_height=0.75, tilt=0.06), WORKSPACE)
    assert np.abs(observation.heightmap.height - straight.heightmap.height).mean() < 0.001
    assert ((observation.heightmap.height > 0.0) == (straight.heightmap.height > 0.0)).mean() > 0.98
