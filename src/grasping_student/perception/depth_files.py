"""Depth pictures that any camera's software can write, as float32 metres along the optical axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from grasping_student.perception.frame import LONGEST_RANGE, Intrinsics
from grasping_student.perception.point_clouds import CLOUD_ENDINGS, depth_of_points, read_cloud
from grasping_student.pipeline import safe_io
from grasping_student.pipeline.errors import UserError

DepthUnit = Literal["m", "mm"]

UNITS: dict[str, float] = {"m": 1.0, "mm": 0.001}
"""Named unit of ``--depth-unit`` -> metres."""

KNOWN_SCALES: dict[float, str] = {
    1.0: "metres",
    0.01: "centimetres",
    0.001: "millimetres",
    0.00025: "quarters of a millimetre (RealSense L515)",
    0.0002: "fifths of a millimetre (5000 a metre, TUM and ScanNet-like sets)",
    0.0001: "tenths of a millimetre (RealSense D405)",
}
"""Metres of one stored unit -> words for it."""

SHORTEST_RANGE = 0.02
"""A picture whose depths all lie below this many metres was given in another unit."""

LIKELY_RANGE = (0.15, 3.0)
"""Between these distances a camera looks into a bin, metres."""

SENTINEL_SHARE = 0.01
"""A largest value that this share of the pixels holds, far beyond all others, is a mark for 'not measured'."""


@dataclass(frozen=True)
class DepthFormat:
    """What the numbers of a stored depth picture mean."""

    unit: DepthUnit = "m"
    """Unit of one stored number, where ``scale`` is not given."""

    scale: float | None = None
    """Metres of one stored unit, for instance 0.00025; None takes ``unit``."""

    is_range: bool = False
    """Numbers are distances along each pixel's ray, not along the optical axis."""

    def __post_init__(self) -> None:
        if self.scale is not None and not 1e-6 <= self.scale <= 1.0:
            raise ValueError(
                f"depth scale is {self.scale}; it is the metres of one stored unit, from 0.000001 to 1: 0.001 for "
                "millimetres, 0.0001 for 10000 a metre"
            )

    @property
    def metres(self) -> float:
        """Metres of one stored unit."""
        return UNITS[self.unit] if self.scale is None else self.scale


def read_depth(path: Path, form: DepthFormat | None = None, intrinsics: Intrinsics | None = None) -> NDArray:
    """Read a depth picture as float32 metres ``(rows, cols)``, NaN where unmeasured.

    Args:
        path: a file of a kind in ``DEPTH_READERS``, or a point cloud in the camera's frame.
        form: what its numbers mean; None takes metres along the axis.
        intrinsics: of the picture; a point cloud and distances along the ray need them.

    Raises:
        UserError: missing, of another kind, without any measurement, or in another unit than told.
    """
    form = form or DepthFormat()
    if not path.exists():
        raise UserError(f"{path} does not exist")
    if not path.is_file():
        raise UserError(f"{path} is no plain file; give one depth picture")
    ending = path.suffix.lower()
    try:
        if ending in CLOUD_ENDINGS:
            if intrinsics is None:
                raise UserError(f"{path} is a point cloud; it needs the camera's width and height in the intrinsics")
            return depth_of_points(read_cloud(path) * np.float32(form.metres), intrinsics, str(path))
        stored = read_stored(path)
    except safe_io.Unusable as error:
        raise UserError(f"{path} is no readable depth picture: {error}") from None
    depth, _ = depth_in_metres(stored, form, str(path))
    return axis_depth(depth, intrinsics) if form.is_range and intrinsics is not None else depth


def read_stored(path: Path) -> NDArray:
    """The stored numbers of a depth picture, ``(rows, cols)``; one channel may have an axis of its own.

    Raises:
        Unusable: of another kind, cut off, too large, several channels, or numbers that are no depths.
    """
    reader = DEPTH_READERS.get(path.suffix.lower())
    if reader is None:
        raise safe_io.Unusable(f"depth must be one of {', '.join((*DEPTH_READERS, *CLOUD_ENDINGS))}")
    stored = reader(path)
    if stored.ndim == 3 and 1 in (stored.shape[0], stored.shape[2]):
        stored = stored[0] if stored.shape[0] == 1 else stored[:, :, 0]
    if stored.ndim != 2 or stored.dtype.kind not in "fiu" or stored.dtype.itemsize > 8:
        raise safe_io.Unusable(f"it holds {stored.dtype} of shape {stored.shape}; expected one number a pixel")
    if stored.dtype in (np.uint8, np.int8):
        raise safe_io.Unusable("it has 8 bits a pixel; a depth picture has 16 bits or floating-point numbers")
    return stored


def depth_in_metres(stored: NDArray, form: DepthFormat, name: str) -> tuple[NDArray[np.float32], str | None]:
    """A stored depth picture as float32 metres, NaN where it is 0, negative, not finite or a mark.

    Returns:
        The depth, and in words which mark for 'not measured' was found.

    Raises:
        UserError: nothing was measured, or the numbers belong to another unit.
    """
    depth = stored.astype(np.float32)
    finite = np.isfinite(depth)
    negative = finite & (depth < 0.0)
    if negative.sum() > 0.5 * max(1, int((finite & (depth != 0.0)).sum())) and np.median(depth[negative]) != -1.0:
        raise UserError(
            f"{name}: depths are negative (typically {np.median(depth[negative]):g}): this camera looks along -z, as "
            "OpenGL and Blender do; give minus the depth, and a pose of the optical frame (x right, y down, z forward)"
        )
    depth[~finite | (depth <= 0.0)] = np.nan
    depth, note = _without_mark(depth)
    measured = depth[np.isfinite(depth)]
    if measured.size == 0:
        raise UserError(f"{name} holds no measurement: every depth is 0 or NaN; is the camera covered or too near?")
    # a sample tells the unit as well as all of them, in a tenth of the time
    typical = float(np.median(measured[:: max(1, measured.size // 50_000)]))
    distance = typical * form.metres
    if not SHORTEST_RANGE <= distance <= LONGEST_RANGE:
        raise UserError(_other_unit(name, typical, form))
    return depth * np.float32(form.metres) if form.metres != 1.0 else depth, note


def likely_scales(typical: float) -> dict[float, str]:
    """Known scales with which a typical stored depth is a distance at which a camera looks into a bin."""
    near, far = LIKELY_RANGE
    return {scale: words for scale, words in KNOWN_SCALES.items() if near <= typical * scale <= far}


def axis_depth(ranges: NDArray[np.float32], intrinsics: Intrinsics) -> NDArray[np.float32]:
    """Depth along the optical axis from distances along each pixel's ray; both metres, ``(rows, cols)``."""
    return (ranges / ray_lengths(intrinsics)).astype(np.float32)


def ray_lengths(
    intrinsics: Intrinsics, rows: NDArray[np.integer] | None = None, cols: NDArray[np.integer] | None = None
) -> NDArray[np.float64]:
    """Length of rays from the camera to the plane one metre before it, of some pixels, or ``(rows, cols)`` of all."""
    if rows is None or cols is None:
        rows, cols = np.ogrid[: intrinsics.height, : intrinsics.width]
    right = (cols - intrinsics.cx) / intrinsics.fx
    down = (rows - intrinsics.cy) / intrinsics.fy
    return np.sqrt(1.0 + right**2 + down**2)


def _without_mark(depth: NDArray[np.float32]) -> tuple[NDArray[np.float32], str | None]:
    """Unmeasured where a picture holds one largest value again and again, far beyond everything else."""
    measured = depth[np.isfinite(depth)]
    if measured.size == 0:
        return depth, None
    largest = float(measured.max())
    share = float((measured == largest).mean())
    others = measured[measured < largest]
    far = others.size > 0 and largest > 3.0 * float(np.quantile(others, 0.99))
    if share >= SENTINEL_SHARE and (far or largest == np.iinfo(np.uint16).max):
        marked = np.where(depth == largest, np.float32(np.nan), depth)
        return marked, f"{share:.0%} of the depths are {largest:g}, a mark for 'not measured': counted as such."
    return depth, None


def _other_unit(name: str, typical: float, form: DepthFormat) -> str:
    """The sentence that says why numbers cannot have the unit they are said to have, and which they could have."""
    told = KNOWN_SCALES.get(form.metres, f"units of {form.metres:g} m")
    wrong = "too far" if typical * form.metres > LONGEST_RANGE else "too near for any camera"
    advice = " or ".join(f"--depth-scale {scale:g} for {words}" for scale, words in likely_scales(typical).items())
    if "--depth-scale 0.001 " in advice:
        advice = advice.replace("--depth-scale 0.001 ", "--depth-unit mm (--depth-scale 0.001) ")
    return f"{name}: the typical depth is {typical:g}, as {told} {wrong}; " + (
        f"give {advice}" if advice else "give metres, or --depth-scale METRES of one stored unit"
    )


def _read_npz(path: Path) -> NDArray:
    """The one array of a ``.npz`` file, or the one called depth."""
    return safe_io.read_npz(path, ("depth", "depth_image", "arr_0"))


def _read_exr(path: Path) -> NDArray:
    try:
        import OpenEXR
    except ImportError:
        raise UserError(
            f"{path}: OpenEXR pictures need the library OpenEXR (pip install OpenEXR); or write the depth as .npy or "
            ".tiff"
        ) from None
    try:
        channels = OpenEXR.File(str(path)).channels()
    except RuntimeError as error:
        raise safe_io.Unusable(f"{path.name} is no whole EXR file: {error}") from None
    name = next((each for each in ("Z", "depth", "Y", "R") if each in channels), next(iter(channels), ""))
    pixels = np.asarray(channels[name].pixels)
    return pixels[:, :, 0] if pixels.ndim == 3 else pixels


DEPTH_READERS: dict[str, Callable[[Path], NDArray]] = {
    ".npy": safe_io.read_npy_array,
    ".npz": _read_npz,
    ".png": safe_io.read_depth_picture,
    ".tiff": safe_io.read_depth_picture,
    ".tif": safe_io.read_depth_picture,
    ".exr": _read_exr,
}
"""Ending, in small letters -> function that reads the stored numbers."""
