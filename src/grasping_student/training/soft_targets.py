"""Soft targets: the same views of a scene for student and teachers, and the loss between their score maps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from grasping_student.geometry.grasp import AngleGrid
from grasping_student.geometry.grasp_constraints import GraspConstraint
from grasping_student.models.inference import frozen
from grasping_student.models.normalisation import Normalisation, normalise
from grasping_student.models.rotation import Canvas, View
from grasping_student.training.augmentation import AugmentationConfig, sample_view, vary_heights
from grasping_student.training.batches import Batches, items_of_step, passing
from grasping_student.training.distillation_configuration import Targets
from grasping_student.training.labels import HEIGHT_UNIT, Scenes


class SoftTargetBatches(Batches):
    """Item ``step`` is the whole batch of that step: scenes at random angles, once as they are and once augmented.

    A batch holds ``pictures`` float32 ``(batch * looks, side, side)``, what the student sees, normalised; ``shown``
    float32 ``(batch * angles, side, side)``, what the teachers see: the same views without noise, each angle horizontal
    in turn; ``place`` and ``teacher_place`` int64 ``(batch, angles, cells)``: where the graspable pixels of each angle
    lie in a scene's outputs of the student ``(looks, outputs, side, side)`` and in those of a teacher ``(angles, side,
    side)``, flat; ``foreground`` bool ``(batch, angles, cells)``: which of them are no bare table; with a constraint
    ``allowed``, shaped alike: the foreground at which it allows a grasp.
    """

    def __init__(
        self,
        scenes: Scenes,
        canvases: tuple[Canvas, Canvas],
        normalisation: Normalisation,
        augmentation: AugmentationConfig,
        seed: int,
        steps: int,
        batch: int,
        outputs: AngleGrid,
        angles: int,
        constraint: GraspConstraint | None = None,
    ) -> None:
        """Batches of unlabelled scenes.

        Args:
            scenes: unlabelled.
            canvases: of the student and of the teachers.
            normalisation: of both.
            augmentation: what is varied; noise and holes are the student's alone.
            seed: of all draws.
            steps: number of batches.
            batch: scenes a step.
            outputs: angles that the student scores at one look.
            angles: random ones of each scene; of several outputs at most all.
            constraint: that the student obeys when it chooses.
        """
        self.scenes = scenes
        self.canvas, self.teacher_canvas = canvases
        self.normalisation = normalisation
        self.augmentation = augmentation
        self.seed = seed
        self.steps = steps
        self.batch = batch
        self.outputs = outputs
        self.constraint = constraint
        self.looks = angles if outputs.count == 1 else 1
        self.angles = angles if outputs.count == 1 else min(angles, outputs.count)

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        """The batch of one step, counted from 0."""
        random = np.random.default_rng([self.seed, 9, step])
        side, shown_side = self.canvas.side, self.teacher_canvas.side
        seen = np.empty((self.batch, self.looks, side, side), dtype=np.uint16)
        shown = np.empty((self.batch, self.angles, shown_side, shown_side), dtype=np.uint16)
        places: list[NDArray[np.int64]] = []
        teacher_places: list[NDArray[np.int64]] = []
        foreground: list[NDArray[np.bool_]] = []
        allowed: list[NDArray[np.bool_]] = []
        for number, item in enumerate(items_of_step(step, self.batch, len(self.scenes.ids), self.seed)):
            scene = self.scenes.heights[item].ravel()
            for look, (view, channels) in enumerate(self._views(random)):
                scene.take(self.canvas.source(view), out=seen[number, look], mode="clip")
                pixels = graspable_pixels_in(self.canvas, view)
                for index, channel in enumerate(channels, start=look):
                    horizontal = view.tilted(-self.outputs.angle(channel))
                    scene.take(self.teacher_canvas.source(horizontal), out=shown[number, index], mode="clip")
                    places.append(pixels + (look + channel) * side**2)
                    teacher_pixels = graspable_pixels_in(self.teacher_canvas, horizontal)
                    teacher_places.append(teacher_pixels + index * shown_side**2)
                    foreground.append(at_graspable_pixels(self.scenes.heights[item], self.canvas, view) > 0)
                    if self.constraint is not None:
                        good = np.pad(passing(self.constraint, scene, horizontal.phi, self.canvas.workspace), 1)
                        allowed.append(at_graspable_pixels(good, self.canvas, view) & foreground[-1])
        pictures = seen.reshape(-1, side, side) * np.float32(HEIGHT_UNIT)
        nowhere = np.zeros(len(pictures), dtype=np.int64)  # no label keeps anything away
        vary_heights(pictures, nowhere, nowhere, self.canvas.workspace.pixel_size, self.augmentation, random)
        clean = shown.reshape(-1, shown_side, shown_side) * np.float32(HEIGHT_UNIT)
        arrays = {
            "pictures": normalise(pictures, self.normalisation),
            "shown": normalise(clean, self.normalisation),
            "place": np.reshape(places, (self.batch, self.angles, -1)),
            "teacher_place": np.reshape(teacher_places, (self.batch, self.angles, -1)),
            "foreground": np.reshape(foreground, (self.batch, self.angles, -1)),
        }
        if self.constraint is not None:
            arrays["allowed"] = np.reshape(allowed, (self.batch, self.angles, -1))
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def _views(self, random: np.random.Generator) -> list[tuple[View, list[int]]]:
        """The student's looks at a scene, and the channels that are compared there."""
        workspace = self.canvas.workspace
        middle = workspace.pixels // 2
        view = sample_view(self.augmentation, middle, middle, 0.0, workspace, random)
        views = []
        for _ in range(self.looks):
            turned = replace(view, phi=math.pi * random.random())
            channels = random.permutation(self.outputs.count)[: self.angles // self.looks]
            views.append((turned, [int(channel) for channel in channels]))
        return views


def graspable_pixels_in(canvas: Canvas, view: View) -> NDArray[np.int64]:
    """Flat canvas index of every graspable pixel of the workspace, in reading order; the area does not shift."""
    inside = canvas.workspace.graspable_slice[0]
    every = np.arange(inside.start, inside.stop)
    row, col = canvas.pixel(every[:, None], every[None, :], replace(view, row_shift=0, col_shift=0))
    return (row * canvas.side + col).ravel()


def at_graspable_pixels(scene: NDArray[Any], canvas: Canvas, view: View) -> NDArray[Any]:
    """What a bordered scene of any kind holds at the pixels of ``graspable_pixels_in``."""
    inside, last = canvas.workspace.graspable_slice[0], canvas.workspace.pixels + 1
    every = np.arange(inside.start, inside.stop) + 1
    rows, cols = (np.clip(every - shift, 0, last) for shift in (view.row_shift, view.col_shift))
    return scene[np.ix_(rows, cols)].ravel()


def mean_probability(scores: Sequence[Tensor], targets: Targets) -> Tensor:
    """What several teachers think together.

    Args:
        scores: of each teacher, ``(batch, angles, cells)``.
        targets: log-odds of success, or scores whose softmax over all angles and cells says where to grasp.

    Returns:
        Their mean probability, same shape.
    """
    if targets == "success":
        each = [score.float().sigmoid() for score in scores]
    else:
        each = [score.float().flatten(1).softmax(dim=1).view_as(score) for score in scores]
    return torch.stack(each).mean(dim=0)


def soft_target_loss(scores: Tensor, probability: Tensor, weight: Tensor, targets: Targets) -> tuple[Tensor, Tensor]:
    """Loss of a student's scores, a scalar, and how much of it is left above that of the teachers themselves.

    Args:
        scores: of the student, ``(batch, angles, cells)``.
        probability: of the teachers, same shape.
        weight: of each cell in the loss of success, same shape.
        targets: ``success`` takes the weighted binary cross-entropy; ``position`` the Kullback-Leibler divergence of a
            scene's softmax over all of its angles and cells, the mean over scenes.
    """
    if targets == "success":
        loss = functional.binary_cross_entropy_with_logits(scores, probability, reduction="none")
        least = functional.binary_cross_entropy(probability, probability, reduction="none")
        total = (loss * weight).sum()
        return total, total.detach() - (least * weight).sum()
    logs = scores.flatten(1).log_softmax(dim=1)
    loss = functional.kl_div(logs, probability.flatten(1), reduction="batchmean")
    return loss, loss.detach()


def cell_weights(foreground: Tensor, allowed: Tensor | None) -> Tensor:
    """Weights of the cells in the loss of success: the mean over the foreground, plus that over what is allowed.

    Nobody has tried to grasp bare table. The student chooses among allowed grasps, which are few: in a mean over
    everything they would hardly count.

    Args:
        foreground: bool, ``(batch, angles, cells)``.
        allowed: bool, same shape; None under no constraint.
    """
    parts = [foreground] if allowed is None else [foreground, allowed]
    return torch.stack([part / part.sum().clamp(min=1) for part in parts]).sum(dim=0)


class SoftTargetStep:
    """Scores of a student against its teachers' mean probabilities, the same cells of the same views."""

    def __init__(self, teachers: Sequence[nn.Module], targets: Targets) -> None:
        self._teachers = [frozen(teacher) for teacher in teachers]
        self._targets: Targets = targets

    def __call__(self, network: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Loss, divergence from the teachers, and what they lose where the student chooses in their place."""
        place, shown = batch["place"], batch["shown"][:, None]
        with torch.no_grad():
            told = [self._scores(teacher.to(shown.device)(shown)[:, :1], batch) for teacher in self._teachers]
            probability = mean_probability(told, self._targets)
        scores = at_places(network(batch["pictures"][:, None]), place)
        allowed = batch.get("allowed")
        weight = cell_weights(batch["foreground"], allowed)
        loss, divergence = soft_target_loss(scores, probability, weight, self._targets)
        with torch.no_grad():
            refused = ~(batch["foreground"] if allowed is None else allowed).flatten(1)
            chosen = scores.flatten(1).masked_fill(refused, float("-inf")).argmax(dim=1, keepdim=True)
            theirs = probability.flatten(1).masked_fill(refused, 0.0)
            taken = theirs.gather(1, chosen)[:, 0]
            regret = 1.0 - taken / theirs.amax(dim=1).clamp(min=1e-9)
        return {"loss": loss, "divergence": divergence, "regret": regret.mean()}

    def _scores(self, maps: Tensor, batch: dict[str, Tensor]) -> Tensor:
        return at_places(maps, batch["teacher_place"])


def at_places(maps: Tensor, place: Tensor) -> Tensor:
    """Scores at some places of each scene, float32.

    Args:
        maps: a network's outputs, ``(batch * looks, outputs, side, side)``.
        place: int64 ``(batch, angles, cells)``, flat index into a scene's outputs.
    """
    flat = maps.float().reshape(len(place), -1)
    return flat.gather(1, place.flatten(1)).view(place.shape)
