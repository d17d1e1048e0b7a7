"""From a heightmap to score maps and grasps, for any network and whatever runs it; importing this loads no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, AngleGrid, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.confidence import Confidence
from grasping_student.models.configuration import ModelConfig
from grasping_student.models.grasp_choice import GraspQuery, allowed_scores, choose
from grasping_student.models.normalisation import clean_height, normalise
from grasping_student.models.rotation import Canvas, bordered, graspable_pixels_at, source_at, turns_of
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.errors import UserError

PIXELS_PER_CALL = 200_000
"""Pixels scored in one call of the network: 12 angles at 128 pixels a side, one at 352, where more leave the cache."""

PIXELS_PER_GPU_CALL = 8_000_000
"""The same on a GPU, whose memory holds the layers of so many: 19 scenes of 16 angles at 160 pixels a side."""

SAME_PIXEL_SIZE = 0.02
"""Relative difference up to which pixels of two workspaces have the same size."""


class HeightmapScorer(ABC):
    """Scores every graspable pixel of a scene at every angle of a grid (paper, section III-C).

    Scores are the network's raw outputs: they compare across pixels and angles of one scene, as in the softmax over
    both maps that trained them, not across models. ``GraspModel`` runs the network in torch, ``ExportedModel`` in
    OpenVINO or ONNX Runtime.
    """

    def __init__(self, config: ModelConfig, confidence: Confidence | None = None) -> None:
        self.config = config
        self.confidence = confidence
        """What a score says about success; None where no attempts have told."""
        self.pixels_per_call = PIXELS_PER_CALL

    runs_in_background: ClassVar[bool] = False
    """Whether another thread may run the network with the same result, while this one does something else."""

    @property
    @abstractmethod
    def version(self) -> str:
        """Content hash of config, weights and arithmetic, 16 hexadecimal digits."""

    @abstractmethod
    def score_pictures(self, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        """The network alone: normalised pictures ``(batch, side, side)`` to scores ``(batch, angles, side, side)``."""

    @abstractmethod
    def on(self, workspace: Workspace) -> Self:
        """The same network on another workspace whose pixels have the same size within 2 %.

        Raises:
            UserError: pixels of another size; the network knows items by their size in pixels.
        """

    @property
    def workspace(self) -> Workspace:
        """What the model's heightmaps mean in metres."""
        return self.config.workspace

    @property
    def canvas(self) -> Canvas:
        """The picture that the network sees."""
        return Canvas(self.workspace, self.config.network.stride)

    def score_maps(self, heightmap: Heightmap, grid: AngleGrid = DEPLOYMENT_ANGLES) -> NDArray[np.float32]:
        """Score of every pixel and angle in the world frame, shape ``(grid.count, pixels, pixels)``.

        -inf outside the graspable area. Holes are filled; bare table is scored like everything else.

        Raises:
            ValueError: the heightmap is of another workspace, or has no measured pixel.
        """
        return self.scores_at(heightmap, [float(angle) for angle in grid.angles])

    def scores_at(self, heightmap: Heightmap, angles: Sequence[float]) -> NDArray[np.float32]:
        """``score_maps`` at any angles, radians, shape ``(len(angles), pixels, pixels)``."""
        return self.scores_of([heightmap], angles)[0]

    def scores_of(self, heightmaps: Sequence[Heightmap], angles: Sequence[float]) -> NDArray[np.float32]:
        """``scores_at`` of several scenes, as many in a call of the network as fit.

        Returns:
            Shape ``(len(heightmaps), len(angles), pixels, pixels)``.
        """
        for heightmap in heightmaps:
            if heightmap.workspace != self.workspace:
                raise ValueError(f"the heightmap is of {heightmap.workspace}, the model of {self.workspace}")
        maps = np.full((len(heightmaps), len(angles), *self.workspace.shape), -np.inf, dtype=np.float32)
        canvas, inside = self.canvas, self.workspace.graspable_slice
        turns, count = self.turns(angles), self.config.network.angles.count
        asked = ((scene, turn, wanted) for scene in range(len(heightmaps)) for turn, wanted in turns.items())
        for pictures in self._pictures_of(heightmaps, list(turns)):
            scores = self.score_pictures(pictures).reshape(len(pictures), count, -1)
            for outputs, (scene, turn, wanted) in zip(scores, asked, strict=False):
                pixels = graspable_pixels_at(canvas, turn)
                for index, channel in wanted:
                    maps[scene, index][inside] = outputs[channel][pixels]
        return maps

    def turns(self, angles: Sequence[float]) -> dict[float, list[tuple[int, int]]]:
        """How the scene must be turned for the network to score some angles, see ``rotation.turns_of``."""
        return turns_of(angles, self.config.network.angles)

    def pictures_at(self, heightmap: Heightmap, turns: Sequence[float]) -> Iterator[NDArray[np.float32]]:
        """What the network is shown: the scene turned by each turn, ``(batch, side, side)`` for each call of it."""
        return self._pictures_of([heightmap], turns)

    def _pictures_of(self, heightmaps: Sequence[Heightmap], turns: Sequence[float]) -> Iterator[NDArray[np.float32]]:
        """``pictures_at`` of several scenes: each turned by each turn before the next."""
        normalisation, canvas = self.config.normalisation, self.canvas
        at_once = max(1, self.pixels_per_call // canvas.side**2)
        pictures = (
            scene[source_at(canvas, turn)]
            for scene in (
                normalise(bordered(clean_height(each, normalisation)), normalisation).ravel() for each in heightmaps
            )
            for turn in turns
        )
        while batch := list(islice(pictures, at_once)):
            yield np.stack(batch)

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


def config_on(config: ModelConfig, workspace: Workspace) -> ModelConfig:
    """The config of a model for another workspace; errors as of ``HeightmapScorer.on``."""
    own = config.workspace
    if abs(workspace.pixel_size / own.pixel_size - 1.0) > SAME_PIXEL_SIZE:
        raise UserError(
            f"the model was trained on pixels of {own.pixel_size * 1000:.2f} mm, these heightmaps have "
            f"{workspace.pixel_size * 1000:.2f} mm: make them with {workspace.extent / own.pixel_size:.0f} pixels"
        )
    return replace(config, workspace=workspace)
