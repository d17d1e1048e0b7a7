"""The affordance stage: all labelled attempts in, a model of the probability of success out (paper, Algorithm 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.splits import SPLIT, Split, split_by_episode
from grasping_student.datasets.store import Dataset
from grasping_student.models.checkpoint import WEIGHTS, describe
from grasping_student.models.configuration import ModelConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.pipeline.stage import StageRun
from grasping_student.training.affordance_configuration import AffordanceConfig
from grasping_student.training.batches import BalancedBatches, Group
from grasping_student.training.labels import Labels, Scenes, labels_of_attempts, read_labels, read_scenes
from grasping_student.training.stage import forget, start_from, train


class OneSided(UserError):
    """All attempts succeeded, or all failed: there is nothing to tell apart."""


class AffordanceStep:
    """Sigmoid and binary cross-entropy at the labelled pixel; no softmax, no second angle."""

    def __call__(self, network: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Loss and share of the batch on the right side of one half."""
        scores = network(batch["pictures"][:, None]).float().flatten(1)
        logit = scores.gather(1, batch["label"][:, None])[:, 0]
        loss = functional.binary_cross_entropy_with_logits(logit, batch["success"])
        with torch.no_grad():
            right = ((logit > 0.0) == (batch["success"] > 0.5)).float().mean()
        return {"loss": loss, "accuracy": right}


def run(config: AffordanceConfig) -> Path:
    """Train an affordance network and return its checkpoint folder; ``split.json`` in it names the held-out episodes.

    Raises:
        UserError: no successes or no failures to learn from, datasets of different workspaces, the same dataset twice,
            too few episodes, an existing ``out``, an unknown network, or a resume with another config or other data.
    """
    datasets = [Dataset(path) for path in config.datasets]
    _check_different(datasets)
    workspace = datasets[0].workspace
    for dataset in datasets[1:]:
        if dataset.workspace != workspace:
            raise UserError(
                f"{dataset.path} is of {describe(dataset.workspace)}, {datasets[0].path} of {describe(workspace)}; "
                "an affordance network learns from datasets of one workspace"
            )
    stage = StageRun("train affordance", config)
    if config.labels:
        splits = [Split(tuple(datasets[0].episodes().tolist()), (), config.split_seed, datasets[0].version)]
        drawn = set(read_labels(datasets[0], config.sources, config.labels, seed=config.label_seed).scene.tolist())
        attempts = [[each for each in datasets[0].attempts(labelled=True) if each.id in drawn]]
    else:
        splits = [split_by_episode(dataset, config.held_out, config.split_seed) for dataset in datasets]
        attempts = [
            usable_attempts(each, config.sources, split.train) for each, split in zip(datasets, splits, strict=True)
        ]
    labels, scenes = _labels_and_scenes(list(zip(datasets, attempts, strict=True)), config)
    succeeded = labels.success > 0.5
    if succeeded.all() or not succeeded.any():
        raise OneSided(
            f"the {len(labels)} training attempts hold {int(succeeded.sum())} successes and {int((~succeeded).sum())} "
            "failures; an affordance network needs both: collect more attempts, for example with --policy random"
        )
    half = config.loop.batch // 2
    groups = (
        Group(labels.take(succeeded), scenes, config.loop.batch - half),
        Group(labels.take(~succeeded), scenes, half),
    )
    described = ModelConfig(config.network, workspace, config.normalisation, config.constraint)
    model = GraspModel.new(described, config.seed)
    inputs = {str(each.path): split.dataset_version for each, split in zip(datasets, splits, strict=True)}
    inputs |= start_from(model, config.initial)
    with stage.output_folder(WEIGHTS, inputs) as finished:
        if finished:
            return forget(config.out)
        sides = [
            {
                "dataset": str(each.path),
                "train": list(split.train),
                "held_out": list(split.held_out),
                "seed": split.seed,
                "dataset_version": split.dataset_version,
            }
            for each, split in zip(datasets, splits, strict=True)
        ]
        write_json(config.out / SPLIT, {"sources": list(config.sources), "datasets": sides})
        steps = config.loop.total_steps(len(labels))
        drawing = (groups, model.canvas, config.normalisation, config.augmentation, config.seed, steps)
        batches = BalancedBatches(*drawing, outputs=config.network.angles)
        facts = {"attempts": len(labels), "successes": int(succeeded.sum()), "steps": steps}
        return train(stage, config, model, AffordanceStep(), batches, len(labels), inputs, facts)


def usable_attempts(dataset: Dataset, sources: tuple[str, ...], episodes: tuple[int, ...]) -> list[Attempt]:
    """Labelled attempts of these sources and episodes with a grasp inside the graspable area, by id."""
    return [
        each
        for each in dataset.attempts(labelled=True, episodes=episodes)
        if each.source in sources
        and each.grasp is not None
        and dataset.workspace.is_graspable(each.grasp.row, each.grasp.col)
    ]


def held_out_attempts(path: Path) -> list[tuple[Dataset, list[Attempt]]]:
    """By dataset the attempts that an affordance checkpoint has not learnt from.

    Raises:
        UserError: the checkpoint holds no split, or a dataset is gone or has changed since.
    """
    stored = read_json(path / SPLIT)
    found = []
    for side in stored["datasets"]:
        dataset = Dataset(Path(side["dataset"]))
        if dataset.version != side["dataset_version"]:
            raise UserError(f"dataset {dataset.path} has changed since {path} was trained on it; train it again")
        found.append((dataset, usable_attempts(dataset, tuple(stored["sources"]), tuple(side["held_out"]))))
    return found


def _check_different(datasets: Sequence[Dataset]) -> None:
    """Refuse one dataset, or a copy of it, under two names: each of its attempts would count twice."""
    seen: dict[str, Dataset] = {}
    for dataset in datasets:
        earlier = seen.setdefault(dataset.version, dataset)
        if earlier is not dataset:
            same = "is given twice" if earlier.path == dataset.path else f"has the same content as {earlier.path}"
            raise UserError(
                f"--datasets: {dataset.path} {same}, so each of its attempts would count twice; name it once"
            )


def _labels_and_scenes(parts: list[tuple[Dataset, list[Attempt]]], config: AffordanceConfig) -> tuple[Labels, Scenes]:
    """Attempts of several datasets as one set of labels; their scenes get numbers that do not meet."""
    labels, ids, heights, offset = [], [], [], 0
    for dataset, attempts in parts:
        if not attempts:
            continue
        own = labels_of_attempts(attempts)
        scenes = read_scenes(dataset, own.scene, config.normalisation)
        labels.append(replace(own, scene=own.scene + offset))
        ids.append(scenes.ids + offset)
        heights.append(scenes.heights)
        offset += int(scenes.ids.max()) + 1
    if not labels:
        names = ", ".join(str(dataset.path) for dataset, _ in parts)
        raise UserError(f"{names}: no labelled attempt of {' or '.join(config.sources)} to learn from; collect some")
    return Labels.join(labels), Scenes(np.concatenate(ids), np.concatenate(heights))
