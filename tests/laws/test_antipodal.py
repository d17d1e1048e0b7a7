"""Antipodal contacts: against a literal search, and against blocks whose good grasps anybody can name."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grasping_student.geometry.antipodal import (
    ALONG_STEP,
    FEWEST_LINES,
    LINES,
    OVER_TIPS,
    AntipodalContacts,
    contact_quality,
)
from grasping_student.geometry.grasp import TRAINING_ANGLES
from grasping_student.geometry.grasp_constraints import CONSTRAINTS, GraspConstraintConfig
from grasping_student.geometry.gripper import GripperGeometry, finger_clearance
from grasping_student.geometry.workspace import Workspace

WORKSPACE = Workspace(extent=0.3, pixels=75, margin=0.08)
SHAPE = GripperGeometry()


def block(turned: float = 0.0, length: float = 0.06, width: float = 0.03, height: float = 0.04) -> np.ndarray:
    """A cuboid in the middle, its long side along x when it is not turned; 0 elsewhere."""
    box = cv2.boxPoints(((37.0, 37.0), (length / 0.004, width / 0.004), -math.degrees(turned)))
    picture = np.zeros((75, 75), np.float32)
    cv2.fillPoly(picture, [np.round(box * 16).astype(np.int32)], height, shift=4)
    return picture


def literal_quality(picture, angle, row, col):
    """Sample by sample, line by line, with an interpolation of its own."""

    def height_at(r, c):
        r, c = min(max(r, 0.0), 74.0), min(max(c, 0.0), 74.0)
        r0, c0 = min(int(r), 73), min(int(c), 73)
        fr, fc = r - r0, c - c0
        top = picture[r0, c0] * (1 - fc) + picture[r0, c0 + 1] * fc
        low = picture[r0 + 1, c0] * (1 - fc) + picture[r0 + 1, c0 + 1] * fc
        return top * (1 - fr) + low * fr

    surface = picture[row - 1 : row + 2, col - 1 : col + 2].mean()
    tip = max(surface - SHAPE.finger_depth, SHAPE.clearance)
    steps = int(SHAPE.opening / 2 / ALONG_STEP)
    over, lefts, rights, lines = [], [], [], []
    for number in range(LINES):
        v = SHAPE.finger_width * (number / (LINES - 1) - 0.5)
        held = []
        for step in range(-steps, steps + 1):
            u = step * ALONG_STEP
            x, y = math.cos(angle) * u - math.sin(angle) * v, math.sin(angle) * u + math.cos(angle) * v
            rise = height_at(row - y / 0.004, col + x / 0.004) - tip
            if rise > OVER_TIPS:
                over.append(rise)
                held.append(u)
        if held:
            lines.append(v)
            lefts.append(held[0])
            rights.append(held[-1])
    grip = np.mean(over) / max(surface - tip, OVER_TIPS) if over else 0.0
    if len(lines) < FEWEST_LINES:
        return grip, math.inf
    half = 1e-9
    sides = [np.array(each) for each in (lefts, rights)]
    lines = np.array(lines)
    parts = [np.isfinite(lines), lines <= half, lines >= -half]
    fits = [(side[part], lines[part]) for side in sides for part in parts if part.sum() >= FEWEST_LINES - 1]
    return grip, max(abs(np.polyfit(line, side, 1)[0]) for side, line in fits)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(0, 63))
def test_quality_agrees_with_a_literal_search(seed, index):
    random = np.random.default_rng(seed)
    picture = cv2.GaussianBlur(random.uniform(0, 0.12, (75, 75)).astype(np.float32), (5, 5), 2)
    angle, row, col = TRAINING_ANGLES.angle(index), int(random.integers(20, 55)), int(random.integers(20, 55))
    grip, skew = contact_quality(picture, angle, np.array([row]), np.array([col]), SHAPE, WORKSPACE)
    expected_grip, expected_skew = literal_quality(picture, angle, row, col)
    # OpenCV interpolates between 32 steps a pixel: a sample at the threshold may fall on the other side
    assert grip[0] == pytest.approx(expected_grip, abs=0.02)
    assert skew[0] == pytest.approx(expected_skew, abs=0.15)


@settings(deadline=None, max_examples=30)
@given(st.floats(0.0, math.pi))
def test_a_block_is_gripped_across_its_short_side_however_it_lies(turned):
    allowed = AntipodalContacts().allows(block(turned, length=0.1), TRAINING_ANGLES.angles, WORKSPACE)
    angles = TRAINING_ANGLES.angles[allowed[:, 37, 37]]
    off = np.abs((angles - turned - math.pi / 2 + math.pi / 2) % math.pi - math.pi / 2)
    assert len(angles) and off.max() < math.atan(0.6) + 0.12
    nearest = TRAINING_ANGLES.index(turned + math.pi / 2)
    assert allowed[nearest, 37, 37]


def test_a_corner_between_the_fingers_an_edge_under_them_and_a_neighbour_are_refused():
    rule, across = AntipodalContacts(), np.array([math.pi / 2])
    assert rule.allows(block(), across, WORKSPACE)[0, 37, 37]
    assert not rule.allows(block(turned=math.pi / 4, length=0.03), across, WORKSPACE)[0, 37, 37]  # on its corners
    assert not rule.allows(block(length=0.005), across, WORKSPACE)[0, 37, 37]  # a thin plate on edge
    crowded = block()
    crowded[20:28, 30:45] = 0.04  # where a finger would come down
    assert not rule.allows(crowded, across, WORKSPACE)[0, 37, 37]
    round_top = cv2.GaussianBlur(block(length=0.03), (0, 0), 3)
    assert not rule.allows(round_top, across, WORKSPACE)[0, 37, 37]  # falls away from the middle


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_what_passes_has_room_and_lies_inside_the_margin_and_a_turned_scene_gives_turned_grasps(seed):
    random = np.random.default_rng(seed)
    scene = np.zeros((75, 75), np.float32)
    for _ in range(8):
        row, col, side = random.integers(15, 55), random.integers(15, 55), random.integers(5, 12)
        scene[row : row + side, col : col + 2 * side] = random.uniform(0.02, 0.06)
    angles = TRAINING_ANGLES.angles[::16]
    allowed = AntipodalContacts().allows(scene, angles, WORKSPACE)
    outside = np.ones((75, 75), dtype=bool)
    outside[WORKSPACE.graspable_slice] = False
    assert not allowed[:, outside].any()
    assert (finger_clearance(scene, angles, SHAPE, WORKSPACE)[allowed] >= 0.005).all()
    half_turn = AntipodalContacts().allows(np.ascontiguousarray(scene[::-1, ::-1]), angles, WORKSPACE)[:, ::-1, ::-1]
    assert (half_turn != allowed).mean() < 0.001  # equal but for samples on a threshold


def test_constraints_by_name_and_numbers_that_none_can_mean():
    assert GraspConstraintConfig().make() is None
    assert all(GraspConstraintConfig(name).make() is not None for name in CONSTRAINTS if name != "none")
    for values in ({"min_clearance": 5.0}, {"min_contact_height": 1.5}, {"friction": 0.0}):
        with pytest.raises(ValueError, match=next(iter(values))):
            GraspConstraintConfig("antipodal", **values)
