"""A folder of plain RGB-D frames of one fixed camera, as unlabelled scenes.

In the folder: ``camera.json`` (fx, fy, cx, cy, width, height), ``pose.txt`` (4 x 4 camera_to_world, metres, origin at
the workspace's centre on the table, z up), ``depth/NAME.npy`` or ``depth/NAME.png`` (metres, or 16-bit millimetres with
``--depth-unit mm``; 0 or NaN where unmeasured), and, if there are colours, ``color/NAME.png`` or ``.jpg``. Frames are
taken in the order of their names. One frame is held in memory for each worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.datasets.importers.base import (
    ImportedAttempt,
    ImportReport,
    Skipped,
    import_workspace,
    require_folder,
    write_import,
)
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.depth_files import DEPTH_READERS, DepthFormat, axis_depth, depth_in_metres, read_stored
from grasping_student.perception.frame import RgbdFrame, frame_to_heightmap
from grasping_student.perception.frame_files import FrameFormat
from grasping_student.perception.heightmap_repair import repair_heightmap
from grasping_student.perception.intrinsics_files import CameraFile, read_intrinsics
from grasping_student.perception.lens import rectified
from grasping_student.perception.pose_files import read_pose
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.executor import parallel_map
from grasping_student.pipeline.safe_io import Unusable, checked_path, read_rgb

LEAST_MEASURED = 0.05
"""A frame that measures a smaller share of the workspace shows something else."""


@dataclass(frozen=True)
class FramesImport:
    """Import a folder of RGB-D frames of one fixed camera as unlabelled scenes."""

    folder: Path
    """Folder with camera.json, pose.txt, depth/ and maybe color/."""

    out: Path
    """New dataset."""

    intrinsics: Path | None = None
    """Another file than the folder's camera.json."""

    camera_to_world: Path | None = None
    """Another file than the folder's pose.txt."""

    depth_unit: Literal["m", "mm"] = "m"
    """Unit of the stored depths."""

    depth_scale: float | None = None
    """Metres of one stored unit, for instance 0.00025; None takes the depth unit."""

    depth_is_range: bool = False
    """Stored numbers are distances along each pixel's ray, not along the optical axis."""

    extent: float = 0.45
    """Side of the workspace, metres."""

    pixels: int = 112
    """Side of the heightmaps, pixels."""

    margin: float = 0.06
    """Rim without grasps, metres."""

    frames_per_episode: int = 1
    """So many frames in a row count as one episode: more than 1 if consecutive frames show the same scene."""

    mend: bool = False
    """Mend each heightmap as ``predict`` does: level the floor, fill holes, take the walls of a bin for floor."""

    workers: int = 2
    """Processes; the result does not depend on their number."""

    def __post_init__(self) -> None:
        if self.frames_per_episode < 1 or self.workers < 1:
            raise ValueError(
                f"frames_per_episode is {self.frames_per_episode}, workers {self.workers}; at least 1 each"
            )


def run(config: FramesImport) -> ImportReport:
    """Import the folder.

    Raises:
        UserError: no calibration, no readable frame, or ``out`` exists.
    """
    require_folder(config.folder)
    camera = read_intrinsics(config.intrinsics or config.folder / "camera.json")
    pose = read_pose(config.camera_to_world or config.folder / "pose.txt")
    depth_folder = config.folder / "depth"
    found = sorted(depth_folder.iterdir()) if depth_folder.is_dir() else []
    frames = [path for path in found if path.suffix.lower() in DEPTH_READERS]
    if not frames:
        raise UserError(f"{config.folder} holds no depth/NAME with an ending of {', '.join(DEPTH_READERS)}")
    workspace = import_workspace(config.extent, config.pixels, config.margin)
    return write_import(
        config.out, workspace, _entries(config, frames, camera, pose, workspace), "frames", config.folder
    )


def _entries(
    config: FramesImport, frames: list[Path], camera: CameraFile, pose: np.ndarray, workspace: Workspace
) -> Iterator[ImportedAttempt | Skipped]:
    read = partial(_read, config.folder, camera, pose, FrameFormat.of(config).depth, workspace, config.mend)
    for number, (path, result) in enumerate(
        zip(frames, parallel_map(read, frames, config.workers, "frames"), strict=True)
    ):
        if isinstance(result, str):
            yield Skipped(path.name, result)
            continue
        episode, index = divmod(number, config.frames_per_episode)
        yield ImportedAttempt(result, episode, index, "recorded", extra={"imported_from": path.name})


def _read(
    folder: Path, camera: CameraFile, pose: np.ndarray, form: DepthFormat, workspace: Workspace, mend: bool, path: Path
) -> Heightmap | str:
    """One frame's heightmap, mended or as it is, or why it cannot be used."""
    try:
        raw = read_frame(folder, camera, pose, form, workspace, path)
        return repair_heightmap(raw).heightmap if mend else raw
    except (Unusable, UserError) as error:
        return str(error)


def read_frame(
    folder: Path, camera: CameraFile, pose: np.ndarray, form: DepthFormat, workspace: Workspace, path: Path
) -> Heightmap:
    """The heightmap of one frame.

    Raises:
        Unusable: a file is broken or of another size, or the frame does not show the workspace.
        UserError: the depths belong to another unit.
    """
    intrinsics, stored = camera.intrinsics, read_stored(checked_path(folder, path))
    if stored.shape != intrinsics.shape:
        raise Unusable(
            f"depth is {stored.shape[1]} x {stored.shape[0]}, the calibration says "
            f"{intrinsics.width} x {intrinsics.height}"
        )
    rgb = None
    for color in (folder / "color" / f"{path.stem}{suffix}" for suffix in (".png", ".jpg", ".jpeg")):
        if color.exists():
            rgb = _registered(read_rgb(checked_path(folder, color)), stored.shape)
            break
    depth, _ = depth_in_metres(stored, form, path.name)
    frame = RgbdFrame(axis_depth(depth, intrinsics) if form.is_range else depth, rgb, intrinsics, pose)
    if camera.distortion is not None:
        frame, _ = rectified(frame, camera.distortion)
    heightmap = frame_to_heightmap(frame, workspace)
    measured = 1.0 - float(heightmap.unmeasured.mean())
    if measured < LEAST_MEASURED:
        raise Unusable(f"only {measured:.0%} of the workspace is measured: does the camera look at it?")
    return heightmap


def _registered(rgb: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """A colour picture of the depth's shape; one of twice or more times its size is averaged down."""
    rows, cols = shape
    factor = rgb.shape[0] // rows
    if factor < 1 or rgb.shape[:2] != (factor * rows, factor * cols):
        raise Unusable(f"colour is {rgb.shape[1]} x {rgb.shape[0]}, depth {cols} x {rows}: no whole multiple")
    if factor == 1:
        return rgb
    return np.asarray(cv2.resize(rgb, (cols, rows), interpolation=cv2.INTER_AREA), dtype=np.uint8)
