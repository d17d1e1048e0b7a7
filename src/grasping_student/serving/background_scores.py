"""The network works in the background while constraints are computed: two cores answer one request sooner."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.grasp import AngleGrid
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.serving.timing import timed

if TYPE_CHECKING:
    from grasping_student.models.grasp_choice import ScoringModel


class BackgroundScores:
    """A model that begins to score one heightmap at once, in another thread if it may, and is asked for it later.

    Args:
        model: scores; it runs in this thread, when asked, unless it says ``runs_in_background``.
        heightmap: what it will be asked about.
        grid: at which angles.
    """

    def __init__(self, model: ScoringModel, heightmap: Heightmap, grid: AngleGrid) -> None:
        self._model, self._heightmap, self._grid = model, heightmap, grid
        self._begun: Future[NDArray[np.float32]] | None = None
        if getattr(model, "runs_in_background", False):
            self._begun = _thread().submit(model.score_maps, heightmap, grid)

    @property
    def version(self) -> str:
        """Of the model."""
        return self._model.version

    @property
    def workspace(self) -> Workspace:
        """Of the model."""
        return self._model.workspace

    def score_maps(self, heightmap: Heightmap, grid: AngleGrid, /) -> NDArray[np.float32]:
        """The model's scores; the time that is waited for them counts as the stage ``score``."""
        with timed("score"):
            if self._begun is not None and heightmap is self._heightmap and grid == self._grid:
                return self._begun.result()
            return self._model.score_maps(heightmap, grid)


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "scores")
