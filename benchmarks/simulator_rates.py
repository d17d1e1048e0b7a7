"""How often chance and the scripted picker succeed in the simulator, by engine and family, with Wilson intervals.

Usage: python benchmarks/simulator_rates.py [--episodes 40] [--workers 2] [--seed 1000] [--engines mujoco pybullet]
Writes benchmarks/results/simulator_rates.json; docs/simulator.md quotes it.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from grasping_student.collection.episodes import attempt_episode
from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.episodes.configuration import StopRule
from grasping_student.episodes.policy_spec import make_policy
from grasping_student.evaluation.statistics import wilson_interval
from grasping_student.pipeline.executor import parallel_map
from grasping_student.pipeline.files import write_json
from grasping_student.pipeline.manifest import code_commit, machine_name
from grasping_student.simulation.config import ENGINE_NAMES, EngineName
from grasping_student.simulation.families import FAMILIES, simulation

OUT = Path(__file__).parent / "results" / "simulator_rates.json"

POLICIES = ("random", "scripted-exact", "scripted")

CHANCE_EPISODES = 3
"""Chance ends its episodes early, so it gets so many times more of them."""


@dataclass(frozen=True)
class Job:
    """One episode of one policy in one family."""

    engine: EngineName
    family: str
    policy: str
    seed: int


def outcomes_of(job: Job) -> Counter[str]:
    """Outcomes of an episode that ends when the scene is empty or after five failures in a row."""
    with SimulationEnvironment(simulation(job.family, job.engine)) as environment:
        policy = make_policy(job.policy, environment)
        entries = attempt_episode(environment, policy, 0, job.seed, StopRule(attempts=100))
        return Counter(attempt.outcome.value for _, attempt in entries)


def measure(engine: EngineName, family: str, policy: str, episodes: int, workers: int, seed: int) -> dict[str, object]:
    """Rate and interval over fresh scenes."""
    jobs = [Job(engine, family, policy, seed + episode) for episode in range(episodes)]
    outcomes = sum(parallel_map(outcomes_of, jobs, workers, f"{engine} {family} {policy}"), Counter[str]())
    attempts, successes = outcomes.total(), outcomes["success"]
    low, high = wilson_interval(successes, attempts)
    return {
        "engine": engine,
        "family": family,
        "policy": policy,
        "episodes": episodes,
        "attempts": attempts,
        "successes": successes,
        "success_rate": round(successes / attempts, 4),
        "wilson_95": [round(low, 4), round(high, 4)],
        "outcomes": dict(sorted(outcomes.items())),
    }


def main() -> None:
    """Measure every family and policy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--engines", nargs="+", default=ENGINE_NAMES, choices=ENGINE_NAMES)
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=list(FAMILIES))
    asked = parser.parse_args()
    rows = []
    for family, policy, engine in product(asked.families, POLICIES, asked.engines):
        episodes = asked.episodes * (CHANCE_EPISODES if policy == "random" else 1)
        row = measure(engine, family, policy, episodes, asked.workers, asked.seed)
        rows.append(row)
        print(" | ".join(str(row[key]) for key in ("family", "policy", "engine", "attempts", "outcomes")), flush=True)
        write_json(OUT, {"commit": code_commit(), "machine": machine_name(), "seed": asked.seed, "rates": rows})


if __name__ == "__main__":
    main()
