"""Whether anything explodes, sinks or keeps moving in many random attempts.

Usage: python benchmarks/simulator_stability.py [--attempts 2200] [--workers 2] [--seed 5000] [--engine mujoco]
Writes benchmarks/results/simulator_stability.json; docs/simulator.md quotes it.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.pipeline.executor import parallel_map
from grasping_student.pipeline.files import write_json
from grasping_student.pipeline.manifest import code_commit, machine_name
from grasping_student.policies.random_foreground import RandomForeground
from grasping_student.simulation.blocks import rotation_of
from grasping_student.simulation.config import DEFAULT_ENGINE, ENGINE_NAMES, EngineName
from grasping_student.simulation.engine import CALM_SPEED
from grasping_student.simulation.families import FAMILIES, Family, simulation
from grasping_student.simulation.scene import build_scene

OUT = Path(__file__).parent / "results" / "simulator_stability.json"

PER_SCENE = 20
"""Attempts in a scene before it is checked with every block awake and dropped."""


@dataclass(frozen=True)
class Job:
    """One scene."""

    engine: EngineName
    family: Family
    seed: int


class Watch:
    """Looks at the blocks while the engine steps."""

    def __init__(self, environment: SimulationEnvironment) -> None:
        self.engine = environment._engine
        self.highest = -np.inf
        self.unsettled: list[list[float]] = []
        self._step, self._settle = self.engine.step, self.engine.settle
        self.engine.step, self.engine.settle = self.step, self.settle  # type: ignore[method-assign]  # a measurement

    def step(self, count: int = 1) -> None:
        self._step(count)
        heights = self.engine.poses()[:, 2]
        self.highest = max(self.highest, float(heights[heights < 5.0].max(initial=-np.inf)))  # removed ones are parked

    def settle(self, awake: Any, seconds: float) -> bool:
        calm = self._settle(awake, seconds)
        if not calm:
            self.unsettled.append([float(self.engine.speed(np.array([index]))) for index in np.flatnonzero(awake)])
        return calm


def check(job: Job) -> dict[str, Any]:
    """Extremes over the attempts of a scene, then the drift in a second with all blocks awake."""
    with SimulationEnvironment(simulation(job.family, job.engine)) as environment:
        environment.reset(job.seed)
        policy = RandomForeground(job.seed)
        watch = Watch(environment)
        rise, lowest, outermost, attempts = [], [], [], 0
        while attempts < PER_SCENE and not environment.observe().heightmap.is_empty():
            before = float(environment.state.poses[:, 2].max())
            watch.highest = -np.inf
            environment.execute(policy(environment.observe())[0])
            attempts += 1
            rise.append(watch.highest - before)
            state = environment.state
            for block, pose, turn in zip(state.items, state.poses, rotation_of(state.poses[:, 3:]), strict=True):
                corners = block.triangles.reshape(-1, 3) @ turn.T + pose[:3]
                lowest.append(float(corners[:, 2].min()))
                outermost.append(float(np.abs(corners[:, :2]).max()))
        state = environment.state
        build_scene(watch.engine, state.items, state.poses, np.ones(len(state.items), dtype=bool))
        watch.engine.prefer_rest()  # the solver in which the scene came to rest; while items fall another one will do
        watch._step(watch.engine.steps_of(1.0))
        drift = np.linalg.norm(watch.engine.poses()[:, :3] - state.poses[:, :3], axis=1)
    return {
        "attempts": attempts,
        "rise": rise,
        "lowest": lowest,
        "outermost": outermost,
        "drift": drift.tolist(),
        "unsettled": watch.unsettled,
    }


def main() -> None:
    """Check every family."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=2200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=5000)
    parser.add_argument("--engine", default=DEFAULT_ENGINE, choices=ENGINE_NAMES)
    parser.add_argument("--families", nargs="+", default=["standard", "sparse", "dense"], choices=tuple(FAMILIES))
    asked = parser.parse_args()
    scenes = -(-asked.attempts // PER_SCENE)
    families = asked.families
    jobs = [Job(asked.engine, families[index % len(families)], asked.seed + index) for index in range(scenes)]
    results = list(parallel_map(check, jobs, asked.workers, "scenes"))

    def every(name: str) -> np.ndarray:
        return np.concatenate([result[name] for result in results])

    speeds = [np.array(each) for result in results for each in result["unsettled"]]
    facts = {
        "commit": code_commit(),
        "machine": machine_name(),
        "engine": asked.engine,
        "families": families,
        "seed": asked.seed,
        "scenes": scenes,
        "attempts": sum(result["attempts"] for result in results),
        "highest_rise_of_any_block_m": round(float(every("rise").max()), 4),
        "lowest_corner_m": round(float(every("lowest").min()), 5),
        "corners_more_than_2_mm_below_the_table_share": round(float((every("lowest") < -0.002).mean()), 6),
        "outermost_corner_m": round(float(every("outermost").max()), 5),
        "settling_cut_off": {
            "times": len(speeds),
            "blocks_still_moving": int(sum((each > CALM_SPEED).sum() for each in speeds)),
            "fastest_m_per_s": round(float(max((each.max() for each in speeds), default=0.0)), 4),
        },
        "drift_in_a_second_all_awake_m": {
            "median": round(float(np.median(every("drift"))), 6),
            "share_above_3_mm": round(float((every("drift") > 0.003).mean()), 4),
            "largest": round(float(every("drift").max()), 4),
        },
    }
    write_json(OUT, facts)
    for name, value in facts.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
