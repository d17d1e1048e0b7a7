"""Speed of the simulator: attempts, unlabelled scenes and heightmaps a second, by family, engine and workers.

Usage: python benchmarks/simulator.py [--episodes 6] [--engines mujoco pybullet]
       python benchmarks/simulator.py --rows bin_attempts_random bin_scenes --engines mujoco --no-wall
Processor seconds of one core tell what the work costs; the wall clock of one and of two workers tells how it scales
(only on a machine with nothing else to do). Writes benchmarks/results/simulator.json; ``--rows`` keeps its other rows.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from grasping_student.collection.episodes import attempt_episode, scene_episode
from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.episodes.configuration import StopRule
from grasping_student.episodes.policy_spec import make_policy
from grasping_student.pipeline.executor import parallel_map
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.pipeline.manifest import code_commit, machine_name
from grasping_student.simulation.config import ENGINE_NAMES, EngineName
from grasping_student.simulation.families import Family, simulation, standard
from grasping_student.simulation.rendering import take_picture

OUT = Path(__file__).parent / "results" / "simulator.json"

Counted = tuple[int, float]
"""How many, in how many processor seconds."""


def attempts(job: tuple[EngineName, Family, str, int]) -> Counted:
    """An episode of a policy, reset and heightmaps included."""
    engine, family, policy_name, seed = job
    with SimulationEnvironment(simulation(family, engine)) as environment:
        policy = make_policy(policy_name, environment)
        started = time.process_time()
        count = len(attempt_episode(environment, policy, 0, seed, StopRule(attempts=60)))
        return count, time.process_time() - started


def scenes(job: tuple[EngineName, Family, str, int]) -> Counted:
    """An episode of unlabelled scenes, reset and heightmaps included."""
    engine, family, _, seed = job
    with SimulationEnvironment(simulation(family, engine)) as environment:
        started = time.process_time()
        count = sum(1 for _ in scene_episode(environment, seed, 60))
        return count, time.process_time() - started


def heightmap_ms(pixels: int, repeats: int = 40) -> float:
    """Processor milliseconds of one picture of 50 blocks."""
    workspace = replace(standard().workspace, pixels=pixels)
    with SimulationEnvironment(standard()) as environment:
        environment.reset(0)
        state = environment.state
        take_picture(state.items, state.poses, workspace)
        started = time.process_time()
        for _ in range(repeats):
            take_picture(state.items, state.poses, workspace)
        return 1000 * (time.process_time() - started) / repeats


def rate(function: Callable[..., Counted], jobs: list, workers: int) -> tuple[float, float]:
    """Per processor second, and per second of the wall clock, after a warm-up that starts the processes."""
    results = parallel_map(function, [jobs[0]] * workers + jobs, workers)
    for _ in range(workers):
        next(results)
    started = time.perf_counter()
    done = list(results)
    elapsed = time.perf_counter() - started
    return sum(n for n, _ in done) / sum(s for _, s in done), sum(n for n, _ in done) / elapsed


WORK: dict[str, tuple[Callable[..., Counted], Family, str, int]] = {
    "attempts_random": (attempts, "standard", "random", 3),
    "attempts_scripted": (attempts, "standard", "scripted", 1),
    "scenes": (scenes, "standard", "", 1),
    "bin_attempts_random": (attempts, "bin", "random", 3),
    "bin_attempts_person": (attempts, "bin", "person", 1),
    "bin_scenes": (scenes, "bin", "", 1),
}
"""Row -> what makes it, family, policy, and how many times the episodes asked for: those of chance are short."""


def main() -> None:
    """Measure everything, or some rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=6)
    parser.add_argument("--engines", nargs="+", default=ENGINE_NAMES, choices=ENGINE_NAMES)
    parser.add_argument("--rows", nargs="+", default=list(WORK), choices=list(WORK))
    parser.add_argument("--no-wall", action="store_true", help="the machine has other work: processor seconds alone")
    asked = parser.parse_args()
    everything = asked.rows == list(WORK)
    origin = {"commit": code_commit(), "machine": machine_name()}
    facts: dict[str, Any] = origin if everything else read_json(OUT)
    for name in asked.rows:
        function, family, policy, times = WORK[name]
        facts[name] = {}
        for engine in asked.engines:
            jobs = [(engine, family, policy, seed) for seed in range(times * asked.episodes)]
            core, one = rate(function, jobs, 1)
            facts[name][engine] = {"per_core_second": round(core, 2)}
            if not asked.no_wall:
                _, two = rate(function, jobs, 2)
                walls = {"wall_one_worker": one, "wall_two_workers": two, "two_workers_over_one": two / one}
                facts[name][engine] |= {key: round(value, 2) for key, value in walls.items()}
            print(name, engine, facts[name][engine], flush=True)
        if not everything:
            facts.setdefault("measured_apart", {})[name] = origin
    if everything:
        facts["heightmap_ms"] = {str(pixels): round(heightmap_ms(pixels), 2) for pixels in (112, 338)}
        print("heightmap_ms", facts["heightmap_ms"])
    write_json(OUT, facts)


if __name__ == "__main__":
    main()
