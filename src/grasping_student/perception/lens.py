"""Lens distortion by OpenCV's models, and pictures as a lens without distortion would have taken them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.perception.frame import Intrinsics, RgbdFrame

Model = Literal["plumb_bob", "fisheye"]

MODELS: dict[str, Model] = {
    "plumb_bob": "plumb_bob",
    "rational_polynomial": "plumb_bob",
    "brown_conrady": "plumb_bob",
    "radtan": "plumb_bob",
    "opencv": "plumb_bob",
    "equidistant": "fisheye",
    "fisheye": "fisheye",
    "kannala_brandt4": "fisheye",
}
"""Name of a model in a file, in small letters -> OpenCV's model."""


@dataclass(frozen=True)
class Distortion:
    """Coefficients of a lens in OpenCV's order: k1, k2, p1, p2, k3 ... of ``plumb_bob``, k1 to k4 of ``fisheye``."""

    model: Model
    coefficients: tuple[float, ...]

    @classmethod
    def of(cls, name: str, coefficients: tuple[float, ...]) -> Self:
        """The distortion that a file tells.

        Raises:
            ValueError: a model that OpenCV does not know, or a number of coefficients that the model does not have.
        """
        plain = name.lower().removeprefix("distortion.").replace("-", "_").replace(" ", "_")
        model = MODELS.get(plain)
        if model is None:
            raise ValueError(
                f"its distortion is not zero and of the model {name}; known are {', '.join(MODELS)}: rectify the "
                "pictures with the camera's own software"
            )
        counts = (4,) if model == "fisheye" else (4, 5, 8, 12, 14)
        if len(coefficients) not in counts:
            raise ValueError(f"its distortion has {len(coefficients)} numbers; the model {name} has {counts}")
        if max(abs(each) for each in coefficients[:2]) > 5.0:
            raise ValueError(f"its distortion is {coefficients}; no lens has that")
        return cls(model, coefficients)


def rectified(frame: RgbdFrame, distortion: Distortion) -> tuple[RgbdFrame, str]:
    """The frame as a lens without distortion would have taken it, and in words how much that moved.

    Depth is taken from the nearest pixel, never mixed: between two surfaces lies nothing. Pixels that the lens did not
    see become unmeasured.
    """
    col, row = distorted_pixels(frame.intrinsics, distortion)
    depth = cv2.remap(
        frame.depth, col, row, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=float("nan")
    )
    rgb = None if frame.rgb is None else np.asarray(cv2.remap(frame.rgb, col, row, cv2.INTER_LINEAR), dtype=np.uint8)
    every_col, every_row = np.meshgrid(np.arange(frame.depth.shape[1]), np.arange(frame.depth.shape[0]))
    moved = float(np.hypot(col - every_col, row - every_row).max())
    note = f"The lens is not straight ({distortion.model}): rectified, pixels moved by up to {moved:.1f}."
    return replace(frame, depth=np.asarray(depth, dtype=np.float32), rgb=rgb), note


def distorted_pixels(intrinsics: Intrinsics, distortion: Distortion) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Column and row at which a lens shows what each pixel of a straight one shows, both ``(rows, cols)``."""
    matrix, size = intrinsics.matrix, (intrinsics.width, intrinsics.height)
    coefficients = np.array(distortion.coefficients, dtype=np.float64)
    if distortion.model == "fisheye":
        maps = cv2.fisheye.initUndistortRectifyMap(matrix, coefficients, np.eye(3), matrix, size, cv2.CV_32FC1)
    else:
        maps = cv2.initUndistortRectifyMap(matrix, coefficients, np.eye(3), matrix, size, cv2.CV_32FC1)
    return np.asarray(maps[0], dtype=np.float32), np.asarray(maps[1], dtype=np.float32)
