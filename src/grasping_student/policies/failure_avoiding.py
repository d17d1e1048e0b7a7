"""The policy of a network with failure avoidance: no grasp near one that failed on the same scene."""

from __future__ import annotations

from dataclasses import replace

from grasping_student.geometry.grasp import (
    DEPLOYMENT_ANGLES,
    REPEAT_ANGLE,
    REPEAT_DISTANCE,
    AngleGrid,
    Outcome,
    PlanarGrasp,
)
from grasping_student.geometry.grasp_constraints import ExclusionZone
from grasping_student.models.grasp_choice import NoGrasp, choose
from grasping_student.models.grasp_model import GraspModel
from grasping_student.perception.observation import Observation
from grasping_student.policies.base import NothingToGrasp, Source

AWAY = 0.030
"""Metres around a failure, about a block's length, in which nothing is tried while anything else is left."""


class FailureAvoidingPolicy:
    """The best grasp away from those that have failed since the last success; where none is left, the best new one."""

    def __init__(self, model: GraspModel, name: str, grid: AngleGrid = DEPLOYMENT_ANGLES) -> None:
        self._model = model
        self._name = name
        self._query = replace(model.query, grid=grid)
        self._failed: list[PlanarGrasp] = []

    @property
    def name(self) -> str:
        """Short name for tables and attempts."""
        return self._name

    @property
    def version(self) -> str:
        """Content hash of the model, and that failures are avoided."""
        return f"{self._model.version}-failure-avoiding"

    @property
    def source(self) -> Source:
        """A network's grasps are a policy's."""
        return "policy"

    def begin_episode(self, seed: int) -> None:
        """Forget the last episode; nothing is random."""
        self._failed.clear()

    def observe_outcome(self, grasp: PlanarGrasp, outcome: Outcome) -> None:
        """How a grasp ended: a failure is remembered, a success changes the scene, a device's fault says nothing."""
        if outcome == Outcome.SUCCESS:
            self._failed.clear()
        elif outcome != Outcome.FAULT:
            self._failed.append(grasp)

    def __call__(self, observation: Observation) -> tuple[PlanarGrasp, float]:
        """The best grasp that is away from failures, or else no repeat of one, and its score.

        Raises:
            NothingToGrasp: no foreground inside the margin, or all of it has failed.
        """
        failed = tuple(self._failed)
        zones = (ExclusionZone(failed, AWAY), ExclusionZone(failed, REPEAT_DISTANCE, REPEAT_ANGLE))
        try:
            return choose(observation, self._model, replace(self._query, required=zones if failed else ())).best
        except NoGrasp as error:
            raise NothingToGrasp(str(error)) from None
