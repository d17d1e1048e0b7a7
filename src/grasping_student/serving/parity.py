"""Parity of a backend with torch: the same grasps on drawn scenes, checked before anybody is served."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, angle_distance
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError

if TYPE_CHECKING:
    from grasping_student.models.grasp_model import GraspModel

SCENES = 12

NEAR_PIXELS = 2
"""Grasps nearer than this along rows and columns, and less than an angle bin apart, are the same."""

MOST_LOSS = 0.1
"""Another grasp is as good where torch scores it lower than its own by at most this share of the scores' spread, about
as much as rounding to bfloat16 moves them."""


def check_parity(reference: GraspModel, model: GraspModel, backend: str) -> float:
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
    same = 0
    for scene in sample_scenes(reference.workspace):
        ours, theirs = reference.best_grasp(scene)[0], model.best_grasp(scene)[0]
        near = max(abs(ours.row - theirs.row), abs(ours.col - theirs.col)) <= NEAR_PIXELS
        if near and angle_distance(ours.angle, theirs.angle) <= np.pi / DEPLOYMENT_ANGLES.count + 1e-9:
            same += 1
            continue
        scores = reference.allowed_scores(scene)
        bins = [DEPLOYMENT_ANGLES.index(each.angle) for each in (ours, theirs)]
        best, other = scores[bins[0], ours.row, ours.col], scores[bins[1], theirs.row, theirs.col]
        spread = float(scores[np.isfinite(scores)].std())
        if not best - other <= MOST_LOSS * spread:
            raise UserError(
                f"{backend} chooses grasps that torch scores lower by {(best - other) / max(spread, 1e-9):.2f} of the "
                f"scores' spread, at most {MOST_LOSS:g} is accepted; serve with --backend torch"
            )
    return same / SCENES


def sample_scenes(workspace: Workspace, seed: int = 0) -> list[Heightmap]:
    """Heightmaps of boxes at random places, in number ``SCENES``."""
    random = np.random.default_rng(seed)
    rows, cols = np.indices(workspace.shape)
    x, y = workspace.xy_from_pixel(rows, cols)
    reach = workspace.extent / 2 - workspace.margin
    scenes = []
    for _ in range(SCENES):
        height = np.zeros(workspace.shape, np.float32)
        for _ in range(8):
            (cx, cy), turn = random.uniform(-reach, reach, 2), random.uniform(0.0, np.pi)
            u = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
            v = (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
            inside = (np.abs(u) <= random.uniform(0.01, 0.025)) & (np.abs(v) <= random.uniform(0.015, 0.05))
            height[inside] = np.maximum(height[inside], np.float32(random.uniform(0.02, 0.06)))
        scenes.append(Heightmap(height, np.zeros((*workspace.shape, 3), np.uint8), workspace))
    return scenes
