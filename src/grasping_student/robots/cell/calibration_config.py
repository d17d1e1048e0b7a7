"""Options of ``cell calibrate`` and ``cell check``; importing this loads nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from grasping_student.perception.board_config import BoardConfig


@dataclass(frozen=True)
class CalibrateConfig:
    """Pose of the camera, from points that the arm's tool has touched."""

    cell: Path | None = None
    """The robot cell's file: where the workspace lies, which camera."""

    touched: Path | None = None
    """YAML list of touched points, each with base and either corner or pixel."""

    frame: Path | None = None
    """Folder of a recorded frame (camera.json, depth.npy, color.png); None reads the cell's camera."""

    method: Literal["charuco", "points"] = "charuco"
    """Corners of a ChArUco board, or pixels with their depth."""

    board: BoardConfig = field(default_factory=BoardConfig)
    """The printed board."""

    print_board: Path | None = None
    """Only write the board as a picture to be printed at its true size, 300 dots an inch, into this PNG file."""

    max_residual_mm: float = 3.0
    """A fit with a larger root mean square is refused, millimetres."""

    max_tilt_degrees: float = 3.0
    """A table tilted further against the touched points is refused, degrees."""

    robot_serial: str = ""
    """Serial number of the arm, for the record; empty asks the arm, if it answers."""

    out: Path = Path("runs/calibration")
    """Folder for calibration.json, camera_to_base.txt and world_to_base.txt (which ``predict`` reads), calibration.png,
    reference.png and manifest.json."""

    overwrite: bool = False
    """Replace the output folder if it exists."""

    def __post_init__(self) -> None:
        if not self.max_residual_mm > 0.0 or not 0.0 < self.max_tilt_degrees <= 10.0:
            raise ValueError("max_residual_mm must be above 0, max_tilt_degrees in (0, 10]")


@dataclass(frozen=True)
class CheckConfig:
    """Diagnostics of the camera: what is wrong with a frame, and what to do."""

    cell: Path | None = None
    """The robot cell's file; None takes the paper's workspace and needs a frame."""

    frame: Path | None = None
    """Folder of a recorded frame; None reads the cell's camera."""

    calibration: Path | None = None
    """Result of ``cell calibrate``; None takes the one beside the pose that the cell's camera names."""

    depth_unit: Literal["m", "mm"] = "m"
    """Unit of a recorded frame's depth."""

    depth_scale: float | None = None
    """Metres of one stored unit, for instance 0.00025; None takes the depth unit."""

    depth_is_range: bool = False
    """Stored numbers are distances along each pixel's ray, not along the optical axis."""

    out: Path | None = None
    """Folder for check.json; None writes nothing."""

    overwrite: bool = False
    """Replace the output folder if it exists."""
