"""Make the general model that ships with the package: outcomes of simulated grasps, three rounds, no person.

Usage: python benchmarks/general_model.py --out runs/general [--workers 2]
Stopped, it goes on. About three hours on two cores. The checkpoint with its confidence is ``OUT/general``.

Each round collects grasps that the simulator judges without executing them, many in each scene. The first draw among
antipodal grasps and at random; the last draws also among the best grasps of the models before, odds by their odds of
success: there their mistakes are.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from grasping_student.cli.main import main as command


@dataclass(frozen=True)
class Collection:
    """Judged grasps of one policy in one family; of the same name later, as many more as the count has grown."""

    name: str
    family: str
    policy: str
    """A policy's name, or the number of the round whose model explores."""

    count: int
    seed: int
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Round:
    """What is collected, and a training on all that was collected so far."""

    collections: tuple[Collection, ...]
    steps: int
    rate: float
    ema: float
    held_out: float
    goes_on: bool = False
    """Training starts from the model of the round before."""


HOUSEHOLD = ("--items", "household")
ROUNDS = (
    Round((Collection("bin-antipodal", "bin", "antipodal", 6000, 11),), 2000, 1e-3, 0.995, 0.1),
    Round(
        (
            Collection("bin-antipodal", "bin", "antipodal", 14000, 11),
            Collection("bin-random", "bin", "random", 1500, 12),
            Collection("stereo-blocks-antipodal", "stereo-blocks", "antipodal", 1500, 13),
            Collection("stereo-blocks-random", "stereo-blocks", "random", 600, 14),
            Collection("standard-household", "standard", "antipodal", 2000, 15, HOUSEHOLD),
        ),
        5000,
        1e-3,
        0.998,
        0.05,
    ),
    Round(
        (
            Collection("bin-exploring-0", "bin", "0", 4000, 21),
            Collection("bin-exploring-1", "bin", "1", 4000, 41),
            Collection("bin-random-more", "bin", "random", 3000, 22),
            Collection("sparse-antipodal", "sparse", "antipodal", 1200, 51, (*HOUSEHOLD, "--sensor", "stereo")),
            Collection("sparse-exploring", "sparse", "1", 1200, 52, (*HOUSEHOLD, "--sensor", "ideal")),
        ),
        4000,
        5e-4,
        0.998,
        0.05,
        goes_on=True,
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


def make_round(number: int, this: Round, out: Path, earlier: dict[str, Path], workers: int) -> dict[str, Path]:
    """Collect and train one round; returns all datasets up to it by name."""
    model, datasets = out / f"round-{number}", dict(earlier)
    if (model / "manifest.json").exists():
        return datasets | {each.name: out / each.name for each in this.collections}
    for each in this.collections:
        datasets[each.name] = out / each.name
        policy = f"exploring:{out / f'round-{each.policy}'}" if each.policy.isdigit() else each.policy
        run(
            *("collect", "--family", each.family, "--policy", policy, "--count", each.count, "--seed", each.seed),
            *("--judged", JUDGED, "--per-episode", SCENES, "--workers", workers, *each.options),
            *("--out", out / each.name, "--resume"),
        )
    start = ("--initial", out / f"round-{number - 1}") if this.goes_on else ()
    run(
        *("train", "affordance", "--datasets", *datasets.values(), "--held-out", this.held_out),
        *("--constraint.name", "antipodal", "--loop.batch", 32, "--loop.steps", this.steps, "--loop.ema", this.ema),
        *("--loop.optimiser.learning-rate", this.rate, "--loop.threads", 1, *start, "--out", model, "--resume"),
    )
    return datasets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/general"))
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    datasets: dict[str, Path] = {}
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
