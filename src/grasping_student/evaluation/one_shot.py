"""The one-shot paired test: save a scene's state, let each model grasp once from it, restore.

What a scene does to all models cancels in the difference, no episode dilutes it, and a model entered twice agrees
with itself on every scene.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from grasping_student.datasets.schema import Attempt
from grasping_student.environments.base import Environment, RestorableEnvironment
from grasping_student.episodes.configuration import EnvironmentSpec, SimulationSpec
from grasping_student.episodes.event_log import EventLog, read_attempts, rewrite_events
from grasping_student.episodes.loop import choose, execute, policy_seed, scene_seed
from grasping_student.episodes.policy_spec import make_policy as policy_of_spec
from grasping_student.episodes.process_cache import (
    MakePolicy,
    close_environments,
    describe_models,
    one_thread,
    open_environment,
    open_policy,
)
from grasping_student.evaluation.configuration import OneShotConfig, parse_models
from grasping_student.evaluation.picking_stage import ASKED, ATTEMPTS, METRICS
from grasping_student.evaluation.rates import summarise_one_shot
from grasping_student.pipeline.configuration import to_plain
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.executor import parallel_map
from grasping_student.pipeline.files import write_json
from grasping_student.pipeline.stage import StageRun
from grasping_student.policies.base import NothingToGrasp, Policy

REMOVED_AT_ONCE = 5
_FILL_LEVELS = 0xF111


@runtime_checkable
class ThinnableEnvironment(Protocol):
    """A simulated environment from which visible blocks can be taken without grasping them."""

    @property
    def state(self) -> Any:
        """Has ``blocks``, one entry a block."""

    def picture(self) -> Any:
        """Has ``block``: which block each pixel shows, negative for none."""

    def take_away(self, indices: list[int]) -> None:
        """Remove blocks and let the others settle."""


@dataclass(frozen=True)
class SceneJob:
    """One scene and all models."""

    environment: EnvironmentSpec
    models: tuple[tuple[str, str], ...]
    make_policy: MakePolicy
    scene: int
    seed: int
    max_removed_fraction: float


def prepare_scene(environment: RestorableEnvironment, scene: int, seed: int, max_removed_fraction: float) -> int:
    """Reset to a seeded scene at a seeded fill level; returns how many blocks were taken away.

    Visible blocks are taken a few at a time until a share drawn from [0, max_removed_fraction] of all is gone, but
    never the last that keep the graspable area from being empty.

    Args:
        environment: a restorable one; left full if blocks cannot be taken from it.
        scene: number of the scene.
        seed: of the run.
        max_removed_fraction: largest share of the blocks to take.

    Raises:
        UserError: the full scene holds nothing to grasp.
    """
    environment.reset(scene_seed(seed, scene))
    if environment.observe().heightmap.is_empty():
        raise UserError(f"scene {scene} has nothing in the graspable area after its reset; choose another --family")
    if not isinstance(environment, ThinnableEnvironment):
        return 0
    generator = np.random.default_rng([_FILL_LEVELS, seed, scene])
    wanted = int(generator.uniform(0.0, max_removed_fraction) * len(environment.state.items))
    taken = 0
    while taken < wanted:
        visible = np.unique(environment.picture().item)
        visible = visible[visible >= 0]
        count = min(REMOVED_AT_ONCE, wanted - taken, len(visible))
        if count == 0:
            break
        before = environment.save_state()
        environment.take_away(sorted(int(index) for index in generator.choice(visible, count, replace=False)))
        if environment.observe().heightmap.is_empty():
            environment.restore_state(before)
            break
        taken += count
    return taken


def grasp_once(environment: Environment, policy: Policy, model: str, scene: int, seed: int) -> Attempt:
    """One grasp of one model in the scene as it is; finding nothing is an attempt without a grasp, a failure."""
    policy.begin_episode(policy_seed(seed, scene, 0))
    observation = environment.observe()
    try:
        chosen = choose(environment, policy, observation, model, scene, 0)
    except NothingToGrasp:
        return Attempt(
            episode=scene,
            index=0,
            environment=environment.name,
            source=policy.source,
            policy=model,
            policy_version=policy.version,
        )
    return execute(environment, observation, chosen)


def run_scene(job: SceneJob) -> list[Attempt]:
    """One grasp of every model from the same state."""
    environment = open_environment(job.environment)
    if not isinstance(environment, RestorableEnvironment):
        raise UserError(
            f"the one-shot test needs an environment whose state can be restored; {environment.name} cannot be"
        )
    prepare_scene(environment, job.scene, job.seed, job.max_removed_fraction)
    state = environment.save_state()
    attempts = []
    for model, spec in job.models:
        environment.restore_state(state)
        policy = open_policy(job.environment, spec, job.make_policy)
        attempts.append(grasp_once(environment, policy, model, job.scene, job.seed))
    return attempts


def run(
    config: OneShotConfig, environment: EnvironmentSpec | None = None, make_policy: MakePolicy = policy_of_spec
) -> Path:
    """Run or resume the stage ``evaluate one-shot``; returns the output folder.

    Writes ``attempts.jsonl``, ``metrics.json``, ``run.json`` and ``manifest.json``, as ``evaluate picking`` does.

    Args:
        config: what to do.
        environment: where to grasp; None takes the simulator that the config names.
        make_policy: from a spec to a policy.

    Raises:
        UserError: bad models or output folder, another run in the folder, or an environment that cannot be restored.
    """
    models = parse_models(config.models)
    environment = environment or SimulationSpec(
        config.family, config.pixels, config.engine, config.sensor, config.items, config.mesh_unit, config.walls
    )
    stage = StageRun("evaluate one-shot", config, free=("scenes",))
    started = time.perf_counter()
    try:
        workspace, versions = describe_models(environment, models, make_policy)
        with stage.output_folder(METRICS, versions):
            asked = {"models": models, "versions": versions, "environment": to_plain(environment), "seed": config.seed}
            write_json(config.out / ASKED, {**asked, "max_removed_fraction": config.max_removed_fraction})
            _grasp_all(config, environment, models, make_policy)
            attempts = [each for each in read_attempts(config.out / ATTEMPTS) if each.episode < config.scenes]
            metrics = summarise_one_shot(attempts, list(models), config.scenes, config.seed)
            facts = {"schema_version": 1, "kind": "one-shot", "workspace": to_plain(workspace)}
            write_json(config.out / METRICS, {**facts, **metrics})
            stage.finish(versions, picking_seconds=round(time.perf_counter() - started, 3))
    finally:
        close_environments()
    return config.out


def _grasp_all(
    config: OneShotConfig, environment: EnvironmentSpec, models: Mapping[str, str], make_policy: MakePolicy
) -> None:
    """Append the grasps of all models on the scenes that the log does not have yet."""
    log = config.out / ATTEMPTS
    before = read_attempts(log)
    done = _scenes_of_all(before, models)
    rewrite_events(log, [each for each in before if each.episode in done])
    jobs = [
        SceneJob(environment, tuple(models.items()), make_policy, scene, config.seed, config.max_removed_fraction)
        for scene in range(config.scenes)
        if scene not in done
    ]
    with one_thread(), EventLog(log) as file:
        for attempts in parallel_map(run_scene, jobs, config.workers, "one-shot", config.executor):
            file.append(*attempts)


def _scenes_of_all(attempts: Sequence[Attempt], models: Collection[str]) -> set[int]:
    """Scenes in which every model has grasped."""
    models_in: dict[int, set[str | None]] = {}
    for each in attempts:
        models_in.setdefault(each.episode, set()).add(each.policy)
    return {scene for scene, names in models_in.items() if names == set(models)}
