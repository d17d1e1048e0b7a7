"""The cell as an environment, with devices in memory that fail on cue."""

import math
import threading
from dataclasses import replace

import numpy as np
import pytest
from tests.robots.failing_cell import GRASP, WORKSPACE, Block, make_cell

from grasping_student.environments.robot_cell import RobotCell
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.errors import UserError
from grasping_student.robots.cell.config import CellConfig, DeviceConfig, Waypoint
from grasping_student.robots.cell.devices import make_arm, make_gripper
from grasping_student.robots.cell.dry_run import DryRunGripper, MotionLog, plot_motions
from grasping_student.robots.cell.picking_motion import plan_grasp
from grasping_student.robots.cell.resets import ask_at_terminal
from grasping_student.robots.faults import ArmFault, CellStopped, Fault
from grasping_student.robots.grippers.base import GripperState, close_on_object
from grasping_student.robots.pose import WorkspaceInBase, tool_down


def test_a_grasp_opens_fully_descends_guarded_closes_lifts_and_lets_go_over_the_second_box():
    cell, _, _, _, notes, _ = make_cell()
    cell.reset(0)
    cell.observe()
    notes.motions.clear()
    assert cell.execute(GRASP) is Outcome.SUCCESS
    kinds = [motion.kind for motion in notes.motions if motion.kind != "fingers"]
    strokes = [motion.stroke_mm for motion in notes.motions if motion.kind == "fingers"]
    assert kinds.count("descend") == 1
    assert strokes[0] == 85.0 and strokes[-1] == 85.0 and set(strokes[1:-1]) == {0.0}
    descent = next(motion for motion in notes.motions if motion.kind == "descend")
    x, y = GRASP.xy(WORKSPACE)
    np.testing.assert_allclose(descent.end.position, (x, y - 0.45, 0.015), atol=1e-9)
    assert descent.start.z == pytest.approx(0.09)
    np.testing.assert_allclose(notes.here.position, cell.config.drop_pose().position)


def test_the_tool_goes_sideways_only_at_travel_height():
    cell, _, _, _, notes, _ = make_cell()
    cell.reset(0)
    cell.execute(GRASP)
    for motion in notes.motions:
        if np.abs(motion.end.position[:2] - motion.start.position[:2]).max() > 1e-9:
            assert min(motion.start.z, motion.end.z) >= cell.config.travel_z() - 1e-9


def test_the_height_is_the_mean_of_three_by_three_pixels_less_the_finger_depth():
    height = np.zeros(WORKSPACE.shape, np.float32)
    height[149:152, 179:182] = np.linspace(0.02, 0.06, 9).reshape(3, 3)
    seen = Observation.of(Heightmap(height, np.zeros((*WORKSPACE.shape, 3), np.uint8), WORKSPACE))
    plan = plan_grasp(seen, GRASP, CellConfig(workspace=WORKSPACE))
    assert plan.grasp.z == pytest.approx(0.04 - 0.015, abs=1e-6)


def test_unmeasured_pixels_around_a_grasp_do_no_harm():
    height = np.full(WORKSPACE.shape, np.nan, np.float32)
    seen = Observation.of(Heightmap(height, np.zeros((*WORKSPACE.shape, 3), np.uint8), WORKSPACE))
    plan = plan_grasp(seen, GRASP, CellConfig(workspace=WORKSPACE))
    assert plan.grasp.z == pytest.approx(0.007)
    assert math.isfinite(plan.approach.z)


def test_the_guarded_descent_begins_at_travel_height_where_something_near_was_not_seen():
    cell, _, _, view, notes, _ = make_cell()
    seen = view.observe()
    seen.excluded[GRASP.row, GRASP.col + 40] = True  # 5 cm away: a wall that the heightmap leaves out
    view.observe = lambda: seen
    cell.reset(0)
    cell.execute(GRASP)
    descent = next(motion for motion in notes.motions if motion.kind == "descend")
    assert descent.start.z == pytest.approx(cell.config.travel_z())


def test_what_lies_beyond_the_picture_was_not_seen_either():
    workspace = replace(WORKSPACE, margin=0.03)
    seen = Observation.of(
        Heightmap(np.zeros(workspace.shape, np.float32), np.zeros((*workspace.shape, 3), np.uint8), workspace)
    )
    config = CellConfig(workspace=workspace)
    assert plan_grasp(seen, PlanarGrasp(30, 150, 0.0), config).approach.z == pytest.approx(config.travel_z())
    assert plan_grasp(seen, PlanarGrasp(150, 150, 0.0), config).approach.z < 0.1


def test_outcomes_are_named_after_what_the_devices_felt():
    cell, arm, gripper, _, _, _ = make_cell()
    cell.reset(0)
    arm.contact = True
    assert cell.execute(GRASP) is Outcome.COLLISION
    arm.contact = False
    gripper._object_mm = -1.0
    assert cell.execute(GRASP) is Outcome.MISSED
    gripper._object_mm, gripper.loses = 30.0, True
    assert cell.execute(GRASP) is Outcome.DROPPED


def test_an_object_that_yields_to_the_second_close_is_not_held():
    class Sponge(DryRunGripper):
        def move(self, stroke_mm):
            self._object_mm -= 5.0
            return super().move(stroke_mm)

    notes = MotionLog(tool_down(0.0, -0.45, 0.4, 0.0), log=lambda line: None)
    assert close_on_object(DryRunGripper(notes, 40.0))
    assert not close_on_object(Sponge(notes, 40.0))


@pytest.mark.parametrize("grasp", [PlanarGrasp(10, 10, 0.0), PlanarGrasp(-3, 500, 1.0)])
def test_a_grasp_in_the_margin_is_out_of_reach_and_nothing_moves(grasp):
    cell, _, _, _, notes, _ = make_cell()
    cell.reset(0)
    before = len(notes.motions)
    assert cell.execute(grasp) is Outcome.OUT_OF_REACH
    assert len(notes.motions) == before


@pytest.mark.parametrize("when", range(2, 7))
def test_a_fault_anywhere_in_a_grasp_is_no_attempt_and_stops_the_cell(when):
    fault = ArmFault(Fault.LINK_LOST, "the link is lost")
    cell, arm, _, _, notes, _ = make_cell({when: fault})
    cell.reset(0)
    cell.observe()
    assert cell.execute(GRASP) is Outcome.FAULT
    assert arm.stops == 1
    assert cell.stopped == "the link is lost"
    motions = len(notes.motions)
    for action in (cell.observe, lambda: cell.execute(GRASP), lambda: cell.reset(1)):
        with pytest.raises(CellStopped, match="cell recover"):
            action()
    assert len(notes.motions) == motions, "something moved although the cell is stopped"
    cell.recover()
    cell.observe()
    assert cell.execute(GRASP) is Outcome.SUCCESS


def test_a_gripper_fault_is_a_fault_and_leaves_the_fingers():
    cell, arm, gripper, _, _, _ = make_cell()
    cell.reset(0)
    gripper.fails = True
    assert cell.execute(GRASP) is Outcome.FAULT
    assert "too hot" in cell.stopped
    assert arm.stops == 1


def test_no_picture_stops_the_cell_with_a_clear_error():
    cell, _, _, view, _, _ = make_cell()
    cell.reset(0)
    view.fails = True
    with pytest.raises(CellStopped, match="no picture"):
        cell.observe()


def test_control_c_in_a_grasp_stops_the_arm_and_goes_on_to_the_caller():
    cell, arm, gripper, _, _, _ = make_cell({5: KeyboardInterrupt()})
    cell.reset(0)
    cell.observe()
    with pytest.raises(KeyboardInterrupt):
        cell.execute(GRASP)
    assert arm.stops == 1
    assert gripper.state() == GripperState(30.0, object_detected=True, fully_closed=False)  # still holds the block


def test_an_interruption_by_another_thread_ends_a_grasp_before_the_next_motion():
    cell, _, gripper, _, notes, _ = make_cell()
    cell.reset(0)
    cell.observe()
    close = gripper.move

    def interrupt_while_closing(stroke_mm):
        if stroke_mm == 0.0:
            run_in_thread(cell.interrupt)
        return close(stroke_mm)

    gripper.move = interrupt_while_closing
    assert cell.execute(GRASP) is Outcome.FAULT
    assert cell.stopped == "the program was ended"
    assert gripper.state().object_detected, "the fingers stay as they are"
    motions = len(notes.motions)
    for action in (cell.observe, lambda: cell.reset(1), lambda: (cell.recover(), cell.observe())):
        with pytest.raises(CellStopped, match="the program was ended"):
            action()
    assert len(notes.motions) == motions


def test_an_interruption_reaches_a_motion_that_had_just_passed_the_gate():
    cell, arm, *_ = make_cell()
    cell.reset(0)
    cell.observe()
    stops = threading.Semaphore(0)
    arm.stop = stops.release

    def begin_late(pose, speed, acceleration):
        threading.Thread(target=cell.interrupt).start()
        assert stops.acquire(timeout=10.0), "came before the arm had begun"
        assert stops.acquire(timeout=10.0), "came in the middle of the motion"
        raise ArmFault(Fault.STOPPED, "the motion was stopped on request")

    arm.move = begin_late
    assert cell.execute(GRASP) is Outcome.FAULT
    assert cell.stopped == "the program was ended"


def run_in_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10.0)


def test_without_waypoints_a_person_fills_the_workspace():
    cell, *_, asked = make_cell()
    cell.reset(0)
    assert len(asked) == 1


def test_with_waypoints_the_reset_runs_by_itself(tmp_path):
    waypoints = (Waypoint("over", stroke_mm=85.0), Waypoint("side", (0.1, -0.5, 0.3, math.pi, 0, 0)))
    cell, _, _, _, notes, asked = make_cell(reset=waypoints)
    cell.reset(0)
    assert not asked
    visited = [motion.end.values for motion in notes.motions]
    assert all(any(np.allclose(seen, waypoint.pose) for seen in visited) for waypoint in waypoints)
    plot_motions(notes.motions, cell.config, tmp_path / "motions.png")
    assert (tmp_path / "motions.png").stat().st_size > 5000


def test_a_grasp_outside_the_box_is_refused_with_the_reason(caplog):
    cell, _, _, _, notes, _ = make_cell(workspace_in_base=WorkspaceInBase(z=-0.05))
    cell.reset(0)
    cell.observe()
    before = len(notes.motions)
    assert cell.execute(GRASP) is Outcome.OUT_OF_REACH
    assert len(notes.motions) == before
    assert "a grasp was refused" in caplog.text and "outside the safe box" in caplog.text


def test_nobody_at_the_terminal_is_said_in_words(monkeypatch):
    monkeypatch.setattr("builtins.input", lambda text: (_ for _ in ()).throw(EOFError))
    cell, *_ = make_cell()
    cell._ask_person = ask_at_terminal
    with pytest.raises(UserError, match="standard input is closed: Fill the workspace"):
        cell.reset(0)


def test_observations_are_the_callers_own():
    cell, *_ = make_cell()
    cell.reset(0)
    first = cell.observe().heightmap
    first.height[:] = 9.0
    assert cell.observe().heightmap.height.max() == pytest.approx(0.03)
    assert plan_height(cell) == pytest.approx(0.015)


def plan_height(cell):
    return plan_grasp(cell.observe(), GRASP, cell.config).grasp.z


def test_devices_that_can_not_be_reached_are_said_before_anything_moves(rtde):
    config = replace(
        CellConfig(),
        arm=DeviceConfig("ur5e", {"host": "127.250.250.1"}),
        gripper=DeviceConfig("robotiq-2f85", {"host": "127.250.250.1"}),
    )
    with (
        RobotCell(config, make_arm(config), make_gripper(config), Block()) as cell,
        pytest.raises(CellStopped, match=r"no answer from the arm's controller at 127\.250\.250\.1"),
    ):
        cell.observe()
