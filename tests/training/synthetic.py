"""Small scenes of boxes on a table, each box gripped across its short side: enough to learn from in seconds."""

import math
from pathlib import Path

import cv2
import numpy as np

from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import DatasetWriter
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.rotation import bordered
from grasping_student.training.batches import Group
from grasping_student.training.labels import HEIGHT_UNIT, Labels, Scenes

SMALL = Workspace(extent=0.16, pixels=40, margin=0.02)
"""4 mm pixels, 30 x 30 of them graspable: a canvas of 48 pixels for a network of stride 16."""


def draw_scene(workspace: Workspace, random: np.random.Generator, boxes: int = 3) -> tuple[Heightmap, PlanarGrasp]:
    """A scene and the good grasp of its last, topmost box."""
    height = np.zeros(workspace.shape, dtype=np.float32)
    low, high = workspace.margin_pixels, workspace.pixels - workspace.margin_pixels
    for _ in range(boxes):
        row, col = random.integers(low + 2, high - 2, 2)
        angle, top = random.uniform(0.0, math.pi), random.uniform(0.02, 0.05)
        # OpenCV turns clockwise in a picture whose rows run down; its width lies along the fingers' line
        box = cv2.boxPoints(((float(col), float(row)), (4.0, 12.0), -math.degrees(angle)))
        cv2.fillConvexPoly(height, np.round(box).astype(np.int32), float(top))
    grasp = PlanarGrasp(int(row), int(col), angle)
    return Heightmap(height, np.zeros((*workspace.shape, 3), np.uint8), workspace), grasp


def write_dataset(
    path: Path,
    count: int,
    seed: int,
    labelled: bool = True,
    failures: int = 0,
    workspace: Workspace = SMALL,
    source: str = "script",
    an_episode: int = 1,
) -> Path:
    """A dataset of ``count`` scenes, ``an_episode`` of them each; the first ``failures`` are gripped the long way."""
    random = np.random.default_rng(seed)
    with DatasetWriter(path, workspace) as writer:
        for number in range(count):
            scene, grasp = draw_scene(workspace, random)
            values = {}
            if labelled:
                failed = number < failures
                grasp = PlanarGrasp(grasp.row, grasp.col, grasp.angle + math.pi / 2 * failed)
                outcome = Outcome.MISSED if failed else Outcome.SUCCESS
                values = {"source": source, "grasp": grasp, "z": 0.01, "outcome": outcome}
            episode, index = divmod(number, an_episode)
            writer.append(scene, Attempt(episode=episode, index=index, environment="synthetic", **values))
    return path


def bars(seed: int, count: int = 4) -> Group:
    """Scenes of one long bar each, gripped across its short side, the grasp in its middle."""
    random = np.random.default_rng(seed)
    angles, places = random.uniform(0.0, math.pi, count), random.integers(17, 23, (count, 2))
    heights = np.zeros((count, *SMALL.shape), np.float32)
    for height, angle, (row, col) in zip(heights, angles, places, strict=True):
        y, x = row - np.arange(SMALL.pixels)[:, None], np.arange(SMALL.pixels) - col
        across, along = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
        height[(np.abs(across) <= 1.6) & (np.abs(along) <= 9.6)] = 0.03
    ones = np.ones(count, np.float32)
    labels = Labels(np.arange(count), places[:, 0].astype(int), places[:, 1].astype(int), angles, ones, ones)
    stored = np.stack([np.rint(bordered(height) / HEIGHT_UNIT).astype(np.uint16) for height in heights])
    return Group(labels, Scenes(labels.scene, stored), count)


def direction_across(picture: np.ndarray) -> float:
    """Direction across the bar in a normalised canvas picture, counter-clockwise from its columns, radians."""
    row, col = np.nonzero(picture > picture.min() + 0.5)
    x, y = col - col.mean(), row.mean() - row
    along = 0.5 * math.atan2(2.0 * (x * y).mean(), (x * x).mean() - (y * y).mean())
    return along + math.pi / 2
