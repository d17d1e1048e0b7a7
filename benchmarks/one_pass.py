"""What one pass costs against 16 turned passes: the network, all score maps, and the whole road of ``predict``.

Run: python benchmarks/one_pass.py [--sizes light paper] [--repetitions 15] [--out JSON] [--page]

Both sides take turns in the same run, on one thread. Times are processor milliseconds, the median over the
repetitions. Weights are fresh: they change no time. At light size the rotating network is that of the general model,
at the paper's size FPN-resnet50.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from measuring import replace_table
from one_pass_model import WIDTHS
from tests.serving.tabletop import frame_of, tabletop

from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES
from grasping_student.geometry.grasp_constraints import GraspConstraintConfig
from grasping_student.geometry.workspace import Workspace, light_workspace, paper_workspace
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.heightmap_scorer import HeightmapScorer
from grasping_student.models.inference import has_native_bf16
from grasping_student.pipeline.files import write_json
from grasping_student.pipeline.manifest import code_commit, machine_name
from grasping_student.serving.backends import load_exported
from grasping_student.serving.export import export_model
from grasping_student.serving.parity import sample_scenes
from grasping_student.serving.predict import predict

RESULTS = Path(__file__).parent / "results" / "one_pass.json"
PAGE = Path(__file__).parents[1] / "docs" / "general-model.md"
SIZES: dict[str, tuple[Workspace, NetworkConfig, NetworkConfig]] = {
    "light": (light_workspace(), NetworkConfig(), NetworkConfig("one-pass", widths=WIDTHS)),
    "paper": (paper_workspace(), NetworkConfig("fpn-resnet50"), NetworkConfig("one-pass-fpn-resnet50")),
}
"""Size -> workspace, the rotating network, the one of one pass."""

ASKED = 10.0
"""Times cheaper that the network's one pass must be."""

ANGLES = [float(angle) for angle in DEPLOYMENT_ANGLES.angles]


def sides(size: str, backend: str, folder: Path) -> list[HeightmapScorer]:
    """The rotating model and the one of one pass, on a backend."""
    workspace, *networks = SIZES[size]
    models: list[HeightmapScorer] = []
    for network in networks:
        config = ModelConfig(network, workspace, constraint=GraspConstraintConfig("antipodal"))
        model = GraspModel.new(config, 0, "fp32" if backend == "torch fp32" else "auto")
        if backend == "openvino":
            out = folder / f"{size}-{network.name}"
            out.mkdir()
            export_model(model, out, scenes=sample_scenes(workspace, 0, 1))
            models.append(load_exported(out, "openvino", threads=1))
        else:
            models.append(model)
    return models


def milliseconds(pair: list[Callable[[], object]], repetitions: int) -> list[float]:
    """Median processor time of each of two pieces of work that take turns."""
    times: list[list[float]] = [[], []]
    for repetition in range(repetitions + 1):
        for side, work in enumerate(pair):
            begun = time.process_time()
            work()
            if repetition:  # the first fills caches
                times[side].append(1000.0 * (time.process_time() - begun))
    return [float(np.median(each)) for each in times]


def network_alone(model: HeightmapScorer, scene) -> Callable[[], object]:
    """All passes of the network that a scene needs, its pictures made before."""
    pictures = list(model.pictures_at(scene, list(model.turns(ANGLES))))
    return lambda: [model.score_pictures(each) for each in pictures]


def measure(size: str, backend: str, repetitions: int) -> dict[str, dict[str, float]]:
    """Milliseconds of both sides and their ratio, for each part of the road."""
    with tempfile.TemporaryDirectory() as folder:
        models = sides(size, backend, Path(folder))
        (scene,), frame = sample_scenes(models[0].workspace, 1, 1), frame_of(tabletop())
        parts = {
            "network": [network_alone(model, scene) for model in models],
            "score maps": [lambda model=model: model.score_maps(scene) for model in models],
            "predict": [lambda model=model: predict(frame, model, model.query) for model in models],
        }
        found = {}
        for part, pair in parts.items():
            sixteen, one = milliseconds(pair, repetitions)
            found[part] = {"sixteen_ms": round(sixteen, 2), "one_ms": round(one, 2), "ratio": round(sixteen / one, 1)}
    return found


def table(told: dict) -> str:
    """A row for each size, backend and part."""
    lines = ["| size, backend | part | 16 passes, ms | one pass, ms | times cheaper |", "|---|---|---|---|---|"]
    for name, parts in told["found"].items():
        for part, each in parts.items():
            mark = " **missed**" if part == "network" and each["ratio"] < ASKED else ""
            numbers = f"{each['sixteen_ms']:.1f} | {each['one_ms']:.1f} | {each['ratio']:.1f}{mark}"
            lines.append(f"| {name} | {part} | {numbers} |")
    lines += [
        "",
        f"`python benchmarks/one_pass.py`, {told['machine']}: processor time of a scene on one thread, both sides "
        "by turns in one run; `predict` with its repairs, constraint and placement.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--page", action="store_true", help="write the table into the page, too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    backends = ["torch fp32", *(["torch bf16"] if has_native_bf16() else []), "openvino"]
    found = {}
    for size in options.sizes:
        for backend in backends:
            repetitions = options.repetitions if size == "light" else max(2, options.repetitions // 5)
            found[f"{size}, {backend}"] = measure(size, backend, repetitions)
    told = {"commit": code_commit(), "machine": machine_name(), "asked": ASKED, "found": found}
    write_json(options.out, told)
    print(table(told))
    if options.page:
        replace_table(PAGE, "one-pass", table(told))


if __name__ == "__main__":
    main()
