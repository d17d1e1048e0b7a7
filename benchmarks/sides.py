"""What the paper-size benchmark measures on each side, every function in a process of its own."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from literal.algorithms import OnHeights, best_grasp, literal_training_step, teacher_loss
from literal.rotation import crop, pad
from material import BATCH, CHECKPOINT, PAPER_MODEL, heightmap, labelled_batches, our_batch, unlabelled_scenes
from measuring import cpu_seconds, peak_memory_gib
from torch import nn

from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES
from grasping_student.models.configuration import NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.inference import Precision
from grasping_student.models.networks import build_network
from grasping_student.models.rotation import Canvas
from grasping_student.training.batches import PairBatches
from grasping_student.training.loop import keep_freed_memory
from grasping_student.training.loop_configuration import OptimiserConfig
from grasping_student.training.losses import PairStep
from grasping_student.training.module import GraspTraining

WORKSPACE = PAPER_MODEL.workspace


def literal_network(folder: Path) -> OnHeights:
    """The checkpoint's network, given heights, fp32, as torch lays it out."""
    return OnHeights(GraspModel.load(folder / CHECKPOINT).network, PAPER_MODEL.normalisation)


class OnOurCanvas(nn.Module):
    """The literal network that sees of its 480 pixels only our 352: what canvas changes, and arithmetic does not."""

    def __init__(self, network: OnHeights) -> None:
        super().__init__()
        self.network = network

    def forward(self, heights: torch.Tensor) -> torch.Tensor:
        side = Canvas(WORKSPACE, PAPER_MODEL.network.stride).side
        return pad(self.network(crop(heights, side)), heights.shape[-1])


def literal_steps(folder: Path, which: tuple[Literal["teacher", "student"], ...]) -> dict[str, Any]:
    """Processor seconds of one step of each kind as the release runs it, in the order given."""
    torch.manual_seed(0)
    learner, teacher = literal_network(folder).train(), literal_network(folder).eval()
    affordance = OnHeights(build_network(NetworkConfig(name="unet-resnet50")), PAPER_MODEL.normalisation).eval()
    adam = torch.optim.Adam(learner.parameters(), lr=1e-3, weight_decay=1e-5)
    random, result = np.random.default_rng(0), {}
    batch = labelled_batches(folder)[0]
    for kind in which:
        with cpu_seconds() as measured:
            literal_training_step(
                learner, adam, affordance, batch, random, teacher if kind == "student" else None, WORKSPACE
            )
        result[f"{kind}_step"] = measured.value
    return result | {"peak_memory_gib": peak_memory_gib()}


def our_steps(folder: Path, repetitions: int) -> dict[str, Any]:
    """Processor seconds of our training step, batch included; teacher's and student's are the same work."""
    keep_freed_memory()
    model = GraspModel.load(folder / CHECKPOINT)
    module = GraspTraining(
        model.network.train(), PairStep(WORKSPACE.pixel_size), OptimiserConfig(), 100, 100, fp32=False
    )
    adam = module.configure_optimizers()["optimizer"]
    source = repeated(folder, repetitions + 1)
    batch_seconds, step_seconds = [], []
    for index in range(repetitions + 1):
        with cpu_seconds() as making:
            batch = source[index]
        with cpu_seconds() as stepping:
            with torch.autocast("cpu", torch.bfloat16):
                loss = module.training_step(batch, index)["loss"]
            adam.zero_grad()
            loss.backward()
            adam.step()
        batch_seconds.append(making.value)
        step_seconds.append(stepping.value)
    loader, step = float(np.mean(batch_seconds[1:])), float(np.mean(step_seconds[1:]))
    return {
        "step": loader + step,
        "loader_share": loader / (loader + step),
        "first_step": step_seconds[0],
        "peak_memory_gib": peak_memory_gib(),
        "repetitions": repetitions,
    }


def repeated(folder: Path, steps: int) -> PairBatches:
    """Our batches over the first labelled batch, for several steps."""
    from material import pair_batches

    return pair_batches(labelled_batches(folder)[0], WORKSPACE, steps)


def losses(folder: Path) -> list[dict[str, Any]]:
    """Loss of every labelled batch on fresh and on trained weights: literal, literal on our canvas, ours in bf16."""
    rows = []
    graspable = torch.from_numpy(WORKSPACE.graspable_mask())
    for weights, mode in itertools.product(("fresh", "trained"), ("training", "evaluation")):
        model = GraspModel.new(PAPER_MODEL, seed=0) if weights == "fresh" else GraspModel.load(folder / CHECKPOINT)
        before = copy.deepcopy(model.network.state_dict())
        for batch in labelled_batches(folder):
            ours, same, distant = our_batch(batch)
            row: dict[str, Any] = {"weights": weights, "mode": mode}
            network = model.network.train(mode == "training")
            literal = OnHeights(network, PAPER_MODEL.normalisation)
            with torch.no_grad():
                row["literal"] = teacher_loss(literal, same, distant, graspable).item()
                row["literal_on_our_canvas"] = teacher_loss(OnOurCanvas(literal), same, distant, graspable).item()
                network.load_state_dict(before)  # training mode moves the running statistics
                row["ours"] = _our_loss(copy.deepcopy(network), ours, bf16=True)
            rows.append(row)
    return rows


def _our_loss(network: nn.Module, batch: dict[str, torch.Tensor], bf16: bool) -> float:
    if bf16:
        network = network.to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        return PairStep(WORKSPACE.pixel_size)(network, batch)["loss"].item()


def literal_inference(folder: Path, on_our_canvas: bool = False) -> dict[str, Any]:
    """Best grasp over 16 angles of every scene, and processor seconds a scene."""
    network: nn.Module = literal_network(folder).eval()
    if on_our_canvas:
        network = OnOurCanvas(literal_network(folder)).eval()
    grasps, seconds = [], []
    for scene in unlabelled_scenes(folder):
        with cpu_seconds() as measured:
            index, row, col = best_grasp(network, scene, WORKSPACE)
        grasps.append([index, row, col])
        seconds.append(measured.value)
    return {"seconds": seconds, "grasps": grasps}


def our_inference(folder: Path, backend: str, precision: Precision) -> dict[str, Any]:
    """The same through ``GraspModel``, in torch or through an exported graph."""
    if backend == "torch":
        model = GraspModel.load(folder / CHECKPOINT, precision=precision)
    else:
        from grasping_student.serving.backends import load_exported

        model = load_exported(folder / "exported", backend, precision=precision, threads=1)
    scenes = [heightmap(scene) for scene in unlabelled_scenes(folder)]
    model.best_grasp(scenes[0], foreground_only=False)
    grasps, seconds = [], []
    for scene in scenes:
        with cpu_seconds() as measured:
            grasp, _ = model.best_grasp(scene, DEPLOYMENT_ANGLES, foreground_only=False)
        grasps.append([DEPLOYMENT_ANGLES.index(grasp.angle), grasp.row, grasp.col])
        seconds.append(measured.value)
    return {"seconds": seconds, "grasps": grasps, "peak_memory_gib": peak_memory_gib()}


def export(folder: Path) -> float:
    """Write the graph that the backends read."""
    from grasping_student.serving.export import export_model

    (folder / "exported").mkdir()
    return export_model(GraspModel.load(folder / CHECKPOINT), folder / "exported").largest_difference


def amortised_labelling(inference_seconds: float, angles: int, epochs: int = 30) -> float:
    """Processor seconds a step that pseudo-labels cost when made once: a batch's share over all epochs."""
    return inference_seconds * angles / DEPLOYMENT_ANGLES.count * BATCH / epochs


def agrees(literal: list[int], ours: list[int], pixels: int = 2) -> bool:
    """Whether two grasps lie within two pixels along rows and columns and one bin, modulo pi."""
    bins = abs(literal[0] - ours[0])
    near_bins = min(bins, DEPLOYMENT_ANGLES.count - bins) <= 1
    return near_bins and max(abs(a - b) for a, b in zip(literal[1:], ours[1:], strict=True)) <= pixels
