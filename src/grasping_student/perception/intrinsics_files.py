"""Camera intrinsics from the files that people have: ours, ROS, RealSense, Open3D, OpenCV, or nine numbers as text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grasping_student.perception.frame import Intrinsics
from grasping_student.perception.lens import Distortion
from grasping_student.pipeline.configuration import parse_yaml
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import parse_json, read_text

KNOWN_FORMS = (
    "fx, fy, cx, cy, width, height; RealSense's ppx, ppy; a ROS CameraInfo (k, d); Open3D's intrinsic_matrix; OpenCV's "
    "camera_matrix; nine numbers as text"
)
"""What is read, in words for messages."""

MOST_SIDE = 20_000
"""No depth camera has more pixels a side."""


@dataclass(frozen=True)
class CameraFile:
    """What a file of intrinsics says: the pinhole camera, and its lens where the file tells of one."""

    intrinsics: Intrinsics
    distortion: Distortion | None


def read_intrinsics(path: Path, shape: tuple[int, int] | None = None) -> CameraFile:
    """Read a file of intrinsics, whoever wrote it.

    Args:
        path: JSON, YAML, or text of 3 x 3 numbers.
        shape: rows and columns of the depth picture, for files that do not hold them; None refuses such files.

    Raises:
        UserError: of no known form, a number missing, or a number that no camera has.
    """
    try:
        values = _parse(path)
        values = _depth_part(values) if isinstance(values, Mapping) else values
        if not isinstance(values, Mapping):
            values = {"k": values}
        named = _numbers(values)
        if "width" not in named and shape is not None:
            named |= {"width": shape[1], "height": shape[0]}
        return CameraFile(_checked(named), _distortion(values))
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None


def _parse(path: Path) -> Any:
    """The file's values: an object, or nine numbers.

    Raises:
        ValueError: neither JSON, YAML nor numbers.
    """
    text = read_text(path).removeprefix("\ufeff")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    try:
        words = " ".join(lines).replace(",", " ").split()
        return [float(word) for word in words]
    except ValueError:
        pass
    try:
        if path.suffix.lower() in (".yaml", ".yml"):
            body = "\n".join(line for line in text.splitlines() if not line.startswith(("%YAML", "---")))
            return parse_yaml(body.replace("!!opencv-matrix", ""))
        return parse_json(text)
    except ValueError as error:
        comment = " (JSON has no // comments: remove them)" if "//" in text else ""
        raise ValueError(f"it is neither JSON, YAML nor 3 x 3 numbers{comment}: {str(error).splitlines()[0]}") from None


def _depth_part(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The depth camera's own part of a file that holds several, or the file itself."""
    for name in ("depth", "depth_intrinsics", "depth_camera", "intrinsics", "intrinsic", "camera_info", "camera"):
        part = values.get(name)
        if isinstance(part, Mapping):
            return _depth_part(part)
    if not any(name in values for name in ("fx", "k", "K", "ppx", "camera_matrix", "intrinsic_matrix")):
        parts = [name for name, part in values.items() if isinstance(part, Mapping)]
        if parts:
            raise ValueError(
                f"it holds {', '.join(map(str, parts))}, none of them called depth: give the depth camera's"
            )
    return values


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values under our names, whichever of the known forms they have.

    Raises:
        ValueError: of no known form.
    """
    named: dict[str, Any] = {}
    for name in ("width", "height"):
        if (size := _first(values, name, f"image_{name}")) is not None:
            named[name] = size
    for matrix in ("k", "K", "camera_matrix", "intrinsic_matrix", "cameraMatrix", "M", "projection"):
        if matrix in values:
            return named | _of_matrix(matrix, values[matrix])
    found = {"fx": _first(values, "fx"), "fy": _first(values, "fy")}
    found |= {"cx": _first(values, "cx", "ppx"), "cy": _first(values, "cy", "ppy")}
    missing = [name for name, value in found.items() if value is None]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}; known forms are: {KNOWN_FORMS}")
    return named | found


def _of_matrix(name: str, value: Any) -> dict[str, float]:
    """fx, fy, cx, cy of a 3 x 3 matrix, row by row or column by column.

    Raises:
        ValueError: no nine numbers, or no camera matrix.
    """
    if isinstance(value, Mapping):  # ROS and OpenCV: rows, cols, data
        value = value.get("data")
    try:
        matrix = np.array(value, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is no 3 x 3 matrix of numbers") from None
    if matrix.size != 9 or not np.isfinite(matrix).all():
        raise ValueError(f"{name} holds {matrix.size} numbers; a camera matrix has 9 finite ones")
    for each in (matrix.reshape(3, 3), matrix.reshape(3, 3).T):
        if np.allclose(each[2], (0.0, 0.0, 1.0)) and each[1, 0] == 0.0:
            if abs(each[0, 1]) > 1e-6 * each[0, 0]:
                raise ValueError(f"{name} has a skew of {each[0, 1]:g}; cameras without skew are known")
            return {"fx": each[0, 0], "fy": each[1, 1], "cx": each[0, 2], "cy": each[1, 2]}
    raise ValueError(f"{name} is no camera matrix: its last row must be 0 0 1 (fx 0 cx, 0 fy cy, 0 0 1)")


def _checked(named: Mapping[str, Any]) -> Intrinsics:
    missing = [name for name in ("width", "height") if name not in named]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}, in pixels of the depth picture")
    for name, value in named.items():
        if isinstance(value, bool) or not isinstance(value, int | float | np.floating) or not math.isfinite(value):
            raise ValueError(f"{name} is {str(value)[:40]!r}; it must be a finite number")
        if name in ("width", "height") and (value != round(value) or not 1 <= value <= MOST_SIDE):
            raise ValueError(f"{name} is {value:g}; it must be a whole number of pixels from 1 to {MOST_SIDE}")
    fx, fy, cx, cy = (float(named[name]) for name in ("fx", "fy", "cx", "cy"))
    camera = Intrinsics(fx, fy, cx, cy, int(named["width"]), int(named["height"]))
    check_plausible(camera)
    return camera


def check_plausible(camera: Intrinsics) -> None:
    """Make sure that focal length, principal point and size belong to one camera.

    Raises:
        ValueError: they cannot; the message says what is likelier.
    """
    off_x, off_y = camera.cx / camera.width - 0.5, camera.cy / camera.height - 0.5
    off = math.hypot(off_x, off_y)
    swapped = math.hypot(camera.cy / camera.width - 0.5, camera.cx / camera.height - 0.5)
    where = f"the principal point ({camera.cx:g}, {camera.cy:g}) of a {camera.width} x {camera.height} picture"
    if off > 0.1 and swapped < 0.3 * off:
        raise ValueError(f"{where} lies off its middle, and with cx and cy exchanged it does not: are they swapped?")
    for factor in (0.25, 1 / 3, 0.5, 2 / 3, 1.5, 2.0, 3.0, 4.0):
        scaled = math.hypot(camera.cx / (factor * camera.width) - 0.5, camera.cy / (factor * camera.height) - 0.5)
        if off > 0.12 and scaled < 0.3 * off:
            raise ValueError(
                f"{where} lies far off its middle; it fits a picture of {factor * camera.width:.0f} x "
                f"{factor * camera.height:.0f}: give the intrinsics of this resolution (all four numbers scale with it)"
            )
    if off > 0.35:
        raise ValueError(f"{where} lies far off its middle; do size and numbers belong to the same camera?")
    view = math.degrees(2.0 * math.atan(camera.width / 2.0 / camera.fx))
    if not 8.0 < view < 150.0:
        raise ValueError(
            f"fx {camera.fx:g} at {camera.width} pixels is a field of view of {view:.0f} degrees; no depth "
            "camera has that: are fx and fy in pixels of this picture?"
        )
    if not 0.5 < camera.fx / camera.fy < 2.0:
        raise ValueError(
            f"fx is {camera.fx:g} and fy {camera.fy:g}; pixels are square or nearly so: is one of another camera?"
        )


def _distortion(values: Mapping[str, Any]) -> Distortion | None:
    """The lens of a file, or None where it tells of none or says that all is zero.

    Raises:
        ValueError: a model that is not known, or no numbers.
    """
    told = _first(values, "d", "D", "distortion", "coeffs", "distortion_coefficients", "dist_coeffs", "distCoeffs")
    if isinstance(told, Mapping):
        told = told.get("data", [told[key] for key in ("k1", "k2", "p1", "p2", "k3") if key in told])
    model = str(_first(values, "distortion_model", "model") or "plumb_bob")
    if told is None:
        return None
    try:
        numbers: NDArray[np.float64] = np.array(told, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise ValueError("its distortion is no list of numbers") from None
    if not np.isfinite(numbers).all():
        raise ValueError("its distortion holds a number that is not finite")
    return Distortion.of(model, tuple(float(each) for each in numbers)) if np.any(numbers) else None


def _first(values: Mapping[str, Any], *names: str) -> Any:
    """The value of the first name that an object has, or None."""
    return next((values[name] for name in names if name in values), None)
