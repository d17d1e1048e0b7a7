"""Made-up heightmaps of boxes with a label each, for tests and benchmarks that need pictures but no physics."""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from grasping_student.geometry.grasp import TRAINING_ANGLES
from grasping_student.geometry.workspace import Workspace
from literal.algorithms import Batch


def box_scene(
    workspace: Workspace, random: np.random.Generator, boxes: int = 14
) -> tuple[NDArray[np.float32], tuple[int, int, int]]:
    """A heightmap of turned boxes, metres, and the grasp across the short side of one inside the margin.

    Returns:
        float32 ``(pixels, pixels)`` and ``(row, col, bin of the training grid)`` of the last box drawn, on top of all.
    """
    height = np.zeros(workspace.shape, dtype=np.float32)
    low, high = workspace.margin_pixels + 1, workspace.pixels - workspace.margin_pixels - 1
    for _ in range(boxes):
        length, width = random.uniform(0.035, 0.08), random.uniform(0.015, 0.03)
        angle = random.uniform(0.0, math.pi)
        row, col = (int(i) for i in random.integers(low, high, 2))
        # OpenCV turns clockwise in degrees, in a picture whose rows point down.
        size = (length / workspace.pixel_size, width / workspace.pixel_size)
        corners = cv2.boxPoints(((float(col), float(row)), size, -math.degrees(angle)))
        top = float(height[row, col]) * 0.5 + random.uniform(0.02, 0.04)
        cv2.fillConvexPoly(height, corners.round().astype(np.int32), top)
    return height, (row, col, TRAINING_ANGLES.index(angle + math.pi / 2))


def box_batch(workspace: Workspace, count: int, random: np.random.Generator, boxes: int = 14) -> Batch:
    """A batch of box scenes with a label each.

    A third of the labels say failure, at a pixel and an angle drawn at random.
    """
    scenes, labels, successes = [], [], []
    low, high = workspace.margin_pixels, workspace.pixels - workspace.margin_pixels
    for index in range(count):
        height, label = box_scene(workspace, random, boxes)
        success = index % 3 != 2
        if not success:
            label = (*(int(i) for i in random.integers(low, high, 2)), int(random.integers(TRAINING_ANGLES.count)))
        scenes.append(height)
        labels.append(label)
        successes.append(float(success))
    rows, cols, bins = torch.tensor(labels).T.contiguous().clone()
    pictures = torch.from_numpy(np.stack(scenes))[:, None]
    return Batch(pictures, rows, cols, bins, torch.tensor(successes))
