"""The RealSense driver's real pipeline on recordings of the vendor's software device."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grasping_student.cameras.base import CameraError
from grasping_student.cameras.depth_median import median_depth
from grasping_student.cameras.realsense import RealSenseCamera, RealSenseConfig
from grasping_student.cameras.simulated import d415_intrinsics, looking_down

rs = pytest.importorskip("pyrealsense2", reason="needs libusb-1.0-0", exc_type=ImportError)
from tests.cameras.realsense_recording import SERIAL, record  # noqa: E402  # needs the library

FRAMES = 8


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """Eight frames at 1280 x 720: a table with a step, a hole, and a pixel that flickers."""
    path = tmp_path_factory.mktemp("realsense") / "cell.db3"
    depths, colours = [], []
    for number in range(FRAMES):
        depth = np.full((720, 1280), 700, np.uint16)
        depth[300:350, 600:680] = 650
        depth[:40] = 0
        depth[600:604, 900:904] = 0
        depth[500, 500] = 0 if number % 4 else 690
        depth[510, 500] = 0 if number % 4 == 0 else 680
        depth[520, 500] = 700 + 10 * (number % 3)
        depths.append(depth)
        colours.append(np.full((720, 1280, 3), 50 + number, np.uint8))
    record(path, d415_intrinsics(), depths, colours)
    return path


def camera(recording, **options):
    config = RealSenseConfig(recording=recording, warm_up=1, median=3, timeout=1.0)
    return RealSenseCamera(replace(config, **options), looking_down(0.7))


def test_scale_serial_and_intrinsics_come_from_the_device(recording):
    with camera(recording) as device:
        frame = device.read()
        assert device.serial == SERIAL
        given, wanted = device.intrinsics, d415_intrinsics()
        assert (given.width, given.height) == (1280, 720)
        assert (given.fx, given.fy, given.cx, given.cy) == pytest.approx((wanted.fx, wanted.fy, wanted.cx, wanted.cy))
        assert frame.depth[400, 400] == pytest.approx(0.7)
        assert frame.depth[320, 640] == pytest.approx(0.65)
        assert np.isnan(frame.depth[:40]).all()
        assert (frame.rgb >= 50).all()


def test_warm_up_frames_are_thrown_away_and_the_last_colour_is_kept(recording):
    with camera(recording, warm_up=4, median=1) as device:
        assert int(device.read().rgb[0, 0, 0]) >= 54


def test_the_median_over_frames_outvotes_flicker(recording):
    with camera(recording, warm_up=0, median=6) as device:
        frame = device.read()
        assert np.isnan(frame.depth[500, 500])
        assert frame.depth[510, 500] == pytest.approx(0.68)
        assert frame.depth[520, 500] == pytest.approx(0.71)


def test_the_vendors_filters_run_and_hole_filling_fills(recording):
    with camera(recording, spatial=True, temporal=True, hole_filling=True) as device:
        assert device.read().depth[602, 902] == pytest.approx(0.7, abs=0.003)
    with camera(recording, spatial=True, temporal=True) as device:
        frame = device.read()
        assert np.isnan(frame.depth[602, 902])
        assert frame.depth[400, 400] == pytest.approx(0.7, abs=0.002)


def test_the_end_of_a_recording_is_said_and_connecting_again_begins_anew(recording):
    device = camera(recording)
    device.connect()
    with pytest.raises(CameraError, match="no more frames"):
        for _ in range(FRAMES):
            device.read()
    device.disconnect()
    device.connect()
    assert device.read().depth[400, 400] == pytest.approx(0.7)
    device.disconnect()


class LostLink:
    """A pipeline whose cable is out."""

    def wait_for_frames(self, milliseconds):
        raise RuntimeError("Frame didn't arrive within 1000")

    def poll_for_frames(self):
        raise RuntimeError("the device is gone")

    def stop(self):
        raise RuntimeError("stop() cannot be called before start()")


def test_a_lost_link_is_restarted_and_the_camera_goes_on(recording, monkeypatch):
    device = camera(recording)
    device.connect()
    # only a device is restarted; the replayed one must look like a device from here on
    source, device._config = device._config, replace(device._config, recording=None)
    monkeypatch.setattr(device, "_start", lambda: RealSenseCamera._start(_with_config(device, source)))
    device._pipeline.stop()
    device._pipeline = LostLink()
    assert device.read().depth[400, 400] == pytest.approx(0.7)
    assert device.restarts == 1
    device.disconnect()


def test_a_camera_that_was_unplugged_is_waited_for(recording, monkeypatch):
    device = camera(recording, timeout=5.0)
    device.connect()
    source, device._config = device._config, replace(device._config, recording=None)
    tries = []

    def start():
        tries.append(1)
        if len(tries) < 4:
            raise CameraError("no RealSense camera is plugged in")
        RealSenseCamera._start(_with_config(device, source))

    monkeypatch.setattr(device, "_start", start)
    device._pipeline.stop()
    device._pipeline = LostLink()
    assert device.read().depth[400, 400] == pytest.approx(0.7)
    assert len(tries) == 4 and device.restarts == 1
    device.disconnect()


def test_frames_that_waited_since_the_last_look_are_dropped(recording):
    """The library keeps frames; on a cell the arm may still be in the one from before."""
    device = camera(recording, warm_up=0, median=1)
    device.connect()
    device._config = replace(device._config, recording=None)
    fresh = device._pipeline

    class Kept:
        """A pipeline in which the recording's first three frames have waited."""

        waiting = 3

        def poll_for_frames(self):
            self.waiting -= 1
            return fresh.wait_for_frames(1000) if self.waiting >= 0 else rs.composite_frame(rs.frame())

        def wait_for_frames(self, milliseconds):
            return fresh.wait_for_frames(milliseconds)

        def stop(self):
            fresh.stop()

    device._pipeline = Kept()
    assert int(device.read().rgb[0, 0, 0]) >= 53
    device.disconnect()


def _with_config(device, config):
    device._config = config
    return device


def test_a_link_that_stays_lost_is_given_up_with_words(recording, monkeypatch):
    device = camera(recording)
    device.connect()
    device._config = replace(device._config, recording=None, reconnects=2)
    device._pipeline.stop()
    device._pipeline = LostLink()
    monkeypatch.setattr(device, "_start", lambda: setattr(device, "_pipeline", LostLink()))
    with pytest.raises(CameraError, match="2 restarts did not help"):
        device.read()


def test_no_camera_plugged_in_and_no_recording_are_said():
    with pytest.raises(CameraError, match="no RealSense camera"):
        RealSenseCamera(RealSenseConfig(), looking_down(0.7)).connect()
    with pytest.raises(CameraError, match="does not exist"):
        RealSenseCamera(RealSenseConfig(recording=Path("nowhere.db3")), looking_down(0.7)).connect()


class Device:
    """What the driver asks of a plugged-in camera: it answers as the vendor's library does, and keeps what it hears."""

    def __init__(self):
        self.options, self.streams = {}, []
        self.config = lambda: self
        self.pipeline = lambda: self
        self.align = rs.align
        self.context = lambda: self

    def __getattr__(self, name):  # enumerations and classes of the real library
        return getattr(rs, name)

    def query_devices(self):
        return [self]

    def get_info(self, what):
        return SERIAL

    def enable_stream(self, *what):
        self.streams.append(what)

    def start(self, config):
        return self

    def get_device(self):
        return self

    first_depth_sensor = get_device

    def supports(self, option):
        return option == rs.option.visual_preset

    def set_option(self, option, value):
        self.options[option] = value

    def get_depth_scale(self):
        return 0.0001

    def get_stream(self, kind):
        return self

    as_video_stream_profile = get_device

    def get_intrinsics(self):
        given = rs.intrinsics()
        given.width, given.height, given.fx, given.fy, given.ppx, given.ppy = 1280, 720, 909.0, 908.0, 632.0, 347.0
        given.coeffs = [0.0] * 5
        return given

    def stop(self):
        pass


def test_a_plugged_in_camera_is_asked_for_1280_x_720_and_set_to_high_accuracy(monkeypatch):
    from grasping_student.cameras import realsense

    library = Device()
    monkeypatch.setattr(realsense, "_library", lambda: library)
    device = RealSenseCamera(RealSenseConfig(warm_up=0), looking_down(0.7))
    device.connect()
    assert library.streams == [
        (rs.stream.depth, 1280, 720, rs.format.z16, 15),
        (rs.stream.color, 1280, 720, rs.format.rgb8, 15),
    ]
    assert library.options == {rs.option.visual_preset: float(rs.rs400_visual_preset.high_accuracy)}
    assert device.serial == SERIAL
    assert device.intrinsics == d415_intrinsics()
    assert device._scale == 0.0001
    device.disconnect()
    with pytest.raises(CameraError, match=f"no RealSense camera with serial 42; plugged in: {SERIAL}"):
        RealSenseCamera(RealSenseConfig(serial="42"), looking_down(0.7)).connect()
    library.query_devices = lambda: [library, library]
    with pytest.raises(CameraError, match="several RealSense cameras"):
        RealSenseCamera(RealSenseConfig(), looking_down(0.7)).connect()


def test_a_distorting_lens_is_refused(recording, monkeypatch):
    from grasping_student.cameras import realsense

    given = rs.intrinsics()
    given.coeffs = [0.1, 0, 0, 0, 0]
    with pytest.raises(CameraError, match="distorted"):
        realsense._intrinsics(given)


@given(st.integers(1, 7), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_median_depth_agrees_with_a_literal_median_over_the_measured(frames, seed):
    random = np.random.default_rng(seed)
    stored = random.integers(1, 9, (frames, 4, 5)).astype(np.uint16)
    stored[random.random(stored.shape) < 0.4] = 0
    result = median_depth(stored)
    for row, col in np.ndindex(4, 5):
        measured = [int(value) for value in stored[:, row, col] if value]
        if 2 * len(measured) < frames or not measured:
            assert np.isnan(result[row, col])
        else:
            assert result[row, col] == pytest.approx(np.median(measured))


@pytest.mark.parametrize("options", [{"median": 0}, {"warm_up": -1}, {"timeout": 0.0}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match="must be"):
        RealSenseConfig(**options)
