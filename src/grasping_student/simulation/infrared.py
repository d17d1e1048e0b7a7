"""Infrared pictures of a scene that a projector between two eyes covers with dots."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.perception.frame import Intrinsics
from grasping_student.pipeline.surroundings import compiled
from grasping_student.simulation.sensor_config import StereoConfig

PATTERN_SIDE = 1024
"""Texels of the pattern along each axis; it repeats beyond, a power of two."""

PATTERN_SCALE = 1.5
"""Texels of the pattern a pixel of the eyes."""

PATTERN_SEED = 415
"""The pattern is part of the camera: the same in every picture."""

DOUBLINGS = 6
"""The exponent of a highlight (Blinn's half vector) is 2 to this, 64: its half width is 8 degrees."""

HIGHLIGHT = 12.0
"""A mirrored highlight is brighter than a white matt face by this factor; half of it has lost the dots."""

BYTES_SPREAD = math.sqrt(4 * (256**2 - 1) / 12)
"""Standard deviation of the sum of four random bytes, whose mean is 510."""


class Finish(NamedTuple):
    """How the faces of a scene send light back; one entry a face and one more, the last, for the table.

    Attributes:
        normal: outward unit normals, world frame, float64 ``(faces + 1, 3)``.
        albedo: share that comes back in all directions, ``(faces + 1,)``.
        gloss: share that is mirrored, ``(faces + 1,)``.
        translucency: share that enters and leaves elsewhere, ``(faces + 1,)``.
    """

    normal: NDArray[np.float64]
    albedo: NDArray[np.float64]
    gloss: NDArray[np.float64]
    translucency: NDArray[np.float64]


@lru_cache(maxsize=4)
def dot_pattern(share: float, size: float) -> NDArray[np.float32]:
    """The projector's random dots, mean 1, float32 ``(PATTERN_SIDE, PATTERN_SIDE)``.

    Args:
        share: of the area that dots fill.
        size: standard deviation of a dot's profile, pixels of an eye.
    """
    random = np.random.default_rng(PATTERN_SEED)
    sigma = size * PATTERN_SCALE
    count = round(share * PATTERN_SIDE**2 / (2.0 * math.pi * sigma**2))
    pattern = np.zeros((PATTERN_SIDE, PATTERN_SIDE), dtype=np.float32)
    np.add.at(pattern, tuple(random.integers(0, PATTERN_SIDE, size=(2, count))), 1.0)
    border = math.ceil(4 * sigma)
    wide = np.asarray(cv2.GaussianBlur(np.pad(pattern, border, mode="wrap"), (0, 0), sigma), np.float32)
    pattern = wide[border:-border, border:-border]
    pattern /= pattern.mean()
    pattern.flags.writeable = False
    return pattern


def infrared_picture(
    depth: NDArray[np.float32],
    seen: NDArray[np.int32],
    finish: Finish,
    intrinsics: Intrinsics,
    rotation: NDArray[np.float64],
    projector: float,
    config: StereoConfig,
    random: np.random.Generator,
) -> NDArray[np.uint8]:
    """What one eye's sensor gives, uint8 ``(height, width)``.

    Args:
        depth: metres along the eye's axis.
        seen: face of each pixel, -1 for the table.
        finish: of the faces.
        intrinsics: of the picture.
        rotation: of the eyes, camera to world, 3 x 3.
        projector: where the projector stands, metres to the right of this eye.
        config: of the camera.
        random: of the sensor's noise.
    """
    light = np.empty(intrinsics.shape, dtype=np.float32)
    _shade(
        depth,
        seen,
        finish.normal @ rotation,
        np.column_stack([finish.albedo, finish.gloss, finish.translucency]),
        dot_pattern(config.dots, config.dot_size),
        (intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy),
        (projector, config.distance, config.ambient, config.exposure, config.focal_length * PATTERN_SCALE),
        light,
    )
    light = np.asarray(cv2.GaussianBlur(light, (0, 0), config.blur), np.float32)
    bits = random.integers(0, 2**32, size=light.shape, dtype=np.uint32)
    return _expose(light, bits, config.read_noise**2, config.shot_noise**2, config.speckle**2)


@compiled(nogil=True, fastmath=True)
def _expose(
    light: NDArray[np.float32], bits: NDArray[np.uint32], read: float, shot: float, speckle: float
) -> NDArray[np.uint8]:
    """Light with noise in 8 bits; the variance of a pixel is a polynomial of its light.

    The sum of four random bytes is nearly normal, and five times as fast to draw.
    """
    picture = np.empty(light.shape, dtype=np.uint8)
    for row in range(light.shape[0]):
        for col in range(light.shape[1]):
            drawn, level = bits[row, col], light[row, col]
            total = (drawn & 255) + (drawn >> 8 & 255) + (drawn >> 16 & 255) + (drawn >> 24)
            noise = (np.float32(total) - np.float32(510.0)) / np.float32(BYTES_SPREAD)
            level += noise * math.sqrt(np.float32(read) + level * (np.float32(shot) + level * np.float32(speckle)))
            picture[row, col] = np.uint8(min(max(level, np.float32(0.0)), np.float32(255.0)) + np.float32(0.5))
    return picture


@compiled(nogil=True, fastmath=True)
def _shade(
    depth: NDArray[np.float32],
    seen: NDArray[np.int32],
    normals: NDArray[np.float64],
    finish: NDArray[np.float64],
    pattern: NDArray[np.float32],
    lens: tuple[float, float, float, float],
    lamp: tuple[float, float, float, float, float],
    light: NDArray[np.float32],
) -> None:
    """Grey level of every pixel: albedo x (dots x cosine + ambient) + the highlight of the dots."""
    fx, fy, cx, cy = lens
    projector, distance, ambient, exposure, focal = lamp
    rows, cols = depth.shape
    side = pattern.shape[0]
    for row in range(rows):
        down = (row - cy) / fy
        for col in range(cols):
            z = depth[row, col]
            if z == math.inf:
                light[row, col] = 0.0
                continue
            face = seen[row, col]
            right = (col - cx) / fx
            # texel of the pattern that the projector throws there
            u = (right - projector / z) * focal
            v = down * focal
            col0, row0 = math.floor(u), math.floor(v)
            a, b = u - col0, v - row0
            i, j = int(row0) & (side - 1), int(col0) & (side - 1)
            below, beside = (i + 1) & (side - 1), (j + 1) & (side - 1)
            dots = (1.0 - b) * ((1.0 - a) * pattern[i, j] + a * pattern[i, beside]) + b * (
                (1.0 - a) * pattern[below, j] + a * pattern[below, beside]
            )
            # directions from the point to the projector and to the eye, and the vector half way between them
            x = right - projector / z
            lx, ly, lz = -x, -down, -1.0
            size = 1.0 / math.sqrt(lx * lx + ly * ly + lz * lz)
            fall = distance / z * size
            lx, ly, lz = lx * size, ly * size, lz * size
            size = 1.0 / math.sqrt(right * right + down * down + 1.0)
            hx, hy, hz = lx - right * size, ly - down * size, lz - size
            nx, ny, nz = normals[face, 0], normals[face, 1], normals[face, 2]
            cosine = max(nx * lx + ny * ly + nz * lz, 0.0)
            albedo, gloss, translucency = finish[face, 0], finish[face, 1], finish[face, 2]
            lit = (1.0 - ambient) * fall * fall
            # light that wandered through the item has lost the dots
            value = albedo * (lit * cosine * (dots + translucency * (1.0 - dots)) + ambient)
            if gloss > 0.0:
                mirrored = max(nx * hx + ny * hy + nz * hz, 0.0) / math.sqrt(hx * hx + hy * hy + hz * hz)
                for _ in range(DOUBLINGS):
                    mirrored *= mirrored
                value = (1.0 - gloss) * value + gloss * HIGHLIGHT * lit * 0.5 * (dots + 1.0) * mirrored
            light[row, col] = exposure * value
