"""Proxy evaluation: share of a model's grasps that an affordance network takes for successes. Paper, section IV-A.

Every model is asked for the best pixel of the same held-out scenes, each at the angle of its label; the affordance
network looks at that pixel and angle. Over a training the share is averaged exponentially.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grasping_student.datasets.store import Dataset
from grasping_student.evaluation.configuration import ProxyConfig, parse_models
from grasping_student.evaluation.rates import rate
from grasping_student.evaluation.statistics import Counts, moving_average
from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.models.checkpoint import describe, load_weights_file
from grasping_student.models.grasp_model import GraspModel, load_affordance
from grasping_student.models.inference import torch_threads
from grasping_student.models.normalisation import clean_height
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.pipeline.manifest import MANIFEST
from grasping_student.pipeline.stage import StageRun
from grasping_student.training.callbacks import ROUNDS

THRESHOLD = 0.5
"""An affordance above it is called a success."""

METRICS = "metrics.json"


def success_probability(affordance: GraspModel, heightmap: Heightmap, grasp: PlanarGrasp) -> float:
    """The affordance network's probability that a grasp succeeds; 0 outside the graspable area.

    Raises:
        ValueError: the grasp's pixel lies outside the picture.
    """
    rows, cols = heightmap.height.shape
    if not (0 <= grasp.row < rows and 0 <= grasp.col < cols):
        raise ValueError(f"the grasp's pixel ({grasp.row}, {grasp.col}) lies outside the picture of {rows} x {cols}")
    return float(_sigmoid(affordance.scores_at(heightmap, [grasp.angle])[0, grasp.row, grasp.col]))


def success_map(affordance: GraspModel, heightmap: Heightmap, angle: float) -> NDArray[np.float32]:
    """Probability of success of every pixel at one angle, ``(pixels, pixels)``; NaN outside the graspable area."""
    scores = affordance.scores_at(heightmap, [angle])[0]
    return np.where(np.isfinite(scores), _sigmoid(scores), np.float32(np.nan))


def best_pixel(
    model: GraspModel, heightmap: Heightmap, angle: float, foreground_only: bool = True
) -> tuple[int, int] | None:
    """Row and column of the highest score at one angle; None where nothing may be grasped."""
    scores = model.scores_at(heightmap, [angle])[0]
    if foreground_only:
        scores[clean_height(heightmap, model.config.normalisation) <= 0.0] = -np.inf
    best = int(scores.argmax())
    if not np.isfinite(scores.flat[best]):
        return None
    return best // scores.shape[1], best % scores.shape[1]


@dataclass(frozen=True, eq=False)
class ProxyScenes:
    """Held-out scenes with the angle of each one's label, and what the affordance network says of every pixel."""

    heightmaps: tuple[Heightmap, ...]
    angles: tuple[float, ...]
    probability: tuple[NDArray[np.float32], ...]
    """``success_map`` at that angle."""

    episodes: tuple[int, ...]
    """The dataset's episode that each scene comes from."""

    def __len__(self) -> int:
        return len(self.heightmaps)


def read_proxy_scenes(affordance: GraspModel, dataset: Dataset, count: int = 0) -> ProxyScenes:
    """The first ``count`` labelled scenes (0: all) of a dataset that neither models nor affordance have learnt from.

    Raises:
        UserError: no labelled scene, fewer than asked for, or another workspace.
        ValueError: a negative ``count``.
    """
    if count < 0:
        raise ValueError(f"count is {count}; give a positive number, or 0 for all")
    if dataset.workspace != affordance.workspace:
        raise UserError(
            f"dataset {dataset.path} is of {describe(dataset.workspace)}, the affordance network of "
            f"{describe(affordance.workspace)}: use a checkpoint of the same preset"
        )
    dataset.require(labelled=True)
    attempts = [each for each in dataset.attempts(labelled=True) if each.grasp is not None]
    if count > len(attempts):
        raise UserError(
            f"--scenes {count}: dataset {dataset.path} has {len(attempts)} labelled scenes; ask for fewer, or 0 for all"
        )
    attempts = attempts[: count or None]
    heightmaps = tuple(dataset.heightmap(each.id) for each in attempts)
    angles = tuple(each.grasp.angle for each in attempts if each.grasp is not None)
    maps = tuple(success_map(affordance, scene, angle) for scene, angle in zip(heightmaps, angles, strict=True))
    return ProxyScenes(heightmaps, angles, maps, tuple(each.episode for each in attempts))


def proxy_hits(model: GraspModel, scenes: ProxyScenes, foreground_only: bool = True) -> NDArray[np.bool_]:
    """Scene by scene whether the model's best pixel is taken for a success, shape ``(n,)``; no grasp is none."""
    hits = np.zeros(len(scenes), dtype=bool)
    for index, (heightmap, angle, probability) in enumerate(
        zip(scenes.heightmaps, scenes.angles, scenes.probability, strict=True)
    ):
        pixel = best_pixel(model, heightmap, angle, foreground_only)
        hits[index] = pixel is not None and probability[pixel] > THRESHOLD
    return hits


def counts_by_episode(hits: NDArray[np.bool_], episodes: Sequence[int]) -> Counts:
    """Hits and scenes by episode; scenes of one episode show the same blocks, so the episode is the unit.

    Args:
        hits: scene by scene, shape ``(n,)``.
        episodes: the dataset's episode of each scene.
    """
    _, which = np.unique(np.asarray(episodes), return_inverse=True)
    return Counts(np.bincount(which, weights=hits), np.bincount(which))


def round_weights(checkpoint: Path) -> list[Path]:
    """Weights after each round of a training that kept them, in order."""
    return sorted((checkpoint / ROUNDS).glob("step-*.safetensors"))


def proxy_metrics(checkpoint: Path, scenes: ProxyScenes, config: ProxyConfig) -> dict[str, Any]:
    """A checkpoint's proxy as plain JSON values, see ``run``.

    Raises:
        UserError: no checkpoint, or of another workspace than the scenes.
    """
    model = GraspModel.load(checkpoint, scenes.heightmaps[0].workspace)
    last = proxy_hits(model, scenes, config.foreground_only)
    rounds = []
    for path in round_weights(checkpoint):
        early = GraspModel.load(checkpoint, model.workspace)
        load_weights_file(early.network, path)
        rounds.append(float(proxy_hits(early, scenes, config.foreground_only).mean()))
    # the last round is the finished model; without rounds there is nothing to average over
    rounds = [*rounds[:-1], float(last.mean())]
    return {
        "version": model.version,
        **rate(counts_by_episode(last, scenes.episodes), config.seed),
        "average": moving_average(rounds, config.alpha)[-1],
        "rounds": rounds,
        "hits": "".join("1" if hit else "0" for hit in last),
    }


def run(config: ProxyConfig) -> Path:
    """Run the stage ``evaluate proxy``; returns the output folder.

    Writes ``metrics.json``: by model the rate of the finished model (``attempts`` are scenes, ``bootstrap_95``
    resamples the dataset's episodes), ``rounds`` (the share after every kept round), ``average`` (their moving average
    at the end) and ``hits`` scene by scene.

    Raises:
        UserError: no models, no checkpoint, another workspace, no affordance network, scenes that one of them has
            learnt from, no held-out scene or fewer than asked for, or an existing ``out``.
    """
    models = parse_models(config.models)
    stage = StageRun("evaluate proxy", config)
    dataset = Dataset(config.dataset)
    affordance = load_affordance(config.affordance, "--affordance")
    _check_held_out(dataset, [config.affordance, *(Path(spec) for spec in models.values())])
    inputs = {str(config.dataset): dataset.version, str(config.affordance): affordance.version}
    with stage.output_folder(METRICS, inputs), torch_threads(1):
        scenes = read_proxy_scenes(affordance, dataset, config.scenes)
        metrics = {name: proxy_metrics(Path(spec), scenes, config) for name, spec in models.items()}
        write_json(
            config.out / METRICS,
            {
                "schema_version": 1,
                "kind": "proxy",
                "affordance": affordance.version,
                "scenes": len(scenes),
                "episodes": len(set(scenes.episodes)),
                "alpha": config.alpha,
                "threshold": THRESHOLD,
                "models": metrics,
            },
        )
        versions = {name: row["version"] for name, row in metrics.items()}
        stage.finish(inputs | versions)
    return config.out


def _sigmoid(scores: Any) -> Any:
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-scores))


def _check_held_out(dataset: Dataset, folders: Sequence[Path]) -> None:
    """Refuse scenes that a network has learnt from, as far as the manifests beside the networks tell.

    Raises:
        UserError: the dataset's version is an input of one of the checkpoint folders.
    """
    learnt = [str(folder) for folder in folders if dataset.version in _inputs(folder)]
    if learnt:
        raise UserError(
            f"{', '.join(learnt)} learnt from the scenes of --dataset {dataset.path}, says {MANIFEST} there: "
            "give a dataset that no model and no affordance network has seen"
        )


def _inputs(folder: Path) -> set[str]:
    """Content hashes of what a checkpoint was made from; none where no manifest tells."""
    manifest = folder / MANIFEST
    return set(read_json(manifest).get("inputs", {}).values()) if manifest.is_file() else set()
