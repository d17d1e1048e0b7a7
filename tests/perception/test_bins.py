"""The walls of random bins are never graspable, and what lies in a bin stays so."""

import numpy as np
import pytest
from tests.fakes.bins import TABLE, BinScene, cells_of, random_bin
from tests.fakes.containers import OTHERS, photograph, random_container

from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.geometry.workspace import Workspace, light_workspace
from grasping_student.perception.bins import beyond_walls, find_bin
from grasping_student.perception.heightmap_repair import HeightmapRepairConfig, observe_frame
from grasping_student.pipeline.errors import UserError
from grasping_student.simulation.config import ENGINE_NAMES
from grasping_student.simulation.families import simulation

WORKSPACE = Workspace(extent=0.6, pixels=150, margin=0.02)


def graspable(observation):
    return observation.heightmap.graspable_foreground() & ~observation.excluded


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("items", [0, 2])
def test_no_wall_is_graspable_and_items_are(seed, items):
    scene = random_bin(seed, items)
    observation = observe_frame(scene.frame(tilt=0.02 * (seed % 4), seed=seed), WORKSPACE)
    assert "bin" in {note.code for note in observation.notes}
    free = graspable(observation)
    assert not (free & cells_of(scene.wall, WORKSPACE)).any()
    if items:
        shown = cells_of(scene.items, WORKSPACE)
        assert (free & shown).sum() > 0.6 * shown.sum()
    else:
        assert not free.any()


@pytest.mark.parametrize("seed", range(4))
def test_a_bin_on_a_stand_is_found_before_the_floor_around_it_confuses(seed):
    scene = random_bin(seed, 2, stand=0.04)
    observation = observe_frame(scene.frame(seed=seed), WORKSPACE)
    free = graspable(observation)
    assert free.any() and not (free & cells_of(scene.wall, WORKSPACE)).any()


@pytest.mark.parametrize("seed", range(4))
def test_a_bin_half_out_of_view_is_found_too(seed):
    scene = random_bin(seed, 0, shape="rectangle", away=0.2)
    observation = observe_frame(scene.frame(seed=seed), WORKSPACE)
    assert not (graspable(observation) & cells_of(scene.wall, WORKSPACE)).any()


def heap(seed):
    random = np.random.default_rng(seed)
    x, y = TABLE.xy_from_pixel(*np.mgrid[: TABLE.pixels, : TABLE.pixels])
    height = np.zeros(TABLE.shape)
    for _ in range(25):
        cx, cy = random.normal(0.0, 0.06, 2)
        inside = (np.abs(x - cx) < random.uniform(0.01, 0.03)) & (np.abs(y - cy) < random.uniform(0.01, 0.03))
        height = np.where(inside, np.maximum(height, random.uniform(0.02, 0.08)), height)
    return BinScene(height, height < 0, height > 0)


def carton():
    x, y = TABLE.xy_from_pixel(*np.mgrid[: TABLE.pixels, : TABLE.pixels])
    height = np.where((np.abs(x) < 0.09) & (np.abs(y) < 0.07), 0.05, 0.0)
    return BinScene(height, height < 0, height > 0)


def bowl():
    x, y = TABLE.xy_from_pixel(*np.mgrid[: TABLE.pixels, : TABLE.pixels])
    radius = np.hypot(x, y)
    height = np.where(radius < 0.055, 0.01, np.where(radius < 0.06, 0.05, 0.0))
    return BinScene(height, height < 0, height > 0)


@pytest.mark.parametrize("scene", [heap(0), heap(1), heap(2), carton(), bowl()])
def test_heaps_cartons_and_bowls_are_no_bins(scene):
    observation = observe_frame(scene.frame(), WORKSPACE)
    assert "bin" not in {note.code for note in observation.notes}
    assert graspable(observation).any()


@pytest.mark.parametrize("away", [False, True])
@pytest.mark.parametrize("seed", range(200, 204))
def test_a_stereo_camera_sees_nothing_to_grasp_on_or_at_the_walls_of_an_empty_container(seed, away):
    observation = observe_frame(photograph(random_container(seed, 0, away).height, seed), light_workspace())
    assert "bin" in {note.code for note in observation.notes}
    assert not observation.graspable_foreground().any()


HARDER = [
    ("sloped", 73024),
    ("sloped", 72005),
    ("stand", 72000),
    ("two heights", 73000),
    ("two heights", 73018),
    ("two heights", 73033),
    ("stand", 73007),
]


@pytest.mark.parametrize(("kind", "seed"), HARDER)
def test_steep_notched_and_hidden_walls_are_walls(kind, seed):
    drawing = random_container(seed, 0, seed == 73007, kind)
    observation = observe_frame(photograph(drawing.height, seed), light_workspace())
    assert "bin" in {note.code for note in observation.notes}
    assert not observation.graspable_foreground().any()


def test_a_bar_across_the_rim_is_an_item_and_the_rim_is_not():
    drawing = random_container(73000, 0, kind="bridged")
    observation = observe_frame(photograph(drawing.height, 73000), light_workspace())
    free = np.argwhere(observation.graspable_foreground())
    x, y = light_workspace().xy_from_pixel(*free.T)
    assert not any(drawing.at(drawing.wall & ~drawing.item, *each) for each in zip(x, y, strict=True))


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_mistaken_for_a_container_stays_graspable(kind):
    drawing = OTHERS[kind](np.random.default_rng((300, 3)))
    assert observe_frame(photograph(drawing.height, 300), light_workspace()).graspable_foreground().any()


def test_a_bin_given_by_hand_leaves_nothing_outside_of_it():
    scene = random_bin(3, 2)
    config = HeightmapRepairConfig(bin=(-0.05, -0.05, 0.05, 0.05), walls=False)
    observation = observe_frame(scene.frame(), WORKSPACE, config)
    row, col = np.nonzero(graspable(observation))
    x, y = WORKSPACE.xy_from_pixel(row, col)
    assert np.abs(x).max(initial=0.0) < 0.055 and np.abs(y).max(initial=0.0) < 0.055
    with pytest.raises(UserError, match="holds no cell"):
        observe_frame(scene.frame(), WORKSPACE, HeightmapRepairConfig(bin=(1.0, 1.0, 2.0, 2.0)))


@pytest.mark.parametrize("corners", [(1.0, 2.0), (0.0, 0.0, 100.0, 100.0), (0.0, 0.0, float("nan"), 1.0)])
def test_corners_that_make_no_bin_are_refused(corners):
    with pytest.raises(ValueError, match="bin is"):
        HeightmapRepairConfig(bin=corners)


def test_turning_the_picture_turns_the_bin():
    scene = random_bin(5, 0)
    heightmap = observe_frame(scene.frame(), WORKSPACE, HeightmapRepairConfig(walls=False)).heightmap
    turned = type(heightmap)(np.rot90(heightmap.height).copy(), np.rot90(heightmap.rgb).copy(), WORKSPACE)
    first, second = find_bin(heightmap), find_bin(turned)
    overlap = np.rot90(beyond_walls(first, heightmap)) == beyond_walls(second, turned)
    assert overlap.mean() > 0.99


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_a_heap_of_blocks_is_no_bin(engine):
    pytest.importorskip(engine)
    found, scenes = 0, 0
    with SimulationEnvironment(simulation("standard", engine)) as environment:
        for seed in (2, 3, 9, 11, 14, 16):
            environment.reset(seed)
            for _ in range(3):
                found += find_bin(environment.observe().heightmap) is not None
                scenes += 1
                environment.take_away(list(range(10)))
    assert found <= 0.06 * scenes
