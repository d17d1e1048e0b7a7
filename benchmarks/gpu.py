"""What a GPU brings: scoring, pseudo-labels and training steps on it and on the processor, with the numbers compared.

Run: python benchmarks/gpu.py [--seconds 3] [--device cuda] [--networks compact] [--scenes 20] [--out JSON]

It is made for less than five minutes of one GPU. Each measure repeats its work for so many seconds after a warm-up and
tells the mean time. ``--device cpu`` measures the processor against itself, to try the script where there is no GPU; it
writes no file unless ``--out`` is given, and compiling takes long there: ``--no-compile`` leaves that out.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import torch
from light import batches, heightmaps, model_config

from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, TRAINING_ANGLES
from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.inference import Precision
from grasping_student.pipeline.device import choose_device
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import write_json
from grasping_student.pipeline.manifest import code_commit, machine_name
from grasping_student.pseudo_labels.configuration import PseudoLabelConfig
from grasping_student.pseudo_labels.teacher_pass import SceneLabeller
from grasping_student.training.augmentation import standard_augmentation
from grasping_student.training.loop_configuration import OptimiserConfig
from grasping_student.training.losses import PairStep
from grasping_student.training.module import GraspTraining

RESULTS = Path(__file__).parent / "results" / "gpu.json"
NETWORKS = ("compact", "fpn-resnet18")


def mean_ms(work: Callable[[], Any], seconds: float) -> float:
    """Mean time of a call, milliseconds, until a GPU has finished; two calls warm up."""
    for _ in range(2):
        work()
    _wait()
    begun, calls = time.perf_counter(), 0
    while calls == 0 or time.perf_counter() - begun < seconds:
        work()
        _wait()
        calls += 1
    return round(1000.0 * (time.perf_counter() - begun) / calls, 3)


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def model_on(device: str, network: str, precision: Precision) -> GraspModel:
    """A model with weights of seed 0 that scores on a device."""
    choose_device(device)
    return GraspModel.new(model_config(network), seed=0, precision=precision)


def scoring(device: str, network: str, precision: Precision, seconds: float) -> float:
    """The best of 16 angles in one scene, as ``predict`` asks for it."""
    model, (scene,) = model_on(device, network, precision), heightmaps(1)
    return mean_ms(lambda: model.best_grasp(scene), seconds)


def pseudo_labelling(device: str, network: str, precision: Precision, seconds: float, scenes: int) -> float:
    """A scene at 64 angles with maxima and the best grasps, of a part of scenes."""
    config, shown = PseudoLabelConfig(), heightmaps(scenes)
    labeller = SceneLabeller(
        model_on(device, network, precision), config.top, config.nms_radius, config.foreground_only
    )
    return round(mean_ms(lambda: labeller.label_all(shown), seconds) / scenes, 3)


def training(device: str, network: str, bf16: bool, compiled: bool, seconds: float) -> dict[str, float]:
    """A step of a batch of 8 pairs, forward and backward, without making the batch; and what compiling took."""
    model = model_on("cpu", network, "fp32")
    module = GraspTraining(
        model.network.train(), PairStep(model.workspace.pixel_size), OptimiserConfig(), 100, 100, not bf16
    ).to(device)
    if compiled:
        module.network.compile()
    adam = module.configure_optimizers()["optimizer"]
    made = batches(standard_augmentation(), model.canvas, 1)[0]
    batch = {name: value.to(device) if isinstance(value, torch.Tensor) else value for name, value in made.items()}

    def step() -> None:
        with torch.autocast(device, torch.bfloat16, enabled=bf16):
            loss = module.training_step(batch, 0)["loss"]
        adam.zero_grad()
        loss.backward()
        adam.step()

    begun = time.perf_counter()
    step()
    _wait()
    return {"first_s": round(time.perf_counter() - begun, 2), "step_ms": mean_ms(step, seconds)}


def agreement(device: str, network: str, precision: Precision, count: int) -> dict[str, float]:
    """Largest difference of a score from the processor in fp32, a share of the spread, and share of its grasps."""
    scenes = heightmaps(count)
    here = model_on("cpu", network, "fp32")
    expected = [here.score_maps(scene, TRAINING_ANGLES) for scene in scenes]
    grasps = [here.best_grasp(scene, DEPLOYMENT_ANGLES)[0] for scene in scenes]
    there = model_on(device, network, precision)
    largest = 0.0
    for scene, scores in zip(scenes, expected, strict=True):
        inside = np.isfinite(scores)
        off = np.abs(there.score_maps(scene, TRAINING_ANGLES)[inside] - scores[inside]).max()
        largest = max(largest, float(off / np.ptp(scores[inside])))
    same = [there.best_grasp(scene, DEPLOYMENT_ANGLES)[0] == grasp for scene, grasp in zip(scenes, grasps, strict=True)]
    return {"largest_difference": round(largest, 6), "same_grasps": float(np.mean(same))}


def measure(device: str, networks: Sequence[str], seconds: float, scenes: int, compiled: bool) -> dict[str, Any]:
    """All numbers, by network; a training that cannot be compiled says why."""
    told: dict[str, Any] = {}
    for network in networks:
        rows: dict[str, Any] = {}
        for name, precision in (("cpu", "auto"), (device, "fp32"), (device, "bf16")):
            rows[f"{name} {precision}"] = {
                "scoring_ms": scoring(name, network, precision, seconds),
                "pseudo_label_ms": pseudo_labelling(name, network, precision, seconds, scenes),
                **({} if name == "cpu" and device != "cpu" else agreement(name, network, precision, scenes)),
            }
        steps: dict[str, Any] = {"cpu bf16": training("cpu", network, True, False, seconds)}
        for bf16 in (False, True):
            for each in (False, True) if compiled else (False,):
                name = f"{device} {'bf16' if bf16 else 'fp32'}{' compiled' if each else ''}"
                try:
                    steps[name] = training(device, network, bf16, each, seconds)
                except Exception as error:  # torch raises many kinds where it finds no compiler
                    if not each:
                        raise
                    steps[name] = {"refused": f"{type(error).__name__}: {str(error).splitlines()[0]}"}
        told[network] = {"inference": rows, "training": steps}
    return told


def table(told: dict[str, Any]) -> str:
    """The numbers as Markdown."""
    lines = ["| network | device and numbers | 16 angles | pseudo-label | largest difference | same grasp |"]
    lines.append("|---|---|---|---|---|---|")
    for network in told["networks"]:
        for name, row in told[network]["inference"].items():
            apart = f"{row['largest_difference']:.2g} | {row['same_grasps']:.0%}" if "same_grasps" in row else " | "
            lines.append(f"| {network} | {name} | {row['scoring_ms']:g} ms | {row['pseudo_label_ms']:g} ms | {apart} |")
    lines += ["", "| network | training | step | first step |", "|---|---|---|---|"]
    for network in told["networks"]:
        for name, row in told[network]["training"].items():
            cells = row.get("refused") or f"{row['step_ms']:g} ms | {row['first_s']:g} s"
            lines.append(f"| {network} | {name} | {cells} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each measure")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--scenes", type=int, default=20, help="of a call of pseudo-label, and to compare")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True, help="training compiled too")
    parser.add_argument("--out", type=Path, help=f"default {RESULTS.name} beside the others, for cuda")
    options = parser.parse_args()
    try:
        choose_device(options.device)
    except UserError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    gpu = torch.cuda.get_device_name() if options.device == "cuda" else "none"
    told = {"commit": code_commit(), "machine": machine_name(), "gpu": gpu, "torch": torch.__version__}
    told["networks"] = list(options.networks)
    told |= measure(options.device, options.networks, options.seconds, options.scenes, options.compile)
    print(table(told))
    out = options.out or (RESULTS if options.device == "cuda" else None)
    if out is not None:
        write_json(out, told)


if __name__ == "__main__":
    main()
