"""Heights to network input: holes filled, table flattened, walls cut, mean and scale taken out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.heightmap import BACKGROUND_HEIGHT, Heightmap, fill_holes


@dataclass(frozen=True)
class Normalisation:
    """How heights become the network's input: ``(height - mean) / std``, table set to exactly zero height before."""

    mean: float = 0.02
    """Metres."""

    std: float = 0.03
    """Metres."""

    background: float = BACKGROUND_HEIGHT
    """Heights below this are table and become zero, metres."""

    ceiling: float = 0.2
    """Heights above this are cut, metres: no item is that high, walls and robot parts are."""

    def __post_init__(self) -> None:
        if not self.std > 0.0:
            raise ValueError(f"std is {self.std} m; it must be positive")
        if not 0.0 <= self.background < self.ceiling:
            raise ValueError(
                f"background {self.background} m must be at least 0 and below the ceiling {self.ceiling} m"
            )


def clean_height(heightmap: Heightmap, normalisation: Normalisation) -> NDArray[np.float32]:
    """Heights without holes, table exactly zero, shape ``(pixels, pixels)``, metres.

    Raises:
        ValueError: nothing at all was measured.
    """
    height = fill_holes(heightmap).height
    return np.where(height < normalisation.background, np.float32(0.0), np.minimum(height, normalisation.ceiling))


def normalise(height: NDArray[np.float32], normalisation: Normalisation) -> NDArray[np.float32]:
    """Clean heights (metres, any shape) as the network's input."""
    scale = np.float32(1.0 / normalisation.std)
    return height * scale - np.float32(normalisation.mean / normalisation.std)
