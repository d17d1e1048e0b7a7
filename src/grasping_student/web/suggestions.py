"""A model's best grasps on a scene, shown to the person, and how sure the model is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, AngleGrid, PlanarGrasp
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.grasp_choice import GraspQuery, NoGrasp, ScoringModel, allowed_scores, choose
from grasping_student.perception.grasp_limits import GraspLimits
from grasping_student.perception.observation import Observation

SAME_ANGLE = 1e-6
"""Angles this close are the suggested one, radians: the browser sends back what it was given."""


@dataclass(frozen=True)
class Suggestion:
    """A grasp that the model would choose, and its score."""

    grasp: PlanarGrasp
    score: float


@dataclass(frozen=True)
class SceneSuggestions:
    """What a model says about one scene."""

    suggestions: tuple[Suggestion, ...]
    uncertainty: float
    model_version: str


class SuggestingModel(ScoringModel, Protocol):
    """What is used of ``models.grasp_model.GraspModel``."""

    @property
    def query(self) -> GraspQuery:
        """Which grasps the model would choose from."""


def score_uncertainty(score_maps: NDArray[np.floating]) -> float:
    """Entropy of the softmax over every pixel and angle, divided by its largest value: 0 is sure, 1 knows nothing.

    Teacher and student learn with one softmax over their maps (paper, equation 1), so this is the spread of the
    distribution that they were trained to give. Pixels that are not finite may not be grasped and do not count.
    """
    scores = score_maps[np.isfinite(score_maps)].astype(np.float64)
    if scores.size < 2:
        return 1.0
    log_p = scores - scores.max()
    log_p -= np.log(np.exp(log_p).sum())
    entropy = -float((np.exp(log_p) * log_p).sum())
    return min(max(entropy / float(np.log(scores.size)), 0.0), 1.0)


@dataclass(frozen=True)
class Suggester:
    """Asks a model for its best grasps, far enough apart to be different proposals."""

    model: SuggestingModel
    count: int = 5
    nms_radius: float = 0.03
    """Suggestions lie at least this far apart, metres."""

    grid: AngleGrid = DEPLOYMENT_ANGLES

    limits: GraspLimits | None = None
    """Which grasps are suggested; None suggests any."""

    @property
    def workspace(self) -> Workspace:
        """Of the scenes that the model takes."""
        return self.model.workspace

    def __call__(self, observation: Observation) -> SceneSuggestions:
        query = replace(self.model.query, grid=self.grid, count=self.count, nms_radius=self.nms_radius)
        try:
            choice = choose(self._limited(observation), self.model, query)
        except NoGrasp:
            return SceneSuggestions((), 1.0, self.model.version)
        found = tuple(Suggestion(each.grasp, each.score) for each in choice.grasps)
        return SceneSuggestions(found, score_uncertainty(choice.scores), self.model.version)

    def uncertainty(self, observation: Observation) -> float:
        """How unsure the model is of a scene, in [0, 1]."""
        query = replace(self.model.query, grid=self.grid)
        return score_uncertainty(allowed_scores(self._limited(observation), self.model, query).scores)

    def _limited(self, observation: Observation) -> Observation:
        return observation if self.limits is None else self.limits.over(observation)


def shown_with_attempt(
    shown: SceneSuggestions | None, grasp: PlanarGrasp | None, started_from: int | None
) -> dict[str, Any]:
    """What to keep with an attempt about the suggestions that the person saw, as JSON values.

    Args:
        shown: what the page showed, or None if it showed nothing.
        grasp: the grasp that was tried.
        started_from: position of the suggestion that the person took up before changing it, if any.
    """
    if shown is None:
        return {}
    taken = _valid(started_from, shown.suggestions)
    accepted = next((i for i, s in enumerate(shown.suggestions) if grasp is not None and _same(s.grasp, grasp)), None)
    return {
        "suggestions": [
            {"row": s.grasp.row, "col": s.grasp.col, "angle": s.grasp.angle, "score": s.score}
            for s in shown.suggestions
        ],
        "suggestion_accepted": accepted,
        "suggestion_corrected": taken if accepted is None else None,
        "model_version": shown.model_version,
        "model_uncertainty": shown.uncertainty,
    }


def _valid(position: int | None, suggestions: Sequence[Suggestion]) -> int | None:
    return position if position is not None and 0 <= position < len(suggestions) else None


def _same(a: PlanarGrasp, b: PlanarGrasp) -> bool:
    turn = abs(a.angle - b.angle)
    return (a.row, a.col) == (b.row, b.col) and min(turn, np.pi - turn) <= SAME_ANGLE
