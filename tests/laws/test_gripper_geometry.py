"""Room for the fingers: against a literal search, and against what a gripper obviously can and cannot do."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry, finger_clearance, tip_height
from grasping_student.geometry.workspace import Workspace

WORKSPACE = Workspace(extent=0.2, pixels=50, margin=0.06)
SHAPE = GripperGeometry()


def literal_clearance(height, grasp, shape, workspace):
    """Points all over both finger pads, one by one."""
    x, y = grasp.xy(workspace)
    cos, sin = math.cos(grasp.angle), math.sin(grasp.angle)
    away = (shape.opening + shape.finger_thickness) / 2
    step = workspace.pixel_size / 2
    along = np.linspace(-0.5, 0.5, math.ceil(shape.finger_thickness / step) + 1) * shape.finger_thickness
    across = np.linspace(-0.5, 0.5, math.ceil(shape.finger_width / step) + 1) * shape.finger_width
    highest = 0.0
    for side in (-away, away):
        for u in along:
            for v in across:
                row, col = workspace.pixel_from_xy(x + cos * (side + u) - sin * v, y + sin * (side + u) + cos * v)
                highest = max(highest, height[row, col])
    return tip_height(height, grasp.row, grasp.col, shape) - highest


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(15, 34), st.integers(15, 34), st.integers(0, 63))
def test_every_pixel_agrees_with_a_literal_search(seed, row, col, index):
    height = np.random.default_rng(seed).uniform(0, 0.06, WORKSPACE.shape).astype(np.float32)
    angle = index * math.pi / 64 + 0.001  # off the multiples where a sample lies exactly between two pixels
    room = finger_clearance(height, np.array([angle]), SHAPE, WORKSPACE)
    literal = literal_clearance(height, PlanarGrasp(row, col, angle), SHAPE, WORKSPACE)
    assert room[0, row, col] == pytest.approx(literal, abs=1e-6)


def test_a_long_plank_can_be_gripped_across_but_not_along():
    height = np.zeros(WORKSPACE.shape, dtype=np.float32)
    height[23:27, 5:45] = 0.04  # 16 mm wide, 160 mm long, along x
    along, across = finger_clearance(height, np.array([0.0, math.pi / 2]), SHAPE, WORKSPACE)
    assert along[25, 25] == pytest.approx(-SHAPE.finger_depth, abs=1e-6)
    assert across[25, 25] == pytest.approx(0.04 - SHAPE.finger_depth, abs=1e-6)


def test_holes_must_be_filled_first():
    height = np.full(WORKSPACE.shape, np.nan, dtype=np.float32)
    with pytest.raises(ValueError, match="fill_holes"):
        finger_clearance(height, np.array([0.0]), SHAPE, WORKSPACE)
