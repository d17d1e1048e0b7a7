"""The one-shot paired test: save a scene's state, let each model grasp once from it, restore.

What a scene does to all models cancels in the difference, no episode dilutes it, and a model entered twice agrees
with itself on every scene.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from grasping_student.environments.base import Environment, RestorableEnvironment
from grasping_student.episodes.attempt import NO_GRASP, EventLog, Try, finite_or_none, read_events, rewrite_events
from grasping_student.episodes.loop import policy_seed, scene_seed
from grasping_student.episodes.open_environments import (
    MakePolicy,
    close_environments,
    describe_models,
    one_thread,
    open_environment,
    open_policy,
)
from grasping_student.episodes.policy_spec import make_policy as policy_of_spec
from grasping_student.evaluation.configuration import EnvironmentSpec, OneShotConfig, SimulationSpec, parse_models
from grasping_student.evaluation.picking_stage import ATTEMPTS, METRICS
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
    """A simulated world from which visible blocks can be taken without grasping them."""

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

    world: EnvironmentSpec
    models: tuple[tuple[str, str], ...]
    make_policy: MakePolicy
    scene: int
    seed: int
    emptiest: float


def prepare_scene(environment: RestorableEnvironment, scene: int, seed: int, emptiest: float) -> int:
    """Reset to a seeded scene at a seeded fill level; returns how many blocks were taken away.

    Visible blocks are taken a few at a time until a share drawn from [0, emptiest] of all is gone, but never the last
    that keep the graspable area from being empty.

    Args:
        environment: a restorable one; left full if blocks cannot be taken from it.
        scene: number of the scene.
        seed: of the run.
        emptiest: largest share of the blocks to take.

    Raises:
        UserError: the full scene holds nothing to grasp.
    """
    environment.reset(scene_seed(seed, scene))
    if environment.observe().heightmap.is_empty():
        raise UserError(f"scene {scene} has nothing in the graspable area after its reset; choose another --family")
    if not isinstance(environment, ThinnableEnvironment):
        return 0
    generator = np.random.default_rng([_FILL_LEVELS, seed, scene])
    wanted = int(generator.uniform(0.0, emptiest) * len(environment.state.blocks))
    taken = 0
    while taken < wanted:
        visible = np.unique(environment.picture().block)
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


def grasp_once(environment: Environment, policy: Policy, model: str, scene: int, seed: int) -> Try:
    """One grasp of one model in the scene as it is; finding nothing to grasp is a failure named ``no_grasp``."""
    policy.begin_episode(policy_seed(seed, scene, 0))
    try:
        grasp, score = policy(environment.observe())
    except NothingToGrasp:
        return Try(model, policy.version, scene, 0, 0, 0, 0.0, None, NO_GRASP)
    outcome = environment.execute(grasp).value
    return Try(model, policy.version, scene, 0, grasp.row, grasp.col, grasp.angle, finite_or_none(score), outcome)


def run_scene(job: SceneJob) -> list[Try]:
    """One grasp of every model from the same state."""
    environment = open_environment(job.world)
    if not isinstance(environment, RestorableEnvironment):
        raise UserError(f"the one-shot test needs a world whose state can be restored; {environment.name} cannot be")
    prepare_scene(environment, job.scene, job.seed, job.emptiest)
    state = environment.save_state()
    tries = []
    for model, spec in job.models:
        environment.restore_state(state)
        policy = open_policy(job.world, spec, job.make_policy)
        tries.append(grasp_once(environment, policy, model, job.scene, job.seed))
    return tries


def run(config: OneShotConfig, world: EnvironmentSpec | None = None, make_policy: MakePolicy = policy_of_spec) -> Path:
    """Run or resume the stage ``evaluate one-shot``; returns the output folder.

    Writes ``attempts.jsonl``, ``metrics.json``, ``run.json`` and ``manifest.json``, as ``evaluate picking`` does.

    Args:
        config: what to do.
        world: what to grasp in; None takes the simulator that the config names.
        make_policy: from a spec to a policy.

    Raises:
        UserError: bad models or output folder, another run in the folder, or a world that cannot be restored.
    """
    models = parse_models(config.models)
    world = world or SimulationSpec(config.family, config.pixels)
    stage = StageRun("evaluate one-shot", config, free=("scenes",))
    started = time.perf_counter()
    log = config.out / ATTEMPTS
    try:
        workspace, versions = describe_models(world, models, make_policy)
        with stage.output_folder(METRICS, versions):
            asked = {"models": models, "versions": versions, "world": to_plain(world), "emptiest": config.emptiest}
            write_json(config.out / "run.json", {**asked, "seed": config.seed})
            _grasp_all(config, world, models, make_policy)
            events = [event for event in read_events(log) if event.episode < config.scenes]
            metrics = summarise_one_shot(events, list(models), config.scenes, config.seed)
            facts = {"schema_version": 1, "kind": "one-shot", "workspace": to_plain(workspace)}
            write_json(config.out / METRICS, {**facts, **metrics})
            stage.finish(versions, picking_seconds=round(time.perf_counter() - started, 3))
    finally:
        close_environments()
    return config.out


def _grasp_all(config: OneShotConfig, world: EnvironmentSpec, models: dict[str, str], make_policy: MakePolicy) -> None:
    """Append the grasps of all models on the scenes that the log does not have yet."""
    log = config.out / ATTEMPTS
    before = [event for event in read_events(log) if isinstance(event, Try)]
    done = _scenes_of_all(before, set(models))
    rewrite_events(log, [each for each in before if each.episode in done])
    jobs = [
        SceneJob(world, tuple(models.items()), make_policy, scene, config.seed, config.emptiest)
        for scene in range(config.scenes)
        if scene not in done
    ]
    with one_thread(), EventLog(log) as file:
        for tries in parallel_map(run_scene, jobs, config.workers, "one-shot"):
            file.append(*tries)


def _scenes_of_all(tries: list[Try], models: set[str]) -> set[int]:
    """Scenes in which every model has grasped."""
    seen: dict[int, set[str]] = {}
    for each in tries:
        seen.setdefault(each.episode, set()).add(each.model)
    return {scene for scene, names in seen.items() if names == models}
