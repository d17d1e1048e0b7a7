"""Intel RealSense cameras through the vendor's own library, imported when a camera is connected."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from grasping_student.cameras.base import Camera, CameraConfig, CameraError, register_camera
from grasping_student.cameras.depth_median import median_depth
from grasping_student.perception.frame import Intrinsics, RgbdFrame

LARGEST_DISTORTION = 1e-3
"""Colour pictures with larger distortion coefficients are no pinhole's; the D415 delivers zeros."""


@register_camera("realsense")
@dataclass(frozen=True)
class RealSenseConfig(CameraConfig):
    """An Intel RealSense depth camera; defaults are those of the paper's D415 (section VI)."""

    serial: str = ""
    """Serial number of the camera; empty takes the only one that is plugged in."""

    width: int = 1280
    """Columns of depth and colour."""

    height: int = 720
    """Rows of depth and colour."""

    fps: int = 15
    """Frames a second asked of the camera."""

    preset: Literal["high_accuracy", "high_density", "default"] = "high_accuracy"
    """Visual preset of the depth sensor; high accuracy leaves holes rather than guesses."""

    spatial: bool = False
    """Edge-preserving smoothing over neighbouring pixels, by the vendor's library."""

    temporal: bool = False
    """Smoothing over successive frames, by the vendor's library."""

    hole_filling: bool = False
    """Filling of holes by the vendor's library; ours fills the heightmap and notes it."""

    warm_up: int = 15
    """Frames thrown away after the start, while the exposure settles."""

    median: int = 5
    """Frames whose median is one picture."""

    timeout: float = 3.0
    """Longest wait for a frame, seconds."""

    reconnects: int = 2
    """Restarts of the camera when frames stay away, before giving up."""

    recording: Path | None = None
    """A recording (``.db3``) to play in place of a device."""

    def __post_init__(self) -> None:
        if self.median < 1 or self.warm_up < 0 or self.reconnects < 0:
            raise ValueError("median must be at least 1, warm_up and reconnects at least 0")
        if not self.timeout > 0.0:
            raise ValueError(f"timeout is {self.timeout} s; it must be above 0")

    def make(self, camera_to_world: NDArray[np.float64]) -> Camera:
        return RealSenseCamera(self, camera_to_world)


class RealSenseCamera(Camera):
    """Depth aligned to colour, as one frame the median of several.

    Args:
        config: options of the camera.
        camera_to_world: where it stands, from the calibration.
    """

    def __init__(self, config: RealSenseConfig, camera_to_world: NDArray[np.float64]) -> None:
        self._config = config
        self._camera_to_world = camera_to_world
        self._pipeline: Any = None
        self._align: Any = None
        self._filters: list[Any] = []
        self._intrinsics: Intrinsics | None = None
        self._scale = 0.001
        self._serial = config.serial
        self.restarts = 0
        """Number of restarts because frames stayed away."""

    @property
    def name(self) -> str:
        return "realsense"

    @property
    def serial(self) -> str:
        return self._serial

    @property
    def intrinsics(self) -> Intrinsics:
        if self._intrinsics is None:
            raise CameraError("the RealSense camera is not connected; call connect() first")
        return self._intrinsics

    def connect(self) -> None:
        if self._pipeline is not None:
            return
        self._start()
        for _ in range(self._config.warm_up):
            self._frameset()

    def disconnect(self) -> None:
        pipeline, self._pipeline, self._intrinsics = self._pipeline, None, None
        if pipeline is not None:
            pipeline.stop()

    def read(self) -> RgbdFrame:
        intrinsics = self.intrinsics
        self._forget_waiting()
        stored: list[NDArray[np.uint16]] = []
        rgb: NDArray[np.uint8] | None = None
        for _ in range(self._config.median):
            raw, rgb = self._frameset()
            stored.append(raw)
        depth = median_depth(np.stack(stored)) * np.float32(self._scale)
        return RgbdFrame(depth, rgb, intrinsics, self._camera_to_world.copy())

    def _start(self) -> None:
        """Open the pipeline, set the preset, read scale, serial and intrinsics from the device."""
        rs = _library()
        config = rs.config()
        if self._config.recording is not None:
            if not self._config.recording.exists():
                raise CameraError(f"the recording {self._config.recording} does not exist")
            rs.config.enable_device_from_file(config, str(self._config.recording), repeat_playback=False)
        else:
            _check_plugged_in(rs, self._config.serial)
            if self._config.serial:
                config.enable_device(self._config.serial)
            size = (self._config.width, self._config.height)
            config.enable_stream(rs.stream.depth, *size, rs.format.z16, self._config.fps)
            config.enable_stream(rs.stream.color, *size, rs.format.rgb8, self._config.fps)
        pipeline = rs.pipeline()
        try:
            profile = pipeline.start(config)
        except RuntimeError as error:
            raise CameraError(f"the RealSense camera does not start: {error}; unplug it, plug it in again") from None
        self._pipeline = pipeline
        try:
            self._describe(rs, profile)
        except Exception:
            self.disconnect()
            raise

    def _describe(self, rs: Any, profile: Any) -> None:
        """Read serial number, scale and intrinsics of the started device."""
        device = profile.get_device()
        sensor = device.first_depth_sensor()
        self._serial = device.get_info(rs.camera_info.serial_number)
        self._scale = sensor.get_depth_scale()
        if self._config.recording is not None:
            device.as_playback().set_real_time(False)
        elif sensor.supports(rs.option.visual_preset):
            sensor.set_option(rs.option.visual_preset, float(getattr(rs.rs400_visual_preset, self._config.preset)))
        self._intrinsics = _intrinsics(profile.get_stream(rs.stream.color).as_video_stream_profile().get_intrinsics())
        self._align = rs.align(rs.stream.color)
        self._filters = _filters(rs, self._config)

    def _frameset(self) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        """Depth aligned to colour (raw units, 0 where unmeasured) and colour, waiting and restarting if need be."""
        trouble: Exception
        try:
            return self._next_complete()
        except RuntimeError as error:
            trouble = error
        if self._config.recording is not None:
            raise CameraError(f"the recording {self._config.recording} has no more frames") from None
        for _ in range(self._config.reconnects):
            try:
                self._restart()
                return self._next_complete()
            except (RuntimeError, CameraError) as error:
                trouble = error
        raise CameraError(
            f"no frame from RealSense {self._serial} in {self._config.timeout:g} s, and {self._config.reconnects} "
            f"restarts did not help ({trouble}); look at the cable: it needs USB 3"
        ) from None

    def _restart(self) -> None:
        """Start anew; a camera that was unplugged is waited for, and its exposure must settle again."""
        self.restarts += 1
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            with contextlib.suppress(RuntimeError):  # it stopped by itself when the link was lost
                pipeline.stop()
        deadline = time.monotonic() + self._config.timeout
        while self._pipeline is None:
            try:
                self._start()
            except CameraError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        for _ in range(self._config.warm_up):
            self._next_complete()

    def _forget_waiting(self) -> None:
        """Drop the frames that the library kept since the last look: the arm may be in them."""
        if self._config.recording is None and self._pipeline is not None:
            with contextlib.suppress(RuntimeError):  # a lost link is met at the next frame
                while self._pipeline.poll_for_frames().size() > 0:
                    continue

    def _next_complete(self) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        """The next frameset with both pictures; the first ones after a start may lack one."""
        if self._pipeline is None:
            raise CameraError("the RealSense camera is not connected; call connect() first")
        milliseconds = round(self._config.timeout * 1000)
        while True:
            frames = self._pipeline.wait_for_frames(milliseconds)
            if not frames.get_depth_frame() or not frames.get_color_frame():
                continue
            for each in self._filters:
                frames = each.process(frames).as_frameset()
            frames = self._align.process(frames)
            depth, colour = frames.get_depth_frame(), frames.get_color_frame()
            if depth and colour:
                # the library reuses its buffers
                return np.array(depth.get_data(), dtype=np.uint16), np.array(colour.get_data(), dtype=np.uint8)


def _library() -> Any:
    """The vendor's library.

    Raises:
        CameraError: it is not installed, or its system library is missing.
    """
    try:
        import pyrealsense2
    except ImportError as error:
        raise CameraError(
            f"pyrealsense2 cannot be imported ({error}); install the extra 'robot' and Debian's libusb-1.0-0"
        ) from None
    return pyrealsense2


def _check_plugged_in(rs: Any, serial: str) -> None:
    """Make sure that the wanted camera is there, and the only one if none was named.

    Raises:
        CameraError: it is not.
    """
    found = [device.get_info(rs.camera_info.serial_number) for device in rs.context().query_devices()]
    if not found:
        raise CameraError("no RealSense camera is plugged in; it needs a USB 3 port (lsusb lists it as 8086:...)")
    if serial and serial not in found:
        raise CameraError(f"no RealSense camera with serial {serial}; plugged in: {', '.join(found)}")
    if not serial and len(found) > 1:
        raise CameraError(f"several RealSense cameras are plugged in: {', '.join(found)}; name one as serial")


def _intrinsics(given: Any) -> Intrinsics:
    """The library's intrinsics as ours.

    Raises:
        CameraError: the lens distorts.
    """
    if max(map(abs, given.coeffs)) > LARGEST_DISTORTION:
        raise CameraError(f"the colour stream is distorted ({list(given.coeffs)}); use one that the camera rectifies")
    return Intrinsics(given.fx, given.fy, given.ppx, given.ppy, given.width, given.height)


def _filters(rs: Any, config: RealSenseConfig) -> list[Any]:
    """The vendor's filters in the vendor's order: spatial and temporal work on disparity."""
    wanted = ([rs.spatial_filter()] if config.spatial else []) + ([rs.temporal_filter()] if config.temporal else [])
    if wanted:
        wanted = [rs.disparity_transform(True), *wanted, rs.disparity_transform(False)]
    return wanted + ([rs.hole_filling_filter()] if config.hole_filling else [])
