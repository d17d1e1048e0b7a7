"""A model as a folder: weights in safetensors, config and metrics in JSON, nothing pickled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, TRAINING_ANGLES
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.configuration import ModelConfig, describe
from grasping_student.models.networks import build_network, build_skeleton
from grasping_student.pipeline.configuration import to_plain, with_values
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import atomic_path, read_json, write_json
from grasping_student.pipeline.manifest import stage_of

SCHEMA_VERSION = 1
PRETRAINING_STAGE = "train pretraining"
WEIGHTS, CONFIG, METRICS = "model.safetensors", "config.json", "metrics.json"

_KINDS = {torch.float32: "F32", torch.int64: "I64"}
"""Kinds of numbers that a network keeps, in the words of safetensors; others are never weights of ours."""


def save_checkpoint(
    path: Path, config: ModelConfig, network: nn.Module, training: object = None, metrics: object = None
) -> None:
    """Write a checkpoint folder; each file is whole or not there, the weights come last.

    Args:
        path: the folder.
        config: what the network is and was made for.
        network: its weights are written in float32, contiguous.
        training: config of the training, for the record.
        metrics: learning curves, plain values.
    """
    path.mkdir(parents=True, exist_ok=True)
    write_json(
        path / CONFIG,
        {
            "schema_version": SCHEMA_VERSION,
            **to_plain(config),
            "angles": {"training": TRAINING_ANGLES.count, "deployment": DEPLOYMENT_ANGLES.count},
            "training": to_plain(training),
        },
    )
    write_json(path / METRICS, to_plain(metrics) if metrics is not None else {})
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    with atomic_path(path / WEIGHTS) as temporary:
        save_file(tensors, temporary)
        temporary.chmod(0o644)  # safetensors makes its files unreadable to others


def read_config(path: Path) -> ModelConfig:
    """The model config of a checkpoint folder, without its weights.

    Raises:
        UserError: no checkpoint, or a config that this version cannot read.
    """
    if not (path / CONFIG).is_file():
        raise UserError(f"{path} is no checkpoint: it holds no {CONFIG}; give the folder that a train command wrote")
    stored = read_json(path / CONFIG)
    version = stored.get("schema_version") if isinstance(stored, dict) else None
    if version != SCHEMA_VERSION:
        raise UserError(f"{path / CONFIG} has schema version {version}; this version reads {SCHEMA_VERSION}")
    own = ("network", "workspace", "normalisation", "constraint", "rule")  # ``rule`` is the constraint's former name
    values: dict[str, Any] = {key: stored[key] for key in own if key in stored}
    return with_values(ModelConfig(), values, where=str(path / CONFIG))


def load_checkpoint(path: Path, workspace: Workspace | None = None) -> tuple[ModelConfig, nn.Module]:
    """Config and network, in evaluation mode, of a checkpoint folder.

    Raises:
        UserError: no checkpoint, damaged, of pretraining, or made for another workspace than ``workspace``.
    """
    config = read_config(path)
    if stage_of(path) == PRETRAINING_STAGE:
        raise UserError(
            f"{path} is a pretrained network, which restores pictures and scores no grasps; start a training from it "
            "(train teacher --initial)"
        )
    if workspace is not None and config.workspace != workspace:
        raise UserError(
            f"checkpoint {path} was trained for {describe(config.workspace)}, the data are of {describe(workspace)}; "
            "use a checkpoint of the same workspace, or data of the checkpoint's"
        )
    bare = replace(config.network, encoder_weights="none")  # all weights come from the folder
    _check_weights(_weights_file(path), build_skeleton(bare))
    network = build_network(bare)
    load_weights(network, path)
    return config, network.eval()


def load_weights(network: nn.Module, path: Path) -> None:
    """Put the weights of a checkpoint folder into a network.

    Raises:
        UserError: weights missing, cut off, or of another network.
    """
    load_weights_file(network, _weights_file(path))


def _weights_file(path: Path) -> Path:
    if not (path / WEIGHTS).exists():
        raise UserError(f"{path} holds no {WEIGHTS}: training did not finish; go on with --resume")
    return path / WEIGHTS


def load_weights_file(network: nn.Module, path: Path) -> None:
    """Put the weights of one file into a network.

    Raises:
        UserError: weights missing, cut off, of another network, or no numbers.
    """
    _check_weights(path, network)
    with _readable(path):
        tensors: dict[str, torch.Tensor] = load_file(path)
    spoilt = sorted(name for name, tensor in tensors.items() if not bool(torch.isfinite(tensor).all()))
    if spoilt:
        raise UserError(
            f"{path} holds weights that are no numbers ({len(spoilt)} tensors, for instance {spoilt[0]}): its training "
            "diverged; train it again, with a smaller learning rate"
        )
    network.load_state_dict(tensors)


def _check_weights(path: Path, network: nn.Module) -> None:
    """Make sure, by the head of a file alone, that it holds the weights of a network; no weight is read.

    Raises:
        UserError: it is cut off, or its tensors have other names, shapes or kinds of numbers.
    """
    if not path.is_file():
        raise UserError(f"{path} is no plain file; give the folder that a train command wrote")
    with _readable(path), safe_open(path, "pt") as file:
        parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - it is no dictionary
        held = {name: (list(part.get_shape()), part.get_dtype()) for name, part in parts.items()}
    own = {name: (list(tensor.shape), _KINDS.get(tensor.dtype)) for name, tensor in network.state_dict().items()}
    missing, unknown = sorted(own.keys() - held.keys()), sorted(held.keys() - own.keys())
    wrong = sorted(name for name in own.keys() & held.keys() if own[name] != held[name])
    if missing or unknown or wrong:
        raise UserError(
            f"{path} is of another network: {len(missing)} tensors missing, {len(unknown)} unknown, {len(wrong)} of "
            f"another shape or type (for instance {(missing + unknown + wrong)[0]:.80}); check config.json"
        )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); it may be cut off: copy or train it again") from None
