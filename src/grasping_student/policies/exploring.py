"""The policy of a robot that learns from its own attempts: mostly the best grasp, another where the model is unsure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from grasping_student.geometry.antipodal import AntipodalContacts
from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.models.grasp_choice import NoGrasp, PlacedGrasp, choose
from grasping_student.models.grasp_model import GraspModel
from grasping_student.perception.observation import Observation
from grasping_student.policies.base import NothingToGrasp, Source

CANDIDATES = 10
"""So many of the best grasps, apart from each other, may be chosen."""


class ExploringPolicy:
    """One of the best grasps with antipodal contacts, drawn with odds proportional to its odds of success.

    The scores of an affordance network are log-odds of success. Where it is sure, the best grasp is hardly ever passed
    over; where it cannot tell them apart, all are tried.

    Args:
        model: an affordance network.
        name: for tables and attempts.
    """

    source: Source = "policy"

    def __init__(self, model: GraspModel, name: str) -> None:
        self._model = model
        self.name = name
        self.version = f"{model.version}-exploring"
        self._query = replace(model.query, preferred=AntipodalContacts(), count=CANDIDATES)
        self._random = np.random.default_rng(0)
        self._seen: Observation | None = None
        self._grasps: tuple[PlacedGrasp, ...] = ()

    def begin_episode(self, seed: int) -> None:
        """All draws of the episode follow from the seed."""
        self._random = np.random.default_rng(seed)

    def __call__(self, observation: Observation) -> tuple[PlanarGrasp, float]:
        """A grasp and its score.

        Raises:
            NothingToGrasp: no foreground inside the margin.
        """
        if observation is not self._seen:  # several draws may be asked for in one scene
            try:
                self._grasps = choose(observation, self._model, self._query).grasps
            except NoGrasp as error:
                raise NothingToGrasp(str(error)) from None
            self._seen = observation
        scores = np.array([each.score for each in self._grasps], dtype=np.float64)
        odds = np.exp(scores - scores.max())
        chosen = self._grasps[int(self._random.choice(len(scores), p=odds / odds.sum()))]
        return chosen.grasp, chosen.score
