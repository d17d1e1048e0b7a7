"""What the light preset costs: training step, 16-angle inference, pseudo-labels over 64 angles; one thread each.

``python benchmarks/light.py`` takes some two minutes and writes ``benchmarks/results/light.json``.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from literal.scenes import box_batch
from measuring import cpu_seconds, in_own_process, peak_memory_gib

from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, TRAINING_ANGLES
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import light_workspace
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.rotation import Canvas, bordered
from grasping_student.pipeline.files import write_json
from grasping_student.pipeline.manifest import code_commit, machine_name
from grasping_student.pseudo_labels.configuration import PseudoLabelConfig
from grasping_student.pseudo_labels.teacher_pass import SceneLabeller
from grasping_student.training.augmentation import AugmentationConfig, no_augmentation, standard_augmentation
from grasping_student.training.batches import Group, PairBatches
from grasping_student.training.labels import HEIGHT_UNIT, Labels, Scenes
from grasping_student.training.loop import keep_freed_memory
from grasping_student.training.loop_configuration import OptimiserConfig
from grasping_student.training.losses import PairStep
from grasping_student.training.module import GraspTraining

RESULTS = Path(__file__).parent / "results" / "light.json"
WORKSPACE = light_workspace()
BATCH = 8
NETWORKS = ("compact", "fpn-resnet18")


def model_config(network: str) -> ModelConfig:
    return ModelConfig(network=NetworkConfig(name=network), workspace=WORKSPACE)


def heightmaps(count: int) -> list[Heightmap]:
    """Box scenes without colours."""
    scenes = box_batch(WORKSPACE, count, np.random.default_rng(0), boxes=30).scenes[:, 0].numpy()
    return [Heightmap(scene, np.zeros((*WORKSPACE.shape, 3), np.uint8), WORKSPACE) for scene in scenes]


def batches(augmentation: AugmentationConfig, canvas: Canvas, steps: int) -> PairBatches:
    """Training batches of box scenes."""
    batch = box_batch(WORKSPACE, 64, np.random.default_rng(0), boxes=30)
    heights = np.stack([np.rint(bordered(each) / HEIGHT_UNIT) for each in batch.scenes[:, 0].numpy()])
    labels = Labels(
        np.arange(64),
        batch.rows.numpy(),
        batch.cols.numpy(),
        TRAINING_ANGLES.angles[batch.bins.numpy()],
        batch.successes.numpy(),
        np.ones(64, dtype=np.float32),
    )
    group = Group(labels, Scenes(np.arange(64), heights.astype(np.uint16)), BATCH)
    return PairBatches((group,), canvas, model_config("compact").normalisation, augmentation, 0, steps)


def training_step(network: str, augmented: bool, repetitions: int) -> dict[str, float]:
    """Processor seconds of a step, and the loader's share of it."""
    keep_freed_memory()
    model = GraspModel.new(model_config(network), seed=0)
    step = PairStep(WORKSPACE.pixel_size)
    module = GraspTraining(model.network.train(), step, OptimiserConfig(), 100, 100, fp32=False)
    adam = module.configure_optimizers()["optimizer"]
    source = batches(standard_augmentation() if augmented else no_augmentation(), model.canvas, repetitions + 2)
    loader = total = 0.0
    for index in range(repetitions + 2):
        with cpu_seconds() as making:
            batch = source[index]
        with cpu_seconds() as stepping:
            with torch.autocast("cpu", torch.bfloat16):
                loss = module.training_step(batch, index)["loss"]
            adam.zero_grad()
            loss.backward()
            adam.step()
        if index >= 2:
            loader, total = loader + making.value, total + making.value + stepping.value
    return {"step": total / repetitions, "loader_share": loader / total, "peak_memory_gib": peak_memory_gib()}


def inference(network: str, backend: str, scenes: int) -> dict[str, Any]:
    """Median processor seconds of the best grasp over 16 angles, and the grasps."""
    model = GraspModel.new(model_config(network), seed=0)
    if backend != "torch":
        from grasping_student.serving.backends import load_exported
        from grasping_student.serving.export import export_model

        with tempfile.TemporaryDirectory() as folder:
            export_model(model, Path(folder))
            model = load_exported(Path(folder), backend, threads=1)
    pictures = heightmaps(scenes)
    model.best_grasp(pictures[0])
    grasps, seconds = [], []
    for each in pictures:
        with cpu_seconds() as measured:
            grasp, _ = model.best_grasp(each)
        grasps.append([DEPLOYMENT_ANGLES.index(grasp.angle), grasp.row, grasp.col])
        seconds.append(measured.value)
    return {"seconds": float(np.median(seconds)), "grasps": grasps}


def pseudo_labelling(scenes: int) -> float:
    """Median processor seconds a scene for 64 angles, maxima and the n best, as the teacher's pass stores them."""
    config, model = PseudoLabelConfig(), GraspModel.new(model_config("compact"), seed=0)
    pictures = heightmaps(scenes)
    labeller = SceneLabeller(model, config.top, config.nms_radius, config.foreground_only)
    labeller.label(pictures[0])
    seconds = []
    for each in pictures:
        with cpu_seconds() as measured:
            labeller.label(each)
        seconds.append(measured.value)
    return float(np.median(seconds))


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    count = options.repetitions
    result: dict[str, Any] = {"commit": code_commit(), "machine": machine_name(), "threads": 1, "repetitions": count}
    result["training_step"] = {
        "compact": in_own_process(training_step, "compact", False, count),
        "compact_augmented": in_own_process(training_step, "compact", True, count),
        "fpn-resnet18": in_own_process(training_step, "fpn-resnet18", False, max(2, count // 4)),
    }
    result["inference"] = {
        f"{network}_{backend}": in_own_process(inference, network, backend, count if network == "compact" else 4)
        for network in NETWORKS
        for backend in ("torch", "openvino")
        if (network, backend) != ("fpn-resnet18", "openvino")
    }
    result["pseudo_labelling_seconds_a_scene"] = in_own_process(pseudo_labelling, count)
    steps, found = result["training_step"], result["inference"]
    result["summary"] = {
        "compact_step_cheaper_than_fpn_resnet18": steps["fpn-resnet18"]["step"] / steps["compact"]["step"],
        "largest_loader_share": max(each["loader_share"] for each in steps.values()),
        "inference_ms_torch": 1000.0 * found["compact_torch"]["seconds"],
        "inference_ms_openvino": 1000.0 * found["compact_openvino"]["seconds"],
        "pseudo_labelled_scenes_a_second_on_two_cores": 2.0 / result["pseudo_labelling_seconds_a_scene"],
    }
    write_json(options.out, result)
    for name, value in result["summary"].items():
        print(f"{name:50} {value:8.3f}")


if __name__ == "__main__":
    main()
