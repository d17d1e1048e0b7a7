"""Make the general model that ships with the package: outcomes of simulated grasps, no person and no photo.

Usage: python benchmarks/general_model.py --out runs/general [--workers 2] [--from-scratch]
Stopped, it goes on. About two hours on two cores. The checkpoint with its confidence is ``OUT/general``.

Grasps are judged by the simulator without being executed, many in each scene. Some are drawn by chance, among antipodal
grasps and anywhere; the others among the best grasps of the model that ships now, odds by their odds of success: there
its mistakes are. Training goes on from its weights. With ``--from-scratch`` a first round on the grasps by chance
stands for it.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from grasping_student.cli.main import main as command
from grasping_student.serving.loading import PRETRAINED


@dataclass(frozen=True)
class Collection:
    """Judged grasps of one policy in one family."""

    family: str
    policy: str
    count: int
    seed: int
    options: tuple[str, ...] = ()


HOUSEHOLD, COMPOSITES, STEREO = ("--items", "household"), ("--items", "composites"), ("--sensor", "stereo")
EXPLORING = "exploring"
"""Policy of the collections that a model makes."""

COLLECTIONS = {
    "bin-antipodal": Collection("bin", "antipodal", 9000, 11),
    "composites-antipodal": Collection("bin", "antipodal", 9000, 61, COMPOSITES),
    "bin-random": Collection("bin", "random", 1500, 12),
    "composites-random": Collection("bin", "random", 1500, 62, COMPOSITES),
    "stereo-blocks-antipodal": Collection("stereo-blocks", "antipodal", 1500, 13),
    "stereo-blocks-random": Collection("stereo-blocks", "random", 600, 14),
    "standard-antipodal": Collection("standard", "antipodal", 1500, 15, HOUSEHOLD),
    "sparse-antipodal": Collection("sparse", "antipodal", 1200, 51, (*HOUSEHOLD, *STEREO)),
    "bin-exploring": Collection("bin", EXPLORING, 6000, 21),
    "composites-exploring": Collection("bin", EXPLORING, 5000, 63, COMPOSITES),
    "sparse-exploring": Collection("sparse", EXPLORING, 1200, 52, (*HOUSEHOLD, "--sensor", "ideal")),
    "sparse-composites": Collection("sparse", EXPLORING, 1200, 53, (*COMPOSITES, *STEREO)),
}
"""Name -> what is collected, with its seed."""

JUDGED, SCENES = 12, 8
"""Grasps in each scene, and scenes between two resets."""

STEPS, RATE = 4500, 1e-3
FIRST_STEPS = 4000
"""Of the first round from scratch."""

CHANCES = {"bin": 300, "stereo-blocks": 100}
"""Family -> one-shot scenes, which fix what a score says about success."""

SHIFTED = {"bin-test": 200}
"""The same of items that the model has never met: only how true its chances are is measured there."""

TESTED = CHANCES | SHIFTED
TEST_SEED = 7


def run(*words: object) -> None:
    """A command of the package.

    Raises:
        SystemExit: it failed, with its exit code.
    """
    if code := command([str(each) for each in words]):
        raise SystemExit(code)


def collect(out: Path, explorer: Path, workers: int, exploring: bool) -> list[Path]:
    """The collections by chance, or those of a model that explores; returns their folders."""
    names = [name for name, each in COLLECTIONS.items() if (each.policy == EXPLORING) == exploring]
    for name in names:
        each = COLLECTIONS[name]
        policy = f"{EXPLORING}:{explorer}" if exploring else each.policy
        run(
            *("collect", "--family", each.family, "--policy", policy, "--count", each.count, "--seed", each.seed),
            *("--judged", JUDGED, "--per-episode", SCENES, "--workers", workers, *each.options),
            *("--out", out / name, "--resume"),
        )
    return [out / name for name in names]


def train(datasets: list[Path], initial: Path | None, steps: int, out: Path) -> None:
    """A model of success of all grasps."""
    run(
        *("train", "affordance", "--datasets", *datasets, "--held-out", 0.05, "--constraint.name", "antipodal"),
        *("--loop.batch", 32, "--loop.steps", steps, "--loop.ema", 0.998, "--loop.optimiser.learning-rate", RATE),
        *("--loop.threads", 1, *(("--initial", initial) if initial else ()), "--out", out, "--resume"),
    )


def test(model: Path, family: str, scenes: int, out: Path, workers: int) -> Path:
    """One grasp of the model in each of some scenes; returns the folder of its attempts."""
    folder = out / f"chances-{family}"
    run(
        *("evaluate", "one-shot", "--models", f"general={model}", "--family", family, "--scenes", scenes),
        *("--seed", TEST_SEED, "--workers", workers, "--out", folder, "--resume"),
    )
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/general"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--from-scratch", action="store_true")
    given = parser.parse_args()
    out: Path = given.out
    by_chance = collect(out, PRETRAINED, given.workers, exploring=False)
    explorer = out / "first" if given.from_scratch else PRETRAINED
    if given.from_scratch:
        train(by_chance, None, FIRST_STEPS, explorer)
    train(by_chance + collect(out, explorer, given.workers, exploring=True), explorer, STEPS, out / "model")
    tested = {family: test(out / "model", family, scenes, out, given.workers) for family, scenes in TESTED.items()}
    run(
        *("train", "confidence", "--checkpoint", out / "model", "--attempts", *(tested[each] for each in CHANCES)),
        *("--shifted", *(tested[each] for each in SHIFTED), "--out", out / "general", "--overwrite"),
    )


if __name__ == "__main__":
    main()
