"""The policy of a trained network: the grasp with the highest score."""

from __future__ import annotations

from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, AngleGrid, PlanarGrasp
from grasping_student.geometry.gripper import GraspConstraint
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
        rule: GraspConstraint | None = None,
        rule_name: str = "rule",
    ) -> None:
        self._rule = rule
        self._rule_name = rule_name
        self._model = model
        self._name = name
        self._grid = grid

    @property
    def name(self) -> str:
        """Short name for tables and attempts."""
        return self._name

    @property
    def version(self) -> str:
        """Content hash of the model, and the name of the rule if one is demanded."""
        return self._model.version + ("" if self._rule is None else f"-{self._rule_name}")

    @property
    def source(self) -> Source:
        """A network's grasps are a policy's."""
        return "policy"

    def begin_episode(self, seed: int) -> None:
        """Nothing to forget, nothing random."""

    def __call__(self, observation: Observation) -> tuple[PlanarGrasp, float]:
        """The best grasp and its score.

        Raises:
            NothingToGrasp: no foreground inside the margin, or nothing that the rule lets pass.
        """
        try:
            return self._model.best_grasp(observation.heightmap, self._grid, rule=self._rule)
        except NoGrasp as error:
            raise NothingToGrasp(str(error)) from None
