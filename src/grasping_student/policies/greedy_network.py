"""The policy of a trained network: the grasp with the highest score."""

from __future__ import annotations

from grasping_student.grasp import DEPLOYMENT_ANGLES, AngleGrid, PlanarGrasp
from grasping_student.gripper_geometry import FingerRoom
from grasping_student.heightmap import Heightmap
from grasping_student.models.grasp_model import GraspModel, NoGrasp
from grasping_student.policies.base import NothingToGrasp, Source


class GreedyNetworkPolicy:
    """Argmax over pixels and the angles of a grid (paper, section VI-D)."""

    def __init__(
        self, model: GraspModel, name: str, grid: AngleGrid = DEPLOYMENT_ANGLES, room: FingerRoom | None = None
    ) -> None:
        self._room = room
        self._model = model
        self._name = name
        self._grid = grid

    @property
    def name(self) -> str:
        """Short name for tables and attempts."""
        return self._name

    @property
    def version(self) -> str:
        """Content hash of the model, and whether room for the fingers is demanded."""
        return self._model.version + ("" if self._room is None else "-room")

    @property
    def source(self) -> Source:
        """A network's grasps are a policy's."""
        return "policy"

    def begin_episode(self, seed: int) -> None:
        """Nothing to forget, nothing random."""

    def __call__(self, heightmap: Heightmap) -> tuple[PlanarGrasp, float]:
        """The best grasp and its score.

        Raises:
            NothingToGrasp: no foreground inside the margin, or no room for the fingers anywhere.
        """
        try:
            return self._model.best_grasp(heightmap, self._grid, room=self._room)
        except NoGrasp as error:
            raise NothingToGrasp(str(error)) from None
