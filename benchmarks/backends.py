"""Which backend runs the shipped student fastest, and how far each agrees with the checkpoint in fp32.

Run: python benchmarks/backends.py [--scenes 60] [--page docs/export.md]

Processor time of one scene at 16 angles on one thread, network and turning of the pictures; the median over the scenes.
Scenes are boxes at random places; int8 is calibrated on as many others.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.heightmap_scorer import HeightmapScorer
from grasping_student.pipeline.files import read_json, sha256_of_file, write_json
from grasping_student.pipeline.manifest import code_commit, machine_name
from grasping_student.serving.backends import load_exported
from grasping_student.serving.export_description import DESCRIPTION
from grasping_student.serving.loading import PRETRAINED
from grasping_student.serving.parity import measure_parity, sample_scenes
from grasping_student.serving.quantisation import quantise

RESULTS = Path(__file__).parent / "results" / "backends.json"
BEGIN, END = "<!-- backends -->", "<!-- /backends -->"


def in_int8(folder: Path, reference: HeightmapScorer, scenes) -> Path:
    """The shipped graph in 8 bits, whether it would be accepted or not."""
    out = folder / "int8"
    shutil.copytree(PRETRAINED, out)
    quantise(out / "model.onnx", reference, scenes)
    told = read_json(out / DESCRIPTION)
    told["numbers"], told["files"] = "int8", {"model.onnx": sha256_of_file(out / "model.onnx")}
    write_json(out / DESCRIPTION, told)
    return out


def processor_ms(model: HeightmapScorer, scenes) -> float:
    """Median over the scenes."""
    model.score_maps(scenes[0])
    times = []
    for scene in scenes:
        begun = time.process_time()
        model.score_maps(scene)
        times.append(1000.0 * (time.process_time() - begun))
    return float(np.median(times))


def with_table(page: str, told: dict) -> str:
    """The page with the measured table between its markers."""
    lines = [
        f"`python benchmarks/backends.py`, {told['machine']}, {told['scenes']} scenes of boxes, one thread, the "
        "shipped student; compared with its checkpoint in fp32.",
        "",
        "| backend and numbers | processor time | largest difference of a score | same grasp | largest loss |",
        "|---|---|---|---|---|",
    ]
    for name, each in sorted(told["backends"].items(), key=lambda item: item[1]["processor_ms"]):
        lines.append(
            f"| {name} | {each['processor_ms']:.1f} ms | {each['largest_difference']:.2g} of the spread | "
            f"{each['same_grasps']:.1%} | {each['largest_loss']:.2g} of the spread |"
        )
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}" + rest.split(END)[1]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=60)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--page", type=Path, help="docs/export.md, to write the table into")
    options = parser.parse_args()
    torch.set_num_threads(1)
    checkpoint = GraspModel.load(PRETRAINED)
    reference = GraspModel(checkpoint.network, checkpoint.config, "fp32")
    scenes = sample_scenes(reference.workspace, 1, 2 * options.scenes)
    others, scenes = scenes[: options.scenes], scenes[options.scenes :]
    with tempfile.TemporaryDirectory() as folder:
        int8 = in_int8(Path(folder), reference, others)
        models: dict[str, HeightmapScorer] = {
            "torch fp32": reference,
            "torch bf16": GraspModel(checkpoint.network, checkpoint.config, "bf16"),
            "onnx fp32": load_exported(PRETRAINED, "onnxruntime", threads=1),
            "onnx int8": load_exported(int8, "onnxruntime", threads=1),
            "openvino fp32": load_exported(PRETRAINED, "openvino", precision="fp32", threads=1),
            "openvino bf16": load_exported(PRETRAINED, "openvino", precision="bf16", threads=1),
            "openvino int8": load_exported(int8, "openvino", precision="fp32", threads=1),
        }
        found = {
            name: {"processor_ms": round(processor_ms(model, scenes), 2)}
            | measure_parity(reference, model, scenes)._asdict()
            for name, model in models.items()
        }
    told = {"commit": code_commit(), "machine": machine_name(), "scenes": options.scenes, "backends": found}
    options.out.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(told, indent=2))
    if options.page is not None:
        options.page.write_text(with_table(options.page.read_text(encoding="utf-8"), told), encoding="utf-8")


if __name__ == "__main__":
    main()
