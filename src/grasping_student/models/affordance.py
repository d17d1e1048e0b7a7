"""Affordance networks among checkpoints: only their training leaves a split beside the weights."""

from __future__ import annotations

from pathlib import Path

from grasping_student.datasets.splits import SPLIT
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.grasp_model import GraspModel
from grasping_student.pipeline.errors import UserError


def load_affordance(folder: Path, option: str, workspace: Workspace | None = None) -> GraspModel:
    """The affordance network of a checkpoint folder; its scores are log-odds of success.

    Args:
        folder: the checkpoint.
        option: option that named it, for the message.
        workspace: refuse a network of another one; None takes any.

    Raises:
        UserError: no checkpoint, damaged, of another workspace, or of another kind of network.
    """
    model = GraspModel.load(folder, workspace)
    if not (folder / SPLIT).exists():
        raise UserError(f"{option} {folder} is no affordance network; 'grasping-student train affordance' makes one")
    return model
