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
