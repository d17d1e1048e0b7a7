"""RGB-D frames from files that any camera's software can write: depth, colour, intrinsics, pose."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.perception.frame import LONGEST_RANGE, Intrinsics, RgbdFrame, check_pose
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, read_text, write_json

DepthUnit = Literal["m", "mm"]

SHORTEST_RANGE = 0.02
"""A picture whose depths all lie below this many metres was given in another unit."""


MOST_PIXELS = 32_000_000
"""Larger depth pictures are refused before they are unpacked."""


@dataclass(frozen=True)
class FrameFiles:
    """Where one frame lies on disk."""

    depth: Path
    """``.npy`` (numbers, rows x columns) or a 16-bit ``.png``, along the optical axis; 0 or NaN where unmeasured."""

    intrinsics: Path
    """JSON with fx, fy, cx, cy, width, height, in pixels of the depth picture."""

    camera_to_world: Path
    """Text of 4 x 4 numbers, metres; world: origin at the workspace's centre on the table, z up."""

    color: Path | None = None
    """Picture registered to the depth, of its size or a whole multiple of it; None for none."""


def frame_files(folder: Path) -> FrameFiles:
    """The frame in a folder: ``depth.npy`` or ``depth.png``, ``camera.json``, ``pose.txt`` and maybe ``color.png``."""
    depth = folder / "depth.npy"
    color = folder / "color.png"
    return FrameFiles(
        depth=depth if depth.exists() else folder / "depth.png",
        intrinsics=folder / "camera.json",
        camera_to_world=folder / "pose.txt",
        color=color if color.exists() else None,
    )


def load_frame(files: FrameFiles, depth_unit: DepthUnit = "m") -> tuple[RgbdFrame, list[str]]:
    """Read a frame.

    Returns:
        The frame, and in words what had to be adapted.

    Raises:
        UserError: a file is missing or unreadable, an intrinsics field is missing, the depth holds no measurement or is
            in another unit, sizes disagree, the pose is no rigid motion.
    """
    intrinsics = read_intrinsics(files.intrinsics)
    depth = read_depth(files.depth, depth_unit)
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
    return RgbdFrame(depth, rgb, intrinsics, read_pose(files.camera_to_world)), notes


def read_intrinsics(path: Path) -> Intrinsics:
    """Read fx, fy, cx, cy, width, height from a JSON file.

    Raises:
        UserError: no JSON, a field missing, or a value that is no number a camera could have.
    """
    values = read_json(path)
    names = [field.name for field in dataclasses.fields(Intrinsics)]
    if not isinstance(values, dict):
        raise UserError(f"{path} holds a {type(values).__name__}; expected an object with {', '.join(names)}")
    missing = [name for name in names if name not in values]
    if missing:
        raise UserError(f"{path} lacks {', '.join(missing)}; it must hold {', '.join(names)}, in pixels")
    wrong = [name for name in names if isinstance(values[name], bool) or not isinstance(values[name], int | float)]
    wrong += [name for name in ("width", "height") if name not in wrong and values[name] != round(values[name])]
    if wrong:
        raise UserError(f"{path}: {wrong[0]} is {values[wrong[0]]!r}; it must be a number (width, height: whole ones)")
    try:
        fx, fy, cx, cy = (float(values[name]) for name in names[:4])
        return Intrinsics(fx, fy, cx, cy, int(values["width"]), int(values["height"]))
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None


def read_pose(path: Path) -> NDArray[np.float64]:
    """Read ``camera_to_world``, 4 x 4 numbers as text.

    Raises:
        UserError: missing, not 16 numbers, or no rigid motion in metres.
    """
    text = read_text(path)
    try:
        lines = [line.replace(",", " ").split() for line in text.splitlines()]
        pose = np.array([[float(number) for number in line] for line in lines if line], dtype=np.float64)
        check_pose(pose)
    except ValueError as error:
        raise UserError(f"{path} is no 4 x 4 camera_to_world in metres: {error}") from None
    return pose


def read_depth(path: Path, unit: DepthUnit) -> NDArray[np.float32]:
    """Read a depth picture as float32 metres, NaN where unmeasured.

    Raises:
        UserError: missing, of another kind, without any measurement, or in another unit than told.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist")
    if path.suffix == ".npy":
        stored = _read_npy(path)
    elif path.suffix == ".png":
        stored = _read_png(path)
        if stored.dtype != np.uint16:
            raise UserError(f"{path} has {stored.dtype} pixels; a depth PNG must have 16 bits")
    else:
        raise UserError(f"{path}: depth must be .npy or a 16-bit .png")
    if stored.ndim != 2 or stored.dtype.kind not in "fiu":
        raise UserError(f"{path} holds {stored.dtype} of shape {stored.shape}; expected one number a pixel")
    return depth_in_metres(stored, unit, str(path))


def _read_npy(path: Path) -> NDArray:
    """A ``.npy`` array of at most ``MOST_PIXELS`` numbers; the header is looked at before memory is taken for it."""
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = header(file)
        if math.prod(shape) <= MOST_PIXELS and dtype.itemsize <= 16:
            return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError, TypeError, OverflowError, TokenError) as error:
        # all of these come out of numpy for one damaged header or another
        raise UserError(f"{path} is no readable .npy array: {error}") from None
    held = f"{' x '.join(map(str, shape))} {dtype}"
    raise UserError(f"{path} says that it holds {held}; at most {MOST_PIXELS} numbers are read, one a pixel")


def _read_png(path: Path) -> NDArray:
    try:
        picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    except cv2.error:  # a header that claims more pixels than OpenCV takes
        picture = None
    if picture is None:
        raise UserError(f"{path} is no readable PNG")
    return np.asarray(picture)


def depth_in_metres(stored: NDArray, unit: DepthUnit, name: str) -> NDArray[np.float32]:
    """A stored depth picture as float32 metres, NaN where it is 0, negative or not finite.

    Raises:
        UserError: nothing was measured, or the numbers belong to another unit.
    """
    depth = stored.astype(np.float32)
    depth[~(np.isfinite(depth) & (depth > 0.0))] = np.nan
    measured = depth[np.isfinite(depth)]
    if measured.size == 0:
        raise UserError(f"{name} holds no measurement: every depth is 0 or NaN; is the camera covered or too near?")
    # a sample tells the unit as well as all of them, in a tenth of the time
    typical = float(np.median(measured[:: max(1, measured.size // 50_000)]))
    if unit == "mm":
        if typical < SHORTEST_RANGE * 1000:
            raise UserError(
                f"{name}: the typical depth is {typical:g}, as millimetres too near for any camera; "
                "if these are metres, give --depth-unit m"
            )
        return depth * np.float32(0.001)
    if typical > LONGEST_RANGE:
        raise UserError(
            f"{name}: the typical depth is {typical:g}, as metres too far; if these are millimetres, give "
            "--depth-unit mm"
        )
    if typical < SHORTEST_RANGE:
        raise UserError(f"{name}: the typical depth is {typical:g} m, too near for any camera; give metres")
    return depth


def read_color(path: Path, shape: tuple[int, int]) -> tuple[NDArray[np.uint8], str | None]:
    """Read a colour picture of the depth's shape, or a whole multiple of it, which is averaged down.

    Returns:
        uint8 ``(rows, cols, 3)`` and, if it was larger, a sentence that says so.

    Raises:
        UserError: missing, unreadable, or of a size that fits the depth in no way.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist")
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise UserError(f"{path} is no readable picture")
    rgb = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)
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
