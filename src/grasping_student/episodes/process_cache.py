"""The environment, policies and models that a process has open, shared by the jobs that it works on.

Models take turns on every scene, so the least recently used is the one that is needed next: what was opened first and
fits the memory stays, and of what does not fit only the last is kept.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from grasping_student.environments.base import Environment
from grasping_student.episodes.configuration import EnvironmentSpec
from grasping_student.episodes.policy_spec import prefix_and_folder, weights_bytes
from grasping_student.geometry.workspace import Workspace
from grasping_student.policies.base import Policy

if TYPE_CHECKING:
    from grasping_student.models.grasp_model import GraspModel

MakePolicy = Callable[[str, Environment], Policy]
"""From a spec string and the environment that it will act in to a policy; a function of a module, so picklable."""

WEIGHTS_KEPT = 512 * 2**20
"""Bytes of checkpoints' weights that a process keeps, as they lie on disk; in memory they take about twice that."""


@dataclass
class _Open:
    """An open environment and the policies that act in it."""

    environment: Environment
    policies: dict[tuple[MakePolicy, str], Policy] = field(default_factory=dict)
    passing: dict[tuple[MakePolicy, str], Policy] = field(default_factory=dict)
    """At most one, which does not fit and goes when another is opened."""


_open: dict[EnvironmentSpec, _Open] = {}


def open_environment(spec: EnvironmentSpec) -> Environment:
    """This process's environment of a spec; one is open at a time."""
    if spec not in _open:
        close_environments()
        _open[spec] = _Open(spec.make())
    return _open[spec].environment


def open_policy(environment_spec: EnvironmentSpec, spec: str, make_policy: MakePolicy) -> Policy:
    """This process's policy of a spec in that environment; it begins every scene from a seed, so may be opened anew."""
    environment = open_environment(environment_spec)
    opened, key = _open[environment_spec], (make_policy, spec)
    for policies in (opened.policies, opened.passing):
        if key in policies:
            return policies[key]
    policy = make_policy(spec, environment)
    folders = {prefix_and_folder(each)[1] for _, each in (*opened.policies, key)}
    if sum(weights_bytes(folder) for folder in folders) <= WEIGHTS_KEPT:
        opened.policies[key] = policy
    else:
        opened.passing = {key: policy}
    return policy


@functools.lru_cache(maxsize=1)
def open_model(folder: Path) -> GraspModel:
    """This process's model of a checkpoint folder; one is kept."""
    from grasping_student.models.grasp_model import GraspModel

    return GraspModel.load(folder)


def close_environments() -> None:
    """Close what this process has open."""
    for opened in _open.values():
        opened.environment.close()
    _open.clear()


@contextmanager
def one_thread() -> Iterator[None]:
    """Networks that are loaded compute on one thread, as in a worker process: more could round otherwise."""
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 0
    try:
        if torch:
            torch.set_num_threads(1)
        yield
    finally:
        if torch:
            torch.set_num_threads(before)


def describe_models(
    environment: EnvironmentSpec, models: Mapping[str, str], make_policy: MakePolicy
) -> tuple[Workspace, dict[str, str]]:
    """The environment's workspace and each model's version; all errors of specs come up here, before any work.

    Raises:
        UserError: a spec that names no policy, or a checkpoint that does not fit the environment.
    """
    versions = {name: open_policy(environment, spec, make_policy).version for name, spec in models.items()}
    return open_environment(environment).workspace, versions
