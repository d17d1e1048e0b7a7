"""A folder of plain RGB-D frames of one fixed camera, as unlabelled scenes.

In the folder: intrinsics (``camera.json``), pose (``pose.txt``: camera_to_world, metres, origin at the workspace's
centre on the table, z up), depth pictures and perhaps colours in one of the layouts that ``frame_folders`` knows, in
any form that ``perception.frame_files`` reads. Frames are taken in natural order: 2 before 10. One frame is held in
memory for each worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from grasping_student.datasets.importers.base import (
    ImportedEntry,
    ImportReport,
    Skipped,
    import_workspace,
    require_folder,
    write_import,
)
from grasping_student.datasets.importers.frame_folders import colour_pictures, find_frames
from grasping_student.datasets.schema import Attempt
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.depth_files import DepthUnit
from grasping_student.perception.frame import frame_to_heightmap
from grasping_student.perception.frame_checks import check_frame, table_elsewhere
from grasping_student.perception.frame_files import FrameFiles, FrameFormat, load_frame
from grasping_student.perception.heightmap_repair import repair_heightmap
from grasping_student.perception.intrinsics_files import read_intrinsics
from grasping_student.perception.pose_files import read_pose
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.executor import parallel_map
from grasping_student.pipeline.safe_io import Unusable, checked_path

LEAST_MEASURED = 0.05
"""A frame that measures a smaller share of the workspace shows something else."""


@dataclass(frozen=True)
class FramesImport:
    """Import a folder of RGB-D frames of one fixed camera as unlabelled scenes."""

    folder: Path
    """Folder with intrinsics, pose, depth pictures and maybe colours."""

    out: Path
    """New dataset."""

    intrinsics: Path | None = None
    """Another file than the folder's camera.json."""

    camera_to_world: Path | None = None
    """Another file than the folder's pose.txt."""

    depth_unit: DepthUnit = "m"
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

    repair: bool = False
    """Repair each heightmap as ``predict`` does: level the floor, fill holes, take the walls of a bin for floor."""

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
    frames = find_frames(config.folder, config.intrinsics, config.camera_to_world)
    if len({(frame.intrinsics, frame.camera_to_world) for frame in frames}) == 1:
        # what no frame can do without is told at once
        read_intrinsics(frames[0].intrinsics)
        read_pose(frames[0].camera_to_world)
    workspace = import_workspace(config.extent, config.pixels, config.margin)
    without = sum(frame.color is None for frame in frames)
    notes = [f"{without} of {len(frames)} frames have no colours: their pictures are black"] if without else []
    shown = {frame.color for frame in frames}
    if unused := [path for path in colour_pictures(config.folder) if path not in shown]:
        notes.append(f"{len(unused)} colour pictures have no depth: left out, the first is {unused[0].name}")
    entries = _entries(config, frames, workspace)
    return write_import(config.out, workspace, entries, "frames", config.folder, notes=notes)


def _entries(config: FramesImport, frames: list[FrameFiles], workspace: Workspace) -> Iterator[ImportedEntry | Skipped]:
    read = partial(_read, config.folder, FrameFormat.of(config), workspace, config.repair)
    results = parallel_map(read, frames, config.workers, "frames")
    for number, (frame, result) in enumerate(zip(frames, results, strict=True)):
        plain = frame.depth.parent == config.folder / "depth"
        name = frame.depth.name if plain else str(frame.depth.relative_to(config.folder))
        if isinstance(result, str):
            yield Skipped(name, result)
            continue
        episode, index = divmod(number, config.frames_per_episode)
        attempt = Attempt(episode=episode, index=index, environment="recorded", extra={"imported_from": name})
        yield ImportedEntry(result, attempt)


def _read(folder: Path, form: FrameFormat, workspace: Workspace, repair: bool, frame: FrameFiles) -> Heightmap | str:
    """One frame's heightmap, repaired or as it is, or why it cannot be used."""
    try:
        raw = read_frame(folder, form, workspace, frame)
        return repair_heightmap(raw).heightmap if repair else raw
    except (Unusable, UserError) as error:
        return str(error).replace(f"{folder}/", "")


def read_frame(folder: Path, form: FrameFormat, workspace: Workspace, frame: FrameFiles) -> Heightmap:
    """The heightmap of one frame of a recording.

    Raises:
        Unusable: a file is outside the folder, or the frame does not show the workspace.
        UserError: a file is missing, broken or of another size, or a usual mistake of pose or unit explains the picture
            better than what was given.
    """
    for path in (frame.depth, frame.color):
        if path is not None:
            checked_path(folder, path)
    seen = load_frame(frame, form)[0]
    check_frame(seen, workspace)
    heightmap = frame_to_heightmap(seen, workspace)
    measured = 1.0 - float(heightmap.unmeasured.mean())
    if measured < LEAST_MEASURED:
        elsewhere = table_elsewhere(seen)
        raise Unusable(f"only {measured:.0%} of the workspace is measured: does the camera look at it?{elsewhere}")
    return heightmap
