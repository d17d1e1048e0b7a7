"""A network in torch together with what it was made for: made, loaded, saved, and put on another workspace."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from grasping_student.datasets.splits import SPLIT
from grasping_student.geometry.grasp_constraints import GraspConstraintConfig
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.checkpoint import CONFIG, load_checkpoint, save_checkpoint
from grasping_student.models.confidence import CONFIDENCE, Confidence
from grasping_student.models.configuration import ModelConfig
from grasping_student.models.heightmap_scorer import PIXELS_PER_GPU_CALL, HeightmapScorer, config_on
from grasping_student.models.inference import Precision, Scorer, device_of
from grasping_student.models.networks import build_network
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json


class GraspModel(HeightmapScorer):
    """A network in torch together with what it was made for."""

    def __init__(
        self,
        network: nn.Module,
        config: ModelConfig,
        precision: Precision = "auto",
        confidence: Confidence | None = None,
    ) -> None:
        super().__init__(config, confidence)
        self.network = network
        self.precision: Precision = precision
        if device_of() == "cuda":
            self.pixels_per_call = PIXELS_PER_GPU_CALL

    @classmethod
    def new(cls, config: ModelConfig, seed: int, precision: Precision = "auto") -> GraspModel:
        """A model with fresh weights drawn from ``seed``; torch's own generator is left as it was.

        Raises:
            UserError: unknown encoder, or encoder weights that cannot be had.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return cls(build_network(config.network), config, precision)

    @classmethod
    def load(cls, path: Path, workspace: Workspace | None = None, precision: Precision = "auto") -> GraspModel:
        """The model of a checkpoint folder.

        Args:
            path: the folder.
            workspace: refuse a model that was made for another workspace; None takes any.
            precision: number format of scoring.

        Raises:
            UserError: no checkpoint, damaged, of a newer schema, or of another workspace.
        """
        config, network = load_checkpoint(path, workspace)
        model = cls(network, config, precision)
        if (path / CONFIDENCE).exists():
            model.confidence = Confidence.load(path, model.version)
        return model

    def save(self, path: Path, training: object = None, metrics: object = None) -> None:
        """Write ``model.safetensors``, ``config.json`` and ``metrics.json`` into a folder."""
        save_checkpoint(path, self.config, self.network, training, metrics)

    @cached_property
    def version(self) -> str:
        """Content hash of config and weights, 16 hexadecimal digits."""
        digest = hashlib.sha256(json.dumps(self.config.identity(), sort_keys=True).encode())
        for name, tensor in sorted(self.network.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    @cached_property
    def _scorer(self) -> Scorer:
        return Scorer(self.network, self.precision)

    def score_pictures(self, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        """See ``HeightmapScorer``."""
        return self._scorer(torch.from_numpy(pictures)).numpy()

    def on(self, workspace: Workspace) -> GraspModel:
        """See ``HeightmapScorer``."""
        return self._with(config_on(self.config, workspace))

    def unconstrained(self) -> GraspModel:
        """The same network, which obeys nothing when it chooses; its confidence was fixed under the constraint."""
        return GraspModel(self.network, replace(self.config, constraint=GraspConstraintConfig()), self.precision)

    def _with(self, config: ModelConfig) -> GraspModel:
        return GraspModel(self.network, config, self.precision, self.confidence)


def load_affordance(folder: Path, option: str, workspace: Workspace | None = None) -> GraspModel:
    """The affordance network of a checkpoint folder; its scores are log-odds of success.

    Args:
        folder: the checkpoint.
        option: option that named it, for the message.
        workspace: refuse a network of another one; None takes any.

    Raises:
        UserError: no checkpoint, damaged, of another workspace, or of another kind of network.
    """
    model = GraspModel.load(folder, workspace)
    # one with chances, or the one that ships, has no list of its attempts beside it
    if not (folder / SPLIT).exists() and "datasets" not in (read_json(folder / CONFIG).get("training") or {}):
        raise UserError(f"{option} {folder} is no affordance network; 'grasping-student train affordance' makes one")
    return model
