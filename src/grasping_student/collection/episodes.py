"""One episode for a dataset: attempts executed or judged, or scenes that nobody labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from grasping_student.datasets.schema import Attempt
from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.episodes.configuration import StopRule
from grasping_student.episodes.event_log import EpisodeEnd
from grasping_student.episodes.loop import Episode, EpisodeObserver, choose, run_episode
from grasping_student.geometry.gripper import GripperGeometry, tip_height
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.perception.observation import Observation
from grasping_student.policies.base import NothingToGrasp, Policy

Entry = tuple[Heightmap, Attempt]
"""A scene and what happened in it, as ``DatasetWriter.append`` takes them."""

_TAKEN = 2  # keeps these draws apart from those of the scene, which has the same seed


class AttemptCollector(EpisodeObserver):
    """Keeps every attempt with the heightmap that it was chosen in and the height of the finger tips.

    Args:
        gripper: that grasps.
        keep: takes each entry.
    """

    def __init__(self, gripper: GripperGeometry, keep: Callable[[Heightmap, Attempt], object]) -> None:
        self._gripper, self._keep = gripper, keep

    def on_choice(self, observation: Observation, attempt: Attempt) -> None:
        pass

    def on_attempt(self, observation: Observation, attempt: Attempt) -> None:
        assert attempt.grasp is not None
        tip = tip_height(observation.surface, attempt.grasp.row, attempt.grasp.col, self._gripper)
        self._keep(observation.heightmap, replace(attempt, z=tip))

    def on_end(self, end: EpisodeEnd) -> None:
        pass


def attempt_episode(
    environment: SimulationEnvironment, policy: Policy, number: int, seed: int, stop: StopRule
) -> list[Entry]:
    """All attempts of one episode.

    Args:
        environment: reset here.
        policy: what chooses.
        number: of the episode in the dataset.
        seed: of the scene and of the policy's draws.
        stop: when the episode ends, besides an empty workspace and a policy that finds nothing.
    """
    entries: list[Entry] = []
    collector = AttemptCollector(environment.gripper, lambda *entry: entries.append(entry))
    run_episode(environment, policy, Episode(policy.name, number, seed, seed, stop), [collector])
    return entries


def judged_episode(
    environment: SimulationEnvironment, policy: Policy, number: int, seed: int, most: int, judged: int
) -> list[Entry]:
    """Grasps in the scenes of ``scene_episode``, each judged from the same state of its scene; none is executed.

    Args:
        environment: reset here.
        policy: what chooses; it draws ``judged`` times in each scene.
        number: of the episode in the dataset.
        seed: of the scenes and of the policy's draws.
        most: scenes at most.
        judged: grasps in each scene.
    """
    entries: list[Entry] = []
    policy.begin_episode(seed)
    for observation in scene_episode(environment, seed, most):
        for _ in range(judged):
            try:
                chosen = choose(environment, policy, observation, policy.name, number, len(entries))
            except NothingToGrasp:
                break
            assert chosen.grasp is not None
            tip, outcome = environment.tip_height(chosen.grasp), environment.foresee(chosen.grasp)
            entries.append((observation.heightmap, replace(chosen, z=tip, outcome=outcome)))
    return entries


def scene_episode(environment: SimulationEnvironment, seed: int, most: int) -> Iterator[Observation]:
    """Scenes of falling fill level without a gripper: visible items vanish, few at a time where many scenes may follow.

    The episode ends when the graspable area is empty, or after ``most`` scenes.

    Args:
        environment: reset here.
        seed: of the scene and of what is taken away.
        most: scenes at most.
    """
    random = np.random.default_rng([seed, _TAKEN])
    environment.reset(seed)
    inside = environment.workspace.graspable_slice
    at_once = max(3, 2 * len(environment.state.items) // most)
    for number in range(most):
        observation = environment.observe()
        if observation.heightmap.is_empty():
            return
        yield observation
        visible = np.unique(environment.picture().item[inside])
        visible = visible[visible >= 0]
        if number + 1 == most or not len(visible):
            return
        taken = random.choice(visible, size=min(int(random.integers(1, at_once)), len(visible)), replace=False)
        environment.take_away(sorted(taken.tolist()))
