"""By chance one of the grasps with antipodal contacts: the strength of geometry alone."""

from __future__ import annotations

import numpy as np

from grasping_student.geometry.antipodal import AntipodalContacts
from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, PlanarGrasp
from grasping_student.geometry.heightmap import fill_holes
from grasping_student.perception.observation import Observation
from grasping_student.policies.base import NothingToGrasp, Source


class RandomAntipodal:
    """Drawn evenly from all pixels and deployment angles that pass; nothing is learnt. The score is always 0."""

    name = "antipodal"
    version = "1"
    source: Source = "script"

    def __init__(self, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        self._constraint = AntipodalContacts()
        self._seen: Observation | None = None
        self._passing = np.empty((0, 3), dtype=np.int64)

    def begin_episode(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def __call__(self, observation: Observation) -> tuple[PlanarGrasp, float]:
        if observation is not self._seen:  # several draws may be asked for in one scene
            filled = fill_holes(observation.heightmap)
            allowed = self._constraint.allows(filled.height, DEPLOYMENT_ANGLES.angles, observation.workspace)
            self._seen, self._passing = observation, np.argwhere(allowed & ~observation.excluded)
        if not len(self._passing):
            raise NothingToGrasp("no grasp in the graspable area has antipodal contacts")
        angle, row, col = self._passing[int(self._random.integers(len(self._passing)))]
        return PlanarGrasp(int(row), int(col), DEPLOYMENT_ANGLES.angle(int(angle))), 0.0
