"""One environment and its policies a process, opened when first needed and shared by the jobs that follow."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grasping_student.environments.base import Environment
from grasping_student.errors import UserError
from grasping_student.evaluation.configuration import WorldSpec
from grasping_student.files import read_json, write_json
from grasping_student.policies.base import Policy
from grasping_student.workspace import Workspace

if TYPE_CHECKING:
    from grasping_student.models.grasp_model import GraspModel

MakePolicy = Callable[[str, Environment], Policy]
"""From a spec string and the environment that it will act in to a policy; a function of a module, so picklable."""

_open: dict[WorldSpec, tuple[Environment, dict[tuple[MakePolicy, str], Policy]]] = {}


def open_world(world: WorldSpec) -> Environment:
    """This process's environment of a spec; one is open at a time."""
    if world not in _open:
        close_worlds()
        _open[world] = (world.make(), {})
    return _open[world][0]


def open_policy(world: WorldSpec, spec: str, make_policy: MakePolicy) -> Policy:
    """This process's policy of a spec in that world."""
    environment = open_world(world)
    policies = _open[world][1]
    if (make_policy, spec) not in policies:
        policies[make_policy, spec] = make_policy(spec, environment)
    return policies[make_policy, spec]


@functools.lru_cache(maxsize=1)
def open_model(folder: Path) -> GraspModel:
    """This process's model of a checkpoint folder; one is kept."""
    from grasping_student.models.grasp_model import GraspModel

    return GraspModel.load(folder)


def close_worlds() -> None:
    """Close what this process has open."""
    for environment, _ in _open.values():
        environment.close()
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
    world: WorldSpec, models: Mapping[str, str], make_policy: MakePolicy
) -> tuple[Workspace, dict[str, str]]:
    """The world's workspace and each model's version; every error a spec can cause comes up here, before any work.

    Raises:
        UserError: a spec that names no policy, or a checkpoint that does not fit the world.
    """
    versions = {name: open_policy(world, spec, make_policy).version for name, spec in models.items()}
    return open_world(world).workspace, versions


def check_same_run(path: Path, asked: dict[str, Any]) -> None:
    """Write what a run was asked to do, or on resuming refuse to go on as something else.

    Raises:
        UserError: the folder holds a run that was asked for something else.
    """
    if path.exists():
        before = read_json(path)
        changed = [name for name in asked if before.get(name) != asked[name]]
        if changed:
            name = changed[0]
            raise UserError(
                f"--resume: {path.parent} holds a run with {name} = {before.get(name)}, now it is {asked[name]}; "
                "give the same options, --overwrite, or another --out"
            )
    else:
        write_json(path, asked)
