"""Make the general model that ships with the package: outcomes of simulated grasps, three rounds, no person.

Usage: python benchmarks/general_model.py --out runs/general [--workers 2]
Stopped, it goes on. About three hours on two cores. The checkpoint with its confidence is ``OUT/general``.

Each round collects grasps that the simulator judges without executing them, many in each scene. The first draws among
antipodal grasps; the later ones draw among the best grasps of the round before, odds by its odds of success: there its
mistakes are.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from grasping_student.cli.main import main as command


@dataclass(frozen=True)
class Collection:
    """Judged grasps of one policy in one family."""

    name: str
    family: str
    policy: str
    count: int
    seed: int
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Round:
    """What is collected, and a training on all that was collected so far, from the model of the round before."""

    collections: tuple[Collection, ...]
    steps: int
    rate: float
    ema: float


HOUSEHOLD = ("--items", "household")
ROUNDS = (
    Round((Collection("bin-antipodal-first", "bin", "antipodal", 6000, 11),), 2000, 1e-3, 0.995),
    Round(
        (
            Collection("bin-antipodal", "bin", "antipodal", 8000, 16),
            Collection("bin-random", "bin", "random", 1500, 12),
            Collection("stereo-blocks-antipodal", "stereo-blocks", "antipodal", 1500, 13),
            Collection("stereo-blocks-random", "stereo-blocks", "random", 600, 14),
            Collection("standard-household", "standard", "antipodal", 2000, 15, HOUSEHOLD),
        ),
        5000,
        1e-3,
        0.998,
    ),
    Round(
        (
            Collection("bin-exploring", "bin", "exploring", 8000, 21),
            Collection("bin-random-more", "bin", "random", 3000, 22),
            Collection("sparse-antipodal", "sparse", "antipodal", 1200, 51, (*HOUSEHOLD, "--sensor", "stereo")),
            Collection("sparse-exploring", "sparse", "exploring", 1200, 52, (*HOUSEHOLD, "--sensor", "ideal")),
        ),
        4000,
        5e-4,
        0.998,
    ),
)
"""The rounds, with the seeds of every collection."""

JUDGED, SCENES = 12, 8
"""Grasps in each scene, and scenes between two resets."""

CHANCES = {"bin": 300, "stereo-blocks": 100}
"""Family -> one-shot scenes of seed 7, which fix what a score says about success."""


def run(*words: object) -> None:
    """A command of the package.

    Raises:
        SystemExit: it failed, with its exit code.
    """
    if code := command([str(each) for each in words]):
        raise SystemExit(code)


def make_round(number: int, this: Round, out: Path, earlier: list[Path], workers: int) -> list[Path]:
    """Collect and train one round; returns all datasets up to it."""
    before, model = out / f"round-{number - 1}", out / f"round-{number}"
    datasets = list(earlier)
    for each in this.collections:
        datasets.append(out / each.name)
        policy = f"exploring:{before}" if each.policy == "exploring" else each.policy
        run(
            *("collect", "--family", each.family, "--policy", policy, "--count", each.count, "--seed", each.seed),
            *("--judged", JUDGED, "--per-episode", SCENES, "--workers", workers, *each.options),
            *("--out", datasets[-1], "--resume"),
        )
    start = ("--initial", before) if number else ()
    run(
        *("train", "affordance", "--datasets", *datasets, "--held-out", 0.05, "--constraint.name", "antipodal"),
        *("--loop.batch", 32, "--loop.steps", this.steps, "--loop.ema", this.ema, "--loop.threads", workers),
        *("--loop.optimiser.learning-rate", this.rate, *start, "--out", model, "--resume"),
    )
    return datasets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/general"))
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    datasets: list[Path] = []
    for number, this in enumerate(ROUNDS):
        datasets = make_round(number, this, given.out, datasets, given.workers)
    last, chances = given.out / f"round-{len(ROUNDS) - 1}", []
    for family, scenes in CHANCES.items():
        chances.append(given.out / f"chances-{family}")
        run(
            *("evaluate", "one-shot", "--models", f"general={last}", "--family", family, "--scenes", scenes),
            *("--seed", 7, "--workers", given.workers, "--out", chances[-1], "--resume"),
        )
    finished = given.out / "general"
    run("train", "confidence", "--checkpoint", last, "--attempts", *chances, "--out", finished, "--overwrite")


if __name__ == "__main__":
    main()
