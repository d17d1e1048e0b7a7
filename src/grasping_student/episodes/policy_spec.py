"""Policies by name, as ``--models NAME=SPEC`` gives them."""

from __future__ import annotations

import difflib
import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from grasping_student.environments.base import Environment
from grasping_student.geometry.grasp_constraints import CONSTRAINTS, FORMER_NAMES, ConstraintName, GraspConstraintConfig
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.configuration import warn_renamed
from grasping_student.pipeline.errors import UserError
from grasping_student.policies.base import Policy

if TYPE_CHECKING:
    from grasping_student.environments.simulated import SimulationEnvironment
    from grasping_student.models.grasp_model import GraspModel

NAMED_POLICIES = ("random", "antipodal", "scripted", "scripted-exact", "person", "person-exact")
"""``random``: a foreground pixel by chance. ``antipodal``: by chance one of the grasps with antipodal contacts.
``scripted``: the picker that knows the blocks, with a person's noise. ``scripted-exact``: the same without noise.
``person``: a person's stand-in for any items, who knows which grasps hold. ``person-exact``: the same without noise."""

UNCONSTRAINED = "unconstrained"
"""Prefix of a checkpoint whose own constraint is not obeyed."""

FAILURE_AVOIDING = "failure-avoiding"
"""Prefix of a checkpoint that, in episodes, keeps away from where it failed."""

EXPLORING = "exploring"
"""Prefix of an affordance network that also tries grasps of which it is unsure, to learn from them."""

CONFIDENT = "confident"
"""Prefix of a checkpoint that asks for a person where no grasp is likely enough, with the chance behind it:
``confident-0.7``."""

PREFIXES = (*(name for name in CONSTRAINTS if name != "none"), UNCONSTRAINED, FAILURE_AVOIDING, EXPLORING)
FORMER_PREFIXES = {**FORMER_NAMES, "bare": UNCONSTRAINED, "memory": FAILURE_AVOIDING}
"""Former prefix -> today's, still read for one release."""

_in_use: WeakValueDictionary[tuple[Path, Workspace, int], GraspModel] = WeakValueDictionary()
"""Models that a policy of this process holds, by folder, workspace and time at which the weights were written."""


def make_policy(spec: str, environment: Environment) -> Policy:
    """The policy that a spec names, for use in this environment.

    Args:
        spec: one of ``NAMED_POLICIES`` or a checkpoint folder; ``clearance:FOLDER`` and ``antipodal:FOLDER`` choose
            only among grasps that the constraint of that name allows; ``unconstrained:FOLDER`` forgets the constraint
            that a student carries; ``failure-avoiding:FOLDER`` keeps away from where it failed until it succeeds;
            ``exploring:FOLDER`` of an affordance network tries what it is unsure of, too; ``confident-0.7:FOLDER`` asks
            for a person where no grasp has that chance of success.
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
    if spec in ("person", "person-exact"):
        return _person(environment, exact=spec == "person-exact")
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
    if model.config.constraint.name != "none" and model.config.constraint.gripper != environment.gripper:
        logging.getLogger(__name__).warning(
            "%s was taught with another gripper (%s) than grasps here (%s)",
            folder,
            model.config.constraint.gripper,
            environment.gripper,
        )
    if prefix == FAILURE_AVOIDING:
        return FailureAvoidingPolicy(model, folder.name)
    if prefix == EXPLORING:
        from grasping_student.models.grasp_model import load_affordance
        from grasping_student.policies.exploring import ExploringPolicy

        load_affordance(folder, f"--policy {EXPLORING}:")
        return ExploringPolicy(model, folder.name)
    if prefix == UNCONSTRAINED and model.config.constraint != GraspConstraintConfig():
        model = model.unconstrained()
    name: ConstraintName = prefix if prefix in CONSTRAINTS else "none"
    constraint = GraspConstraintConfig(name, gripper=environment.gripper).make()
    return GreedyNetworkPolicy(
        model, folder.name, constraint=constraint, constraint_name=name, min_success=_min_success(prefix, model, folder)
    )


def prefix_and_folder(spec: str) -> tuple[str, Path]:
    """What stands before a spec's folder, one of ``PREFIXES`` or nothing, and the folder."""
    prefix, _, rest = spec.partition(":")
    if prefix in FORMER_PREFIXES:
        warn_renamed("a model", f"{prefix}:", f"{FORMER_PREFIXES[prefix]}:")
        prefix = FORMER_PREFIXES[prefix]
    known = prefix in PREFIXES or prefix.startswith(f"{CONFIDENT}-")
    return (prefix, Path(rest)) if known else ("", Path(spec))


def _min_success(prefix: str, model: GraspModel, folder: Path) -> float:
    """The chance in a prefix ``confident-CHANCE``; 0 in any other.

    Raises:
        UserError: no chance, or a model that knows none.
    """
    word, _, number = prefix.partition("-")
    if word != CONFIDENT:
        return 0.0
    try:
        chance = float(number)
    except ValueError:
        chance = math.nan
    if not 0.0 < chance < 1.0:
        raise UserError(f"model '{prefix}:{folder}': give a chance between 0 and 1, as in {CONFIDENT}-0.7:{folder}")
    if model.confidence is None:
        raise UserError(
            f"{prefix}: needs a model whose scores are calibrated to chances of success, and {folder} is not: "
            "'grasping-student train confidence' does it"
        )
    return chance


def spec_under(folder: Path, constraint: str) -> str:
    """Spec of a checkpoint under a constraint, by its prefix, or under ``none``."""
    return str(folder) if constraint == "none" else f"{constraint}:{folder}"


def weights_bytes(folder: Path) -> int:
    """Size of a checkpoint folder's weights on disk; 0 for what is none."""
    if not folder.is_dir():
        return 0
    from grasping_student.models.checkpoint import WEIGHTS

    weights = folder / WEIGHTS
    return weights.stat().st_size if weights.exists() else 0


def _model(folder: Path, workspace: Workspace) -> GraspModel:
    """The model of a checkpoint folder; policies that act by one checkpoint under several constraints share it."""
    from grasping_student.models.checkpoint import WEIGHTS
    from grasping_student.models.grasp_model import GraspModel

    weights = folder / WEIGHTS
    key = (folder.resolve(), workspace, weights.stat().st_mtime_ns if weights.exists() else 0)
    model = _in_use.get(key)
    if model is None:
        model = _in_use[key] = GraspModel.load(folder, workspace)
    return model


def _scripted(environment: Environment, exact: bool) -> Policy:
    from grasping_student.policies.scripted_picker import ScriptedPicker

    return ScriptedPicker(_simulator(environment, "scripted picker"), "none" if exact else "person")


def _person(environment: Environment, exact: bool) -> Policy:
    from grasping_student.policies.person import EXACT, PERSON, Person

    return Person(_simulator(environment, "person's stand-in"), EXACT if exact else PERSON)


def _simulator(environment: Environment, policy: str) -> SimulationEnvironment:
    from grasping_student.environments.simulated import SimulationEnvironment

    if not isinstance(environment, SimulationEnvironment):
        raise UserError(f"the {policy} must know the items; {environment.name} cannot tell them, a simulator can")
    return environment
