"""Parity of an exported model with its checkpoint: the same scores and the same grasps on scenes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, PlanarGrasp, angle_distance
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.grasp_choice import GraspQuery, NoGrasp, choose
from grasping_student.models.heightmap_scorer import HeightmapScorer
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.errors import UserError

SCENES = 12

NEAR_PIXELS = 2
"""Grasps nearer than this along rows and columns, and less than an angle bin apart, are the same."""

MOST_LOSS = 0.1
"""Another grasp is as good where torch scores it lower than its own by at most this share of the scores' spread, about
as much as rounding to bfloat16 moves them."""


class Parity(NamedTuple):
    """How far a model agrees with the one it was made from.

    Attributes:
        scenes: on which both chose a grasp.
        largest_difference: of a score, as a share of the spread of the scene's scores.
        same_grasps: share of the scenes on which both choose the same grasp.
        largest_loss: by how much the reference scores the model's grasps lower than its own, a share of the spread.
    """

    scenes: int
    largest_difference: float
    same_grasps: float
    largest_loss: float


def same_grasp(ours: PlanarGrasp, theirs: PlanarGrasp) -> bool:
    """Whether two grasps are the same but for rounding."""
    near = max(abs(ours.row - theirs.row), abs(ours.col - theirs.col)) <= NEAR_PIXELS
    return bool(near and angle_distance(ours.angle, theirs.angle) <= np.pi / DEPLOYMENT_ANGLES.count + 1e-9)


def measure_parity(reference: HeightmapScorer, model: HeightmapScorer, scenes: Sequence[Heightmap]) -> Parity:
    """Compare scores, and grasps under the reference's own constraint.

    Args:
        reference: what the model was made from.
        model: what is compared.
        scenes: of the reference's workspace; those without anything to grasp do not count.

    Raises:
        UserError: none of the scenes has anything to grasp.
    """
    count = same = 0
    difference = loss = 0.0
    for scene in scenes:
        try:
            ours, best, expected = _choice(reference, scene)
            theirs, _, found = _choice(model, scene)
        except NoGrasp:
            continue
        count += 1
        inside = np.isfinite(expected) & np.isfinite(found)
        spread = max(float(expected[np.isfinite(expected)].std()), 1e-9)
        difference = max(difference, float(np.abs(found[inside] - expected[inside]).max(initial=0.0)) / spread)
        if same_grasp(ours, theirs):
            same += 1
            continue
        score = float(expected[DEPLOYMENT_ANGLES.index(theirs.angle), theirs.row, theirs.col])
        loss = max(loss, (best - score) / spread)
    if not count:
        raise UserError("none of the scenes holds anything to grasp, so that nothing can be compared; give others")
    return Parity(count, difference, same / count, loss)


def _choice(model: HeightmapScorer, scene: Heightmap) -> tuple[PlanarGrasp, float, np.ndarray]:
    query: GraspQuery = model.query
    choice = choose(Observation.of(scene), model, query)
    return *choice.best, choice.scores


def check_parity(reference: HeightmapScorer, model: HeightmapScorer, backend: str) -> float:
    """Make sure that a backend chooses the grasps that torch chooses, or ones that torch finds as good.

    Args:
        reference: the checkpoint in torch.
        model: the same on the backend.
        backend: its name, for the message.

    Returns:
        Share of the scenes with the very same grasp.

    Raises:
        UserError: on one scene torch finds the backend's grasp clearly worse.
    """
    parity = measure_parity(reference, model, sample_scenes(reference.workspace))
    if not parity.largest_loss <= MOST_LOSS:
        raise UserError(
            f"{backend} chooses grasps that torch scores lower by {parity.largest_loss:.2f} of the scores' spread, at "
            f"most {MOST_LOSS:g} is accepted; serve with --backend torch"
        )
    return parity.same_grasps


def sample_scenes(workspace: Workspace, seed: int = 0, count: int = SCENES) -> list[Heightmap]:
    """Heightmaps of boxes at random places."""
    random = np.random.default_rng(seed)
    rows, cols = np.indices(workspace.shape)
    x, y = workspace.xy_from_pixel(rows, cols)
    reach = workspace.extent / 2 - workspace.margin
    scenes = []
    for _ in range(count):
        height = np.zeros(workspace.shape, np.float32)
        for _ in range(8):
            (cx, cy), turn = random.uniform(-reach, reach, 2), random.uniform(0.0, np.pi)
            u = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
            v = (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
            inside = (np.abs(u) <= random.uniform(0.01, 0.025)) & (np.abs(v) <= random.uniform(0.015, 0.05))
            height[inside] = np.maximum(height[inside], np.float32(random.uniform(0.02, 0.06)))
        scenes.append(Heightmap(height, np.zeros((*workspace.shape, 3), np.uint8), workspace))
    return scenes
