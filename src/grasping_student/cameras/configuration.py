"""Options of the cameras; importing this loads nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class RealSenseConfig:
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
    """Filling of holes by the vendor's library; ours fills after the heightmap and says so."""

    warm_up: int = 15
    """Frames thrown away after the start, while the exposure settles."""

    median: int = 5
    """Frames whose median is one picture."""

    timeout: float = 3.0
    """Longest wait for a frame, seconds."""

    reconnects: int = 2
    """How often the camera is started anew when frames stay away, before giving up."""

    recording: Path | None = None
    """A recording (``.db3``) to play in place of a device."""

    def __post_init__(self) -> None:
        if self.median < 1 or self.warm_up < 0 or self.reconnects < 0:
            raise ValueError("median must be at least 1, warm_up and reconnects at least 0")
        if not self.timeout > 0.0:
            raise ValueError(f"timeout is {self.timeout} s; it must be above 0")


@dataclass(frozen=True)
class RecordedConfig:
    """Frames from a folder in the file format of ``predict``."""

    folder: Path = Path("frames")
    """One frame's folder, or a folder of such folders."""

    repeat: bool = True
    """Begin anew after the last frame."""

    depth_unit: Literal["m", "mm"] = "m"
    """Unit of the stored depth."""

    depth_scale: float | None = None
    """Metres of one stored unit, for instance 0.00025; None takes the depth unit."""

    depth_is_range: bool = False
    """Stored numbers are distances along each pixel's ray, not along the optical axis."""
