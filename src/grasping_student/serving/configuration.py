"""Options of ``predict``; importing this loads nothing heavy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from grasping_student.geometry.limits_config import GraspLimitsConfig

Backend = Literal["auto", "torch", "openvino", "onnx"]


@dataclass(frozen=True)
class PredictConfig(GraspLimitsConfig):
    """The best grasp on one depth image of any camera, as grasp.json and grasp.png."""

    depth: Path | None = None
    """Depth along the optical axis: .npy, .npz, 16-bit .png, .tiff or .exr, 0 or NaN where nothing was measured; or a
    point cloud of the camera's frame, .ply or .pcd."""

    intrinsics: Path | None = None
    """JSON with fx, fy, cx, cy, width, height in pixels of the depth picture; or what ROS, RealSense, Open3D and OpenCV
    write."""

    camera_to_world: Path | None = None
    """4 x 4 or 3 x 4 numbers (text, .json, .npy), metres; world: origin at the workspace's centre on the table, z
    up."""

    model: Path | None = None
    """Folder of a checkpoint or of what ``export`` wrote; None takes the general model that ships with the package."""

    backend: Backend = "auto"
    """What runs the network; auto is OpenVINO for the general model that ships and other exported models, torch for a
    checkpoint. OpenVINO and ONNX Runtime run a copy that is exported once. Scores differ in their last digits between
    them."""

    color: Path | None = None
    """Picture registered to the depth, of its size or a whole multiple of it; only for the drawing."""

    depth_unit: Literal["m", "mm"] = "m"
    """Unit of the stored depth: metres or millimetres."""

    depth_scale: float | None = None
    """Metres of one stored unit, for instance 0.00025; None takes the depth unit."""

    depth_is_range: bool = False
    """Stored numbers are distances along each pixel's ray, not along the optical axis."""

    pose_format: Literal["auto", "matrix", "xyz-xyzw", "xyz-wxyz", "wxyz-xyz", "xyzw-xyz", "rvec-tvec", "tvec-rvec"] = (
        "auto"
    )
    """What a pose of 6 or 7 numbers means: a translation with a quaternion in that order, or OpenCV's vectors."""

    workspace_center: tuple[float, float, float] | None = None
    """Where the workspace's centre on the table lies in the frame of the pose, metres, for instance the robot's base;
    None takes its origin."""

    workspace_yaw: float = 0.0
    """By how much the workspace is turned there, radians counter-clockwise; with ``workspace-center``."""

    world_to_base: Path | None = None
    """The same as a pose: the workspace's world seen from the frame of the camera's pose, in any of its forms;
    ``cell calibrate`` writes it beside camera_to_base.txt."""

    bin: tuple[float, ...] = ()
    """The bin's inside by hand: x0 y0 x1 y1, or corners x y x y ... of a polygon, metres; empty looks for its walls."""

    level_floor: bool = False
    """Measure heights from the level plane that dominates the picture, however far it lies from the pose's zero."""

    extent: float | None = None
    """Side of the workspace in metres; None takes the model's own, and a third more if nothing stands in that. The
    model's pixel size is kept."""

    top: int = 5
    """How many grasps to give: the best one and the runners-up."""

    min_success: float | None = None
    """Only grasps whose calibrated chance of success is at least this; needs a model whose scores are calibrated."""

    ceiling: float = 0.12
    """Heights above are cut to this, metres."""

    strict: bool = False
    """Exit with 3 where there is a grasp, but one to be doubted: no constraint obeyed, or no material seen at it."""

    out: Path = Path("runs/predict")
    """Folder for grasp.json, grasp.png and manifest.json."""

    overwrite: bool = False
    """Replace the output folder if it exists."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.top < 1:
            raise ValueError(f"top is {self.top}; at least 1 grasp must be asked for")
        if self.min_success is not None and not 0.0 <= self.min_success <= 1.0:
            raise ValueError(f"min_success is {self.min_success}; it is a chance in [0, 1]")
        if self.world_to_base is not None and self.workspace_center is not None:
            raise ValueError("workspace_center and world_to_base say the same: give one of them")
        if self.workspace_yaw and self.workspace_center is None:
            raise ValueError("workspace_yaw turns the workspace about workspace_center: give that too")
        if not -2.0 * math.pi <= self.workspace_yaw <= 2.0 * math.pi:
            raise ValueError(f"workspace_yaw is {self.workspace_yaw} radians: were these degrees?")
        if self.workspace_center is not None and not all(abs(each) <= 10.0 for each in self.workspace_center):
            raise ValueError(f"workspace_center is {self.workspace_center} m: were these millimetres?")
        if self.extent is not None and not 0.0 < self.extent <= 10.0:
            raise ValueError(f"extent is {self.extent}; it must lie in (0, 10], in metres")
        if not 0.0 < self.ceiling < math.inf:  # NaN fails too
            raise ValueError(f"ceiling is {self.ceiling}; it must be a finite number above 0, in metres")


@dataclass(frozen=True)
class ServeConfig:
    """Grasps over HTTP: POST /v1/grasps takes a depth picture, and a page in the browser tries it."""

    model: tuple[str, ...] = ()
    """FOLDER or NAME=FOLDER of each model, a checkpoint or an export; empty serves the general model that ships, as
    ``default``. Requests that name none get the first."""

    backend: Backend = "auto"
    """What runs the networks; auto is the fastest one that is installed. A checkpoint is exported once and kept in the
    user's cache."""

    workers: int = 0
    """Processes that compute; 0 starts one for each processor core."""

    threads: int = 1
    """Threads of torch in each of them, where it runs the network; OpenVINO and ONNX Runtime take what they need."""

    host: str = "127.0.0.1"
    """Address to serve on; another than this machine's own needs --token."""

    port: int = 8090
    """0 takes any free port."""

    token: str | None = None
    """Word that requests carry as ``Authorization: Bearer WORD``; 'auto' makes one."""

    max_megabytes: float = 32.0
    """Largest body of a request; a larger one is answered with 413."""

    max_pixels: int = 4_000_000
    """Most pixels of a depth picture; more are answered with 413."""

    max_seconds: float = 10.0
    """Longest time for a body to arrive (then 408), and again for its answer (then 503)."""

    max_waiting: int = 32
    """Most requests that are received, wait or are computed at a time; one more is answered with 429."""

    def __post_init__(self) -> None:
        names = [name for name, _ in self.named_models()]
        if len(set(names)) < len(names):
            raise ValueError(f"models are named {', '.join(names)}; give each a name of its own, as NAME=FOLDER")
        for name in ("max_megabytes", "max_pixels", "max_seconds", "max_waiting", "threads"):
            if not 0 < getattr(self, name) < math.inf:  # NaN fails too
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")
        if not 0 <= self.workers <= 256:
            raise ValueError(f"workers is {self.workers}; it must be from 0 (one for each core) to 256")

    def named_models(self) -> tuple[tuple[str, Path | None], ...]:
        """Name and folder of each model; None is the general model that ships."""
        if not self.model:
            return (("default", None),)
        named = [spec.partition("=") if "=" in spec else (Path(spec).name, "=", spec) for spec in self.model]
        return tuple((name, Path(folder)) for name, _, folder in named)
