"""Recordings of RGB-D frames as people lay them out: the depth pictures in order, each with its colours."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from grasping_student.perception.depth_files import DEPTH_READERS
from grasping_student.perception.frame_files import COLOR_ENDINGS, FrameFiles, frame_files
from grasping_student.perception.point_clouds import CLOUD_ENDINGS
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.safe_io import Unusable, checked_path, in_natural_order, read_text

DEPTH_ENDINGS = (*DEPTH_READERS, *CLOUD_ENDINGS)

DEPTH_WORDS = ("depth", "depths")
COLOUR_WORDS = ("color", "colour", "colors", "colours", "rgb", "image", "images", "img")
"""Words in the names of folders and files that tell what they hold."""

SAME_TIME = 0.02
"""Seconds between depth and colours of one frame, at most, where names are times: the TUM benchmark's own limit."""

LAYOUTS = (
    "expected depth/NAME.npy or .png with color/NAME.png beside it, NAME_depth.png with NAME_color.png, "
    "NAME/depth.png with NAME/color.png, or TUM's depth.txt and rgb.txt"
)


def find_frames(folder: Path, intrinsics: Path | None = None, camera_to_world: Path | None = None) -> list[FrameFiles]:
    """The frames of a recording, in natural order; hidden files are no frames.

    Args:
        folder: of the recording.
        intrinsics: one file for all frames; None takes that beside a frame or in the folder, by its usual names.
        camera_to_world: the same for the pose.

    Raises:
        UserError: there is no frame.
    """
    shared = _with_calibration(frame_files(folder), intrinsics, camera_to_world)
    if (folder / "depth.txt").exists():
        frames = _listed(folder, shared)
    elif depths := _files(folder, DEPTH_WORDS, DEPTH_ENDINGS):
        frames = _paired(depths, _files(folder, COLOUR_WORDS, COLOR_ENDINGS), shared)
    else:
        frames = _one_folder_each(folder, shared, intrinsics, camera_to_world)
    if not frames:
        raise UserError(f"{folder} holds no depth pictures; {LAYOUTS}")
    return frames


def colour_pictures(folder: Path) -> list[Path]:
    """The colours of a recording that keeps them beside its depths; empty where lists name them."""
    return [] if (folder / "depth.txt").exists() else _files(folder, COLOUR_WORDS, COLOR_ENDINGS)


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z]+", name.lower())


def _files(folder: Path, words: tuple[str, ...], endings: tuple[str, ...]) -> list[Path]:
    """Pictures of one kind: in the subfolder that is named so, or else the files that are."""
    folders = [
        path
        for path in in_natural_order(list(folder.iterdir()))
        if path.is_dir() and any(word in words for word in _words(path.name))
    ]
    # of several the plainest name, then the registered pictures
    folders.sort(key=lambda path: (path.name.lower() not in words, "aligned" not in path.name.lower()))
    found = (
        list(folders[0].iterdir())
        if folders
        else [path for path in folder.iterdir() if any(word in words for word in _words(path.stem))]
    )
    return in_natural_order([path for path in found if path.suffix.lower() in endings])


def _key(path: Path) -> tuple[str | int, ...]:
    """What the depth picture and the colours of one frame have in common: their names less the words for the kind."""
    rest = [word for word in re.findall(r"\d+|[a-z]+", path.stem.lower()) if word not in (*DEPTH_WORDS, *COLOUR_WORDS)]
    return tuple(int(word) if word.isdecimal() and len(word) < 100 else word for word in rest)


def _paired(depths: list[Path], colours: list[Path], shared: FrameFiles) -> list[FrameFiles]:
    """Frames whose colours have the same name, or names that differ in the word for their kind, or the nearest time."""
    by_key: dict[tuple[str | int, ...], Path] = {}
    for path in colours:
        by_key.setdefault(_key(path), path)
    by_stem = {path.stem: path for path in reversed(colours)}
    found = {path: by_stem.get(path.stem) or by_key.get(_key(path)) for path in depths}
    times = [_time(path.stem) for path in (*depths, *colours)]
    if colours and not any(found.values()) and None not in times:
        stamped = [(time, path) for path in colours if (time := _time(path.stem)) is not None]
        found = {path: _nearest(_time(path.stem), stamped) for path in depths}
    return [replace(shared, depth=depth, color=color) for depth, color in found.items()]


def _time(text: str) -> float | None:
    """Seconds, where a name is a time with a fraction."""
    return float(text) if re.fullmatch(r"\d{1,15}\.\d{1,15}", text) else None


def _nearest(time: float | None, stamped: Iterable[tuple[float, Path]]) -> Path | None:
    near = [(abs(other - time), path) for other, path in stamped if time is not None and abs(other - time) <= SAME_TIME]
    return min(near)[1] if near else None


def _listed(folder: Path, shared: FrameFiles) -> list[FrameFiles]:
    """Frames of the TUM benchmark's lists, which name a time and a file a line.

    Raises:
        UserError: a list cannot be read.
    """
    depths = _read_list(folder, "depth.txt")
    colours = _read_list(folder, "rgb.txt") if (folder / "rgb.txt").exists() else []
    return [replace(shared, depth=path, color=_nearest(time, colours)) for time, path in depths]


def _read_list(folder: Path, name: str) -> list[tuple[float, Path]]:
    try:
        lines = read_text(checked_path(folder, folder / name)).splitlines()
    except Unusable as error:
        raise UserError(f"{folder}: {error}") from None
    found = []
    for number, line in enumerate(lines, start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 2 or not re.fullmatch(r"\d{1,15}(\.\d{1,15})?", words[0]):
            raise UserError(f"{folder / name} line {number} is no time with the name of a file")
        found.append((float(words[0]), folder / words[1]))
    return sorted(found)


def _one_folder_each(
    folder: Path, shared: FrameFiles, intrinsics: Path | None, camera_to_world: Path | None
) -> list[FrameFiles]:
    """Frames that lie in a folder each, perhaps with intrinsics and pose of their own."""
    frames = []
    for inside in in_natural_order([path for path in folder.iterdir() if path.is_dir()]):
        depths, colours = _files(inside, DEPTH_WORDS, DEPTH_ENDINGS), _files(inside, COLOUR_WORDS, COLOR_ENDINGS)
        if not depths:
            continue
        own = frame_files(inside)
        camera, pose = (path if path.exists() else None for path in (own.intrinsics, own.camera_to_world))
        own = _with_calibration(shared, intrinsics or camera, camera_to_world or pose)
        frames.append(replace(own, depth=depths[0], color=colours[0] if colours else None))
    return frames


def _with_calibration(files: FrameFiles, intrinsics: Path | None, camera_to_world: Path | None) -> FrameFiles:
    """The same files with another calibration, where one is given."""
    return replace(
        files, intrinsics=intrinsics or files.intrinsics, camera_to_world=camera_to_world or files.camera_to_world
    )
