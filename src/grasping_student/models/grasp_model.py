"""A network together with what it was made for: from a heightmap to score maps and grasps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from grasping_student.datasets.splits import SPLIT
from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, AngleGrid, PlanarGrasp
from grasping_student.geometry.grasp_constraints import GraspConstraintConfig
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.checkpoint import load_checkpoint, save_checkpoint
from grasping_student.models.confidence import CONFIDENCE, Confidence
from grasping_student.models.configuration import ModelConfig
from grasping_student.models.grasp_choice import GraspQuery, allowed_scores, choose
from grasping_student.models.inference import Precision, Scorer
from grasping_student.models.networks import build_network
from grasping_student.models.normalisation import clean_height, normalise
from grasping_student.models.rotation import Canvas, bordered, graspable_pixels_at, source_at
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.errors import UserError

PIXELS_PER_CALL = 200_000
"""Pixels scored in one call of the network: 12 angles at 128 pixels a side, one at 352, where more leave the cache."""

SAME_PIXEL_SIZE = 0.02
"""Relative difference up to which pixels of two workspaces have the same size."""


class GraspModel:
    """Scores every graspable pixel of a scene at every angle of a grid (paper, section III-C).

    Scores are the network's raw outputs: they compare across pixels and angles of one scene, as in the softmax over
    both maps that trained them, not across models.
    """

    def __init__(
        self,
        network: nn.Module,
        config: ModelConfig,
        precision: Precision = "auto",
        confidence: Confidence | None = None,
    ) -> None:
        self.network = network
        self.config = config
        self.precision: Precision = precision
        self.confidence = confidence
        """What a score says about success; None where no attempts have told."""

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

    @property
    def workspace(self) -> Workspace:
        """What the model's heightmaps mean in metres."""
        return self.config.workspace

    @property
    def canvas(self) -> Canvas:
        """The picture that the network sees."""
        return Canvas(self.workspace, self.config.network.stride)

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

    def score_maps(self, heightmap: Heightmap, grid: AngleGrid = DEPLOYMENT_ANGLES) -> NDArray[np.float32]:
        """Score of every pixel and angle in the world frame, shape ``(grid.count, pixels, pixels)``.

        -inf outside the graspable area. Holes are filled; bare table is scored like everything else.

        Raises:
            ValueError: the heightmap is of another workspace, or has no measured pixel.
        """
        return self.scores_at(heightmap, [float(angle) for angle in grid.angles])

    def scores_at(self, heightmap: Heightmap, angles: Sequence[float]) -> NDArray[np.float32]:
        """``score_maps`` at any angles, radians, shape ``(len(angles), pixels, pixels)``."""
        if heightmap.workspace != self.workspace:
            raise ValueError(f"the heightmap is of {heightmap.workspace}, the model of {self.workspace}")
        normalisation = self.config.normalisation
        scene = normalise(bordered(clean_height(heightmap, normalisation)), normalisation)
        canvas = self.canvas
        maps = np.full((len(angles), *self.workspace.shape), -np.inf, dtype=np.float32)
        at_once = max(1, PIXELS_PER_CALL // canvas.side**2)
        for first in range(0, len(angles), at_once):
            chunk = angles[first : first + at_once]
            pictures = np.stack([scene.ravel()[source_at(canvas, phi)] for phi in chunk])
            scores = self._scorer(torch.from_numpy(pictures)).numpy().reshape(len(chunk), -1)
            for index, phi in enumerate(chunk):
                maps[first + index][self.workspace.graspable_slice] = scores[index][graspable_pixels_at(canvas, phi)]
        return maps

    def on(self, workspace: Workspace) -> GraspModel:
        """The same network on another workspace whose pixels have the same size within 2 %.

        Raises:
            UserError: pixels of another size; the network knows items by their size in pixels.
        """
        own = self.workspace
        if abs(workspace.pixel_size / own.pixel_size - 1.0) > SAME_PIXEL_SIZE:
            raise UserError(
                f"the model was trained on pixels of {own.pixel_size * 1000:.2f} mm, these heightmaps have "
                f"{workspace.pixel_size * 1000:.2f} mm: make them with {workspace.extent / own.pixel_size:.0f} pixels"
            )
        return self._with(replace(self.config, workspace=workspace))

    def unconstrained(self) -> GraspModel:
        """The same network, which obeys nothing when it chooses; its confidence was fixed under the constraint."""
        return GraspModel(self.network, replace(self.config, constraint=GraspConstraintConfig()), self.precision)

    def _with(self, config: ModelConfig) -> GraspModel:
        return GraspModel(self.network, config, self.precision, self.confidence)

    @cached_property
    def query(self) -> GraspQuery:
        """Grasps under the model's own constraint, at the angles of deployment."""
        own = self.config.constraint
        return GraspQuery(preferred=own.make(), gripper=own.gripper)

    def allowed_scores(
        self, heightmap: Heightmap, grid: AngleGrid = DEPLOYMENT_ANGLES, foreground_only: bool = True
    ) -> NDArray[np.float32]:
        """``score_maps`` of a perfect heightmap, -inf where no grasp may be chosen: see ``grasp_choice``."""
        query = replace(self.query, grid=grid, foreground_only=foreground_only)
        return allowed_scores(Observation.of(heightmap), self, query).scores

    def best_grasp(
        self, heightmap: Heightmap, grid: AngleGrid = DEPLOYMENT_ANGLES, foreground_only: bool = True
    ) -> tuple[PlanarGrasp, float]:
        """The grasp on a perfect heightmap with the highest score, and the score.

        Raises:
            NoGrasp: no foreground inside the margin.
        """
        query = replace(self.query, grid=grid, foreground_only=foreground_only)
        return choose(Observation.of(heightmap), self, query).best


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
    if not (folder / SPLIT).exists():
        raise UserError(f"{option} {folder} is no affordance network; 'grasping-student train affordance' makes one")
    return model
