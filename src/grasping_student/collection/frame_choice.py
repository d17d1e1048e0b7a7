"""Which frames to label next: those that a model doubts, that models disagree about, or that are unlike the others.

Labels cost a person's time, photos cost nothing. Pool-based active learning looks at all photos and asks for those that
promise to teach most (Settles 2009): *doubt* is the entropy of the chance that the best grasp succeeds; *disagreement*
is how little other models think of each model's best grasp (query by committee); *novelty* spreads the frames over all
that was seen (greedy k-centre, Sener and Savarese 2018), by histograms of heights and slopes, without any model.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grasping_student.collection.frame_choice_configuration import FrameChoiceConfig
from grasping_student.datasets.create import new_dataset
from grasping_student.datasets.selection import ORIGIN, copy_attempts
from grasping_student.datasets.store import Dataset
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.models.grasp_choice import NoGrasp, choose
from grasping_student.models.grasp_model import GraspModel
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import write_json

HEIGHT_BINS, HEIGHT_MOST = 12, 0.15
"""Bins of the histogram of heights, and their end in metres."""

SLOPE_BINS, SLOPE_MOST = 8, 2.0
"""Bins of the histogram of slopes, and their end in metres a metre."""


def run(config: FrameChoiceConfig) -> Path:
    """Write the chosen frames, with their labels if they have some, as a new dataset; returns its folder.

    ``origin.json`` beside them tells the order: the first is worth most.

    Raises:
        UserError: fewer frames than asked for, models that are missing or cannot tell, or an existing ``out``.
    """
    dataset = Dataset(config.dataset)
    ids = dataset.ids()
    if not 0 < config.count <= len(ids):
        raise UserError(f"--count is {config.count}; {config.dataset} holds {len(ids)} frames")
    scenes = [dataset.heightmap(int(each)) for each in ids]
    models = [GraspModel.load(path).on(dataset.workspace) for path in config.models]
    if config.by == "doubt" and models[0].confidence is None:
        raise UserError(
            f"--models {config.models[0]} knows no chances of success, so it has no doubts to tell: 'grasping-student "
            "train confidence' gives it some, or choose --by novelty"
        )
    if config.by == "random":
        order = np.random.default_rng(config.seed).permutation(len(ids))[: config.count]
        worth = np.ones(len(ids))
    elif config.by == "novelty":
        known = [histograms(each) for path in config.labelled for each in _scenes(path)]
        order, worth = spread([histograms(each) for each in scenes], known, config.count)
    else:
        doubt = config.by == "doubt"
        worth = np.array([_doubt(models[0], each) if doubt else _disagreement(models, each) for each in scenes])
        order = np.argsort(-worth, kind="stable")[: config.count]
    chosen = ids[order]
    with new_dataset(config.out, dataset.workspace) as writer:
        copy_attempts(dataset, np.sort(chosen), writer, keep_ids=True)
        told = [{"id": int(ids[each]), "worth": round(float(worth[each]), 6)} for each in order]
        chosen_by = {"by": config.by, "models": [each.version for each in models], "seed": config.seed, "order": told}
        source = [{"dataset": str(config.dataset), "version": dataset.version}]
        write_json(writer.path / ORIGIN, {"made_by": "choose", "from": source, "chosen": chosen_by})
    return config.out


def _scenes(path: Path) -> list[Heightmap]:
    dataset = Dataset(path)
    return [dataset.heightmap(int(each)) for each in dataset.ids()]


def _doubt(model: GraspModel, scene: Heightmap) -> float:
    """Entropy of the chance that the model's best grasp succeeds, bits; 1 where it finds none."""
    assert model.confidence is not None
    try:
        _, score = choose(Observation.of(scene), model, model.query).best
    except NoGrasp:
        return 1.0
    chance = np.clip(model.confidence.chance(score), 1e-12, 1.0 - 1e-12)
    return float(-(chance * np.log2(chance) + (1.0 - chance) * np.log2(1.0 - chance)))


def _disagreement(models: Sequence[GraspModel], scene: Heightmap) -> float:
    """Mean share of all grasps that a model puts above the best grasp of another, in [0, 1]."""
    observation, best, scores = Observation.of(scene), [], []
    for model in models:
        try:
            found = choose(observation, model, model.query)
        except NoGrasp:
            return 1.0
        grasp = found.grasps[0].grasp
        best.append((model.query.grid.index(grasp.angle), grasp.row, grasp.col))
        scores.append(found.scores)
    above = []
    for one, other in itertools.permutations(range(len(models)), 2):
        allowed = scores[other][np.isfinite(scores[other])]
        above.append(float((allowed > scores[other][best[one]]).mean()))
    return float(np.mean(above))


def histograms(scene: Heightmap) -> NDArray[np.float64]:
    """Shares of heights and of slopes, the same for a turned scene, shape ``(HEIGHT_BINS + SLOPE_BINS,)``."""
    height = np.nan_to_num(scene.height.astype(np.float64))
    slope = np.hypot(*np.gradient(height, scene.workspace.pixel_size))
    inside = scene.workspace.graspable_slice
    parts = []
    for values, bins, most in ((height, HEIGHT_BINS, HEIGHT_MOST), (slope, SLOPE_BINS, SLOPE_MOST)):
        counts, _ = np.histogram(np.clip(values[inside], 0.0, most), bins, (0.0, most))
        parts.append(counts / counts.sum())
    return np.concatenate(parts)


def spread(
    features: Sequence[NDArray[np.float64]], known: Sequence[NDArray[np.float64]], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Positions of the frames that lie farthest from all before, and each frame's distance when it was chosen.

    Args:
        features: of the frames to choose from, each ``(n,)``.
        known: of frames that are labelled already; without any the frame nearest to the mean is the first.
        count: frames to choose.
    """
    every = np.stack(features)
    chosen: list[int] = []
    worth = np.zeros(len(every))
    if known:
        nearest = np.min(np.linalg.norm(every[:, None] - np.stack(known)[None], axis=2), axis=1)
    else:
        nearest = np.full(len(every), np.inf)
        nearest[np.argsort(np.linalg.norm(every - every.mean(axis=0), axis=1), kind="stable")[1:]] = 1e9
    for _ in range(count):
        nearest[chosen] = -np.inf
        chosen.append(int(nearest.argmax()))
        worth[chosen[-1]] = min(nearest[chosen[-1]], 1e9)
        nearest = np.minimum(nearest, np.linalg.norm(every - every[chosen[-1]], axis=1))
    return np.array(chosen), worth
