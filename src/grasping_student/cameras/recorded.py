"""A camera that plays frames from a folder, in the file format of ``predict``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from grasping_student.cameras.base import Camera, CameraConfig, CameraError, register_camera
from grasping_student.perception.depth_files import DepthUnit
from grasping_student.perception.frame import Intrinsics, RgbdFrame
from grasping_student.perception.frame_files import FrameFormat, frame_files, load_frame


@register_camera("recorded")
@dataclass(frozen=True)
class RecordedConfig(CameraConfig):
    """Frames from a folder in the file format of ``predict``."""

    frames_have_poses: ClassVar[bool] = True

    folder: Path = Path("frames")
    """One frame's folder, or a folder of such folders."""

    repeat: bool = True
    """Begin anew after the last frame."""

    depth_unit: DepthUnit = "m"
    """Unit of the stored depth."""

    depth_scale: float | None = None
    """Metres of one stored unit, for instance 0.00025; None takes the depth unit."""

    depth_is_range: bool = False
    """Stored numbers are distances along each pixel's ray, not along the optical axis."""

    def make(self, camera_to_world: NDArray[np.float64]) -> Camera:
        return RecordedCamera(self.folder, self.repeat, FrameFormat.of(self))


class RecordedCamera(Camera):
    """Plays one frame folder, or the frame folders inside a folder in the order of their names.

    Args:
        folder: holds ``camera.json`` itself, or folders that do.
        repeat: begin anew after the last frame; else it is an error to read on.
        form: what the numbers in the files mean; None takes metres along the axis.
    """

    def __init__(self, folder: Path, repeat: bool = False, form: FrameFormat | None = None) -> None:
        self._folder = folder
        self._repeat = repeat
        self._form = form
        self._frames: list[Path] = []
        self._next = 0

    @property
    def name(self) -> str:
        return "recorded"

    @property
    def serial(self) -> str:
        return self._folder.name

    @property
    def intrinsics(self) -> Intrinsics:
        return self._load(0).intrinsics

    def connect(self) -> None:
        if self._frames:
            return
        single = (self._folder / "camera.json").exists()
        frames = [self._folder] if single else sorted(path.parent for path in self._folder.glob("*/camera.json"))
        if not frames:
            raise CameraError(f"{self._folder} holds no recorded frame: expected camera.json, depth.npy and pose.txt")
        self._frames, self._next = frames, 0

    def disconnect(self) -> None:
        self._frames = []

    def read(self) -> RgbdFrame:
        if self._next >= len(self._frames) > 0 and self._repeat:
            self._next = 0
        frame = self._load(self._next)
        self._next += 1
        return frame

    def _load(self, index: int) -> RgbdFrame:
        if not self._frames:
            raise CameraError(f"the recorded camera {self._folder} is not connected; call connect() first")
        if index >= len(self._frames):
            raise CameraError(f"{self._folder}: all {len(self._frames)} recorded frames have been read")
        frame, _ = load_frame(frame_files(self._frames[index]), self._form)
        return frame
