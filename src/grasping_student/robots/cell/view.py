"""Where the cell's heightmaps come from."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.heightmap import Heightmap


class View(ABC):
    """Something that sees the workspace from above."""

    @abstractmethod
    def connect(self) -> None:
        """Make ready.

        Raises:
            DeviceFault: it can't be reached.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go; calling it twice does no harm."""

    @abstractmethod
    def heightmap(self) -> Heightmap:
        """The workspace now; the arm must be out of the picture.

        Raises:
            DeviceFault: no picture came.
        """

    def picture(self) -> NDArray[np.uint8] | None:
        """Colour picture of the last heightmap as the camera saw it, ``(rows, cols, 3)``, or None."""
        return None

    def standing(self) -> NDArray[np.float32] | None:
        """How high everything stood at the last heightmap, also what that leaves out; None if it leaves nothing out.

        Float32 ``(pixels, pixels)``, metres above the table; NaN where that is not known.
        """
        return None

    def new_scene(self, seed: int) -> bool:
        """Fill the workspace anew if this view can (the twin's and the simulator's can); False if it can't."""
        return False
