"""The policy of a trained network: the grasp with the highest score."""

from __future__ import annotations

from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, AngleGrid, PlanarGrasp
from grasping_student.geometry.grasp_constraints import GraspConstraint
from grasping_student.models.grasp_model import GraspModel, NoGrasp
from grasping_student.perception.observation import Observation
from grasping_student.policies.base import NothingToGrasp, Source


class GreedyNetworkPolicy:
    """Argmax over pixels and the angles of a grid (paper, section VI-D)."""

    def __init__(
        self,
        model: GraspModel,
        name: str,
        grid: AngleGrid = DEPLOYMENT_ANGLES,
        constraint: GraspConstraint | None = None,
        constraint_name: str = "constraint",
    ) -> None:
        self._constraint = constraint
        self._constraint_name = constraint_name
        self._model = model
        self._name = name
        self._grid = grid

    @property
    def name(self) -> str:
        """Short name for tables and attempts."""
        return self._name

    @property
    def version(self) -> str:
        """Content hash of the model, and the name of the constraint if one is demanded."""
        return self._model.version + ("" if self._constraint is None else f"-{self._constraint_name}")

    @property
    def source(self) -> Source:
        """A network's grasps are a policy's."""
        return "policy"

    def begin_episode(self, seed: int) -> None:
        """Nothing to forget, nothing random."""

    def __call__(self, observation: Observation) -> tuple[PlanarGrasp, float]:
        """The best grasp and its score.

        Raises:
            NothingToGrasp: no foreground inside the margin, or nothing that the constraint allows.
        """
        try:
            return self._model.best_grasp(observation.heightmap, self._grid, constraint=self._constraint)
        except NoGrasp as error:
            raise NothingToGrasp(str(error)) from None
