"""What both sides of the paper-size benchmark are given: one network, the same scenes, the same labelled batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from literal.algorithms import Batch
from literal.scenes import box_batch
from safetensors.torch import load_file, save_file
from torch import Tensor

from grasping_student.geometry.grasp import TRAINING_ANGLES
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace, paper_workspace
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.rotation import Canvas, bordered
from grasping_student.training import batches
from grasping_student.training.augmentation import no_augmentation
from grasping_student.training.batches import Group, PairBatches
from grasping_student.training.labels import HEIGHT_UNIT, Labels, Scenes
from grasping_student.training.loop import keep_freed_memory
from grasping_student.training.losses import PairStep

BATCH = 8
CHECKPOINT, SCENES = "checkpoint", "scenes.safetensors"
PAPER_MODEL = ModelConfig(network=NetworkConfig(name="fpn-resnet50"), workspace=paper_workspace())


def train(folder: Path, steps: int) -> dict[str, float]:
    """Write the checkpoint that both sides are given; returns facts about its training."""
    keep_freed_memory()
    model = GraspModel.new(PAPER_MODEL, seed=0)
    facts = train_briefly(model, steps)
    model.save(folder / CHECKPOINT, metrics=facts)
    return facts


def draw(folder: Path, scenes: int, label_batches: int) -> None:
    """Write scenes and labelled batches."""
    workspace = PAPER_MODEL.workspace
    random = np.random.default_rng(1)
    tensors = {"scenes": box_batch(workspace, scenes, random, boxes=40).scenes}
    for number in range(label_batches):
        batch = box_batch(workspace, BATCH, random, boxes=40)
        for name in ("scenes", "rows", "cols", "bins", "successes"):
            tensors[f"{number}.{name}"] = getattr(batch, name).clone()
    save_file(tensors, folder / SCENES)


def train_briefly(model: GraspModel, steps: int) -> dict[str, float]:
    """Let the network learn boxes on small pictures of the same pixel size, so that its best grasp means something."""
    pixels = 130
    small = Workspace(extent=pixels * model.workspace.pixel_size, pixels=pixels, margin=20 * model.workspace.pixel_size)
    source = pair_batches(box_batch(small, 240, np.random.default_rng(0), boxes=8), small, steps)
    network = model.network.train().to(memory_format=torch.channels_last)
    adam = torch.optim.Adam(network.parameters(), lr=1e-3, weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, max(steps, 1), eta_min=2e-6)
    step, losses = PairStep(small.pixel_size), []
    for index in range(steps):
        with torch.autocast("cpu", torch.bfloat16):
            loss = step(network, source[index])["loss"]
        adam.zero_grad()
        loss.backward()
        adam.step()
        schedule.step()
        losses.append(loss.item())
    network.eval().to(memory_format=torch.contiguous_format)
    last = losses[-20:] or [float("nan")]
    return {"steps": steps, "first_loss": losses[0] if losses else 0.0, "last_loss": float(np.mean(last))}


def pair_batches(batch: Batch, workspace: Workspace, steps: int) -> PairBatches:
    """Our batches over the labels of a literal batch, none varied."""
    heights = np.stack([np.rint(bordered(each) / HEIGHT_UNIT) for each in batch.scenes[:, 0].numpy()])
    count = len(heights)
    labels = Labels(
        np.arange(count),
        batch.rows.numpy(),
        batch.cols.numpy(),
        TRAINING_ANGLES.angles[batch.bins.numpy()],
        batch.successes.numpy(),
        np.ones(count, dtype=np.float32),
    )
    group = Group(labels, Scenes(np.arange(count), heights.astype(np.uint16)), min(BATCH, count))
    canvas = Canvas(workspace, PAPER_MODEL.network.stride)
    return PairBatches((group,), canvas, PAPER_MODEL.normalisation, no_augmentation(), 0, steps)


def labelled_batches(folder: Path) -> list[Batch]:
    """The labelled batches of ``prepare``."""
    tensors = load_file(folder / SCENES)
    names = ("scenes", "rows", "cols", "bins", "successes")
    count = sum(name.endswith(".rows") for name in tensors)
    return [Batch(*(tensors[f"{number}.{name}"] for name in names)) for number in range(count)]


def unlabelled_scenes(folder: Path) -> Tensor:
    """The scenes of ``prepare``, metres, ``(n, 1, pixels, pixels)``."""
    return load_file(folder / SCENES)["scenes"]


def heightmap(scene: Tensor) -> Heightmap:
    """One scene as a heightmap without colours."""
    workspace = PAPER_MODEL.workspace
    return Heightmap(scene[0].numpy(), np.zeros((*workspace.shape, 3), np.uint8), workspace)


@contextmanager
def recorded_pairs() -> Iterator[list[float]]:
    """Collect the distant angles that our batches draw, so that the literal side can be given the same."""
    original, drawn = batches.distant_angle, []

    def recording(angle: float, draw: float) -> float:
        drawn.append(original(angle, draw))
        return drawn[-1]

    batches.distant_angle = recording
    try:
        yield drawn
    finally:
        batches.distant_angle = original


def our_batch(batch: Batch) -> tuple[dict[str, Tensor], Batch, Tensor]:
    """Our batch made of a literal one, and the literal one in the same order with the same distant bins."""
    with recorded_pairs() as drawn:
        ours = pair_batches(batch, PAPER_MODEL.workspace, steps=1)[0]
    order = torch.from_numpy(batches.items_of_step(0, BATCH, BATCH, seed=0))
    same = replace(batch, **{name: getattr(batch, name)[order] for name in batch.__dataclass_fields__})
    distant = torch.tensor([TRAINING_ANGLES.index(angle) for angle in drawn])
    return ours, same, distant
