"""Labelled attempts: a policy grasps in seeded episodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.policies.base import NothingToGrasp, Policy


@dataclass(frozen=True)
class LabelledScene:
    """A scene, the grasp that was tried in it, the height of the finger tips (metres) and how it ended."""

    heightmap: Heightmap
    grasp: PlanarGrasp
    z: float
    outcome: Outcome


def attempt_episode(
    environment: SimulationEnvironment, policy: Policy, seed: int, most: int, failures_in_a_row: int
) -> Iterator[LabelledScene]:
    """One episode, from a fresh scene until it is empty, the policy finds nothing or fails too often, or ``most``.

    Args:
        environment: reset here.
        policy: what chooses.
        seed: of the scene and of the policy's draws.
        most: attempts at most.
        failures_in_a_row: failures one after the other that end the episode.
    """
    environment.reset(seed)
    policy.begin_episode(seed)
    failures = 0
    for _ in range(most):
        observation = environment.observe()
        if observation.heightmap.is_empty() or failures >= failures_in_a_row:
            return
        try:
            grasp, _ = policy(observation)
        except NothingToGrasp:
            return
        z = environment.tip_height(grasp)
        outcome = environment.execute(grasp)
        failures = 0 if outcome.success else failures + 1
        yield LabelledScene(observation.heightmap, grasp, z, outcome)
