"""The stereo camera: laws of its geometry, and what light does to it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.geometry.workspace import light_workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.simulation.blocks import Block
from grasping_student.simulation.families import sparse, standard
from grasping_student.simulation.materials import Material
from grasping_student.simulation.pinhole import project
from grasping_student.simulation.rasteriser import NOTHING
from grasping_student.simulation.rendering import StillScene
from grasping_student.simulation.sensor_config import StereoConfig
from grasping_student.simulation.sensors import StereoSensor, make_sensor
from grasping_student.simulation.stereo import StereoCamera

WORKSPACE = light_workspace()


def upright(shape, size, x=0.0, y=0.0, material=None):
    """A block that stands on the table, and its pose."""
    block = Block(shape, size, (200, 80, 40), material or Material())
    return block, (x, y, size[2] / 2, 0.0, 0.0, 0.0, 1.0)


def scene_of(*placed):
    """A scene of blocks and their poses."""
    blocks, poses = zip(*placed, strict=True) if placed else ((), ())
    return StillScene(blocks, np.array(poses, dtype=np.float64).reshape(-1, 7), WORKSPACE)


def capture(scene, seed=0, **options):
    return StereoCamera(StereoConfig(**options), WORKSPACE).capture(scene, np.random.default_rng(seed))


def observe(scene, seed=0):
    sensor = make_sensor(replace(standard(), sensor="stereo"))
    return sensor.observe(scene, np.random.default_rng(seed))


def test_a_bare_table_comes_back_flat_and_whole():
    frame = capture(scene_of()).frame
    assert frame.measured.mean() > 0.99
    off = frame.depth[frame.measured] - 0.65
    assert abs(np.median(off)) < 0.001
    assert np.percentile(np.abs(off), 99) < 0.006
    seen = observe(scene_of()).heightmap
    assert seen.is_empty()


@pytest.mark.parametrize("distance", [0.55, 0.65, 0.8])
def test_the_disparity_of_a_plane_is_focal_length_times_baseline_over_distance(distance):
    shot = capture(scene_of(), distance=distance)
    assert np.nanmedian(shot.disparity) == pytest.approx(665.0 * 0.055 / distance, abs=0.1)


def literal_depth(triangles, intrinsics, camera_to_world):
    """Nearest triangle along each pixel's ray, by solving for the crossing one pixel at a time."""
    depth = np.full(intrinsics.shape, np.inf)
    seen = np.full(intrinsics.shape, NOTHING)
    start = camera_to_world[:3, 3]
    for row, col in np.ndindex(depth.shape):
        ray = np.array([(col - intrinsics.cx) / intrinsics.fx, (row - intrinsics.cy) / intrinsics.fy, 1.0])
        ray = camera_to_world[:3, :3] @ ray
        if ray[2] < 0.0:
            depth[row, col] = -start[2] / ray[2]
        for index, (a, b, c) in enumerate(triangles):
            normal = np.cross(b - a, c - a)
            if normal @ ray >= 0.0:
                continue
            far = normal @ (a - start) / (normal @ ray)
            point = start + far * ray
            inside = all(np.cross(q - p, point - p) @ normal >= -1e-12 for p, q in ((a, b), (b, c), (c, a)))
            if inside and 0.0 < far < depth[row, col]:
                depth[row, col], seen[row, col] = far, index
    return depth, seen


@pytest.mark.parametrize("seed", range(4))
def test_the_rasteriser_agrees_with_a_slow_ray_caster(seed):
    from grasping_student.cameras.simulated import looking_down
    from grasping_student.perception.frame import Intrinsics

    random = np.random.default_rng(seed)
    triangles = random.uniform([-0.2, -0.2, 0.0], [0.2, 0.2, 0.15], size=(12, 3, 3))
    lens, pose = Intrinsics(30.0, 31.0, 11.3, 8.8, 24, 19), looking_down(0.6, random.uniform(-0.5, 0.5))
    depth, seen = project(triangles, lens, pose)
    expected, nearest = literal_depth(triangles, lens, pose)
    np.testing.assert_allclose(depth, expected, rtol=1e-5)
    np.testing.assert_array_equal(seen, nearest)


def test_a_box_has_its_height_and_its_edges_are_less_than_a_window_off():
    scene = scene_of(upright("cuboid", (0.10, 0.08, 0.05)))
    seen, true = observe(scene).heightmap.height, scene.picture.heightmap.height
    inside = true > 0.04
    assert np.median(seen[inside]) == pytest.approx(0.05, abs=0.001)
    wide = (seen > 0.025).sum(axis=1)[seen.shape[0] // 2] * WORKSPACE.pixel_size
    assert 0.0 <= wide - 0.10 < 0.02


def test_a_half_turn_of_the_scene_turns_the_heights_on_the_items():
    placed = upright("cuboid", (0.06, 0.04, 0.04), 0.05, 0.03)
    block, pose = placed
    there = observe(scene_of(placed)).heightmap.height
    back = observe(scene_of((block, (-pose[0], -pose[1], *pose[2:])))).heightmap.height[::-1, ::-1]
    inside = binary_erosion(scene_of(placed).picture.heightmap.height > 0, iterations=2)
    assert np.abs(there - back)[inside].max() < 0.006  # the shadows beside an item fall on one side, as they should
    assert np.median(np.abs(there - back)[inside]) < 0.0015


def errors_of(material):
    """Share of a row of blocks' pixels that are not measured or more than 5 mm off."""
    size = (0.06, 0.06, 0.04)
    scene = scene_of(*(upright("cube", size, x, y, material) for x in (-0.1, 0.0, 0.1) for y in (-0.1, 0.0, 0.1)))
    frame = capture(scene).frame
    camera = StereoCamera(StereoConfig(), WORKSPACE)
    depth, seen = project(scene.surface.triangles, camera.intrinsics, camera.left_to_world)
    off = ~(np.abs(frame.depth - depth) <= 0.005)
    return off[seen != NOTHING].mean()


def test_dark_glossy_and_translucent_items_are_measured_worse_than_matt_ones():
    matt = errors_of(Material())
    assert matt < 0.15
    assert errors_of(Material(albedo=0.02)) > matt + 0.02
    assert errors_of(Material(gloss=0.8)) > matt + 0.02
    assert errors_of(Material(translucency=0.95)) > matt + 0.02


def test_the_same_state_gives_the_same_observation_and_another_seed_other_noise():
    config = replace(sparse(), sensor="stereo")
    with SimulationEnvironment(config) as first, SimulationEnvironment(config) as second:
        for environment in (first, second):
            environment.reset(4)
        one, two = first.observe(), second.observe()
        np.testing.assert_array_equal(one.heightmap.height, two.heightmap.height)
        np.testing.assert_array_equal(one.frame.depth, two.frame.depth)
        state = first.save_state()
        first.take_away([0])
        assert not np.array_equal(first.observe().heightmap.height, one.heightmap.height)
        first.restore_state(state)
        np.testing.assert_array_equal(first.observe().heightmap.height, one.heightmap.height)
    scene = scene_of()
    assert not np.array_equal(capture(scene, 0).left, capture(scene, 1).left)
    np.testing.assert_array_equal(capture(scene, 0).left, capture(scene, 0).left)


def test_a_sensor_that_sees_nothing_is_one_sentence():
    config = replace(standard(), sensor="stereo", stereo=StereoConfig(exposure=0.01))
    with pytest.raises(UserError, match="the stereo sensor measured"):
        StereoSensor(config).observe(scene_of(), np.random.default_rng(0))


@pytest.mark.parametrize("options", [{"distance": 0.3}, {"block_size": 4}, {"exposure": float("nan")}])
def test_options_that_make_no_camera_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        StereoConfig(**options)
