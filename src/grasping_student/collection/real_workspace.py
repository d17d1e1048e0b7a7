"""Attempts in one workspace that stays as it is left: each is in the dataset before the next, and a stop loses none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqdm import tqdm

from grasping_student.collection.episodes import AttemptCollector
from grasping_student.episodes.configuration import EnvironmentSpec, StopRule
from grasping_student.episodes.event_log import EndReason
from grasping_student.episodes.loop import Episode, run_episode
from grasping_student.pipeline.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from grasping_student.collection.configuration import CollectConfig
    from grasping_student.datasets.schema import Attempt
    from grasping_student.datasets.writer import DatasetWriter
    from grasping_student.environments.base import Environment
    from grasping_student.geometry.heightmap import Heightmap
    from grasping_student.policies.base import Policy

EMPTY_EPISODES = 3
"""So many episodes in a row without an attempt end the collection: somebody must look at the workspace."""


def collect_in_workspace(
    config: CollectConfig,
    spec: EnvironmentSpec,
    make_policy: Callable[[str, Environment], Policy],
    writer: DatasetWriter,
    stored: list[Attempt],
) -> None:
    """Attempts until the dataset has as many as asked; the last stored episode goes on where it stopped.

    Args:
        config: what to collect.
        spec: of the workspace.
        make_policy: makes the policy that ``config.policy`` names.
        writer: of the dataset; an append that returned is on the disk.
        stored: attempts of the dataset so far.

    Raises:
        UserError: the device failed again and again, or the policy finds nothing in several episodes.
    """
    made = len(stored)
    number = stored[-1].episode if stored else 0
    earlier = [each for each in stored if each.episode == number]
    nothing = 0
    with spec.make() as environment, tqdm(total=config.count, initial=made, desc="collect", disable=None) as bar:
        policy = make_policy(config.policy, environment)

        def keep(heightmap: Heightmap, attempt: Attempt) -> None:
            nonlocal made
            if attempt.counted:  # a device's fault says nothing about a grasp
                writer.append(heightmap, attempt)
                made += 1
                bar.update()

        while made < config.count:
            before = made
            most = min(config.per_episode, len(earlier) + config.count - made)
            stop = StopRule(config.failures_in_a_row, most)
            episode = Episode.of_run(policy.name, number, config.seed, stop, earlier)
            reason = run_episode(environment, policy, episode, [AttemptCollector(environment.gripper, keep)])
            if reason is EndReason.FAULT:
                raise UserError(
                    f"the device failed {stop.faults_in_a_row} times in a row after {made} of {config.count} attempts; "
                    "nothing is lost: repair the device and go on with --resume"
                )
            nothing = 0 if made > before or earlier else nothing + 1
            if nothing == EMPTY_EPISODES:
                raise UserError(
                    f"{nothing} episodes in a row gave nothing ({reason}): '{config.policy}' finds no grasp; fill the "
                    "workspace, or choose another --policy"
                )
            number, earlier = number + 1, []
