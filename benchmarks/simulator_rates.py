"""How often chance, geometry and who knows the scene succeed in the simulator, by engine and family.

Usage: python benchmarks/simulator_rates.py [--episodes 40] [--workers 2] [--seed 1000] [--engines mujoco pybullet]
       python benchmarks/simulator_rates.py --families bin bin-test --one-shot 50
Episodes measure the blocks of the paper. ``--one-shot`` measures the other policies as the one-shot test does: every
policy grasps once from the same states, four of each scene, from full to nearly empty.
Writes benchmarks/results/simulator_rates.json or simulator_one_shot.json, whose rows of other families and engines
stay; docs/simulator.md quotes them.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from grasping_student.collection.episodes import attempt_episode
from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.episodes.configuration import StopRule
from grasping_student.episodes.policy_spec import make_policy
from grasping_student.evaluation.statistics import wilson_interval
from grasping_student.pipeline.executor import parallel_map
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.pipeline.manifest import code_commit, machine_name
from grasping_student.policies.base import NothingToGrasp
from grasping_student.simulation.config import ENGINE_NAMES, EngineName
from grasping_student.simulation.families import FAMILIES, simulation

RESULTS = Path(__file__).parent / "results"

POLICIES = ("random", "scripted-exact", "scripted")

ONE_SHOT_POLICIES = ("random", "antipodal", "person", "person-exact")

REMOVED = (0.0, 0.28, 0.56, 0.85)
"""Shares of the items that are gone in the states of a scene: as much as in the one-shot test on average."""

SHOWN = ("family", "policy", "engine", "attempts", "success_rate", "outcomes")

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


def one_shot_of(job: Job) -> dict[str, Counter[str]]:
    """Outcomes of every policy from the same states of a scene; ``nothing`` where it finds no grasp."""
    outcomes = {policy: Counter[str]() for policy in ONE_SHOT_POLICIES}
    with SimulationEnvironment(simulation(job.family, job.engine)) as environment:
        environment.reset(job.seed)
        random, count = np.random.default_rng(job.seed), len(environment.state.items)
        policies = {name: make_policy(name, environment) for name in ONE_SHOT_POLICIES}
        for state, removed in enumerate(REMOVED):
            while len(environment.state.items) > (1.0 - removed) * count:
                visible = np.setdiff1d(environment.picture().item, [-1])
                environment.take_away(random.choice(visible, min(16, len(visible)), replace=False).tolist())
            for name, policy in policies.items():
                policy.begin_episode(10 * job.seed + state)
                try:
                    grasp, _ = policy(environment.observe())
                    outcomes[name][environment.foresee(grasp).value] += 1
                except NothingToGrasp:
                    outcomes[name]["nothing"] += 1
    return outcomes


def one_shot(engine: EngineName, family: str, scenes: int, workers: int, seed: int) -> list[dict[str, object]]:
    """A row for every policy."""
    jobs = [Job(engine, family, "", seed + scene) for scene in range(scenes)]
    found = list(parallel_map(one_shot_of, jobs, workers, f"{engine} {family} one-shot"))
    return [
        row_of(engine, family, policy, scenes, sum((each[policy] for each in found), Counter[str]()))
        for policy in ONE_SHOT_POLICIES
    ]


def measure(engine: EngineName, family: str, policy: str, episodes: int, workers: int, seed: int) -> dict[str, object]:
    """Rate and interval over fresh scenes."""
    jobs = [Job(engine, family, policy, seed + episode) for episode in range(episodes)]
    outcomes = sum(parallel_map(outcomes_of, jobs, workers, f"{engine} {family} {policy}"), Counter[str]())
    return row_of(engine, family, policy, episodes, outcomes)


def row_of(engine: str, family: str, policy: str, episodes: int, outcomes: Counter[str]) -> dict[str, object]:
    """Rate and interval of some outcomes; where a policy found nothing there was no attempt."""
    attempts, successes = outcomes.total() - outcomes["nothing"], outcomes["success"]
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


def with_other_rows(facts: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """What was measured now, and the rows of an earlier file about other families and engines, with its commit."""
    now = {(row["family"], row["engine"]) for row in facts["rates"]}
    others = [row for row in before.get("rates", []) if (row["family"], row["engine"]) not in now]
    kept = [{"commit": before["commit"], **row} for row in others]
    return {**facts, "rates": sorted([*facts["rates"], *kept], key=lambda row: list(FAMILIES).index(row["family"]))}


def main() -> None:
    """Measure families and policies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=40)
    parser.add_argument("--one-shot", type=int, default=0, metavar="SCENES")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--engines", nargs="+", default=ENGINE_NAMES, choices=ENGINE_NAMES)
    parser.add_argument("--families", nargs="+", default=["standard", "sparse", "dense"], choices=list(FAMILIES))
    asked = parser.parse_args()
    out = RESULTS / ("simulator_one_shot.json" if asked.one_shot else "simulator_rates.json")
    rows: list[dict[str, object]] = []
    for family, engine in product(asked.families, asked.engines):
        if asked.one_shot:
            rows += one_shot(engine, family, asked.one_shot, asked.workers, asked.seed)
        else:
            for policy in POLICIES:
                episodes = asked.episodes * (CHANCE_EPISODES if policy == "random" else 1)
                rows.append(measure(engine, family, policy, episodes, asked.workers, asked.seed))
        print(*(" | ".join(str(row[key]) for key in SHOWN) for row in rows), sep="\n", flush=True)
        facts = {"commit": code_commit(), "machine": machine_name(), "seed": asked.seed, "rates": rows}
        write_json(out, with_other_rows(facts, read_json(out) if out.exists() else {}))


if __name__ == "__main__":
    main()
