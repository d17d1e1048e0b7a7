"""Heights to network input: holes filled, table flattened, walls cut, mean and scale taken out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.heightmap import Heightmap, fill_holes
from grasping_student.models.configuration import Normalisation


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
