"""One road from a camera to a grasp: one recorded bin through ``predict`` and through the robot cell."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.serving.tabletop import LIGHT, arguments, frame_of, tabletop

from grasping_student.cameras.recorded import RecordedCamera
from grasping_student.cameras.simulated import looking_down
from grasping_student.cli.main import main
from grasping_student.environments.robot_cell import RobotCell
from grasping_student.episodes.policy_spec import make_policy
from grasping_student.geometry.grasp import Outcome, PlanarGrasp, angle_distance
from grasping_student.geometry.limits_config import GraspLimitsConfig
from grasping_student.perception.frame_files import save_frame
from grasping_student.perception.heightmap_repair import HeightmapRepairConfig
from grasping_student.policies.base import NothingToGrasp
from grasping_student.robots.cell.camera_view import CameraView
from grasping_student.robots.cell.config import CellConfig, PickConfig
from grasping_student.robots.cell.dry_run import DryRunArm, DryRunGripper, MotionLog
from grasping_student.robots.pose import finger_angle, tool_down
from grasping_student.serving.loading import PRETRAINED

WALLED = tabletop(((0.05, 0.05, 0.03, 0.08, 0.04), (-0.06, -0.06, 0.09, 0.025, 0.03)), walls=0.09)


def low_table(frame):
    """The same frame with a pose whose table lies 5 mm too low and is tilted by a degree."""
    pose = looking_down(0.75, 0.15 + 0.02)
    pose[2, 3] += 0.005
    return replace(frame, camera_to_world=pose)


def cell_over(folder):
    """A cell that sees a recorded frame, with a log in place of arm and gripper."""
    log = MotionLog(tool_down(0.0, -0.45, 0.4, 0.0), log=lambda line: None)
    config = CellConfig(workspace=LIGHT, pick=PickConfig(opening="fitted"))
    view = CameraView(RecordedCamera(folder, repeat=True), LIGHT, HeightmapRepairConfig())
    return RobotCell(config, DryRunArm(log), DryRunGripper(log), view, lambda text: None), log


@pytest.mark.parametrize("spoil", [lambda frame: frame, low_table], ids=["right pose", "wrong pose"])
def test_predict_and_the_cell_find_the_same_grasp_height_and_opening(tmp_path, spoil):
    save_frame(spoil(frame_of(WALLED)), tmp_path / "scene")
    assert main(arguments(tmp_path / "scene", tmp_path / "out", "--backend", "torch")) == 0
    written = json.loads((tmp_path / "out" / "grasp.json").read_text())["grasp"]
    cell, log = cell_over(tmp_path / "scene")
    with cell:
        policy = make_policy(str(PRETRAINED), cell)
        cell.reset(0)
        grasp, score = policy(cell.observe())
        assert (grasp.row, grasp.col, score) == (written["row"], written["col"], written["score"])
        assert angle_distance(grasp.angle, written["angle"]) < 1e-9
        log.motions.clear()
        cell.execute(grasp)
    (descent,) = [motion for motion in log.motions if motion.kind == "descend"]
    x, y, z, angle = cell.config.workspace_in_base.world_point(descent.end)
    np.testing.assert_allclose((x, y, z), [written[name] for name in "xyz"], atol=1e-9)
    assert angle_distance(angle, written["angle"]) < 1e-6
    assert angle_distance(finger_angle(descent.end), written["angle"]) < 1e-6
    opened = next(motion.stroke_mm for motion in log.motions if motion.kind == "fingers")
    assert opened == pytest.approx(1000.0 * written["width"])


def test_the_cell_refuses_the_wall_that_predict_leaves_out(tmp_path):
    narrow = tabletop()
    every = np.arange(narrow.workspace.pixels)
    x, y = narrow.workspace.xy_from_pixel(every, every)
    narrow.height[np.maximum(np.abs(x)[None, :], np.abs(y)[:, None]) > 0.15] = 0.09  # walls inside the graspable area
    save_frame(frame_of(narrow), tmp_path / "scene")
    cell, log = cell_over(tmp_path / "scene")
    with cell:
        cell.reset(0)
        seen = cell.observe()
        walls = np.argwhere(seen.excluded & LIGHT.graspable_mask())
        assert len(walls), "the walls reach into the graspable area"
        row, col = walls[0]
        log.motions.clear()
        assert cell.execute(PlanarGrasp(row, col, 0.0)) is Outcome.OUT_OF_REACH
        assert not any(motion.kind == "descend" for motion in log.motions)


def test_limits_choose_the_same_grasp_in_predict_and_in_the_cell_which_does_no_other(tmp_path):
    save_frame(frame_of(WALLED), tmp_path / "scene")
    limits = GraspLimitsConfig(region=(-0.12, -0.09, -0.01, -0.03), closing_angle_degrees=(60.0, 120.0))
    given = ["--region", *limits.region, "--closing-angle-degrees", 60, 120]
    assert main(arguments(tmp_path / "scene", tmp_path / "out", *given, "--backend", "torch")) == 0
    written = json.loads((tmp_path / "out" / "grasp.json").read_text())["grasp"]
    cell, log = cell_over(tmp_path / "scene")
    cell.config = replace(cell.config, limits=limits)
    with cell:
        cell.reset(0)
        grasp, score = make_policy(str(PRETRAINED), cell)(cell.observe())
        assert (grasp.row, grasp.col, score) == (written["row"], written["col"], written["score"])
        log.motions.clear()
        beside = PlanarGrasp.from_xy(0.05, 0.05, grasp.angle, LIGHT)
        turned = PlanarGrasp(grasp.row, grasp.col, grasp.angle + np.pi / 2)
        assert cell.execute(beside) is cell.execute(turned) is Outcome.OUT_OF_REACH
        assert not any(motion.kind == "descend" for motion in log.motions)


def test_in_an_empty_bin_neither_finds_anything(tmp_path, capsys):
    save_frame(frame_of(tabletop((), walls=0.09)), tmp_path / "scene")
    assert main(arguments(tmp_path / "scene", tmp_path / "out", "--extent", LIGHT.extent)) == 2
    assert "nothing stands on" in capsys.readouterr().err
    cell, _ = cell_over(tmp_path / "scene")
    with cell:
        policy = make_policy(str(PRETRAINED), cell)
        cell.reset(0)
        with pytest.raises(NothingToGrasp):
            policy(cell.observe())
