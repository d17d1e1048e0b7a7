"""Which attempts a browse page shows, and what a model thinks of them; no page in here."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from grasping_student.datasets.schema import SOURCES, Attempt
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, AngleGrid, Outcome
from grasping_student.models.grasp_choice import allowed_scores
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.configuration import choice
from grasping_student.web.suggestions import SuggestingModel

ENDS = ("success", "failure", "no label", *(outcome.value for outcome in Outcome if outcome is not Outcome.SUCCESS))
"""What the outcome filter offers: success, any failure, nothing, or one outcome by name."""


@dataclass(frozen=True)
class BrowseFilter:
    """Conditions on attempts; None asks nothing."""

    source: str | None = None
    end: str | None = None
    episode: int | None = None
    newest_first: bool = True

    def __post_init__(self) -> None:
        if self.source is not None:
            choice(self.source, SOURCES, "source")
        if self.end is not None:
            choice(self.end, ENDS, "outcome")


@dataclass(frozen=True)
class BrowsePage:
    """One page of attempts."""

    attempts: tuple[Attempt, ...]
    number: int
    """From 0."""

    pages: int
    total: int


def matching_ids(dataset: Dataset, wanted: BrowseFilter) -> NDArray[np.int64]:
    """Ids of the attempts that a filter lets through, in the order of the listing."""
    success = {"success": True, "failure": False}.get(wanted.end or "")
    labelled = False if wanted.end == "no label" else None
    named = wanted.end if wanted.end in {outcome.value for outcome in Outcome} - {"success"} else None
    episodes = None if wanted.episode is None else [wanted.episode]
    ids = dataset.ids(wanted.source, success, labelled, episodes, named)
    return ids[::-1] if wanted.newest_first else ids


def read_page(dataset: Dataset, wanted: BrowseFilter, number: int, size: int) -> BrowsePage:
    """The attempts of one page; a number beyond the last page means the last one."""
    ids = matching_ids(dataset, wanted)
    pages = max(1, -(-len(ids) // size))
    number = min(max(number, 0), pages - 1)
    chosen = ids[number * size : (number + 1) * size]
    return BrowsePage(tuple(dataset.attempt(int(each)) for each in chosen), number, pages, len(ids))


def set_deleted(dataset: Dataset, attempt_id: int, deleted: bool) -> None:
    """Hide an attempt from all readers, or bring it back.

    Raises:
        UserError: another process writes the dataset, or we may not.
    """
    with DatasetWriter(dataset.path) as writer:
        (writer.delete if deleted else writer.undelete)(attempt_id)


@dataclass(frozen=True)
class GraspScore:
    """What a model thinks of a grasp."""

    score: float
    """Its raw score, which compares within one scene only."""

    beats: float
    """Share of all grasps allowed in this scene, pixels times angles, with a lower score."""


def grasp_score(
    model: SuggestingModel, dataset: Dataset, attempt: Attempt, grid: AngleGrid = DEPLOYMENT_ANGLES
) -> GraspScore | None:
    """The model's score of an attempt's grasp at the nearest angle of the grid; None where it may not grasp."""
    if attempt.grasp is None:
        return None
    observation = Observation.of(dataset.heightmap(attempt.id))
    scores = allowed_scores(observation, model, replace(model.query, grid=grid)).scores
    score = float(scores[grid.index(attempt.grasp.angle), attempt.grasp.row, attempt.grasp.col])
    allowed = scores[np.isfinite(scores)]
    if not np.isfinite(score) or not allowed.size:
        return None
    return GraspScore(score, float((allowed < score).mean()))


@dataclass
class ScoreCache:
    """Scores that were worked out before, the least recently used forgotten first. Any thread may use it."""

    model: SuggestingModel
    dataset: Dataset
    size: int = 10_000
    _known: OrderedDict[int, GraspScore | None] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def __call__(self, attempt: Attempt) -> GraspScore | None:
        with self._lock:
            if attempt.id in self._known:
                self._known.move_to_end(attempt.id)
                return self._known[attempt.id]
            found = grasp_score(self.model, self.dataset, attempt)
            self._known[attempt.id] = found
            if len(self._known) > self.size:
                self._known.popitem(last=False)
            return found
