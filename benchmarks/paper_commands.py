"""The paper preset through the real commands: a few training steps of teacher, student and affordance network.

``python benchmarks/paper_commands.py`` collects a few 338 px scenes, runs ``train teacher``, ``pseudo-label``, ``train
student`` and ``train affordance`` with ``--preset paper`` (FPN-resnet50 and Unet-resnet50, batch 8 and 16), each in a
process of its own, checks every shape, and writes peak memory and processor seconds to
``benchmarks/results/paper_commands.json``. The encoders start from random weights: nothing is downloaded.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from grasping_student.datasets.pseudo_label_table import TABLE, PseudoLabelTable
from grasping_student.datasets.store import Dataset
from grasping_student.geometry.grasp import AngleGrid
from grasping_student.geometry.workspace import paper_workspace
from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.inference import torch_threads
from grasping_student.pipeline.configuration import to_plain
from grasping_student.pipeline.files import write_json
from grasping_student.pipeline.manifest import code_commit, machine_name
from grasping_student.training.affordance_configuration import paper_affordance
from grasping_student.training.callbacks import read_learning_curve
from grasping_student.training.configuration import paper_student, paper_teacher

RESULTS = Path(__file__).parent / "results" / "paper_commands.json"
LARGEST_GIB = 8.0
"""The paper's graphics memory (section III-G)."""

RANDOM = ("--network.encoder-weights", "none")


def commands(folder: Path, attempts: int, scenes: int, steps: int) -> dict[str, list[str]]:
    """Name -> words of every command, in order."""
    loop = ["--loop.steps", str(steps), "--loop.threads", "1", "--loop.no-show-progress"]
    data = ["--preset", "paper", "--workers", "1"]
    return {
        "labels": ["collect", *data, "--count", str(attempts), "--per-episode", "4", "--out", f"{folder}/labels"],
        "scenes": [
            "collect",
            *data,
            "--kind",
            "scenes",
            "--count",
            str(scenes),
            "--seed",
            "1",
            "--out",
            f"{folder}/scenes",
        ],
        "teacher": [
            "train",
            "teacher",
            "--preset",
            "paper",
            *RANDOM,
            *loop,
            "--dataset",
            f"{folder}/labels",
            "--out",
            f"{folder}/teacher",
        ],
        "pseudo-labels": [
            "pseudo-label",
            "--preset",
            "paper",
            "--workers",
            "1",
            "--teacher",
            f"{folder}/teacher",
            "--dataset",
            f"{folder}/scenes",
            "--out",
            f"{folder}/table",
        ],
        "student": [
            "train",
            "student",
            "--preset",
            "paper",
            *RANDOM,
            *loop,
            "--dataset",
            f"{folder}/scenes",
            "--pseudo-labels",
            f"{folder}/table",
            "--out",
            f"{folder}/student",
        ],
        "affordance": [
            "train",
            "affordance",
            "--preset",
            "paper",
            *RANDOM,
            *loop,
            "--datasets",
            f"{folder}/labels",
            "--out",
            f"{folder}/affordance",
        ],
    }


def run(words: list[str]) -> dict[str, Any]:
    """Run one command to its end; peak memory and processor seconds of its process."""
    child = subprocess.Popen(
        [sys.executable, "-m", "grasping_student.cli.main", *words], env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(words)} failed with {child.returncode}")
    return {
        "processor_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_memory_gib": round(used.ru_maxrss / 2**20, 3),
    }


def check_shapes(folder: Path) -> dict[str, Any]:
    """Datasets, table and models are of the paper's shapes; returns them.

    Raises:
        AssertionError: one is not.
    """
    workspace, found = paper_workspace(), {}
    scenes = Dataset(folder / "scenes")
    scene = scenes.heightmap(int(scenes.ids()[0]))
    assert scenes.workspace == Dataset(folder / "labels").workspace == workspace
    assert scene.height.shape == (338, 338) and workspace.graspable_pixels == 248
    table, _ = PseudoLabelTable.load(folder / "table" / TABLE)
    assert table.score.shape == (len(scenes), 64)
    found |= {"heightmap": list(scene.height.shape), "graspable": 248, "table": list(table.score.shape)}
    for name, network in (("teacher", "fpn-resnet50"), ("student", "fpn-resnet50"), ("affordance", "unet-resnet50")):
        model = GraspModel.load(folder / name, workspace)
        assert model.config.network.name == network
        assert model.canvas.side == 352 and model.canvas.side % 32 == 0
        with torch_threads(1):
            maps = model.score_maps(scene, AngleGrid(2))
        assert maps.shape == (2, 338, 338)
        assert np.array_equal(np.isfinite(maps[0]), workspace.graspable_mask())
        loss = read_learning_curve(folder / name)[-1]["loss"]
        assert math.isfinite(loss)
        weights = sum(each.numel() for each in model.network.parameters())
        found[name] = {
            "network": network,
            "weights": weights,
            "canvas": model.canvas.side,
            "map": list(maps.shape[1:]),
            "last_loss": round(loss, 4),
        }
    return found


def main() -> None:
    """Run, check, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=3, help="training steps of each network (3)")
    parser.add_argument("--attempts", type=int, default=40, help="labelled attempts (40)")
    parser.add_argument("--scenes", type=int, default=8, help="unlabelled scenes (8)")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    presets = {"teacher": paper_teacher(), "student": paper_student(), "affordance": paper_affordance()}
    result: dict[str, Any] = {
        "machine": machine_name(),
        "commit": code_commit(),
        "steps": options.steps,
        "batch": {name: preset.loop.batch for name, preset in presets.items()},
        "optimiser": to_plain(presets["teacher"].loop.optimiser),
        "epochs": presets["teacher"].loop.epochs,
        "commands": {},
    }
    assert result["batch"] == {"teacher": 8, "student": 8, "affordance": 16}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, words in commands(folder, options.attempts, options.scenes, options.steps).items():
            result["commands"][name] = run(words)
            print(f"{name:<15}{result['commands'][name]}", flush=True)
        result["shapes"] = check_shapes(folder)
    result["largest_peak_gib"] = max(each["peak_memory_gib"] for each in result["commands"].values())
    result["under_8_gib"] = result["largest_peak_gib"] < LARGEST_GIB
    write_json(options.out, result)
    print(f"largest peak {result['largest_peak_gib']} GiB, asked: under {LARGEST_GIB:g}")


if __name__ == "__main__":
    main()
