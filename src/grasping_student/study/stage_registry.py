"""Kinds of stages with their versions and the functions that run them; each imports its modules when it is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from grasping_student.models.configuration import NetworkConfig
from grasping_student.pipeline.configuration import with_values
from grasping_student.serving.loading import PRETRAINED


@dataclass(frozen=True)
class MergeConfig:
    """Scenes of several datasets as one."""

    datasets: tuple[Path, ...] = ()
    first: int = 0
    """Of the second and later datasets take so many, drawn with the seed; 0 takes all."""

    seed: int = 0
    out: Path = Path("runs/merged")
    resume: bool = False


@dataclass(frozen=True)
class EntropyConfig:
    """Entropy of a model's score map at the horizontal angle, scene by scene."""

    model: Path = Path("runs/teacher")
    dataset: Path = Path("runs/held-out")
    out: Path = Path("runs/entropy")
    resume: bool = False


@dataclass(frozen=True)
class GeneralConfig:
    """The general model that ships with the package, as a stage that others start from."""

    weights: str = ""
    """Content hash of its weights."""

    out: Path = Path("runs/general")
    resume: bool = False


def shipped_weights() -> str:
    """Content hash of the weights that ship with the package, 16 hexadecimal digits."""
    from grasping_student.pipeline.files import sha256_of_file

    return sha256_of_file(PRETRAINED / "model.safetensors")[:16]


def shipped_network() -> NetworkConfig:
    """The network that ships with the package."""
    from grasping_student.pipeline.files import read_json

    return with_values(NetworkConfig(), read_json(PRETRAINED / "config.json")["network"], "network")


def _general(config: GeneralConfig) -> None:
    import shutil

    config.out.mkdir(parents=True, exist_ok=True)
    for path in PRETRAINED.iterdir():
        shutil.copyfile(path, config.out / path.name)


def _collect(config: Any) -> None:
    from grasping_student.collection.collect import run
    from grasping_student.episodes.policy_spec import make_policy

    run(config, make_policy)


def _affordance(config: Any) -> None:
    from grasping_student.evaluation.network_metrics import evaluate_affordance
    from grasping_student.models.inference import torch_threads
    from grasping_student.pipeline.files import write_json
    from grasping_student.training.affordance import run

    out = run(config)
    with torch_threads(1):
        write_json(out / "held_out.json", evaluate_affordance(out))


def _merge(config: MergeConfig) -> None:
    import numpy as np

    from grasping_student.datasets.create import new_dataset
    from grasping_student.datasets.selection import copy_attempts
    from grasping_student.datasets.store import Dataset

    parts = [Dataset(path) for path in config.datasets]
    with new_dataset(config.out, parts[0].workspace) as writer:
        for number, part in enumerate(parts):
            ids = part.ids()
            if number and config.first and config.first < len(ids):
                ids = np.sort(np.random.default_rng([config.seed, number]).choice(ids, config.first, replace=False))
            copy_attempts(part, ids, writer, first_episode=writer.next_episode)


def _entropy(config: EntropyConfig) -> None:
    from grasping_student.datasets.store import Dataset
    from grasping_student.evaluation.network_metrics import entropy_bits
    from grasping_student.models.grasp_model import GraspModel
    from grasping_student.models.inference import torch_threads
    from grasping_student.pipeline.files import write_json

    model, dataset = GraspModel.load(config.model), Dataset(config.dataset)
    with torch_threads(1):
        bits = [entropy_bits(model.scores_at(dataset.heightmap(int(i)), [0.0])[0]) for i in dataset.ids()]
    config.out.mkdir(parents=True, exist_ok=True)
    write_json(config.out / "metrics.json", {"model": model.version, "bits": [round(each, 4) for each in bits]})


@dataclass(frozen=True)
class StageKind:
    """One kind of stage."""

    version: int
    """Raised by hand when a change of the code makes its results others. ``experiment rerun`` repeats a run and
    compares its numbers: it says whether that is due."""

    function: Callable[[Any], Any] | str
    """Runs it with its config; a module whose ``run`` does is imported when it is needed."""

    def run(self, config: Any) -> None:
        """Make or resume the stage."""
        if isinstance(self.function, str):
            import_module(f"grasping_student.{self.function}").run(config)
        else:
            self.function(config)


STAGE_KINDS: dict[str, StageKind] = {
    "dataset": StageKind(1, _collect),
    "merged": StageKind(1, _merge),
    "general": StageKind(1, _general),
    "teacher": StageKind(1, "training.teacher"),
    "affordance": StageKind(1, _affordance),
    "affordance_filter": StageKind(1, "training.affordance"),
    "pretraining": StageKind(1, "training.pretraining"),
    "table": StageKind(1, "pseudo_labels.teacher_pass"),
    "student": StageKind(1, "training.student"),
    "proxy": StageKind(1, "evaluation.proxy"),
    "entropy": StageKind(1, _entropy),
    "picking": StageKind(1, "evaluation.picking_stage"),
    "relabelling": StageKind(1, "study.relabelling"),
    "precision": StageKind(1, "study.precision"),
}
"""Kind -> its version and the function that runs it."""

ONE_SHOT_VERSION = 1
"""Of the one-shot test, whose log is no stage of its own: it grows model by model."""


def code_version(kind: str) -> int:
    """Version of the code behind a kind of stage; 0 for a kind that this code does not know."""
    if kind == "one_shot":
        return ONE_SHOT_VERSION
    return STAGE_KINDS[kind].version if kind in STAGE_KINDS else 0


_HASHES = {
    "3c72a7aba28f": "dataset",
    "582d6fd2e68f": "merged",
    "2e89ff1cea43": "teacher affordance pretraining",
    "35a1263ebcaf": "table",
    "c51c4091db0c": "student",
    "271066a28da2": "proxy",
    "33e4074fde67": "entropy",
    "015956aae324": "one_shot",
    "26b2a7078350": "picking",
}
"""Versions in caches of the release before were hashes: hash -> kinds whose version 1 it was."""


def read_version(kind: str, written: Any) -> int:
    """The version that a cache says of a kind: a number, or a hash of the release before; 0 for any other."""
    if isinstance(written, int):
        return written
    return 1 if kind in _HASHES.get(str(written), "").split() else 0
