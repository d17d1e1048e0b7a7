"""The form that a request brings: its fields, and how they become files and the config that ``predict`` takes."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from starlette.datastructures import FormData, UploadFile

from grasping_student.perception.depth_files import DepthFormat
from grasping_student.pipeline import safe_io
from grasping_student.pipeline.configuration import with_values
from grasping_student.pipeline.errors import UserError
from grasping_student.serving.configuration import PredictConfig
from grasping_student.serving.request_limits import Refusal

MOST_GRASPS = 100
MOST_TEXT = 64_000
"""Bytes of intrinsics and poses."""

PNG, NPY, JPEG = b"\x89PNG\r\n\x1a\n", b"\x93NUMPY", b"\xff\xd8"


class Field(NamedTuple):
    """One field of the form."""

    kind: Literal["file", "text", "number", "integer", "flag", "numbers"]
    description: str
    example: Any = None


FIELDS: dict[str, Field] = {
    "depth": Field(
        "file",
        "Depth along the optical axis: PNG of 16 bits, .npy, or raw little-endian float32 with depth_shape; 0 or NaN "
        "where nothing was measured. Whole numbers are millimetres and others metres, if not said otherwise.",
    ),
    "intrinsics": Field(
        "file",
        "fx, fy, cx, cy, width, height in pixels of the depth picture as JSON; a ROS CameraInfo, RealSense's and "
        "Open3D's JSON; or nine numbers.",
        '{"fx": 480, "fy": 480, "cx": 319.5, "cy": 239.5, "width": 640, "height": 480}',
    ),
    "camera_to_world": Field(
        "file",
        "Pose of the optical frame (x right, y down, z forward) in a frame whose z points up, metres: 4 x 4 or 3 x 4 "
        "numbers as text, JSON or .npy.",
        "1 0 0 0  0 -1 0 0  0 0 -1 0.75  0 0 0 1",
    ),
    "color": Field("file", "PNG or JPEG registered to the depth, only for the drawing."),
    "mask": Field("file", "Picture of the depth picture's size, or .npy; grasps are centred on pixels other than 0."),
    "model": Field("text", "Name of a model of GET /v1/models; the first if not given.", "default"),
    "depth_shape": Field("numbers", "Rows and columns of raw float32.", [480, 640]),
    "depth_unit": Field("text", "m or mm.", "mm"),
    "depth_scale": Field("number", "Metres of one stored unit.", 0.001),
    "depth_is_range": Field("flag", "Depths are distances along each pixel's ray.", False),
    "pose_format": Field("text", "Order of a pose's 6 or 7 numbers, for instance xyz-xyzw.", "auto"),
    "workspace_center": Field(
        "numbers", "Where the workspace's centre lies in the frame of the pose, metres.", [0, 0, 0]
    ),
    "workspace_yaw": Field("number", "By how much the workspace is turned there, radians.", 0.0),
    "bin": Field("numbers", "The bin's inside: x0 y0 x1 y1, or corners x y ... of a polygon, metres.", []),
    "level_floor": Field("flag", "Measure heights from the level plane that dominates the picture.", False),
    "ceiling": Field("number", "Heights above are cut to this, metres.", 0.12),
    "region": Field("numbers", "Grasps are centred in here: x0 y0 x1 y1, or corners of a polygon, metres.", []),
    "closing_angle_degrees": Field("numbers", "The fingers close between these angles, degrees from +x.", [0, 180]),
    "keep_away": Field("numbers", "Circles in which no grasp is centred: x y radius ..., metres.", []),
    "top": Field("integer", f"How many grasps, 1 to {MOST_GRASPS}.", 5),
    "min_success": Field("number", "Smallest calibrated chance of success, for a calibrated model.", None),
    "picture": Field("flag", "Add a drawing of the grasps, base64 of a PNG.", False),
}
"""Name -> what it holds."""

REQUIRED = ("depth", "intrinsics", "camera_to_world")


@dataclass(frozen=True)
class GraspRequest:
    """What is asked: files are written, everything else is in the config."""

    model: str
    config: PredictConfig
    picture: bool


async def read_form(form: FormData, folder: Path, models: tuple[str, ...], most_pixels: int) -> GraspRequest:
    """The request in a form; its files are written into a folder.

    Args:
        form: the parts.
        folder: empty.
        models: names that may be asked for.
        most_pixels: of a depth picture.

    Raises:
        Refusal: fields that are missing, unknown or senseless, or a picture of too many pixels.
    """
    unknown = [name for name in form if name not in FIELDS]
    if unknown:
        raise _unusable(f"there is no field {unknown[0][:80]!a}; there are {', '.join(FIELDS)}")
    missing = [name for name in REQUIRED if name not in form]
    if missing:
        raise _unusable(f"the form lacks {', '.join(missing)}: one picture is depth, intrinsics and camera_to_world")
    values = {name: _value(name, form) for name in form if FIELDS[name].kind != "file"}
    model = values.pop("model", models[0])
    if model not in models:
        raise Refusal(404, "no-such-model", f"there is no model {model[:80]!a}; there are {', '.join(models)}")
    picture, shape = values.pop("picture", False), values.pop("depth_shape", None)
    top = values.setdefault("top", PredictConfig().top)
    if not 1 <= top <= MOST_GRASPS:
        raise _unusable(f"top is {top}; between 1 and {MOST_GRASPS} grasps are given")
    try:
        DepthFormat(scale=values.get("depth_scale"))
        depth, whole_numbers = _write_depth(await _content("depth", form), shape, folder, most_pixels)
        values.setdefault("depth_unit", "mm" if whole_numbers and "depth_scale" not in values else "m")
        values["depth"] = str(depth)
        for name in ("intrinsics", "camera_to_world"):
            values[name] = str(_write_numbers(name, await _content(name, form), folder))
        for name in ("color", "mask"):
            if name in form:
                values[name] = str(_write_picture(name, await _content(name, form), folder, most_pixels))
        config = with_values(PredictConfig(), values, "the request")
    except (UserError, ValueError) as error:
        raise _unusable(" ".join(str(error).split())) from None
    return GraspRequest(model, config, picture)


def _unusable(message: str) -> Refusal:
    return Refusal(422, "unusable", message)


async def _content(name: str, form: FormData) -> bytes:
    given = form.getlist(name)
    if len(given) > 1:
        raise _unusable(f"{name} is given {len(given)} times; give it once")
    data = await given[0].read() if isinstance(given[0], UploadFile) else given[0].encode()
    if not data.strip():
        raise _unusable(f"{name} is empty; {FIELDS[name].description}")
    return data


def _value(name: str, form: FormData) -> Any:
    """The value of a field that is no file."""
    kind, given = FIELDS[name].kind, form.getlist(name)
    if not all(isinstance(each, str) for each in given):
        raise _unusable(f"{name} is a file; give it as text")
    text = " ".join(map(str, given)).strip()
    if kind == "text":
        return text
    if kind == "flag":
        if text.lower() not in ("true", "false", "1", "0"):
            raise _unusable(f"{name} is {text[:80]!a}; give true or false")
        return text.lower() in ("true", "1")
    words = re.sub(r"[\[\](),]", " ", text).split()
    try:
        numbers = [int(word) if kind == "integer" or name == "depth_shape" else float(word) for word in words]
    except ValueError:
        whole = "whole numbers" if kind == "integer" or name == "depth_shape" else "numbers"
        raise _unusable(f"{name} is {text[:80]!a}; give {whole}") from None
    if kind == "numbers":
        return numbers
    if len(numbers) != 1:
        raise _unusable(f"{name} holds {len(numbers)} numbers; give one")
    return numbers[0]


def _write_depth(data: bytes, shape: list[int] | None, folder: Path, most_pixels: int) -> tuple[Path, bool]:
    """Write the depth as a file that ``predict`` reads; whether it holds whole numbers.

    Raises:
        Refusal: too many pixels, or raw numbers that are not as many as told.
        UserError: no picture.
    """
    if data.startswith(PNG):
        _check_pixels("depth", *safe_io.picture_size("depth", data), most_pixels)
        (folder / "depth.png").write_bytes(data)
        return folder / "depth.png", True
    if data.startswith(NPY):
        rows, cols, dtype = _npy_header(data)
        _check_pixels("depth", cols, rows, most_pixels)
        (folder / "depth.npy").write_bytes(data)
        return folder / "depth.npy", dtype.kind in "iu"
    if shape is None or len(shape) != 2 or min(shape) < 1:
        found = "it is a JPEG, which keeps no depths" if data.startswith(JPEG) else f"it begins with {data[:8]!r}"
        raise _unusable(
            f"depth is neither a PNG nor .npy: {found}; send PNG of 16 bits, .npy, or raw float32 with "
            "depth_shape ROWS COLUMNS"
        )
    rows, cols = shape
    _check_pixels("depth", cols, rows, most_pixels)
    if len(data) != 4 * rows * cols:
        raise _unusable(
            f"depth has {len(data)} bytes, and float32 of {rows} x {cols} pixels has {4 * rows * cols}; send "
            "little-endian float32, row by row"
        )
    np.save(folder / "depth.npy", np.frombuffer(data, "<f4").reshape(rows, cols))
    return folder / "depth.npy", False


def _npy_header(data: bytes) -> tuple[int, int, np.dtype]:
    """Rows, columns and kind of numbers that a ``.npy`` claims; nothing is unpacked."""
    file = io.BytesIO(data)
    try:
        read = np.lib.format.read_array_header_1_0
        if np.lib.format.read_magic(file) != (1, 0):
            read = np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        sides = [side for side in shape if side != 1] or [1]
        return int(np.prod(sides[:-1], dtype=object)), int(sides[-1]), dtype
    except Exception as error:  # damaged headers end in a dozen kinds of errors
        raise _unusable(f"depth is no whole .npy file: {' '.join(str(error).split())[:200]}") from None


def _check_pixels(name: str, cols: int, rows: int, most: int) -> None:
    if rows * cols > most:
        raise Refusal(413, "too-many-pixels", f"{name} has {cols} x {rows} pixels; at most {most} are taken")


def _write_numbers(name: str, data: bytes, folder: Path) -> Path:
    """Write intrinsics or a pose under the ending of what they are."""
    if len(data) > MOST_TEXT:
        raise _unusable(f"{name} has {len(data)} bytes; at most {MOST_TEXT} are taken")
    ending = "json" if name == "intrinsics" or data.lstrip()[:1] in (b"{", b"[") else "txt"
    path = folder / f"{name}.{'npy' if data.startswith(NPY) else ending}"
    path.write_bytes(data)
    return path


def _write_picture(name: str, data: bytes, folder: Path, most_pixels: int) -> Path:
    """Write colour, which may be larger than the depth, or a mask, which may be an array."""
    if name == "mask" and data.startswith(NPY):
        rows, cols, _ = _npy_header(data)
        _check_pixels(name, cols, rows, 4 * most_pixels)
        path = folder / "mask.npy"
    else:
        try:
            _check_pixels(name, *safe_io.picture_size(name, data), 4 * most_pixels)
        except safe_io.Unusable as error:
            raise _unusable(str(error)) from None
        path = folder / f"{name}.{'png' if data.startswith(PNG) else 'jpg' if data.startswith(JPEG) else 'tiff'}"
    path.write_bytes(data)
    return path
