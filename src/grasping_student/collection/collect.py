"""Stage ``collect``: seeded episodes over processes, or attempts of a robot, into one dataset, resumable."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import numpy as np
from tqdm import tqdm

from grasping_student.collection.configuration import CollectConfig
from grasping_student.collection.episodes import Entry, attempt_episode, judged_episode, scene_episode
from grasping_student.collection.real_workspace import collect_in_workspace
from grasping_student.datasets.folder import MANIFEST as DATASET
from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.datasets.summary import why_dataset_is_kept
from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.episodes.configuration import EnvironmentSpec, RobotCellSpec, StopRule
from grasping_student.episodes.process_cache import MakePolicy
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.executor import parallel_map
from grasping_student.pipeline.stage import StageRun
from grasping_student.simulation.config import SimulationConfig
from grasping_student.simulation.families import simulation

EMPTY_EPISODES = 20
"""So many episodes without a single attempt end the collection with an error."""

_SCENES = 0xC011EC7  # keeps collected scenes apart from those of an evaluation with the same seed


@dataclass(frozen=True)
class EpisodeJob:
    """One episode: everything that its result depends on."""

    config: CollectConfig
    make_policy: MakePolicy
    episode: int


def simulation_of(config: CollectConfig) -> SimulationConfig:
    """The simulator that a collection uses."""
    workspace = replace(simulation(config.family).workspace, pixels=config.pixels)
    return simulation(
        config.family, config.engine, workspace, config.sensor, config.items, config.mesh_unit, config.walls
    )


def run(config: CollectConfig, make_policy: MakePolicy, environment: EnvironmentSpec | None = None) -> Path:
    """Collect, or go on collecting, and return the dataset's folder.

    Args:
        config: what to collect.
        make_policy: makes the policy that ``config.policy`` names.
        environment: a workspace that stays as it is left; None takes the one that the config names.

    Raises:
        UserError: ``out`` exists, holds another collection, or the policy's name is unknown.
    """
    stage = StageRun("collect", config, free=("count",))  # a larger count goes on where the smaller ended
    if environment is None and config.cell is not None:
        environment = RobotCellSpec(config.cell)
    with environment.make() if environment else SimulationEnvironment(simulation_of(config)) as world:
        if config.kind == "attempts":
            make_policy(config.policy, world)  # a wrong name is told before anything is written
        workspace = world.workspace
    with stage.output_folder(DATASET, keep_dataset=why_dataset_is_kept):
        with DatasetWriter(config.out, workspace) as writer:
            if environment is None:
                _collect(config, make_policy, writer)
            else:
                collect_in_workspace(config, environment, make_policy, writer, list(Dataset(config.out).attempts()))
        dataset = Dataset(config.out)
        outcomes = Counter(attempt.outcome.value for attempt in dataset.attempts() if attempt.outcome is not None)
        stage.finish(
            dataset_version=dataset.version,
            attempts=len(dataset),
            episodes=len(dataset.episodes()),
            outcomes=dict(sorted(outcomes.items())),
        )
    return config.out


def collect_episode(job: EpisodeJob) -> list[Entry]:
    """One episode in a simulator of its own."""
    config = job.config
    seed = int(np.random.SeedSequence([_SCENES, config.seed, job.episode]).generate_state(1)[0])
    with SimulationEnvironment(simulation_of(config)) as environment:
        if config.kind == "scenes":
            scenes = enumerate(scene_episode(environment, seed, config.per_episode))
            name = environment.name
            return [(each.heightmap, Attempt(episode=job.episode, index=n, environment=name)) for n, each in scenes]
        policy = job.make_policy(config.policy, environment)
        if config.judged:
            return judged_episode(environment, policy, job.episode, seed, config.per_episode, config.judged)
        stop = StopRule(config.failures_in_a_row, config.per_episode)
        return attempt_episode(environment, policy, job.episode, seed, stop)


def _collect(config: CollectConfig, make_policy: MakePolicy, writer: DatasetWriter) -> None:
    """Append episodes in their order until there are enough; a half one of before is made again and gone on with."""
    stored = Dataset(config.out).attempts()
    have = len(stored)
    first = max((attempt.episode for attempt in stored), default=0)
    skip = sum(attempt.episode == first for attempt in stored)
    if have >= config.count:
        return
    jobs = (EpisodeJob(config, make_policy, episode) for episode in count(first))
    nothing = 0
    results = parallel_map(collect_episode, jobs, config.workers, executor=config.executor)
    with closing(results), tqdm(total=config.count, initial=have, desc="collect", disable=None) as bar:
        for entries in results:
            fresh = entries[skip : skip + config.count - have]
            for heightmap, attempt in fresh:
                writer.append(heightmap, attempt)
            nothing = 0 if entries else nothing + 1
            if nothing == EMPTY_EPISODES:
                raise UserError(f"{nothing} episodes in a row gave nothing: '{config.policy}' finds no grasp in them")
            have, skip = have + len(fresh), 0
            bar.update(len(fresh))
            if have >= config.count:
                return
