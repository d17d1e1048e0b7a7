"""A cell's file: mistakes in it, what it must say before an arm is driven, resets taught into it."""

import math
from pathlib import Path

import pytest
import yaml

from grasping_student.pipeline.errors import UserError
from grasping_student.robots.cell.cell_file import load_cell
from grasping_student.robots.cell.config import CellConfig, Waypoint
from grasping_student.robots.cell.devices import make_arm, make_gripper, make_view
from grasping_student.robots.cell.dry_run import DryRunArm, DryRunGripper, MotionLog
from grasping_student.robots.cell.resets import save_waypoints, teach
from grasping_student.robots.pose import tool_down

DOCUMENTED = Path(__file__).parents[2] / "docs" / "cell.yaml"


def test_waypoints_are_taught_by_hand_and_kept_in_the_cells_file(tmp_path):
    notes = MotionLog(tool_down(0.1, -0.5, 0.3, 0.0), log=lambda line: None)

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
    path.write_text("telemetry: here\n")
    assert load_cell(path).telemetry == tmp_path / "here"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("live: here\n", "telemetry: here\n"),
        ("view: {kind: twin, options: {control_port: 5}}\n", "view: {kind: remote, options: {control_port: 5}}\n"),
        ("view: {kind: recorded, options: {mending: {}}}\n", "view: {kind: recorded, options: {repair: {}}}\n"),
    ],
)
def test_names_of_the_last_release_are_read_and_the_new_ones_told(tmp_path, caplog, old, new):
    path = tmp_path / "cell.yaml"
    path.write_text(new)
    expected = load_cell(path)
    assert not caplog.text
    path.write_text(old)
    assert load_cell(path) == expected
    assert " is now " in caplog.text


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
        ({"gripper_geometry": {"finger_depth": 15}}, "finger_depth is 15.* were these millimetres"),
        ({"pick": {"travel_height": 250}}, "travel_height .*millimetres"),
        ({"drop": {"x": 450, "y": -450, "z": 250}}, r"drop is \(450, -450, 250\) m, .*millimetres"),
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
        ({"workspace": {"pixels": 10**9}}, "workspace: pixels is 1000000000"),
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
    "text",
    [
        "drop: {x: 0.4}\n",
        "{drop: {x: 0.4}, reset: []}\n",
        "drop: {x: 0.4}\nreset:\n- name: old\n",
        "drop: {x: 0.4}\nlive: here\nworkspace_in_base: {yaw: 90 deg}\n",
    ],
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
