"""Policies by name: what ``--models NAME=SPEC`` can say."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from grasping_student.environments.base import Environment
from grasping_student.geometry.grasp_constraints import RULES, GraspConstraintConfig, RuleName
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.policies.base import Policy

if TYPE_CHECKING:
    from grasping_student.models.grasp_model import GraspModel

NAMED_POLICIES = ("random", "antipodal", "scripted", "scripted-exact")
"""``random``: a foreground pixel by chance. ``antipodal``: by chance one of the grasps that the rule
``grip`` lets pass. ``scripted``: the picker that knows the blocks, with a person's noise. ``scripted-exact``: the same
without noise."""

BARE = "bare"
"""Prefix of a checkpoint whose own rule is not obeyed."""

MEMORY = "memory"
"""Prefix of a checkpoint that, in episodes, keeps away from where it failed."""

_in_use: WeakValueDictionary[tuple[Path, Workspace, int], GraspModel] = WeakValueDictionary()
"""Models that a policy of this process holds, by folder, workspace and time at which the weights were written."""


def make_policy(spec: str, environment: Environment) -> Policy:
    """The policy that a spec names, for use in this environment.

    Args:
        spec: one of ``NAMED_POLICIES`` or a checkpoint folder; ``room:FOLDER`` and ``grip:FOLDER`` choose only among
            grasps that the rule of that name lets pass; ``bare:FOLDER`` forgets the rule that a student carries;
            ``memory:FOLDER`` keeps away from where it failed until it succeeds.
        environment: where it will act; a checkpoint must be of the same workspace.

    Raises:
        UserError: no such policy or folder, a checkpoint that is damaged or of another workspace, or a scripted picker
            in an environment whose blocks it cannot know.
    """
    if spec == "random":
        from grasping_student.policies.random_foreground import RandomForeground

        return RandomForeground()
    if spec in ("scripted", "scripted-exact"):
        return _scripted(environment, exact=spec == "scripted-exact")
    if spec == "antipodal":
        from grasping_student.policies.random_antipodal import RandomAntipodal

        return RandomAntipodal()
    prefix, folder = prefix_and_folder(spec)
    if not folder.is_dir():
        near = difflib.get_close_matches(spec, NAMED_POLICIES, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise UserError(f"model '{spec}' is neither a checkpoint folder nor one of: {', '.join(NAMED_POLICIES)}{hint}")
    from grasping_student.policies.failure_avoiding import FailureAvoidingPolicy
    from grasping_student.policies.greedy_network import GreedyNetworkPolicy

    model = _model(folder, environment.workspace)
    if prefix == MEMORY:
        return FailureAvoidingPolicy(model, folder.name)
    if prefix == BARE and model.config.rule != GraspConstraintConfig():
        model = model.without_rule()
    rule: RuleName = prefix if prefix in RULES else "none"
    return GreedyNetworkPolicy(model, folder.name, rule=GraspConstraintConfig(rule).make(), rule_name=rule)


def prefix_and_folder(spec: str) -> tuple[str, Path]:
    """What stands before a spec's folder (a rule's name, ``bare``, ``memory`` or nothing), and the folder."""
    prefix, _, rest = spec.partition(":")
    return (prefix, Path(rest)) if prefix in (*RULES, BARE, MEMORY) else ("", Path(spec))


def weights_bytes(folder: Path) -> int:
    """Size of a checkpoint folder's weights on disk; 0 for what is none."""
    if not folder.is_dir():
        return 0
    from grasping_student.models.checkpoint import WEIGHTS

    weights = folder / WEIGHTS
    return weights.stat().st_size if weights.exists() else 0


def _model(folder: Path, workspace: Workspace) -> GraspModel:
    """The model of a checkpoint folder; policies that act by one checkpoint under several rules share it."""
    from grasping_student.models.checkpoint import WEIGHTS
    from grasping_student.models.grasp_model import GraspModel

    weights = folder / WEIGHTS
    key = (folder.resolve(), workspace, weights.stat().st_mtime_ns if weights.exists() else 0)
    model = _in_use.get(key)
    if model is None:
        model = _in_use[key] = GraspModel.load(folder, workspace)
    return model


def _scripted(environment: Environment, exact: bool) -> Policy:
    from grasping_student.environments.simulated import SimulationEnvironment
    from grasping_student.policies.scripted_picker import ScriptedPicker

    if not isinstance(environment, SimulationEnvironment):
        raise UserError(f"the scripted picker must know the blocks; {environment.name} cannot tell it, a simulator can")
    return ScriptedPicker(environment, "none" if exact else "person")
