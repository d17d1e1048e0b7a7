"""RGB-D frames from files that any camera's software can write: depth, colour, intrinsics, pose."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.perception.depth_files import DEPTH_READERS, DepthFormat, DepthUnit, read_depth
from grasping_student.perception.frame import RgbdFrame
from grasping_student.perception.intrinsics_files import read_intrinsics
from grasping_student.perception.lens import rectified
from grasping_student.perception.point_clouds import CLOUD_ENDINGS
from grasping_student.perception.pose_files import PoseFormat, read_pose
from grasping_student.pipeline import safe_io
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import write_json

COLOR_ENDINGS = (".png", ".jpg", ".jpeg", ".tiff", ".tif", ".bmp")

_STEMS, _ENDINGS = ("camera", "camera_info", "intrinsics"), ("json", "yaml", "yml", "txt")
INTRINSICS_NAMES = (*(f"{stem}.{ending}" for stem in _STEMS for ending in _ENDINGS), "camera-intrinsics.txt")
"""Names of a frame's intrinsics, the one that we write first."""

POSE_NAMES = ("pose.txt", "pose.json", "pose.npy", "camera_to_world.txt")
"""Names of a frame's pose, the one that we write first."""


@dataclass(frozen=True)
class FrameFormat:
    """What the numbers in a frame's files mean, where the files do not say it."""

    depth: DepthFormat = field(default_factory=DepthFormat)
    """Unit of the depth, and along what it is measured."""

    pose: PoseFormat = "auto"
    """Order of a pose's 6 or 7 numbers."""

    @classmethod
    def of(cls, options: FrameOptions) -> Self:
        """The format that a command's options tell: ``depth_unit``, ``depth_scale``, ``depth_is_range``."""
        depth = DepthFormat(options.depth_unit, options.depth_scale, options.depth_is_range)
        return cls(depth, getattr(options, "pose_format", "auto"))


class FrameOptions(Protocol):
    """Options of every command that reads frames."""

    @property
    def depth_unit(self) -> DepthUnit: ...

    @property
    def depth_scale(self) -> float | None: ...

    @property
    def depth_is_range(self) -> bool: ...


@dataclass(frozen=True)
class FrameFiles:
    """Where one frame lies on disk."""

    depth: Path
    """A depth picture (``DEPTH_READERS``) along the optical axis, 0 or NaN where unmeasured; or a point cloud."""

    intrinsics: Path
    """Intrinsics of the depth picture, in any form of ``intrinsics_files``."""

    camera_to_world: Path
    """``camera_to_world`` in any form of ``pose_files``; world: origin at the workspace's centre on the table, z up."""

    color: Path | None = None
    """Picture registered to the depth, of its size or a whole multiple of it; None for none."""


def frame_files(folder: Path) -> FrameFiles:
    """The frame in a folder: ``depth`` of any known ending, ``camera.json``, ``pose.txt`` and maybe ``color.png``.

    Upper-case endings and the other usual names (``INTRINSICS_NAMES``, ``POSE_NAMES``, ``rgb.png``) are found too.
    """
    held = {path.name.lower(): path for path in sorted(folder.iterdir())} if folder.is_dir() else {}
    depth = [f"depth{ending}" for ending in (*DEPTH_READERS, *CLOUD_ENDINGS)]
    color = [f"{stem}{ending}" for stem in ("color", "colour", "rgb") for ending in COLOR_ENDINGS]

    def first(names: list[str] | tuple[str, ...]) -> Path:
        return next((held[name] for name in names if name in held), folder / names[0])

    found = first(color)
    return FrameFiles(
        depth=first(depth),
        intrinsics=first(INTRINSICS_NAMES),
        camera_to_world=first(POSE_NAMES),
        color=found if found.exists() else None,
    )


def load_frame(files: FrameFiles, form: FrameFormat | None = None) -> tuple[RgbdFrame, list[str]]:
    """Read a frame; a lens that is not straight is rectified.

    Returns:
        The frame, and in words what had to be adapted.

    Raises:
        UserError: a file is missing or unreadable, the intrinsics are no camera's, the depth holds no measurement or is
            in another unit, sizes disagree, the pose is no rigid motion.
    """
    form = form or FrameFormat()
    clouded = files.depth.suffix.lower() in CLOUD_ENDINGS
    if clouded or form.depth.is_range:
        camera = read_intrinsics(files.intrinsics)
        depth = read_depth(files.depth, form.depth, camera.intrinsics)
    else:
        depth = read_depth(files.depth, form.depth)
        camera = read_intrinsics(files.intrinsics, depth.shape)
    intrinsics = camera.intrinsics
    if depth.shape != intrinsics.shape:
        raise UserError(
            f"{files.depth} is {depth.shape[1]} x {depth.shape[0]} pixels, {files.intrinsics} says "
            f"{intrinsics.width} x {intrinsics.height}; give the intrinsics of the depth picture itself"
        )
    notes: list[str] = []
    rgb = None
    if files.color is not None:
        rgb, note = read_color(files.color, intrinsics.shape)
        notes += [note] if note else []
    frame = RgbdFrame(depth, rgb, intrinsics, read_pose(files.camera_to_world, form.pose))
    if camera.distortion is not None and not clouded:
        frame, note = rectified(frame, camera.distortion)
        notes.append(note)
    return frame, notes


def read_color(path: Path, shape: tuple[int, int]) -> tuple[NDArray[np.uint8], str | None]:
    """Read a colour picture of the depth's shape, or a whole multiple of it, which is averaged down.

    Returns:
        uint8 ``(rows, cols, 3)`` and, if it was larger, a sentence that says so.

    Raises:
        UserError: missing, unreadable, or of a size that fits the depth in no way.
    """
    if not path.is_file():
        raise UserError(f"{path} {'is no plain file' if path.exists() else 'does not exist'}")
    try:
        rgb = safe_io.read_rgb(path)
    except safe_io.Unusable as error:
        raise UserError(f"{path} is no readable picture: {error}") from None
    rows, cols = shape
    factor = rgb.shape[0] // rows
    if factor < 1 or rgb.shape[:2] != (factor * rows, factor * cols):
        raise UserError(
            f"{path} is {rgb.shape[1]} x {rgb.shape[0]} pixels, the depth {cols} x {rows}; colour must be registered "
            "to the depth and of its size, or a whole multiple of it"
        )
    if factor == 1:
        return rgb, None
    small = np.asarray(cv2.resize(rgb, (cols, rows), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return small, f"Colour is {factor} times as large as depth: averaged down to {cols} x {rows} pixels."


def save_frame(frame: RgbdFrame, folder: Path) -> None:
    """Write a frame in the form that :func:`frame_files` finds and :func:`load_frame` reads back exactly."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "depth.npy", frame.depth)
    write_json(folder / "camera.json", dataclasses.asdict(frame.intrinsics))
    np.savetxt(folder / "pose.txt", frame.camera_to_world, fmt="%.17g")
    if frame.rgb is not None:
        cv2.imwrite(str(folder / "color.png"), cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2BGR))
