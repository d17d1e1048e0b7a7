"""What a robot's own attempts teach it, without a person: success over the number of attempts.

Usage: python benchmarks/online_attempts.py --out runs/online-attempts [--seeds 0 1] [--family bin-test] [--scenes 100]
Stopped, it goes on. Writes benchmarks/results/online_attempts.json and the table and figure of docs/own-attempts.md.

Each run is one ``train online``: from random weights, or from the general model that ships. The model of every round
grasps once from the same states of the family in which it has learnt, of other seeds. Share of the gap: (rate less that
of a random antipodal grasp) over (rate of a person's stand-in without errors less that of a random antipodal grasp).
"""

from __future__ import annotations

import argparse
import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
from measuring import replace_table
from numpy.typing import NDArray

from grasping_student.cli.main import main as command
from grasping_student.episodes.event_log import read_events
from grasping_student.evaluation.picking_stage import ATTEMPTS
from grasping_student.evaluation.rates import attempts_of
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.plotting.style import BLUE, GREY, ORANGE, new_figure, save_figure
from grasping_student.serving.loading import PRETRAINED

RESULTS = Path(__file__).parent / "results" / "online_attempts.json"
PAGE = Path(__file__).parents[1] / "docs" / "own-attempts.md"
FIGURE = Path(__file__).parents[1] / "docs" / "images" / "own-attempts.png"
ROUNDS = (100, 200, 400, 600)
STARTS = {"scratch": "from nothing", "general": "from the general model"}
GENERAL_RATE = 1e-4
"""Learning rate at the first step of a training that starts from the general model."""

STEPS = 300
GEOMETRY, CEILING, GENERAL = "antipodal", "person-exact", "general"
TEST_SEED = 9000
RESAMPLES = 4000


def run(*words: object) -> None:
    """A command of the package, without its tables."""
    with contextlib.redirect_stdout(io.StringIO()):
        code = command([str(each) for each in words])
    if code:
        raise SystemExit(code)


def learn(start: str, seed: int, family: str, rounds: list[int], out: Path) -> Path:
    """One run of ``train online``."""
    if not (out / "manifest.json").exists():
        initial = ("--affordance.initial", PRETRAINED, "--affordance.loop.optimiser.learning-rate", GENERAL_RATE)
        run(
            *("train", "online", "--attempts", *rounds, "--collect.family", family, "--collect.workers", 1),
            *("--affordance.loop.steps", STEPS, "--affordance.loop.threads", 1, "--seed", seed, "--out", out),
            *(initial if start == "general" else ()),
            *(["--resume"] if out.exists() else []),
        )
    return out


def successes(models: dict[str, str], family: str, scenes: int, seed: int, out: Path) -> dict[str, list[bool]]:
    """How each model's one grasp ended in every scene."""
    names = [f"{name}={spec}" for name, spec in models.items()]
    options = ("--scenes", scenes, "--seed", seed, "--workers", 1, "--out", out, "--resume")
    run("evaluate", "one-shot", "--models", *names, "--family", family, *options)
    events = read_events(out / ATTEMPTS)
    return {name: [bool(each.success) for each in attempts_of(events, name)] for name in models}


def measure(family: str, seeds: list[int], rounds: list[int], scenes: int, out: Path) -> dict[str, Any]:
    """Success of every model of every run, scene by scene; replicates have test scenes of their own."""
    replicates = []
    for seed in seeds:
        models = {GEOMETRY: GEOMETRY, CEILING: CEILING, GENERAL: str(PRETRAINED)}
        for start in STARTS:
            online = learn(start, seed, family, rounds, out / f"{start}-{seed}")
            for number, attempts in enumerate(rounds):
                if (model := online / f"round-{number}" / "model").exists():
                    models[f"{start}-{attempts}"] = f"antipodal:{model}"
        ends = successes(models, family, scenes, TEST_SEED + seed, out / f"tested-{seed}")
        replicates.append({"seed": seed, "successes": {name: list(map(int, each)) for name, each in ends.items()}})
    return {"schema_version": 1, "family": family, "rounds": rounds, "steps": STEPS, "replicates": replicates}


def rates(found: dict[str, Any], name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Rate and share of the gap of a model, each with its 95 % interval over replicates and scenes, or None."""
    replicates = [each["successes"] for each in found["replicates"] if name in each["successes"]]
    if not replicates:
        return None
    tables = [np.array([each[GEOMETRY], each[CEILING], each[name]], dtype=float) for each in replicates]
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(RESAMPLES):
        chosen = [tables[number] for number in random.integers(len(tables), size=len(tables))]
        again = [each[:, random.integers(each.shape[1], size=each.shape[1])] for each in chosen]
        drawn.append(np.mean([each.mean(axis=1) for each in again], axis=0))
    low, high, own = np.mean([each.mean(1) for each in tables], 0)
    lows, highs, owns = np.array(drawn).T
    ratio = (owns - lows) / np.maximum(highs - lows, 1e-9)
    share = (own - low) / (high - low)
    return np.array([own, *np.quantile(owns, (0.025, 0.975))]), np.array([share, *np.quantile(ratio, (0.025, 0.975))])


def table(found: dict[str, Any]) -> str:
    """A row for each number of attempts, a column for each start."""
    lines = ["| attempts | " + " | ".join(f"{each} | share of the gap" for each in STARTS.values()) + " |"]
    lines.append("|---|" + "---|---|" * len(STARTS))
    for attempts in (0, *found["rounds"]):
        cells = []
        for start in STARTS:
            values = rates(found, f"{start}-{attempts}" if attempts else GEOMETRY if start == "scratch" else GENERAL)
            cells += [_percent(each) for each in values] if values else ["too few failures or successes", ""]
        lines.append(f"| {attempts} | " + " | ".join(cells) + " |")
    ceiling = rates(found, CEILING)
    assert ceiling is not None
    scenes = len(found["replicates"][0]["successes"][GEOMETRY])
    lines += [
        "",
        f"One-shot success in `{found['family']}`, runs of each kind: {len(found['replicates'])}, states a run: "
        f"{scenes}, 95 % intervals over runs and states. With 0 attempts: a random antipodal grasp, and the general "
        f"model as it ships. Possible (a person's stand-in without errors): {_percent(ceiling[0])}.",
    ]
    return "\n".join(lines)


def _percent(values: NDArray[np.float64]) -> str:
    middle, low, high = 100 * values
    return f"{middle:.1f} % [{low:.1f}, {high:.1f}]"


def draw(found: dict[str, Any], path: Path) -> None:
    """Success over attempts, with the intervals, geometry and what is possible."""
    figure, ((axes,),) = new_figure(6.4, 3.8)
    for name, label in ((GEOMETRY, "random antipodal grasp"), (CEILING, "what is possible")):
        values = rates(found, name)
        assert values is not None
        axes.axhline(100 * values[0][0], color=GREY, linestyle=(0, (4, 3)), linewidth=1.0)
        axes.annotate(label, (found["rounds"][-1], 100 * values[0][0]), ha="right", va="bottom", fontsize=8)
    for (start, title), colour in zip(STARTS.items(), (ORANGE, BLUE), strict=True):
        known = {each: values for each in found["rounds"] if (values := rates(found, f"{start}-{each}"))}
        if start == "general" and (values := rates(found, GENERAL)):
            known = {0: values, **known}
        middle, low, high = 100 * np.array([values[0] for values in known.values()]).T
        axes.plot(list(known), middle, color=colour, marker="o", markersize=4, label=title)
        axes.fill_between(list(known), low, high, color=colour, alpha=0.15, linewidth=0)
    axes.set(xlabel="own attempts", ylabel="one-shot success, %", ylim=(0, 100))
    axes.legend(loc="lower right", fontsize=8)
    save_figure(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/online-attempts"))
    parser.add_argument("--family", default="bin-test")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--rounds", type=int, nargs="+", default=list(ROUNDS))
    parser.add_argument("--scenes", type=int, default=100)
    given = parser.parse_args()
    write_json(RESULTS, measure(given.family, given.seeds, given.rounds, given.scenes, given.out))
    found = read_json(RESULTS)
    replace_table(PAGE, "own-attempts", table(found))
    draw(found, FIGURE)
    print(table(found))


if __name__ == "__main__":
    main()
