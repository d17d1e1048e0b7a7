"""Masks over a camera's picture, from files that any segmentation program writes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.perception.intrinsics_files import read_intrinsics
from grasping_student.perception.lens import distorted_pixels
from grasping_student.pipeline import safe_io
from grasping_student.pipeline.errors import UserError


def read_mask(path: Path, intrinsics: Path | None = None) -> NDArray[np.bool_]:
    """Pixels of a picture or ``.npy`` array that are not zero in any channel, bool ``(height, width)``.

    Args:
        path: PNG, TIFF, BMP, JPEG or ``.npy``; an alpha channel does not count.
        intrinsics: of the camera; where they tell of a lens that is not straight, the mask is rectified too.

    Raises:
        UserError: missing, unreadable, or without a pixel that is not zero.
    """
    if not path.is_file():
        raise UserError(f"{path} {'is no plain file' if path.exists() else 'does not exist'}")
    try:
        stored = safe_io.read_npy_array(path) if path.suffix.lower() == ".npy" else safe_io.read_picture(path)
    except safe_io.Unusable as error:
        raise UserError(f"{path} is no readable mask: {error}") from None
    if stored.ndim == 3:
        stored = np.any(stored[:, :, :3], axis=2)  # the fourth channel is transparency
    if stored.ndim != 2:
        raise UserError(f"{path} is no readable mask: it has shape {stored.shape}; expected one number a pixel")
    mask = np.asarray(np.nan_to_num(stored) != 0)
    if not mask.any():
        raise UserError(f"{path} is an empty mask: every pixel is zero; mark what may be grasped with other numbers")
    lens = None if intrinsics is None else read_intrinsics(intrinsics, (mask.shape[0], mask.shape[1]))
    if lens is None or lens.distortion is None or lens.intrinsics.shape != mask.shape:
        return mask
    col, row = distorted_pixels(lens.intrinsics, lens.distortion)
    return cv2.remap(mask.astype(np.uint8), col, row, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT) > 0
