"""How often the general model that ships succeeds, on item categories and seeds that it never met.

Usage: python benchmarks/general_model_rates.py [--scenes 200] [--workers 2] [--out runs/general-rates]
One grasp of every model from the same saved states. Stopped, it goes on. Writes benchmarks/results/general_model.json
and the table of docs/general-model.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from measuring import replace_table

from grasping_student.cli.main import main as command
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.serving.loading import PRETRAINED

RESULTS = Path(__file__).parent / "results" / "general_model.json"
PAGE = Path(__file__).parents[1] / "docs" / "general-model.md"
MODELS = {
    "random": ("random", "random foreground pixel"),
    "antipodal": ("antipodal", "random antipodal grasp"),
    "unconstrained": (f"unconstrained:{PRETRAINED}", "general model, unconstrained"),
    "general": (str(PRETRAINED), "**general model**"),
    "person": ("person", "a person's stand-in"),
    "person-exact": ("person-exact", "a person's stand-in, exact"),
}
"""Name -> its spec, and its words in the table."""

FAMILIES = ("bin-test", "stereo-blocks-test")
SEED = 1


def measure(family: str, scenes: int, workers: int, out: Path) -> dict[str, Any]:
    """Rates of all models in one family."""
    names = [f"{name}={spec}" for name, (spec, _) in MODELS.items()]
    options = ("--scenes", scenes, "--seed", SEED, "--workers", workers, "--out", out / family, "--resume")
    if code := command(["evaluate", "one-shot", "--models", *names, "--family", family, *map(str, options)]):
        raise SystemExit(code)
    metrics = read_json(out / family / "metrics.json")
    kept = ("successes", "attempts", "success_rate", "bootstrap_95")
    return {name: {each: metrics["models"][name][each] for each in kept} for name in MODELS}


def table(found: dict[str, Any]) -> str:
    """A row for each model, a column for each family."""
    families = list(found["families"])
    lines = ["| who grasps | " + " | ".join(f"`{each}`" for each in families) + " |", "|---|" + "---|" * len(families)]
    for name, (_, title) in MODELS.items():
        cells = []
        for family in families:
            row = found["families"][family][name]
            low, high = row["bootstrap_95"]
            cells.append(f"{100 * row['success_rate']:.1f} % [{100 * low:.1f}, {100 * high:.1f}]")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    scenes = found["families"][families[0]]["general"]["attempts"]
    chances = found["chances"]
    error, low, high = (100 * each for each in (chances["calibration_error"], *chances["bootstrap_95"]))
    lines += [
        "",
        f"One-shot success, {scenes} scenes a family, seed {found['seed']}, 95 % intervals over scenes. The model's "
        f"chances of success are off by {error:.1f} points on average [{low:.1f}, {high:.1f}], on "
        f"{chances['attempts']} attempts in training families, each outside the fit"
        + "".join(
            f"; by {100 * row['calibration_error']:.1f} points [{100 * row['bootstrap_95'][0]:.1f}, "
            f"{100 * row['bootstrap_95'][1]:.1f}] on {row['attempts']} attempts in `{family}`: there it "
            "believes too much"
            for family, row in found["shifted"].items()
        )
        + ".",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("runs/general-rates"))
    given = parser.parse_args()
    families = {family: measure(family, given.scenes, given.workers, given.out) for family in FAMILIES}
    report = read_json(PRETRAINED / "confidence-report.json")
    kept = ("attempts", "success_rate", "calibration_error", "bootstrap_95")
    chances = {name: report["in_distribution"][name] for name in kept}
    shifted = {  # by family; general_model.py tested in a folder of that name
        Path(name).name.removeprefix("chances-"): {each: row[each] for each in kept}
        for name, row in report["shifted"].items()
    }
    found = {"schema_version": 1, "seed": SEED, "families": families, "chances": chances, "shifted": shifted}
    write_json(RESULTS, found)
    replace_table(PAGE, "general-model", table(found))
    print(table(found))


if __name__ == "__main__":
    main()
