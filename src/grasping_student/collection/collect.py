"""Stage ``collect``: seeded episodes over processes into one dataset, resumable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import numpy as np
from tqdm import tqdm

from grasping_student.collection.attempts import LabelledScene, attempt_episode
from grasping_student.collection.configuration import CollectConfig
from grasping_student.collection.scenes import scene_episode
from grasping_student.datasets.folder import MANIFEST as DATASET
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.datasets.summary import why_dataset_is_kept
from grasping_student.environments.base import Environment
from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.executor import parallel_map
from grasping_student.pipeline.stage import StageRun
from grasping_student.policies.base import Policy
from grasping_student.simulation.config import FAMILIES, SimulationConfig

EMPTY_EPISODES = 20
"""So many episodes without a single attempt end the collection with an error."""

MakePolicy = Callable[[str, Environment], Policy]
"""From a spec string and the environment to a policy; a function of a module, so picklable."""

_SCENES = 0xC011EC7  # keeps collected scenes apart from those of an evaluation with the same seed


@dataclass(frozen=True)
class EpisodeJob:
    """One episode: everything that its result depends on."""

    config: CollectConfig
    make_policy: MakePolicy
    episode: int


@dataclass(frozen=True)
class EpisodeResult:
    """What an episode yields, and who chose its grasps: ``source``, name and version, None for scenes."""

    attempts: list[LabelledScene]
    scenes: list[Heightmap]
    chooser: tuple[str, str, str] | None

    def __len__(self) -> int:
        return len(self.attempts) + len(self.scenes)


def simulation_of(config: CollectConfig) -> SimulationConfig:
    """The simulator that a collection uses."""
    world = FAMILIES[config.family]()
    return replace(world, workspace=replace(world.workspace, pixels=config.pixels))


def run(config: CollectConfig, make_policy: MakePolicy) -> Path:
    """Collect, or go on collecting, and return the dataset's folder.

    Args:
        config: what to collect.
        make_policy: makes the policy that ``config.policy`` names.

    Raises:
        UserError: ``out`` exists, holds another collection, or the policy's name is unknown.
    """
    stage = StageRun("collect", config, free=("count",))  # a larger count goes on where the smaller ended
    with SimulationEnvironment(simulation_of(config)) as environment:
        if config.kind == "attempts":
            make_policy(config.policy, environment)  # a wrong name is told before anything is written
        workspace = environment.workspace
    with stage.output_folder(DATASET, keep_dataset=why_dataset_is_kept):
        with DatasetWriter(config.out, workspace) as writer:
            _collect(config, make_policy, writer)
        dataset = Dataset(config.out)
        outcomes = Counter(attempt.outcome.value for attempt in dataset.attempts() if attempt.outcome is not None)
        stage.finish(
            dataset_version=dataset.version,
            attempts=len(dataset),
            episodes=len(dataset.episodes()),
            outcomes=dict(sorted(outcomes.items())),
        )
    return config.out


def run_episode(job: EpisodeJob) -> EpisodeResult:
    """One episode in a simulator of its own."""
    config = job.config
    seed = int(np.random.SeedSequence([_SCENES, config.seed, job.episode]).generate_state(1)[0])
    with SimulationEnvironment(simulation_of(config)) as environment:
        if config.kind == "scenes":
            return EpisodeResult([], list(scene_episode(environment, seed, config.per_episode)), None)
        policy = job.make_policy(config.policy, environment)
        attempts = attempt_episode(environment, policy, seed, config.per_episode, config.failures_in_a_row)
        return EpisodeResult(list(attempts), [], (policy.source, policy.name, policy.version))


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
    results = parallel_map(run_episode, jobs, config.workers)
    with closing(results), tqdm(total=config.count, initial=have, desc="collect", disable=None) as bar:
        for episode, result in enumerate(results, start=first):
            fresh = slice(skip, skip + config.count - have)
            added = _append(writer, episode, result, fresh)
            nothing = 0 if len(result) else nothing + 1
            if nothing == EMPTY_EPISODES:
                raise UserError(f"{nothing} episodes in a row gave nothing: '{config.policy}' finds no grasp in them")
            have, skip = have + added, 0
            bar.update(added)
            if have >= config.count:
                return


def _append(writer: DatasetWriter, episode: int, result: EpisodeResult, which: slice) -> int:
    """Store some of an episode's results; returns how many."""
    added = 0
    for index, heightmap in list(enumerate(result.scenes))[which]:
        writer.append(heightmap, episode=episode, index=index, environment="simulation")
        added += 1
    for index, attempt in list(enumerate(result.attempts))[which]:
        source, name, version = result.chooser or (None, None, None)
        writer.append(
            attempt.heightmap,
            episode=episode,
            index=index,
            environment="simulation",
            source=source,
            policy=name,
            policy_version=version,
            grasp=attempt.grasp,
            z=attempt.z,
            outcome=attempt.outcome,
        )
        added += 1
    return added
