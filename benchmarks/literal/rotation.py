"""``Rot_phi`` as the algorithms name it: pad, turn about the centre with the nearest pixel, turn back, cut."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def literal_canvas(pixels: int, stride: int = 32) -> int:
    """Side of the square that holds the whole picture at any angle, a multiple of the stride (338 -> 480)."""
    return stride * math.ceil(pixels * math.sqrt(2.0) / stride)


def pad(pictures: Tensor, canvas: int) -> Tensor:
    """Zeros around ``(batch, 1, pixels, pixels)`` up to ``(batch, 1, canvas, canvas)``, the centre kept."""
    before = (canvas - pictures.shape[-1]) // 2
    after = canvas - pictures.shape[-1] - before
    if before != after:
        raise ValueError(f"canvas {canvas} and picture {pictures.shape[-1]} differ by an odd number: no common centre")
    return functional.pad(pictures, (before, after, before, after))


def crop(pictures: Tensor, pixels: int) -> Tensor:
    """The centre of ``(batch, 1, canvas, canvas)`` as ``(batch, 1, pixels, pixels)``: undoes ``pad``."""
    before = (pictures.shape[-1] - pixels) // 2
    return pictures[..., before : before + pixels, before : before + pixels]


def rotate(pictures: Tensor, angles: Tensor) -> Tensor:
    """``Rot_phi`` of square pictures: a grasp at angle phi comes to lie horizontal (section III-C).

    Args:
        pictures: shape ``(batch, 1, side, side)``.
        angles: one a picture, radians counter-clockwise from +x, shape ``(batch,)``.
    """
    cos, sin, zero = torch.cos(angles), torch.sin(angles), torch.zeros_like(angles)
    # The picture's y axis points down, so a clockwise turn of the content reads as these rows.
    destination_to_source = torch.stack([cos, sin, zero, -sin, cos, zero], dim=1).reshape(-1, 2, 3)
    grid = functional.affine_grid(destination_to_source.to(pictures.dtype), list(pictures.shape), align_corners=True)
    return functional.grid_sample(pictures, grid, mode="nearest", padding_mode="zeros", align_corners=True)
