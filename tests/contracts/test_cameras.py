"""What every camera promises. To put another under contract, add a function to ``CAMERAS``.

All of them look at one known scene: boxes on a table, from 70 cm above at a slight tilt.
"""

from dataclasses import replace

import numpy as np
import pytest
from tests.contracts.device_examples import example

from grasping_student.cameras.base import CAMERAS as REGISTERED
from grasping_student.cameras.base import Camera, CameraError
from grasping_student.cameras.realsense import RealSenseCamera, RealSenseConfig
from grasping_student.cameras.recorded import RecordedCamera
from grasping_student.cameras.simulated import Box, SimulatedCamera, boxes_on_table, looking_down, render
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import light_workspace
from grasping_student.perception.frame import Intrinsics, frame_to_heightmap
from grasping_student.perception.frame_files import save_frame
from grasping_student.pipeline.errors import UserError
from grasping_student.robots.cell.config import CellConfig, DeviceConfig
from grasping_student.robots.cell.devices import make_view
from grasping_student.simulation.sensor_config import StereoConfig
from grasping_student.simulation.stereo_camera import SimulatedStereoCamera, blocks_on_table

INTRINSICS = Intrinsics(455.0, 454.0, 316.0, 173.5, 640, 360)
POSE = looking_down(0.7, 0.15)
BOXES = ((0.0, 0.0, 0.03), (0.09, 0.06, 0.05), (-0.1, -0.05, 0.02))
"""Centre x, centre y, height of 4 cm wide boxes, metres."""
TABLE = (-0.137, -0.17, 0.0)
"""A place on the table where nothing stands."""


def scene() -> Heightmap:
    return boxes_on_table(Box(x, y, 0.04, top) for x, y, top in BOXES)


def simulated(folder):
    return SimulatedCamera(scene, INTRINSICS, POSE, noise=0.0005, dropout=0.02)


def simulated_stereo(folder):
    boxes = [Box(x, y, 0.04, top) for x, y, top in BOXES]
    blocks = blocks_on_table(boxes, light_workspace())
    return SimulatedStereoCamera(lambda: blocks, StereoConfig(distance=0.7), light_workspace(), POSE)


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


CAMERAS = {
    "simulated": simulated,
    "simulated stereo": simulated_stereo,
    "recorded": recorded,
    "realsense": realsense,
    "documented": documented,
}
"""Name -> function of an empty folder that makes a camera which looks at the scene; a missing library is a skip."""


TOLERANCE = {"simulated-stereo": 0.003}
"""Metres; a cell shows the highest of its noisy pixels, which lifts a single stereo frame by 1 to 2 mm."""


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


def test_the_known_scene_comes_back_as_a_heightmap_within_its_tolerance(camera):
    within = TOLERANCE.get(camera.name, 0.002)
    with camera as device:
        heightmap = frame_to_heightmap(device.read(), light_workspace())
    for x, y, top in (*BOXES, TABLE):
        row, col = heightmap.workspace.pixel_from_xy(x, y)
        patch = heightmap.height[row - 2 : row + 3, col - 2 : col + 3]
        assert np.nanmedian(patch) == pytest.approx(top, abs=within)
        assert np.nanmax(np.abs(patch - top)) < 2.5 * within


def test_a_closed_camera_can_be_opened_again(camera):
    with camera as device:
        first = device.read()
    with camera as device:
        assert device.read().depth.shape == first.depth.shape


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("acme", {"camera_to_base": "camera_to_base.txt"}),
        ("recorded", {"camera": {"folder": "frame"}}),
        ("simulated", {}),
        ("simulated-stereo", {"camera": {"boxes": []}}),
    ],
)
def test_a_cell_names_any_registered_camera_and_sees_the_table(kind, options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cell = replace(CellConfig(), view=DeviceConfig(kind, options), workspace=light_workspace())
    example("add-a-camera.md")
    np.savetxt("camera_to_base.txt", cell.workspace_in_base.world_to_base @ POSE)
    save_frame(render(boxes_on_table(()), INTRINSICS, POSE), tmp_path / "frame")
    try:
        view = make_view(cell)
    finally:
        REGISTERED.classes.pop("acme", None)
    view.connect()
    seen = view.observe().heightmap
    view.close()
    assert seen.workspace == light_workspace()
    assert abs(np.median(seen.height)) < 0.002


def test_a_recorded_camera_takes_no_calibration_because_its_frames_have_poses():
    cell = replace(CellConfig(), view=DeviceConfig("recorded", {"camera_to_base": "mine.txt"}))
    with pytest.raises(UserError, match="poses of their own; leave camera_to_base out"):
        make_view(cell)


def test_an_unknown_camera_is_refused_with_the_valid_ones():
    every = "".join(f"(?=.*{kind})" for kind in ("realsense", "recorded", "simulated", "remote"))
    with pytest.raises(UserError, match=rf"'kinect'; valid are: {every}"):
        make_view(replace(CellConfig(), view=DeviceConfig("kinect")))
