"""Walls of a bin: seen, excluded, and in the way of the gripper."""

import numpy as np
import pytest

from grasping_student.cli.main import main
from grasping_student.datasets.store import Dataset
from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.episodes.configuration import SimulationSpec
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.workspace import Workspace
from grasping_student.plotting.side_views import view_from_the_side
from grasping_student.simulation.blocks import Block
from grasping_student.simulation.config import NO_BIN, BinWalls
from grasping_student.simulation.engine import GripperPose, open_engine
from grasping_student.simulation.families import FAMILIES, simulation
from grasping_student.simulation.grasp_attempt import attempt_grasp
from grasping_student.simulation.rasteriser import NOTHING
from grasping_student.simulation.rendering import StillScene
from grasping_student.simulation.walls import far_wall_triangles, wall_triangles

BIN = BinWalls(height=0.08, slope=12.0, inside=0.3)


def ring(workspace: Workspace, low: float, high: float):
    """Cells whose distance from the middle, along x or y, lies between two numbers."""
    index = np.arange(workspace.pixels)
    x, y = np.abs(workspace.xy_from_pixel(index, index))
    distance = np.maximum(y[:, None], x[None, :])
    return (distance > low) & (distance < high)


def test_an_empty_bin_is_seen_as_high_as_it_is_and_its_floor_as_floor():
    workspace = Workspace(pixels=225)
    scene = StillScene((), np.empty((0, 7)), workspace, BIN)
    heightmap, item = scene.picture
    rim, flank = ring(workspace, BIN.top + 0.002, BIN.outside / 2 - 0.002), ring(workspace, BIN.inside / 2, BIN.top)
    np.testing.assert_allclose(heightmap.height[rim], BIN.height, atol=1e-6)
    assert (heightmap.height[ring(workspace, -1.0, BIN.inside / 2 - 0.002)] == 0.0).all()
    assert 0.3 * BIN.height < heightmap.height[flank].mean() < 0.7 * BIN.height
    assert (item == NOTHING).all()
    np.testing.assert_array_equal(scene.bin_cells, heightmap.height + ring(workspace, BIN.top, 1.0) > 0.0)


@pytest.mark.parametrize("family", [name for name in FAMILIES if FAMILIES[name]().sensor == "ideal"])
def test_an_observation_excludes_the_walls_and_shows_a_network_floor_there(family):
    with SimulationEnvironment(simulation(family, walls=BIN)) as environment:
        environment.reset(3)
        seen, truth = environment.observe(), environment.picture()
        walls = (truth.item == NOTHING) & (truth.heightmap.height > 0.0)
        assert walls.any()
        assert seen.excluded[walls].all()
        assert (seen.heightmap.height[seen.excluded] == 0.0).all()
        assert np.nanmax(seen.surface[walls]) == pytest.approx(BIN.height, abs=0.01)
        assert not seen.excluded[truth.item != NOTHING].any()
        row, col = np.argwhere(seen.excluded & environment.workspace.graspable_mask())[0]
        assert environment.execute(PlanarGrasp(int(row), int(col), 0.0)) is Outcome.OUT_OF_REACH
        assert environment.state.changes == 0


@pytest.mark.parametrize(
    ("family", "walls"),
    [
        ("bin", BIN),
        ("stereo-blocks", BinWalls(height=0.08, thickness=0.004)),
        ("stereo-blocks", BinWalls(height=0.12, slope=0.0)),
    ],
)
def test_a_stereo_camera_excludes_all_but_the_floor_of_the_bin(family, walls):
    with SimulationEnvironment(simulation(family, walls=walls)) as environment:
        environment.reset(0)
        seen, workspace = environment.observe(), environment.workspace
        beyond, floor = ring(workspace, walls.inside / 2 + 0.002, 1.0), ring(workspace, -1.0, walls.inside / 2 - 0.02)
        assert seen.excluded[beyond].all()
        assert seen.excluded[floor].mean() < 0.1
        assert (seen.heightmap.height[beyond] == 0.0).all()
        measured = seen.surface[ring(workspace, walls.top + 0.001, walls.outside / 2 - 0.001)]
        assert abs(np.nanmedian(measured) - walls.height) < 0.004


@pytest.mark.parametrize("engine", ["mujoco", "pybullet"])
def test_a_finger_that_comes_down_outside_of_a_bin_ends_the_attempt_as_a_collision(engine):
    pytest.importorskip(engine)
    thin = BinWalls(height=0.06, slope=0.0, inside=0.2, thickness=0.004)
    physics = open_engine(simulation("sparse", engine, walls=thin))
    cube = Block("cube", (0.03, 0.03, 0.03), (200, 40, 40))
    poses = np.array([(-0.06, -0.06, 0.015, 0.0, 0.0, 0.0, 1.0)])
    for sign in (1.0, -1.0):
        result = attempt_grasp(physics, [cube], poses, GripperPose(sign * 0.08, 0.0, 0.0, 0.02))
        assert result.outcome is Outcome.COLLISION
    assert attempt_grasp(physics, [cube], poses, GripperPose(0.0, 0.05, 0.0, 0.02)).outcome is Outcome.MISSED
    physics.close()


def test_a_view_from_the_side_shows_the_walls_behind_and_none_in_front():
    walls = BinWalls(height=0.08, slope=0.0, inside=0.3)
    assert len(far_wall_triangles(walls, (0.3, -0.9))) == 2 * len(wall_triangles(walls)) / 4
    assert (far_wall_triangles(walls, (1.0, 0.0))[..., 0].max(axis=1) < 0.171).all()
    cube = Block("cube", (0.03, 0.03, 0.03), (200, 40, 40))
    table = Block("plank", (0.45, 0.45, 0.02), (120, 90, 60))
    poses = np.array([(0.0, 0.0, -0.01, 0.0, 0.0, 0.0, 1.0), (0.0, 0.0, 0.015, 0.0, 0.0, 0.0, 1.0)])
    without, with_walls = (view_from_the_side([table, cube], poses, (0, 0, 0.06), 0.4, bin) for bin in (NO_BIN, walls))
    changed = (without != with_walls).any(axis=2)
    assert changed[:120].any()
    assert not changed[300:, 160:].any()
    grey = np.ptp(with_walls[changed].astype(int), axis=1) < 15
    assert grey.mean() > 0.6


def test_a_bin_is_an_option_of_a_collection_and_one_that_does_not_fit_is_told(tmp_path, capsys):
    words = ["collect", "--family", "sparse", "--policy", "random", "--count", "3", "--workers", "1"]
    words += ["--walls.height", "0.08", "--out", str(tmp_path / "a")]
    assert main(words) == 0
    height = np.stack([Dataset(tmp_path / "a").heightmap(i).height for i in range(3)])
    beyond = ring(Dataset(tmp_path / "a").workspace, BinWalls(height=0.08).top, 1.0)
    assert (height[:, beyond] == 0.0).all()
    for value, message in (("0.5", "must lie between 0.01 and 0.3"), ("0.3", "take a smaller walls.inside")):
        words[-1], words[-3] = str(tmp_path / value), value
        assert main([*words, "--walls.slope", "20"]) == 2
        assert message in capsys.readouterr().err


def test_models_are_tested_in_the_same_bin(tmp_path):
    words = [
        "evaluate",
        "one-shot",
        "--models",
        "random",
        "--scenes",
        "2",
        "--family",
        "sparse",
        "--walls.height",
        "0.08",
    ]
    assert main([*words, "--walls.height", "0.08", "--out", str(tmp_path)]) == 0
    with SimulationSpec("sparse", walls=BinWalls(height=0.08)).make() as environment:
        environment.reset(0)
        assert environment.observe().excluded.any()
