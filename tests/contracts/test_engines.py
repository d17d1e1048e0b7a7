"""What every physics engine promises. To put another under contract, add its name to ``ENGINES``."""

import math
import re
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from grasping_student.cli.main import main
from grasping_student.geometry.grasp import Outcome
from grasping_student.pipeline.errors import UserError
from grasping_student.simulation.blocks import Block, rotation_of
from grasping_student.simulation.compound import compound
from grasping_student.simulation.config import BinWalls
from grasping_student.simulation.engine import LEFT, RIGHT, TIP, GripperPose, open_engine
from grasping_student.simulation.families import standard
from grasping_student.simulation.grasp_attempt import attempt_grasp, begin_grasp
from grasping_student.simulation.materials import Material
from grasping_student.simulation.scene import build_scene, drop_scene
from grasping_student.simulation.solids import Box, Cylinder, Hull

ENGINES = ("mujoco", "pybullet")
BIN = BinWalls(height=0.06, slope=10.0, inside=0.33)
RED = (200, 40, 40)
CUBE = Block("cube", (0.035, 0.035, 0.035), RED)
FLAT = (
    CUBE,
    Block("cuboid", (0.058, 0.03, 0.03), RED),
    Block("plank", (0.095, 0.04, 0.03), RED),
    Block("arch", (0.068, 0.036, 0.03), RED),
    Block("half_cylinder", (0.052, 0.026, 0.044), RED),
    Block("hexagonal_prism", (0.038, 0.034, 0.044), RED),
    Block("cylinder", (0.034, 0.034, 0.048), RED),
)
TILTED = tuple(Rotation.from_rotvec([0.0, 0.6, 0.0]).as_quat().tolist())
COMPOUNDS = (
    compound(
        "bracket", [(Box((0.03, 0.015, 0.004)), RED), (Box((0.004, 0.015, 0.02), (-0.026, 0, 0.024)), RED)], Material()
    ),
    compound("pan", [(Cylinder(0.03, 0.006), RED), (Box((0.03, 0.006, 0.004), (0.058, 0, 0.0)), RED)], Material()),
    compound(
        "wedge",
        [(Hull(0.02 * np.array([(-1, -1, -1), (2, -1, -1), (-1, 1, -1), (2, 1, -1), (2, -1, 1), (2, 1, 1)])), RED)],
        Material(),
    ),
    compound(
        "prop",
        [
            (Box((0.02, 0.02, 0.01)), RED),
            (Cylinder(0.008, 0.03, (0.01, 0, 0.02), TILTED), RED),
            (Hull(0.01 * np.array([(-2, -1, 1), (-2, 1, 1), (-1, -1, 1), (-1, 1, 1), (-2, 0, 3)])), RED),
        ],
        Material(),
    ),
)
LIFTED = np.array([0, 0, 0.001, 0, 0, 0, 0])
COMPOUND_POSES = np.array([(0.11 * i - 0.17, 0.0, 0.06, 0.1, 0.2, 0.3, 0.9) for i in range(4)])
COMPOUND_POSES[:, 3:] /= np.linalg.norm(COMPOUND_POSES[:, 3:], axis=1, keepdims=True)


@pytest.fixture(params=ENGINES)
def engine(request):
    pytest.importorskip(request.param, reason=f"the physics engine {request.param} is not installed")
    engine = open_engine(replace(standard(), engine=request.param))
    yield engine
    engine.close()


def upright(*placed):
    """Blocks standing on the table: (block, x, y, turn in radians)."""
    poses = [(x, y, b.size[2] / 2, 0.0, 0.0, math.sin(t / 2), math.cos(t / 2)) for b, x, y, t in placed]
    return [b for b, *_ in placed], np.array(poses)


def all_shapes():
    """One block of each shape, each 1 mm above the table."""
    blocks, poses = upright(
        *((block, 0.1 * (i % 3) - 0.1, 0.1 * (i // 3) - 0.1, 0.3 * i) for i, block in enumerate(FLAT))
    )
    poses[:, 2] += 0.001
    return blocks, poses


def everything(blocks):
    return np.ones(len(blocks), dtype=bool)


def corners(blocks, poses):
    """Corners of all blocks in the world frame, ``(count, 3)``."""
    turns = rotation_of(poses[:, 3:])
    return np.concatenate(
        [b.triangles.reshape(-1, 3) @ turn.T + pose[:3] for b, pose, turn in zip(blocks, poses, turns, strict=True)]
    )


def test_blocks_put_down_come_to_rest_where_they_were_put_in_every_engine(engine):
    blocks, poses = all_shapes()
    build_scene(engine, blocks, poses, everything(blocks))
    assert engine.settle(everything(blocks), 2.0)
    expected = poses - [0, 0, 0.001, 0, 0, 0, 0]
    np.testing.assert_allclose(engine.poses()[:, :3], expected[:, :3], atol=0.001)  # so two engines agree within 2 mm
    turned = 1.0 - np.abs(np.sum(engine.poses()[:, 3:] * poses[:, 3:], axis=1))
    assert turned.max() < 1e-4


def test_an_item_of_several_parts_rests_where_it_rests_in_the_default_engine(engine):
    reference = open_engine(standard())
    build_scene(reference, COMPOUNDS, COMPOUND_POSES, everything(COMPOUNDS))
    assert reference.settle(everything(COMPOUNDS), 3.0)
    poses = reference.poses()
    build_scene(engine, COMPOUNDS, poses + LIFTED, everything(COMPOUNDS))
    engine.settle(everything(COMPOUNDS), 2.0)
    np.testing.assert_allclose(engine.poses()[:, :3], poses[:, :3], atol=0.002)
    assert corners(COMPOUNDS, engine.poses())[:, 2].min() > -0.002


def test_what_is_frozen_stays_and_carries_what_is_not(engine):
    blocks, poses = upright((FLAT[2], 0.0, 0.0, 0.0), (CUBE, 0.0, 0.0, 0.0))
    poses[:, 2] += (0.05, 0.08)
    build_scene(engine, blocks, poses, np.array([False, True]))
    assert engine.settle(np.array([False, True]), 2.0)
    after = engine.poses()
    np.testing.assert_array_equal(after[0], poses[0])
    np.testing.assert_allclose(after[1, 2], 0.05 + 0.03 + 0.0175, atol=0.001)
    assert engine.contacts() == [(0, 1)]
    engine.remove(1)
    engine.step(3)
    assert engine.contacts() == []


def test_steps_of_a_fall_last_as_long_as_asked_and_what_comes_to_rest_is_slowed_by_thick_air(engine):
    blocks, poses = upright((CUBE, 0.0, 0.0, 0.0))
    poses[:, 2] += 1.0
    for step in (1 / 240, 1 / 120):
        engine.config = replace(engine.config, fall_step=step)
        build_scene(engine, blocks, poses, everything(blocks))
        engine.fall(0.2)
        assert poses[0, 2] - engine.poses()[0, 2] == pytest.approx(9.81 / 2 * 0.2**2, rel=0.07)
    fallen = []
    for drag in (1.0, 20.0):
        engine.config = replace(engine.config, settle_drag=drag)
        build_scene(engine, blocks, poses, everything(blocks))
        engine.prefer_rest()
        engine.step(engine.steps_of(0.4))
        fallen.append(poses[0, 2] - engine.poses()[0, 2])
    np.testing.assert_allclose(fallen, (0.77, 0.48), atol=0.03)  # speed lost in a second: a fifth, and nearly all


@pytest.mark.parametrize("seed", [0, 1])
def test_a_pile_rests_in_the_bin_and_comes_out_the_same_again(engine, seed):
    blocks, poses = drop_scene(engine, seed)
    assert corners(blocks, poses)[:, 2].min() > -0.003
    assert np.abs(corners(blocks, poses)[:, :2]).max() < 0.225 + 0.003
    build_scene(engine, blocks, poses, everything(blocks))
    engine.prefer_rest()
    engine.step(engine.steps_of(1.0))
    drift = np.linalg.norm(engine.poses()[:, :3] - poses[:, :3], axis=1)
    assert np.median(drift) < 0.0005
    assert (drift < 0.005).mean() > 0.9
    again, same = drop_scene(engine, seed)
    np.testing.assert_array_equal(poses, same)
    assert [block.size for block in again] == [block.size for block in blocks]


def test_a_grasp_repeats_exactly_whatever_the_engine_did_before(engine):
    blocks, poses = upright((CUBE, 0.0, 0.0, 0.2), (FLAT[2], 0.05, 0.03, 0.4), (FLAT[6], -0.04, 0.05, 0.0))
    grasp = GripperPose(0.01, 0.0, 0.3, 0.012)
    first = attempt_grasp(engine, blocks, poses, grasp)
    attempt_grasp(engine, *upright((FLAT[3], 0.02, 0.0, 0.1)), GripperPose(0.0, 0.02, 0.0, 0.02))
    second = attempt_grasp(engine, blocks, poses, grasp)
    assert first.outcome is second.outcome
    np.testing.assert_array_equal(first.poses, second.poses)


@pytest.mark.parametrize("block", FLAT, ids=[block.shape for block in FLAT])
def test_a_grasp_across_the_middle_of_any_shape_holds(engine, block):
    turn = 0.4
    across = turn + (math.pi / 2 if block.size[0] > block.size[1] else 0.0)
    result = attempt_grasp(engine, *upright((block, 0.02, -0.03, turn)), GripperPose(0.02, -0.03, across, 0.01))
    assert result.outcome is Outcome.SUCCESS
    assert result.removed == [0]


def test_the_gripper_moves_as_it_is_told_and_its_fingers_stay_symmetric(engine):
    gripper, _ = begin_grasp(engine, *upright((CUBE, 0.15, 0.15, 0.0)), GripperPose(-0.1, -0.1, 0.5, 0.02))
    config = engine.config.gripper
    assert gripper.tip() == pytest.approx(0.02 + 0.015, abs=0.001)
    assert gripper.gap() == pytest.approx(config.geometry.opening, abs=0.002)
    assert gripper.descend(0.02)
    gripper.close()
    assert gripper.gap() < config.empty_gap
    assert gripper.held() == []
    assert abs(engine.joints()[LEFT] - engine.joints()[RIGHT]) < 0.001
    np.testing.assert_allclose(engine.joints()[:4], (-0.1, -0.1, 0.02, 0.5), atol=0.001)
    gripper.lift()
    assert engine.joints()[TIP] > 0.02


def test_nothing_leaves_the_bin_or_sinks_while_it_is_grasped_at(engine):
    blocks, poses = drop_scene(engine, 7)
    random = np.random.default_rng(7)
    for _ in range(12):
        x, y = poses[random.integers(len(poses)), :2].clip(-0.15, 0.15)
        result = attempt_grasp(engine, blocks, poses, GripperPose(x, y, random.uniform(0, math.pi), 0.02))
        kept = np.setdiff1d(np.arange(len(blocks)), result.removed)
        blocks, poses = [blocks[i] for i in kept], result.poses[kept]
        assert corners(blocks, poses)[:, 2].min() > -0.005
        assert np.abs(corners(blocks, poses)[:, :2]).max() < 0.225 + 0.005
        assert poses[:, 2].max() < 0.3


@pytest.fixture(params=ENGINES)
def walled(request):
    pytest.importorskip(request.param, reason=f"the physics engine {request.param} is not installed")
    engine = open_engine(replace(standard(), engine=request.param, walls=BIN))
    yield engine
    engine.close()


@pytest.mark.parametrize("side", range(4))
def test_a_grasp_near_a_wall_collides_with_it_across_and_holds_along(walled, side):
    turn = side * math.pi / 2
    x, y = (0.165 - 0.02) * np.array([math.cos(turn), math.sin(turn)])
    scene = upright((CUBE, x, y, turn))
    across = attempt_grasp(walled, *scene, GripperPose(x, y, turn, 0.01))
    along = attempt_grasp(walled, *scene, GripperPose(x, y, turn + math.pi / 2, 0.01))
    assert (across.outcome, along.outcome) == (Outcome.COLLISION, Outcome.SUCCESS)


def test_the_gripper_passes_above_the_rim(walled):
    gripper, _ = begin_grasp(walled, *upright((CUBE, 0.0, 0.0, 0.0)), GripperPose(0.14, 0.0, 0.0, BIN.height + 0.003))
    assert gripper.descend(BIN.height + 0.003)
    assert not gripper.descend(BIN.height - 0.01)


def test_nothing_leaves_a_bin_with_walls(walled):
    def check():
        points = corners(blocks, poses)
        inside = BIN.inside / 2 + np.clip(points[:, 2:], 0.0, BIN.height) * math.tan(math.radians(BIN.slope))
        assert points[:, 2].min() > -0.005
        assert (np.abs(points[:, :2]) < inside + 0.005).all()

    blocks, poses = drop_scene(walled, 3)
    check()
    random = np.random.default_rng(3)
    for _ in range(12):
        x, y = random.uniform(-0.16, 0.16, size=2)
        result = attempt_grasp(walled, blocks, poses, GripperPose(x, y, random.uniform(0, math.pi), 0.02))
        kept = np.setdiff1d(np.arange(len(blocks)), result.removed)
        blocks, poses = [blocks[i] for i in kept], result.poses[kept]
        check()


def test_closing_twice_does_no_harm(engine):
    engine.close()
    engine.close()


def test_an_unknown_engine_is_refused_with_the_valid_ones():
    with pytest.raises(UserError, match=r"'bullet'.*mujoco, pybullet"):
        open_engine(replace(standard(), engine="bullet"))


@pytest.mark.parametrize(("version", "remedy"), [((3, 11), "install"), ((3, 13), "no wheels beyond Python 3.11")])
def test_an_engine_that_is_not_installed_is_told_in_one_sentence(monkeypatch, capsys, tmp_path, version, remedy):
    monkeypatch.setitem(sys.modules, "pybullet", None)
    monkeypatch.setattr(sys, "version_info", (*version, 0))
    assert main(["collect", "--count", "1", "--engine", "pybullet", "--out", str(tmp_path / "labels")]) == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    assert re.search(f"pybullet is not installed; .*{remedy}.*paper-engine.*, or take --engine mujoco", sentence)
    assert not (tmp_path / "labels").exists()
