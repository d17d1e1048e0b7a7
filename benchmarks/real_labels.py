"""Real scenes with people's rectangles: what labels and photos buy, with and without the general model.

Usage: grasping-student dataset import ivalab FOLDER --out runs/ivalab
python benchmarks/real_labels.py runs/ivalab --out runs/real-labels [--labels 10 20 50 100] [--folds 6]
Stopped, it goes on. Writes benchmarks/results/real_labels.json and the table of docs/real-scenes.md.

Objects are left out: in each fold the scenes of some objects are tested, and labels come from the scenes of the others
alone. Photos are all scenes, without their rectangles. A label is a rectangle that a person drew: all succeed, so
models learn positions, not outcomes.
"""

from __future__ import annotations

import argparse
import contextlib
import io
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from measuring import replace_table

from grasping_student.cli.main import main as command
from grasping_student.datasets.create import new_dataset
from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import Dataset
from grasping_student.evaluation.rates import rate
from grasping_student.evaluation.rectangles import read_scenes
from grasping_student.evaluation.statistics import Counts
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.serving.loading import PRETRAINED

RESULTS = Path(__file__).parent / "results" / "real_labels.json"
PAGE = Path(__file__).parents[1] / "docs" / "real-scenes.md"
TITLES = {
    "random": "random foreground pixel",
    "antipodal": "random antipodal grasp",
    "general": "general model, as it ships",
    "teacher": "teacher of the labels",
    "teacher_antipodal": "the same, antipodal constraint",
    "student": "its student, with photos",
    "general_labels": "general model, trained on with the labels",
    "general_labels_antipodal": "the same, antipodal constraint",
    "general_student": "its student, with photos",
}


def run(*words: object) -> None:
    """A command of the package; what it finished before is not made again."""
    with contextlib.redirect_stdout(io.StringIO()):
        code = command([str(each) for each in words])
    if code:
        raise SystemExit(code)


def train(kind: str, out: Path, steps: int, *words: object) -> Path:
    """A checkpoint, made once."""
    if not (out / "manifest.json").exists():
        options = ("--loop.steps", steps, "--loop.threads", 1, "--loop.no-show-progress", "--out", out, "--resume")
        run("train", kind, *words, *options)
    return out


def photos(dataset: Dataset, out: Path) -> Path:
    """All scenes once, without labels."""
    if not (out / "dataset.json").exists():
        with new_dataset(out, dataset.workspace) as writer:
            for number, scene in enumerate(read_scenes(dataset)):
                writer.append(scene.heightmap, Attempt(episode=number, index=0, environment="recorded"))
    return out


def student_of(teacher: Path, scenes: Path, steps: int, *words: object) -> Path:
    """A student of a teacher's antipodal pseudo-labels on the photos, which grasps without the constraint."""
    table = teacher.with_name(f"{teacher.name}-labels")
    if not (table / "manifest.json").exists():
        run(
            *("pseudo-label", "--teacher", teacher, "--dataset", scenes, "--out", table, "--resume"),
            *("--constraint.name", "antipodal", "--angles", 16, "--workers", 1),
        )
    data = ("--dataset", scenes, "--pseudo-labels", table, "--no-constrain")
    return train("student", teacher.with_name(f"{teacher.name}-student"), steps, *data, *words)


def models_of(fold: Path, labels: int, seed: int, scenes: Path, steps: int) -> dict[str, str]:
    """Condition -> spec of everything that learns from so many labels of a fold."""
    drawn = ("--dataset", fold / "train", "--labels", labels, "--label-seed", seed, "--seed", seed)
    augmented = ("--preset", "light-augmented")
    teacher = train("teacher", fold / f"teacher-{labels}", steps, *augmented, *drawn)
    slow = ("--initial", PRETRAINED, "--loop.optimiser.learning-rate", 1e-4)
    general = train("teacher", fold / f"general-{labels}", steps // 2, *augmented, *drawn, *slow)
    student = student_of(teacher, scenes, steps)
    adapted = student_of(general, scenes, steps // 2, *("--initial", general), *slow[2:])
    return {
        "teacher": f"unconstrained:{teacher}",
        "teacher_antipodal": f"antipodal:{teacher}",
        "student": str(student),
        "general_labels": f"unconstrained:{general}",
        "general_labels_antipodal": f"antipodal:{general}",
        "general_student": str(adapted),
    }


def measure(dataset: Path, out: Path, folds: int, levels: list[int], steps: int) -> dict[str, Any]:
    """Matches and scenes of every condition at every number of labels, by episode."""
    source = Dataset(dataset)
    episodes = sorted({scene.episode for scene in read_scenes(source)})
    scenes = photos(source, out / "photos")
    counts: dict[tuple[str, int], dict[int, tuple[int, int]]] = defaultdict(dict)
    for number in range(folds):
        fold, held = out / f"fold-{number}", episodes[number::folds]
        sides = {"train": [each for each in episodes if each not in held], "test": held}
        for side, own in sides.items():
            if not (fold / side / "dataset.json").exists():
                run("dataset", "filter", dataset, "--episodes", *own, "--out", fold / side)
        for labels in (0, *levels):
            specs = models_of(fold, labels, number, scenes, steps) if labels else {}
            specs = specs or {"random": "random", "antipodal": "antipodal", "general": str(PRETRAINED)}
            tested = fold / f"tested-{labels}"
            if not (tested / "manifest.json").exists():
                names = [f"{name}={spec}" for name, spec in specs.items()]
                again = "--overwrite" if tested.exists() else "--no-overwrite"
                run("evaluate", "rectangles", "--models", *names, "--dataset", fold / "test", "--out", tested, again)
            owners = [scene.episode for scene in read_scenes(Dataset(fold / "test"))]
            for name, row in read_json(tested / "metrics.json")["models"].items():
                hit = np.array([place == 0 for place in row["first_match"]])
                for episode in set(owners):
                    mine = hit[[owner == episode for owner in owners]]
                    counts[name, labels][episode] = (int(mine.sum()), len(mine))
    rows = []
    for (name, labels), by_episode in counts.items():
        hits, units = np.array(list(by_episode.values())).T
        rows.append({"condition": name, "labels": labels, **rate(Counts(hits.astype(float), units), 0)})
    return {"schema_version": 1, "folds": folds, "episodes": len(episodes), "steps": steps, "rows": rows}


def table(found: dict[str, Any]) -> str:
    """Rates with their intervals over the sets of objects, a column for each number of labels."""
    by = {(row["condition"], row["labels"]): row for row in found["rows"]}
    levels = sorted({row["labels"] for row in found["rows"]})
    lines = ["| condition | " + " | ".join(f"{each} labels" for each in levels) + " |", "|---|" + "---|" * len(levels)]
    for name, title in TITLES.items():
        cells = []
        for labels in levels:
            row = by.get((name, labels))
            low, high = row["bootstrap_95"] if row else (0.0, 0.0)
            cells.append(f"{100 * row['success_rate']:.0f} % [{100 * low:.0f}, {100 * high:.0f}]" if row else "")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/real-labels"))
    parser.add_argument("--labels", type=int, nargs="+", default=[10, 20, 50, 100])
    parser.add_argument("--folds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=400)
    given = parser.parse_args()
    found = measure(given.dataset, given.out, given.folds, given.labels, given.steps)
    write_json(RESULTS, found)
    replace_table(PAGE, "real-labels", table(found))
    print(table(found))


if __name__ == "__main__":
    main()
