"""The cell as an environment, with devices in memory that fail on cue."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from grasping_student.environments.robot_cell.arm import Descent
from grasping_student.environments.robot_cell.cell import RobotCell
from grasping_student.environments.robot_cell.config import CellConfig, DeviceConfig, Waypoint, load_cell
from grasping_student.environments.robot_cell.devices import make_arm, make_gripper, make_view
from grasping_student.environments.robot_cell.dry_run import DryRunArm, DryRunGripper, Notebook, draw_motions
from grasping_student.environments.robot_cell.faults import ArmFault, CellStopped, DeviceFault, Fault, GripperFault
from grasping_student.environments.robot_cell.gripper import GripperState, close_on_object
from grasping_student.environments.robot_cell.live import read_scene, read_status, request_stop
from grasping_student.environments.robot_cell.picking_motion import plan_grasp
from grasping_student.environments.robot_cell.pose import WorkspaceInBase, tool_down
from grasping_student.environments.robot_cell.resets import save_waypoints, teach
from grasping_student.environments.robot_cell.terminal import ask_at_terminal
from grasping_student.environments.robot_cell.view import View
from grasping_student.errors import UserError
from grasping_student.grasp import DEPLOYMENT_ANGLES, Outcome, PlanarGrasp
from grasping_student.heightmap import Heightmap
from grasping_student.workspace import paper_workspace

WORKSPACE = paper_workspace()
DOCUMENTED = Path(__file__).parents[3] / "docs" / "cell.yaml"
GRASP = PlanarGrasp(150, 180, DEPLOYMENT_ANGLES.angle(3))


class Block(View):
    """A block of 30 mm in the middle."""

    def __init__(self):
        self.fails = False

    def connect(self):
        pass

    def close(self):
        pass

    def heightmap(self):
        if self.fails:
            raise DeviceFault(Fault.NO_PICTURE, "no picture")
        height = np.zeros(WORKSPACE.shape, np.float32)
        height[140:200, 140:200] = 0.03
        return Heightmap(height, np.full((*WORKSPACE.shape, 3), 90, np.uint8), WORKSPACE)


class FailingArm(DryRunArm):
    """Raises what ``faults`` holds at the n-th motion."""

    def __init__(self, notes, faults):
        super().__init__(notes)
        self.faults, self.count, self.stops, self.contact = faults, 0, 0, False

    def move(self, pose, speed, acceleration):
        self._maybe_fail()
        return super().move(pose, speed, acceleration)

    def descend(self, pose, speed, acceleration, force):
        self._maybe_fail()
        if self.contact:
            return Descent(pose.at_height(pose.z + 0.01), True, 20.0)
        return super().descend(pose, speed, acceleration, force)

    def _maybe_fail(self):
        self.count += 1
        if self.count in self.faults:
            raise self.faults[self.count]

    def stop(self):
        self.stops += 1


class FailingGripper(DryRunGripper):
    """Holds, misses, or loses what it held once the tool has risen."""

    fails, loses = False, False

    def move(self, stroke_mm):
        if self.fails:
            raise GripperFault(Fault.GRIPPER_FAULT, "gripper: it is too hot")
        if self.loses and stroke_mm == 0.0 and self._notes.here.z > 0.2:
            self._object_mm = -1.0
        return super().move(stroke_mm)

    def state(self):
        stroke = max(self._stroke_mm, 0.0)
        return GripperState(stroke, 0.0 < stroke <= self._object_mm, stroke <= 0.0)


def make_cell(faults=None, **config):
    notes = Notebook(tool_down(0.0, -0.45, 0.4, 0.0), say=lambda line: None)
    arm, gripper, view = FailingArm(notes, faults or {}), FailingGripper(notes), Block()
    asked = []
    cell = RobotCell(CellConfig(workspace=WORKSPACE, **config), arm, gripper, view, asked.append)
    return cell, arm, gripper, view, notes, asked


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
    seen = Heightmap(height, np.zeros((*WORKSPACE.shape, 3), np.uint8), WORKSPACE)
    plan = plan_grasp(seen, GRASP, CellConfig(workspace=WORKSPACE))
    assert plan.grasp.z == pytest.approx(0.04 - 0.015, abs=1e-6)


def test_unmeasured_pixels_around_a_grasp_do_no_harm():
    height = np.full(WORKSPACE.shape, np.nan, np.float32)
    seen = Heightmap(height, np.zeros((*WORKSPACE.shape, 3), np.uint8), WORKSPACE)
    plan = plan_grasp(seen, GRASP, CellConfig(workspace=WORKSPACE))
    assert plan.grasp.z == pytest.approx(0.007)
    assert math.isfinite(plan.approach.z)


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

    notes = Notebook(tool_down(0.0, -0.45, 0.4, 0.0), say=lambda line: None)
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
    draw_motions(notes.motions, cell.config, tmp_path / "motions.png")
    assert (tmp_path / "motions.png").stat().st_size > 5000


def test_waypoints_are_taught_by_hand_and_kept_in_the_cells_file(tmp_path):
    notes = Notebook(tool_down(0.1, -0.5, 0.3, 0.0), say=lambda line: None)

    class LedByHand(DryRunArm):
        def free(self, on):
            held.append(on)

    held, typed = [], iter(["over the box", "grip it close", ""])
    waypoints = teach(LedByHand(notes), DryRunGripper(notes), lambda prompt: next(typed))
    assert held == [True, False]
    assert [(each.name, each.stroke_mm) for each in waypoints] == [("over the box", None), ("grip it", 0.0)]
    path = tmp_path / "cell.yaml"
    path.write_text("drop: {x: 0.4}\n")
    save_waypoints(path, waypoints)
    cell = load_cell(path)
    assert cell.reset == waypoints
    assert cell.drop.x == 0.4


def test_the_live_folder_shows_what_the_cell_sees_and_does(tmp_path):
    cell, *_ = make_cell(live=tmp_path / "live")
    assert read_status(tmp_path / "live") == {}
    assert read_scene(tmp_path / "live") is None
    said, say = [], cell._live.say
    cell._live.say = lambda phase, **values: (said.append(phase), say(phase, **values))
    cell.reset(0)
    cell.observe()
    cell.execute(GRASP)
    assert said[-6:] == ["going down", "closing", "lifting", "carrying off", "done", "done"]
    status = read_status(tmp_path / "live")
    assert status["outcome"] == "success"
    assert status["grasp"]["row"] == GRASP.row
    assert status["gripper"]["stroke_mm"] == 85.0
    heightmap, picture, number = read_scene(tmp_path / "live")
    assert status["grasp"]["scene"] == number
    assert heightmap.height.max() == pytest.approx(0.03)
    assert heightmap.workspace == WORKSPACE
    assert picture.shape == (*WORKSPACE.shape, 3)


def test_a_full_disk_ends_the_pages_news_and_no_grasp(tmp_path, monkeypatch):
    cell, *_ = make_cell(live=tmp_path / "live")
    cell.reset(0)
    cell.observe()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("grasping_student.environments.robot_cell.live.write_json", full)
    monkeypatch.setattr("grasping_student.environments.robot_cell.live.atomic_path", full)
    assert cell.execute(GRASP) is Outcome.SUCCESS
    cell.observe()
    cell.close()
    blocked, *_ = make_cell(live=tmp_path / "live")
    with pytest.raises(UserError, match=r"`live` .* cannot be written: .*No space left"):
        blocked.connect()


def test_a_grasp_outside_the_box_is_refused_with_the_reason(caplog):
    cell, _, _, _, notes, _ = make_cell(workspace_in_base=WorkspaceInBase(z=-0.05))
    cell.reset(0)
    cell.observe()
    before = len(notes.motions)
    assert cell.execute(GRASP) is Outcome.OUT_OF_REACH
    assert len(notes.motions) == before
    assert "a grasp was refused" in caplog.text and "outside the safe box" in caplog.text


def test_the_stop_button_stops_the_cell_before_anything_else_moves(tmp_path):
    cell, arm, _, _, notes, _ = make_cell(live=tmp_path)
    cell.reset(0)
    motions = len(notes.motions)
    request_stop(tmp_path)
    with pytest.raises(CellStopped, match="stop button"):
        cell.observe()
    assert arm.stops == 1
    assert len(notes.motions) == motions
    cell.recover()
    cell.observe()


def test_a_button_pressed_in_a_grasp_ends_it_before_the_next_motion(tmp_path):
    """For an arm that can't be braked from another process: the cell itself must see the button."""
    cell, arm, gripper, _, notes, _ = make_cell(live=tmp_path)
    cell.reset(0)
    cell.observe()
    close = gripper.move

    def press_while_closing(stroke_mm):
        if stroke_mm == 0.0:
            request_stop(tmp_path)
        return close(stroke_mm)

    gripper.move = press_while_closing
    assert cell.execute(GRASP) is Outcome.FAULT
    assert notes.motions[-1].kind == "fingers" and notes.here.z < 0.02
    assert cell.stopped == "the stop button was pressed"
    assert arm.stops == 1


def test_a_button_that_was_pressed_holds_for_the_next_program_too(tmp_path):
    request_stop(tmp_path)
    cell, _, _, _, notes, _ = make_cell(live=tmp_path)
    for begin in (lambda: cell.reset(0), cell.connect):
        with pytest.raises(CellStopped, match="stop button"):
            begin()
    assert notes.motions == []
    cell.recover()
    cell.reset(0)
    assert notes.motions


def test_nobody_at_the_terminal_is_said_in_words(monkeypatch):
    monkeypatch.setattr("builtins.input", lambda text: (_ for _ in ()).throw(EOFError))
    cell, *_ = make_cell()
    cell._ask_person = ask_at_terminal
    with pytest.raises(UserError, match="standard input is closed: Fill the workspace"):
        cell.reset(0)


def test_observations_are_the_callers_own():
    cell, *_ = make_cell()
    cell.reset(0)
    first = cell.observe()
    first.height[:] = 9.0
    assert cell.observe().height.max() == pytest.approx(0.03)
    assert plan_height(cell) == pytest.approx(0.015)


def plan_height(cell):
    return plan_grasp(cell.observe(), GRASP, cell.config).grasp.z


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("arm: {kind: ur6}", "valid are: .*ur5e"),
        ("arm: {kind: ur5e, options: {hosst: a}}", "did you mean 'host'"),
        ("gripper: {kind: robotiq-2f85, options: {speed: fast}}", "expected int"),
        ("safe_box: {low: [0, 0]}", "expected 3"),
        ("speed: 1", "unknown option"),
        ("pick: {clearance: -1}", "clearance"),
    ],
)
def test_mistakes_in_a_cells_file_are_named(tmp_path, text, words):
    path = tmp_path / "cell.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=words):
        cell = load_cell(path)
        make_arm(cell), make_gripper(cell), make_view(cell)


def test_a_relative_live_folder_lies_beside_the_cells_file(tmp_path):
    path = tmp_path / "cell.yaml"
    path.write_text("live: here\n")
    assert load_cell(path).live == tmp_path / "here"


def whole_cell(**changes):
    """The documented cell's file with parts changed, or left out where the change is None."""
    values = {**yaml.safe_load(DOCUMENTED.read_text()), **changes}
    return yaml.safe_dump({name: value for name, value in values.items() if value is not None})


BOX = yaml.safe_load(DOCUMENTED.read_text())["safe_box"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"safe_box": None}, "lacks safe_box: no arm is driven by defaults"),
        ({"drop": None, "arm": None}, "lacks arm, drop"),
        ({"safe_box": {"low": BOX["low"]}}, "lacks safe_box.high"),
        ({"drop": {"x": 0.4}}, "lacks drop.y, drop.z"),
        ({"workspace_in_base": {"x": 0, "y": -450, "z": 0}}, "workspace_in_base .*were these millimetres"),
        ({"safe_box": {**BOX, "low": [-400, -750, 5]}}, "safe_box: .*were these millimetres"),
        ({"workspace": {"extent": 450}}, "millimetres"),
        ({"pick": {"finger_depth": 15}}, "finger_depth is 15.* were these millimetres"),
        ({"pick": {"travel_height": 250}}, "travel_height .*millimetres"),
        ({"drop": {"x": 450, "y": -450, "z": 250}}, r"drop, at \(450, -450, 250\) m, lies outside safe_box"),
        ({"drop": {"x": 0.45, "y": 0.45, "z": 0.25}}, "drop, at .* lies outside safe_box"),
        ({"workspace_in_base": {"x": 0, "y": 0.45, "z": 0}}, "the workspace's centre .* outside safe_box"),
        ({"pick": {"travel_speed": 0.5}}, "pick.travel_speed is 0.5; .* safe_box.fastest = 0.3"),
        ({"pick": {"contact_force": 60}}, "pick.contact_force is 60; .*strongest_contact = 40"),
        ({"safe_box": {**BOX, "fastest": "quick"}}, "fastest: got 'quick'"),
        ({"safe_box": {**BOX, "steepest_tilt": 30}}, "degrees"),
        ({"safe_box": {**BOX, "low": [0.0, math.nan, 0.0]}}, "low: got nan"),
        ({"safe_box": {**BOX, "high": [math.inf, 1.0, 1.0]}}, "high: got inf"),
        ({"safe_box": {**BOX, "high": [-0.5, -0.2, 0.6]}}, "empty"),
        ({"safe_box": {**BOX, "hardest_acceleration": 50.0}}, "hardest_acceleration"),
        ({"reset": [{"name": "a", "pose": [0, 0, 0]}]}, "got 3 values; expected 6"),
        ({"reset": [{"name": "a", "pause": -1}]}, "waypoint 'a': pause is -1"),
        ({"reset": [{"name": "a", "stroke_mm": -5}]}, "waypoint 'a': stroke_mm is -5"),
        ({"reset": {"name": "a"}}, "reset: got"),
        ({"arm": {"kind": "ur5e", "options": {"stale_after": 200}}}, "stale_after is 200"),
        ({"arm": {"kind": "ur5e", "options": ["host"]}}, "options: got"),
        ({"arm": {"kind": "ur5e", "options": {"host": "a\0b"}}}, "host is .*as in 192.168.1.10"),
        ({"gripper": {"kind": "robotiq-2f85", "options": {"host": ""}}}, "host is ''"),
        ({"workspace": {"pixels": 10**9}}, "workspace.pixels is 1000000000"),
        ({"gripper": {"kind": "robotiq-2f85", "options": {"port": 99999}}}, "port is 99999"),
        ({"view": {"kind": "realsense", "options": {"camera": {"median": 0}}}}, "median must be at least 1"),
        ({"view": {"kind": "realsense", "options": {"camera_to_base": "nowhere.txt"}}}, "cell calibrate` writes it"),
    ],
)
def test_no_arm_is_driven_by_a_file_that_is_incomplete_or_contradicts_itself(tmp_path, changes, words):
    path = tmp_path / "cell.yaml"
    path.write_text(whole_cell(**changes))
    with pytest.raises(UserError, match=words) as caught:
        cell = load_cell(path, to_move=True)
        make_arm(cell), make_gripper(cell), make_view(cell)
    assert "\n" not in str(caught.value)


def test_the_documented_cell_may_drive_an_arm(tmp_path):
    path = tmp_path / "cell.yaml"
    path.write_text(whole_cell())
    assert load_cell(path, to_move=True).drop == CellConfig().drop


@pytest.mark.parametrize(
    "text", ["drop: {x: 0.4}\n", "{drop: {x: 0.4}, reset: []}\n", "drop: {x: 0.4}\nreset:\n- name: old\n"]
)
def test_teaching_again_replaces_the_reset_and_nothing_else(tmp_path, text):
    path = tmp_path / "cell.yaml"
    path.write_text(text)
    for names in ("ab", "c"):
        waypoints = tuple(Waypoint(name, stroke_mm=3.0) for name in names)
        save_waypoints(path, waypoints)
        assert load_cell(path).reset == waypoints
        assert load_cell(path).drop.x == 0.4


def test_teaching_keeps_the_comments_of_a_cells_file(tmp_path):
    path = tmp_path / "cell.yaml"
    path.write_text(DOCUMENTED.read_text())
    save_waypoints(path, (Waypoint("lift"),))
    before, after = DOCUMENTED.read_text().splitlines(), path.read_text().splitlines()
    assert [line for line in before if line not in after] == [line for line in before if line.startswith("reset:")]
    assert path.read_text().count("#") == DOCUMENTED.read_text().count("#")


def test_devices_that_can_not_be_reached_are_said_before_anything_moves():
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
