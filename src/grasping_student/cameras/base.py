"""The interface of an RGB-D camera and of its options; a vendor's library is imported when a camera is connected."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from grasping_student.cameras import DRIVERS
from grasping_student.perception.frame import Intrinsics, RgbdFrame
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.registry import Registry


class CameraError(UserError):
    """A camera that is missing, unplugged or silent: what happened and what to do."""


class Camera(ABC):
    """Gives RGB-D frames that know where they were taken. Use as a context manager."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Kind of camera, for records: ``realsense``, ``recorded``, ``simulated``."""

    @property
    @abstractmethod
    def serial(self) -> str:
        """Which one it is; readable while disconnected if the caller chose it, else after ``connect``."""

    @property
    @abstractmethod
    def intrinsics(self) -> Intrinsics:
        """Of the frames' depth pictures.

        Raises:
            CameraError: not connected.
        """

    @abstractmethod
    def connect(self) -> None:
        """Open the device and wait until its pictures are good; on a connected camera it does nothing.

        Raises:
            CameraError: no such device, or it gives no pictures.
        """

    @abstractmethod
    def disconnect(self) -> None:
        """Close the device; calling it twice does no harm."""

    @abstractmethod
    def read(self) -> RgbdFrame:
        """The next frame; its arrays are the caller's own.

        Raises:
            CameraError: not connected, or no frame came in time.
        """

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.disconnect()


class CameraConfig(ABC):
    """Options of a camera in a cell's file: a frozen dataclass that is registered by ``register_camera``."""

    frames_have_poses: ClassVar[bool] = False
    """Whether each frame contains its own pose, so that no calibration is needed."""

    @abstractmethod
    def make(self, camera_to_world: NDArray[np.float64]) -> Camera:
        """The driver; nothing is opened yet.

        Args:
            camera_to_world: where the camera stands, 4 x 4; not used if ``frames_have_poses``.
        """


CAMERAS: Registry[CameraConfig] = Registry("camera", DRIVERS)
register_camera = CAMERAS.register
