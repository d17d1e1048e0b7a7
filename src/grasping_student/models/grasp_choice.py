"""The choice of a grasp, once for files, policies, pages, the teacher and the robot: scores, constraints, the best."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, AngleGrid, PlanarGrasp
from grasping_student.geometry.grasp_constraints import GraspConstraint, Preference, narrow
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.selection import non_maximum_suppression
from grasping_student.perception.observation import Note, Observation
from grasping_student.perception.placement import Placement, place_grasp
from grasping_student.perception.seen_material import SeenMaterial

NMS_RADIUS = 0.014
"""Metres between two of the n best grasps, along rows or columns: the authors' window of 21 pixels, 28 mm, halved."""

NOT_WELL_SEEN = Note(
    "not-on-seen-material",
    "No item is both well seen and high enough to grip: the grasp is on the best of what there is.",
)
NOT_CONSTRAINED = Note(
    "constraint-not-met",
    "Nowhere do both fingers find room and something to hold: the grasp is the best of a poor lot.",
)


class NoGrasp(ValueError):
    """Nothing in the scene may be grasped: no foreground inside the margin, or nothing that is required."""


class ScoringModel(Protocol):
    """A model that scores grasps; ``GraspModel`` is one."""

    @property
    def version(self) -> str:
        """Content hash of what decides."""

    @property
    def workspace(self) -> Workspace:
        """The workspace of the heightmaps that it scores."""

    def score_maps(self, heightmap: Heightmap, grid: AngleGrid, /) -> NDArray[np.float32]:
        """Shape ``(grid.count, pixels, pixels)``, -inf outside the graspable area."""


@dataclass(frozen=True)
class GraspQuery:
    """Which grasps are asked for, and how many."""

    preferred: GraspConstraint | None = None
    """Obeyed where it leaves a grasp: a bin in which nothing can be gripped well is still to be emptied."""

    required: tuple[GraspConstraint, ...] = ()
    """Alternatives from strict to mild, one of which must be obeyed."""

    foreground_only: bool = True
    """No grasp on bare table; the paper scores it like everything else. Excluded cells are never grasped."""

    gripper: GripperGeometry = field(default_factory=GripperGeometry)
    """How deep its tips go, and how wide it opens."""

    grid: AngleGrid = DEPLOYMENT_ANGLES
    """Angles that are tried."""

    count: int = 1
    """The best so many grasps; fewer where there is no room for as many."""

    nms_radius: float = NMS_RADIUS
    """Metres between two of them, along rows or columns (paper, section IV-E)."""


class AllowedScores(NamedTuple):
    """Scores of the grasps that may be chosen.

    Attributes:
        scores: ``(angles, pixels, pixels)``, -inf where no grasp may be chosen.
        constrained: whether the preferred constraint is obeyed, or none was asked for.
        on_seen_material: whether the camera saw material at the grasps, or there was no camera.
    """

    scores: NDArray[np.float32]
    constrained: bool
    on_seen_material: bool


@dataclass(frozen=True)
class PlacedGrasp:
    """A chosen grasp in the world frame of the observation.

    Attributes:
        grasp: pixel and angle.
        place: where the fingers go.
        score: of the model, comparable within one observation.
    """

    grasp: PlanarGrasp
    place: Placement
    score: float

    def to_json(self) -> dict[str, float | int]:
        """Plain values under the names of ``grasp.json``."""
        x, y, *_ = self.place
        row, col, angle = self.grasp.row, self.grasp.col, self.grasp.angle
        placed = {"x": x, "y": y, "z": self.place.z, "angle": angle, "row": row, "col": col}
        return {**placed, "score": self.score, "width": self.place.opening}


@dataclass(frozen=True, eq=False)
class GraspChoice:
    """The grasps on one observation, best first, and what they were chosen from.

    Attributes:
        grasps: at least one.
        observation: the scene.
        scores: ``(angles, pixels, pixels)``, -inf where no grasp may be chosen.
        constrained: as of ``AllowedScores``, like the next.
        on_seen_material: see there.
        notes: repairs of the picture, and what speaks against the choice.
    """

    grasps: tuple[PlacedGrasp, ...]
    observation: Observation
    scores: NDArray[np.float32]
    constrained: bool
    on_seen_material: bool
    notes: tuple[Note, ...]

    @property
    def best(self) -> tuple[PlanarGrasp, float]:
        """The best grasp and its score."""
        return self.grasps[0].grasp, self.grasps[0].score


def allowed_scores(observation: Observation, model: ScoringModel, query: GraspQuery) -> AllowedScores:
    """Scores of all grasps of which one may be chosen.

    In this order: foreground that is not excluded; the limits that were asked for; material that the camera saw, if it
    saw any; what is required; what is preferred, where that leaves a grasp.

    Raises:
        ValueError: the heightmap is of another workspace, or has no measured pixel.
    """
    workspace, height = model.workspace, observation.filled_height
    cells = ~observation.excluded
    if observation.limits is not None:
        cells = cells & observation.limits.allows(height, query.grid.angles, workspace)
    preferences = []
    if query.foreground_only:
        cells = cells & observation.graspable_foreground()
        if observation.frame is not None:
            seen = (SeenMaterial(observation, query.gripper), SeenMaterial(observation, query.gripper, inside=0.0))
            preferences.append(Preference(seen))  # the second for items that are nothing but thin
    on_material = len(preferences)
    if query.required:
        preferences.append(Preference(query.required, required=True))
    if query.preferred is not None:
        preferences.append(Preference((query.preferred,)))
    preferences = [_looked_up(each, height, query.grid.angles, workspace) for each in preferences]
    scores = model.score_maps(observation.heightmap, query.grid)  # last: it may have been begun before
    allowed, obeyed = narrow(np.isfinite(scores) & cells, preferences, height, query.grid.angles, workspace)
    return AllowedScores(
        np.where(allowed, scores, np.float32(-np.inf)),
        constrained=query.preferred is None or obeyed[-1] is not None,
        on_seen_material=None not in obeyed[:on_material],
    )


@dataclass(frozen=True, eq=False)
class _LookedUp:
    """What a constraint allows, computed already."""

    allowed: NDArray[np.bool_]

    def allows(
        self, height: NDArray[np.float32], angles: NDArray[np.float64], workspace: Workspace
    ) -> NDArray[np.bool_]:
        return self.allowed


def _looked_up(
    preference: Preference, height: NDArray[np.float32], angles: NDArray[np.float64], workspace: Workspace
) -> Preference:
    """The preference, its first alternative computed; the milder ones are seldom needed."""
    first, *milder = preference.alternatives
    return preference._replace(alternatives=(_LookedUp(first.allows(height, angles, workspace)), *milder))


def choose(observation: Observation, model: ScoringModel, query: GraspQuery | None = None) -> GraspChoice:
    """The best grasps of a scene, best first, no two nearer than the query's radius.

    Args:
        observation: the scene.
        model: scores it.
        query: constraints, gripper, angles and number; None asks for the best grasp under no constraint.

    Raises:
        NoGrasp: no foreground inside the margin, or nothing that is required.
        ValueError: the heightmap is of another workspace, or has no measured pixel.
    """
    query = query or GraspQuery()
    scores, constrained, on_seen_material = allowed_scores(observation, model, query)
    chosen = non_maximum_suppression(scores, query.count, query.nms_radius / model.workspace.pixel_size)
    if not chosen:
        raise NoGrasp("no foreground inside the margin that may be grasped")
    notes = list(observation.notes)
    notes += [] if on_seen_material else [NOT_WELL_SEEN]
    notes += [] if constrained else [NOT_CONSTRAINED]
    placed = []
    for each in chosen:
        grasp = PlanarGrasp(each.row, each.col, query.grid.angle(each.angle))
        placed.append(PlacedGrasp(grasp, place_grasp(observation, grasp, query.gripper), each.score))
    return GraspChoice(tuple(placed), observation, scores, constrained, on_seen_material, tuple(notes))
