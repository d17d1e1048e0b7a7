"""The cell's heightmaps through a camera: rendered frames of a known scene come back as that scene."""

import numpy as np
import pytest

from grasping_student.cameras.files import save_frame
from grasping_student.cameras.mending import MendingConfig
from grasping_student.cameras.simulated import SimulatedCamera, d415_intrinsics, looking_down, render
from grasping_student.environments.robot_cell.camera_view import CameraView, camera_to_world
from grasping_student.environments.robot_cell.config import load_cell
from grasping_student.environments.robot_cell.devices import make_view
from grasping_student.environments.robot_cell.faults import DeviceFault
from grasping_student.environments.robot_cell.pose import WorkspaceInBase
from grasping_student.errors import UserError
from grasping_student.heightmap import Heightmap
from grasping_student.workspace import light_workspace

WORKSPACE = light_workspace()


def block():
    height = np.zeros(WORKSPACE.shape, np.float32)
    height[40:60, 50:70] = 0.04
    return Heightmap(height, np.full((*WORKSPACE.shape, 3), 120, np.uint8), WORKSPACE)


def test_a_cameras_heightmap_shows_the_scene():
    view = CameraView(
        SimulatedCamera(block, d415_intrinsics(), looking_down(0.7)), WORKSPACE, MendingConfig()
    )  # fmt: skip
    view.connect()
    seen = view.heightmap()
    assert seen.workspace == WORKSPACE
    assert np.median(seen.height[42:58, 52:68]) == pytest.approx(0.04, abs=1e-3)
    assert np.median(seen.height[:30]) == pytest.approx(0.0, abs=1e-3)
    assert view.picture().shape == (720, 1280, 3)
    view.close()


def test_a_camera_that_gives_nothing_is_a_device_fault():
    view = CameraView(SimulatedCamera(block, d415_intrinsics(), looking_down(0.7)), WORKSPACE, MendingConfig())
    with pytest.raises(DeviceFault, match="not connected"):
        view.heightmap()


def test_the_cameras_pose_in_the_world_follows_from_its_pose_in_the_base():
    place = WorkspaceInBase(0.3, -0.5, 0.02, 0.7)
    in_world = looking_down(0.8, tilt=0.2)
    np.testing.assert_allclose(camera_to_world(place.world_to_base @ in_world, place), in_world, atol=1e-12)


def test_recorded_frames_stand_in_for_the_camera(tmp_path):
    save_frame(render(block(), d415_intrinsics(), looking_down(0.7)), tmp_path / "frame")
    (tmp_path / "cell.yaml").write_text(
        "workspace: {pixels: 112}\n"
        "view: {kind: recorded, options: {camera: {folder: frame}}}\n"
    )  # fmt: skip
    view = make_view(load_cell(tmp_path / "cell.yaml"))
    view.connect()
    assert view.heightmap().height.max() == pytest.approx(0.04, abs=2e-3)


def test_a_realsense_without_calibration_is_refused_by_name(tmp_path):
    (tmp_path / "cell.yaml").write_text("view: {kind: realsense, options: {camera_to_base: nowhere.txt}}\n")
    with pytest.raises(UserError, match=r"nowhere.txt does not exist"):
        make_view(load_cell(tmp_path / "cell.yaml"))
