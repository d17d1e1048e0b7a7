"""What every camera promises. To put another under contract, add a function to ``CAMERAS``.

All of them look at one known scene: boxes on a table, from 70 cm above at a slight tilt.
"""

from dataclasses import replace

import numpy as np
import pytest
from tests.contracts.device_examples import example

from grasping_student.cameras.base import Camera, CameraError
from grasping_student.cameras.configuration import RealSenseConfig
from grasping_student.cameras.realsense import RealSenseCamera
from grasping_student.cameras.recorded import RecordedCamera
from grasping_student.cameras.simulated import SimulatedCamera, looking_down, render
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace, light_workspace
from grasping_student.perception.frame import Intrinsics, frame_to_heightmap
from grasping_student.perception.frame_files import save_frame
from grasping_student.robots import registry as devices
from grasping_student.robots.cell.config import CellConfig, DeviceConfig

INTRINSICS = Intrinsics(455.0, 454.0, 316.0, 173.5, 640, 360)
POSE = looking_down(0.7, 0.15)
BOXES = ((0.0, 0.0, 0.03), (0.09, 0.06, 0.05), (-0.1, -0.05, 0.02))
"""Centre x, centre y, height of 4 cm wide boxes, metres."""


def scene() -> Heightmap:
    workspace = Workspace(extent=0.5, pixels=500, margin=0.06)
    every = np.arange(workspace.pixels)
    x, y = workspace.xy_from_pixel(every, every)
    height = np.zeros(workspace.shape, dtype=np.float32)
    for cx, cy, top in BOXES:
        height[(np.abs(y - cy) <= 0.02)[:, None] & (np.abs(x - cx) <= 0.02)[None, :]] = top
    return Heightmap(height, np.full((*workspace.shape, 3), 90, np.uint8), workspace)


def simulated(folder):
    return SimulatedCamera(scene, INTRINSICS, POSE, noise=0.0005, dropout=0.02)


def recorded(folder):
    for name in ("0", "1"):
        save_frame(render(scene(), INTRINSICS, POSE), folder / name)
    return RecordedCamera(folder, repeat=True)


def realsense(folder):
    pytest.importorskip("pyrealsense2", reason="needs libusb-1.0-0", exc_type=ImportError)
    from tests.cameras.realsense_recording import record

    frame = render(scene(), INTRINSICS, POSE)
    raw = np.nan_to_num(frame.depth * 1000.0).round().astype(np.uint16)
    record(folder / "scene.db3", INTRINSICS, [raw] * 9, [frame.rgb] * 9)
    return RealSenseCamera(RealSenseConfig(recording=folder / "scene.db3", warm_up=1, median=2, timeout=2.0), POSE)


def documented(folder):
    page = example("add-a-camera.md")
    return page.AcmeCamera(page.AcmeCameraConfig(), POSE, scene())


CAMERAS = {"simulated": simulated, "recorded": recorded, "realsense": realsense, "documented": documented}
"""Name -> function of an empty folder that makes a camera which looks at the scene; a missing library is a skip."""


@pytest.fixture(params=CAMERAS, scope="module")
def camera(request, tmp_path_factory):
    made = CAMERAS[request.param](tmp_path_factory.mktemp("camera"))
    yield made
    made.disconnect()


def test_it_is_a_camera_with_a_name(camera):
    assert isinstance(camera, Camera)
    assert camera.name


def test_disconnected_it_gives_nothing_and_says_what_to_do(camera):
    camera.disconnect()
    camera.disconnect()
    for ask in (camera.read, lambda: camera.intrinsics):
        with pytest.raises(CameraError, match="connect"):
            ask()


def test_frames_fit_the_intrinsics_and_holes_are_nan(camera):
    with camera as device:
        device.connect()
        frame = device.read()
        assert frame.intrinsics == device.intrinsics
        assert frame.depth.shape == device.intrinsics.shape
        assert frame.rgb is not None
        assert not (frame.depth[frame.measured] <= 0.0).any()
        assert frame.measured.mean() > 0.5
        assert device.serial


def test_frames_are_the_callers_own(camera):
    with camera as device:
        first, second = device.read(), device.read()
        assert not np.shares_memory(first.depth, second.depth)
        assert not np.shares_memory(first.rgb, second.rgb)
        kept = second.depth.copy()
        first.depth[:], first.rgb[:] = 9.0, 9
        np.testing.assert_array_equal(second.depth, kept)
        assert (second.rgb != 9).any()


def test_the_known_scene_comes_back_as_a_heightmap_within_2_mm(camera):
    with camera as device:
        heightmap = frame_to_heightmap(device.read(), light_workspace())
    np.testing.assert_allclose(heightmap.height[96:100, 20:24], 0.0, atol=0.002)
    for x, y, top in BOXES:
        row, col = heightmap.workspace.pixel_from_xy(x, y)
        patch = heightmap.height[row - 2 : row + 3, col - 2 : col + 3]
        assert np.nanmedian(patch) == pytest.approx(top, abs=0.002)
        assert np.nanmax(np.abs(patch - top)) < 0.005


def test_a_closed_camera_can_be_opened_again(camera):
    with camera as device:
        first = device.read()
    with camera as device:
        assert device.read().depth.shape == first.depth.shape


def test_a_cell_can_name_the_documented_camera():
    before = dict(devices.VIEWS)
    try:
        example("add-a-camera.md")
        view = devices.make_view(replace(CellConfig(), view=DeviceConfig("acme"), workspace=light_workspace()))
        view.connect()
        seen = view.observe().heightmap
        view.close()
    finally:
        devices.VIEWS.clear()
        devices.VIEWS.update(before)
    assert seen.workspace == light_workspace()
    assert np.abs(seen.height).max() < 0.002
