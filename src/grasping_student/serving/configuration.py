"""Options of ``predict``; importing this loads nothing heavy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class PredictConfig:
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
    """Checkpoint folder; None takes the small student that ships with the package."""

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

    extent: float | None = None
    """Side of the workspace in metres; None takes the model's own, and a third more if nothing stands in that. The
    model's pixel size is kept."""

    top: int = 5
    """How many grasps to give: the best one and the runners-up."""

    ceiling: float = 0.12
    """Heights above are cut to this, metres."""

    out: Path = Path("runs/predict")
    """Folder for grasp.json, grasp.png and manifest.json."""

    overwrite: bool = False
    """Replace the output folder if it exists."""

    def __post_init__(self) -> None:
        if self.top < 1:
            raise ValueError(f"top is {self.top}; at least 1 grasp must be asked for")
        if self.extent is not None and not 0.0 < self.extent <= 10.0:
            raise ValueError(f"extent is {self.extent}; it must lie in (0, 10], in metres")
        if not 0.0 < self.ceiling < math.inf:  # NaN fails too
            raise ValueError(f"ceiling is {self.ceiling}; it must be a finite number above 0, in metres")
