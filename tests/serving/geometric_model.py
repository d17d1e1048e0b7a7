"""A model with no weights: likes what stands up between two free places, as a gripper does."""

import numpy as np

from grasping_student.geometry.grasp import AngleGrid
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace, light_workspace
from grasping_student.models.grasp_choice import GraspQuery


class GeometricModel:
    """Scores the height of a pixel above the higher of the two places where the fingers would come down."""

    confidence = None

    version = "geometric"

    def __init__(self, workspace: Workspace | None = None, half_opening: float = 0.035) -> None:
        self.workspace = workspace or light_workspace()
        self.half_opening = half_opening
        self.query = GraspQuery()

    def score_maps(self, heightmap: Heightmap, grid: AngleGrid) -> np.ndarray:
        assert heightmap.workspace == self.workspace
        assert np.isfinite(heightmap.height).all()
        height = heightmap.height
        maps = np.full((grid.count, *height.shape), -np.inf, dtype=np.float32)
        for index, angle in enumerate(grid.angles):
            across = np.rint(self.half_opening * np.cos(angle) / self.workspace.pixel_size).astype(int)
            up = np.rint(self.half_opening * np.sin(angle) / self.workspace.pixel_size).astype(int)
            ends = [np.roll(height, (side * up, -side * across), (0, 1)) for side in (-1, 1)]
            inside = self.workspace.graspable_slice
            maps[index][inside] = (np.minimum(height, 0.05) - np.maximum(*ends))[inside]
        return maps
