"""The cell's heightmaps through a camera: rendered frames of a known scene come back as that scene."""

from dataclasses import replace

import numpy as np
import pytest

from grasping_student.cameras.recorded import RecordedCamera
from grasping_student.cameras.simulated import SimulatedCamera, d415_intrinsics, looking_down, render
from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import light_workspace
from grasping_student.perception.frame_files import save_frame
from grasping_student.perception.heightmap_repair import HeightmapRepairConfig
from grasping_student.pipeline.errors import UserError
from grasping_student.robots.cell.camera_view import CameraView, camera_to_world
from grasping_student.robots.cell.cell_file import load_cell
from grasping_student.robots.cell.config import CellConfig
from grasping_student.robots.cell.devices import make_view
from grasping_student.robots.cell.picking_motion import plan_grasp
from grasping_student.robots.faults import DeviceFault
from grasping_student.robots.pose import WorkspaceInBase

WORKSPACE = light_workspace()


def block():
    height = np.zeros(WORKSPACE.shape, np.float32)
    height[40:60, 50:70] = 0.04
    return Heightmap(height, np.full((*WORKSPACE.shape, 3), 120, np.uint8), WORKSPACE)


def test_a_cameras_heightmap_shows_the_scene():
    view = CameraView(SimulatedCamera(block, d415_intrinsics(), looking_down(0.7)), WORKSPACE, HeightmapRepairConfig())
    view.connect()
    observation = view.observe()
    seen = observation.heightmap
    assert seen.workspace == WORKSPACE
    assert np.median(seen.height[42:58, 52:68]) == pytest.approx(0.04, abs=1e-3)
    assert np.median(seen.height[:30]) == pytest.approx(0.0, abs=1e-3)
    assert observation.frame.rgb.shape == (720, 1280, 3)
    view.close()


def test_a_camera_that_gives_nothing_is_a_device_fault():
    view = CameraView(SimulatedCamera(block, d415_intrinsics(), looking_down(0.7)), WORKSPACE, HeightmapRepairConfig())
    with pytest.raises(DeviceFault, match="not connected"):
        view.observe()


def test_the_cameras_pose_in_the_world_follows_from_its_pose_in_the_base():
    place = WorkspaceInBase(0.3, -0.5, 0.02, 0.7)
    in_world = looking_down(0.8, tilt=0.2)
    np.testing.assert_allclose(camera_to_world(place.world_to_base @ in_world, place), in_world, atol=1e-12)


def test_recorded_frames_stand_in_for_the_camera(tmp_path):
    save_frame(render(block(), d415_intrinsics(), looking_down(0.7)), tmp_path / "frame")
    (tmp_path / "cell.yaml").write_text(
        "workspace: {pixels: 112}\nview: {kind: recorded, options: {camera: {folder: frame}}}\n"
    )
    view = make_view(load_cell(tmp_path / "cell.yaml"))
    view.connect()
    assert view.observe().heightmap.height.max() == pytest.approx(0.04, abs=2e-3)


def test_a_realsense_without_calibration_is_refused_by_name(tmp_path):
    (tmp_path / "cell.yaml").write_text("view: {kind: realsense, options: {camera_to_base: nowhere.txt}}\n")
    with pytest.raises(UserError, match=r"nowhere.txt does not exist"):
        make_view(load_cell(tmp_path / "cell.yaml"))


def bin_with_a_block_at_its_wall(wall):
    """A bin's wall 4 cm into the picture, and a block of 3 cm nearer to it than the open fingers reach."""
    height = np.zeros(WORKSPACE.shape, np.float32)
    height[:, :10] = wall
    height[50:62, 15:23] = 0.03
    return Heightmap(height, np.full((*WORKSPACE.shape, 3), 120, np.uint8), WORKSPACE)


@pytest.mark.parametrize("wall", [0.10, 0.18])
def test_beside_a_wall_that_was_mended_away_the_guarded_descent_begins_at_travel_height(wall):
    """The fingers reach into the wall there, and the move to where the descent begins feels nothing."""
    camera = SimulatedCamera(lambda: bin_with_a_block_at_its_wall(wall), d415_intrinsics(), looking_down(0.7))
    view, config = CameraView(camera, WORKSPACE, HeightmapRepairConfig()), CellConfig(workspace=WORKSPACE)
    view.connect()
    seen, grasp = view.observe(), PlanarGrasp(56, 18, 0.0)
    assert seen.heightmap.height[40:70, :9].max() == 0.0, "the wall is floor in what a network is shown"
    plan = plan_grasp(seen, grasp, config)
    assert plan.approach.z == pytest.approx(config.travel_z())
    assert plan.grasp.z == pytest.approx(0.015, abs=2e-3)
    nothing_hidden = plan_grasp(seen, PlanarGrasp(56, 70, 0.0), config)
    assert nothing_hidden.approach.z < 0.12


def test_the_guarded_descent_begins_above_what_was_cut_to_the_ceiling():
    """A stack of 16 cm beside a block, far from the border: a network is shown 12 cm."""
    height = block().height
    height[40:60, 78:84] = 0.16
    stack = replace(block(), height=height)
    view = CameraView(
        SimulatedCamera(lambda: stack, d415_intrinsics(), looking_down(1.2)), WORKSPACE, HeightmapRepairConfig()
    )
    view.connect()
    seen, config = view.observe(), CellConfig(workspace=WORKSPACE)
    assert seen.heightmap.height.max() == pytest.approx(0.12)
    assert plan_grasp(seen, PlanarGrasp(50, 68, 0.0), config).approach.z > 0.219


def test_what_was_mended_is_logged_once_a_kind(caplog, tmp_path):
    """A pose that puts the table 1 cm too low is repaired in every picture; that must not stay unsaid."""
    lower = looking_down(0.7)
    lower[2, 3] -= 0.01
    save_frame(replace(render(block(), d415_intrinsics(), looking_down(0.7)), camera_to_world=lower), tmp_path)
    view = CameraView(RecordedCamera(tmp_path, repeat=True), WORKSPACE, HeightmapRepairConfig())
    view.connect()
    for _ in range(2):
        view.observe()
    assert caplog.text.count("heights are measured from the floor") == 1
