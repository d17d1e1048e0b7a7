"""A camera that looks at a heightmap: every pixel's ray is followed until it meets the surface."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grasping_student.cameras.base import Camera, CameraConfig, CameraError, register_camera
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.frame import Intrinsics, RgbdFrame
from grasping_student.pipeline.surroundings import compiled


def d415_intrinsics() -> Intrinsics:
    """Those of the authors' camera at 1280 x 720, rounded."""
    return Intrinsics(909.0, 908.0, 632.0, 347.0, 1280, 720)


def looking_down(distance: float, tilt: float = 0.0) -> NDArray[np.float64]:
    """``camera_to_world`` of a camera above the workspace's centre, its picture's top towards +y.

    Args:
        distance: from the world's origin, metres.
        tilt: turned about the world's x axis by so many radians, still looking at the origin.
    """
    cos, sin = math.cos(tilt), math.sin(tilt)
    pose = np.eye(4)
    pose[:3, 0] = (1.0, 0.0, 0.0)
    pose[:3, 1] = (0.0, -cos, -sin)
    pose[:3, 2] = (0.0, sin, -cos)
    pose[:3, 3] = -distance * pose[:3, 2]
    return pose


class Box(NamedTuple):
    """An upright box on the table: world x and y of its centre, side along both, height; metres."""

    x: float
    y: float
    width: float
    height: float


@register_camera("simulated")
@dataclass(frozen=True)
class SimulatedConfig(CameraConfig):
    """A rendered camera above boxes on a table, to try a cell's file without a camera."""

    frames_have_poses: ClassVar[bool] = True

    distance: float = 0.7
    """From the centre of the workspace, metres."""

    tilt: float = 0.0
    """Against straight down, radians."""

    boxes: tuple[tuple[float, float, float, float], ...] = ((0.0, 0.0, 0.04, 0.03),)
    """Boxes on the table: x, y, width and height of each, metres."""

    noise: float = 0.0
    """Standard deviation of the depth, metres."""

    dropout: float = 0.0
    """Share of pixels that are not measured."""

    seed: int = 0
    """Of noise and dropout."""

    def __post_init__(self) -> None:
        if not 0.1 <= self.distance <= 10.0:
            raise ValueError(f"distance is {self.distance} m; it must lie in [0.1, 10]: were these millimetres?")
        if not abs(self.tilt) <= 1.2:
            raise ValueError(f"tilt is {self.tilt} rad; it must lie in [-1.2, 1.2]: were these degrees?")

    def make(self, camera_to_world: NDArray[np.float64]) -> Camera:
        scene = boxes_on_table(Box(*each) for each in self.boxes)
        pose = looking_down(self.distance, self.tilt)
        return SimulatedCamera(lambda: scene, d415_intrinsics(), pose, self.noise, self.dropout, self.seed)


def boxes_on_table(boxes: Iterable[Box]) -> Heightmap:
    """Grey boxes on a table of 50 cm, in cells of 1 mm."""
    workspace = Workspace(extent=0.5, pixels=500)
    x, y = workspace.xy_from_pixel(np.arange(500), np.arange(500))
    height = np.zeros(workspace.shape, dtype=np.float32)
    for box in boxes:
        inside = (np.abs(y - box.y) <= box.width / 2)[:, None] & (np.abs(x - box.x) <= box.width / 2)[None, :]
        height[inside] = box.height
    return Heightmap(height, np.full((*workspace.shape, 3), 90, np.uint8), workspace)


class SimulatedCamera(Camera):
    """Renders RGB-D frames of a heightmap; around the workspace lies bare table.

    Args:
        observe: gives the scene, for instance an environment's ``observe``; unmeasured cells count as table.
        intrinsics: of the camera.
        camera_to_world: where it stands.
        noise: standard deviation of the depth, metres.
        dropout: share of pixels that are not measured.
        seed: of noise and dropout.
    """

    def __init__(
        self,
        observe: Callable[[], Heightmap],
        intrinsics: Intrinsics,
        camera_to_world: NDArray[np.float64],
        noise: float = 0.0,
        dropout: float = 0.0,
        seed: int = 0,
    ) -> None:
        self._observe = observe
        self._intrinsics = intrinsics
        self._camera_to_world = camera_to_world
        self._noise, self._dropout = noise, dropout
        self._random = np.random.default_rng(seed)
        self._connected = False

    @property
    def name(self) -> str:
        return "simulated"

    @property
    def serial(self) -> str:
        return "simulated"

    @property
    def intrinsics(self) -> Intrinsics:
        self._check_connected()
        return self._intrinsics

    def connect(self) -> None:
        self._connected = True

    def disconnect(self) -> None:
        self._connected = False

    def read(self) -> RgbdFrame:
        self._check_connected()
        frame = render(self._observe(), self._intrinsics, self._camera_to_world)
        depth = frame.depth
        if self._noise > 0.0:
            depth = depth + self._random.normal(0.0, self._noise, depth.shape).astype(np.float32)
        if self._dropout > 0.0:
            depth = np.where(self._random.random(depth.shape) < self._dropout, np.float32(np.nan), depth)
        return RgbdFrame(depth, frame.rgb, frame.intrinsics, frame.camera_to_world)

    def _check_connected(self) -> None:
        if not self._connected:
            raise CameraError("the simulated camera is not connected; call connect() first")


def render(scene: Heightmap, intrinsics: Intrinsics, camera_to_world: NDArray[np.float64]) -> RgbdFrame:
    """The picture of a heightmap; NaN where a ray meets neither the scene nor the table.

    Args:
        scene: heights and colours; unmeasured cells count as table.
        intrinsics: of the camera.
        camera_to_world: where it stands, above everything in the scene.
    """
    height = np.where(np.isfinite(scene.height), scene.height, 0.0)
    workspace = scene.workspace
    depth, cell = _cast(
        height, workspace.extent, workspace.pixel_size, intrinsics.matrix, camera_to_world, *intrinsics.shape
    )
    rgb = np.where((cell >= 0)[..., None], scene.rgb.reshape(-1, 3)[np.maximum(cell, 0)], np.uint8(60))
    return RgbdFrame(depth, rgb.astype(np.uint8), intrinsics, camera_to_world)


@compiled()
def _surface(height, extent, pixel_size, x, y):  # type: ignore[no-untyped-def]  # numba infers
    col, row = math.floor((x + extent / 2) / pixel_size), math.floor((extent / 2 - y) / pixel_size)
    if 0 <= row < height.shape[0] and 0 <= col < height.shape[1]:
        return height[row, col], row * height.shape[1] + col
    return 0.0, -1


@compiled()
def _cast(height, extent, pixel_size, matrix, pose, rows, cols):  # type: ignore[no-untyped-def]  # numba infers
    """Depth and cell of every pixel: march in half cells from the highest point down, then halve the last step."""
    depth = np.full((rows, cols), np.nan, dtype=np.float32)
    cell = np.full((rows, cols), -1, dtype=np.int64)
    ceiling = height.max() + 1e-6
    start = pose[:3, 3].copy()
    for v in range(rows):
        for u in range(cols):
            a, b = (u - matrix[0, 2]) / matrix[0, 0], (v - matrix[1, 2]) / matrix[1, 1]
            dx = pose[0, 0] * a + pose[0, 1] * b + pose[0, 2]
            dy = pose[1, 0] * a + pose[1, 1] * b + pose[1, 2]
            dz = pose[2, 0] * a + pose[2, 1] * b + pose[2, 2]
            if dz > -1e-3:
                continue
            near, end = max((ceiling - start[2]) / dz, 0.0), -start[2] / dz
            step = pixel_size / 2 / max(math.hypot(dx, dy), -dz, 1e-9)
            far = near
            while far < end:
                far = min(near + step, end)
                top, _ = _surface(height, extent, pixel_size, start[0] + far * dx, start[1] + far * dy)
                if start[2] + far * dz <= top:
                    break
                near = far
            for _ in range(14):
                middle = (near + far) / 2
                top, _ = _surface(height, extent, pixel_size, start[0] + middle * dx, start[1] + middle * dy)
                if start[2] + middle * dz <= top:
                    far = middle
                else:
                    near = middle
            depth[v, u] = far
            cell[v, u] = _surface(height, extent, pixel_size, start[0] + far * dx, start[1] + far * dy)[1]
    return depth, cell
