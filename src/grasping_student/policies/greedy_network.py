"""The policy of a trained network: the grasp with the highest score, if it is likely enough to succeed."""

from __future__ import annotations

from dataclasses import replace

from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, AngleGrid, PlanarGrasp
from grasping_student.geometry.grasp_constraints import GraspConstraint
from grasping_student.models.grasp_choice import NoGrasp, choose
from grasping_student.models.grasp_model import GraspModel
from grasping_student.perception.observation import Observation
from grasping_student.policies.base import NothingPromising, NothingToGrasp, Source


class GreedyNetworkPolicy:
    """Argmax over pixels and the angles of a grid (paper, section VI-D).

    Args:
        model: scores the scenes; its own constraint is preferred.
        name: for tables and attempts.
        grid: angles that are tried.
        constraint: demanded besides; None demands nothing.
        constraint_name: its name in the policy's version.
        min_success: least chance of success of a grasp that is made, in [0, 1]; the model must have a confidence.
    """

    def __init__(
        self,
        model: GraspModel,
        name: str,
        grid: AngleGrid = DEPLOYMENT_ANGLES,
        constraint: GraspConstraint | None = None,
        constraint_name: str = "constraint",
        min_success: float = 0.0,
    ) -> None:
        self._model = model
        self._name = name
        self._query = replace(model.query, grid=grid, required=() if constraint is None else (constraint,))
        self._suffix = "" if constraint is None else f"-{constraint_name}"
        self._min_success = min_success
        if min_success > 0.0:
            self._suffix += f"-confident-{min_success:g}"

    @property
    def name(self) -> str:
        """Short name for tables and attempts."""
        return self._name

    @property
    def version(self) -> str:
        """Content hash of the model, and the name of the constraint if one is demanded."""
        return self._model.version + self._suffix

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
            NothingPromising: the best grasp is less likely to succeed than asked.
        """
        try:
            grasp, score = choose(observation, self._model, self._query).best
        except NoGrasp as error:
            raise NothingToGrasp(str(error)) from None
        if self._min_success > 0.0:
            assert self._model.confidence is not None
            if (chance := self._model.confidence.chance(score)) < self._min_success:
                raise NothingPromising(f"the best grasp has a chance of {chance:.2f}, below {self._min_success:g}")
        return grasp, score
