"""One block on the table, one grasp: every outcome by its cause."""

import math
from dataclasses import replace

import numpy as np
import pytest

from grasping_student.geometry.grasp import Outcome
from grasping_student.simulation.blocks import Block
from grasping_student.simulation.engine import GripperPose, open_engine
from grasping_student.simulation.families import standard
from grasping_student.simulation.grasp_attempt import attempt_grasp

RED = (200, 40, 40)
CUBE = Block("cube", (0.035, 0.035, 0.035), RED)
PLANK = Block("plank", (0.095, 0.04, 0.03), RED)


@pytest.fixture(scope="module", params=["mujoco", "pybullet"])
def engine(request):
    pytest.importorskip(request.param)
    engine = open_engine(replace(standard(), engine=request.param))
    yield engine
    engine.close()


def lying(*placed):
    """Blocks flat on the table: (block, x, y, turn in radians)."""
    poses = [(x, y, b.size[2] / 2, 0.0, 0.0, math.sin(t / 2), math.cos(t / 2)) for b, x, y, t in placed]
    return [b for b, *_ in placed], np.array(poses)


def grasp(engine, placed, x=0.0, y=0.0, angle=0.0, tip=0.01):
    return attempt_grasp(engine, *lying(*placed), GripperPose(x, y, angle, tip))


@pytest.mark.parametrize("angle", [0.0, math.pi / 2, 0.7])
def test_a_free_cube_gripped_across_its_sides_leaves_with_the_gripper(engine, angle):
    attempt = grasp(engine, [(CUBE, 0.03, -0.02, angle)], 0.03, -0.02, angle)
    assert attempt.outcome is Outcome.SUCCESS
    assert attempt.removed == [0]


def test_closing_beside_a_cube_misses_it(engine):
    attempt = grasp(engine, [(CUBE, 0.06, 0.06, 0.0)])
    assert attempt.outcome is Outcome.MISSED
    assert attempt.removed == []
    np.testing.assert_allclose(attempt.poses[0, :3], (0.06, 0.06, 0.0175), atol=1e-3)


def test_a_plank_is_held_across_its_short_side_and_struck_along_its_long_one(engine):
    assert grasp(engine, [(PLANK, 0.0, 0.0, 0.0)], angle=math.pi / 2).outcome is Outcome.SUCCESS
    along = grasp(engine, [(PLANK, 0.0, 0.0, 0.0)], angle=0.0)
    assert along.outcome is Outcome.COLLISION
    np.testing.assert_allclose(along.poses[0, :3], (0.0, 0.0, 0.015), atol=1e-3)


def test_a_neighbour_under_a_finger_is_a_collision(engine):
    free = grasp(engine, [(CUBE, 0.0, 0.0, 0.0), (CUBE, 0.0, 0.055, 0.0)], angle=0.0)
    assert free.outcome is Outcome.SUCCESS
    struck = grasp(engine, [(CUBE, 0.0, 0.0, 0.0), (CUBE, 0.052, 0.0, 0.0)], angle=0.0)
    assert struck.outcome is Outcome.COLLISION
    assert struck.removed == []


def test_tips_above_the_block_close_on_nothing(engine):
    assert grasp(engine, [(CUBE, 0.0, 0.0, 0.0)], tip=0.05).outcome is Outcome.MISSED


def test_a_block_hung_at_its_very_end_is_not_held_like_one_at_its_middle(engine):
    middle = grasp(engine, [(PLANK, 0.0, 0.0, 0.0)], angle=math.pi / 2)
    beyond = grasp(engine, [(PLANK, 0.062, 0.0, 0.0)], angle=math.pi / 2)
    assert middle.outcome is Outcome.SUCCESS
    assert beyond.outcome is not Outcome.SUCCESS


def test_what_rested_on_a_picked_block_falls(engine):
    blocks = [CUBE, Block("plank", (0.09, 0.03, 0.02), RED)]
    upright = (0.0, 0.0, 0.0, 1.0)
    poses = np.array([(0.0, 0.0, 0.0175, *upright), (0.0, 0.02, 0.045, *upright)])
    attempt = attempt_grasp(engine, blocks, poses, GripperPose(0.0, -0.005, 0.0, 0.01))
    if attempt.removed == [0]:
        assert attempt.poses[1, 2] < 0.04
    else:
        assert attempt.outcome is not Outcome.SUCCESS or attempt.removed == [0, 1]


def test_two_blocks_gripped_in_a_row_leave_together(engine):
    attempt = grasp(engine, [(CUBE, -0.018, 0.0, 0.0), (CUBE, 0.018, 0.0, 0.0)], angle=0.0)
    assert attempt.outcome is Outcome.SUCCESS
    assert attempt.removed == [0, 1]
