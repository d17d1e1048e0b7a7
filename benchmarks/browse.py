"""Milliseconds to show a page of a large dataset, first and last, filtered and not, against a dataset a tenth as large.

Run: python benchmarks/browse.py [--attempts 10000] [--out JSON]
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import light_workspace
from grasping_student.web.attempt_pictures import attempt_picture
from grasping_student.web.browse_listing import BrowseFilter, read_page

PAGE = 24


def fill(path: Path, attempts: int) -> Dataset:
    """Random scenes with random grasps, 30 an episode."""
    random, workspace = np.random.default_rng(0), light_workspace()
    height = random.uniform(0.0, 0.1, workspace.shape).astype(np.float32)
    scene = Heightmap(height, np.full((*workspace.shape, 3), 90, np.uint8), workspace)
    outcomes = [Outcome.SUCCESS, Outcome.MISSED, Outcome.DROPPED]
    with DatasetWriter(path, workspace, batch=500) as writer:
        for i in range(attempts):
            grasp = PlanarGrasp(*random.integers(20, 90, 2), random.uniform(0, np.pi))
            writer.append(
                scene,
                Attempt(
                    episode=i // 30,
                    index=i % 30,
                    environment="bench",
                    source=("human", "policy")[i % 2],
                    grasp=grasp,
                    outcome=outcomes[i % 3],
                ),
            )
    return Dataset(path)


def milliseconds(work: Callable[[], object], repeats: int = 7) -> float:
    """Median time of a call."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return round(1000.0 * float(np.median(times)), 1)


def page_times(dataset: Dataset, attempts: int) -> dict[str, float]:
    """The first page, the last, and one that a filter leaves."""
    failures = BrowseFilter(source="human", end="failure")
    return {
        f"first_page_of_{attempts}_ms": milliseconds(lambda: read_page(dataset, BrowseFilter(), 0, PAGE)),
        f"last_page_of_{attempts}_ms": milliseconds(lambda: read_page(dataset, BrowseFilter(), attempts // PAGE, PAGE)),
        f"filtered_page_of_{attempts}_ms": milliseconds(lambda: read_page(dataset, failures, 3, PAGE)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=10_000)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        few, many = arguments.attempts // 10, arguments.attempts
        result = page_times(fill(Path(temporary) / "few", few), few)
        dataset = fill(Path(temporary) / "many", many)
        result |= page_times(dataset, many)
        attempt = dataset.attempt(many - 1)
        for kind in ("crop", "height"):
            result[f"one_{kind}_picture_ms"] = milliseconds(
                lambda kind=kind: attempt_picture(dataset.heightmap(attempt.id), attempt, kind, 176, GripperGeometry())
            )
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
