"""Policies by name: what ``--models NAME=SPEC`` can say."""

from __future__ import annotations

from grasping_student.environments.base import Environment
from grasping_student.errors import UserError
from grasping_student.policies.base import Policy

NAMED_POLICIES = ("random", "scripted", "scripted-exact")
"""``random``: a foreground pixel by chance. ``scripted``: the picker that knows the blocks, with a person's noise.
``scripted-exact``: the same without noise."""


def make_policy(spec: str, environment: Environment) -> Policy:
    """The policy that a spec names, for use in this environment.

    Args:
        spec: one of ``NAMED_POLICIES`` or a checkpoint folder.
        environment: where it will act; a checkpoint must be of the same workspace.

    Raises:
        UserError: no such policy or folder, a checkpoint that is damaged or of another workspace, or a scripted picker
            in an environment whose blocks it cannot know.
    """
    raise UserError(f"unknown policy {spec}")
