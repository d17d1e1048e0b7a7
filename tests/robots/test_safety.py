"""Whatever a model, a calibration or a person's file says: nothing leaves the box, no NaN reaches a device."""

import contextlib
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from grasping_student.cameras.simulated import SimulatedCamera, looking_down
from grasping_student.environments.robot_cell import RobotCell
from grasping_student.geometry.grasp import Outcome, PlanarGrasp, angle_distance
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.frame import Intrinsics
from grasping_student.perception.heightmap_repair import HeightmapRepairConfig
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.errors import UserError
from grasping_student.robots.arms.safety import GuardedArm, SafeBox
from grasping_student.robots.cell.camera_view import CameraView
from grasping_student.robots.cell.config import CellConfig, Drop, Waypoint
from grasping_student.robots.cell.dry_run import DryRunArm, DryRunGripper, MotionLog
from grasping_student.robots.cell.resets import check_waypoints, replay
from grasping_student.robots.cell.view import View
from grasping_student.robots.faults import UnsafeMotion
from grasping_student.robots.pose import ToolPose, WorkspaceInBase, finger_angle, tool_down

ANY = st.floats(allow_nan=True, allow_infinity=True)
WORKSPACE = Workspace(0.45, 36, 0.06)


class FixedView(View):
    def __init__(self, height):
        self._height = height

    def connect(self):
        pass

    def close(self):
        pass

    def observe(self):
        return Observation.of(Heightmap(self._height, np.zeros((*self._height.shape, 3), np.uint8), WORKSPACE))


def notes_from(start=None):
    return MotionLog(start or tool_down(0.0, -0.45, 0.4, 0.0), log=lambda line: None)


def obeys(notes, box):
    for motion in notes.motions:
        assert motion.end.finite
        assert box.contains(motion.end)
        assert motion.end.tilt <= box.steepest_tilt + 1e-9
        limit = {"move": box.fastest, "descend": box.fastest_descent, "fingers": math.inf}[motion.kind]
        assert motion.speed <= limit


@settings(max_examples=150, deadline=None)
@given(
    place=st.builds(
        WorkspaceInBase, x=st.floats(-0.3, 0.3), y=st.floats(-0.8, -0.1), z=st.floats(-0.05, 0.3), yaw=st.floats(-7, 7)
    ),
    wild=st.builds(WorkspaceInBase, x=ANY, y=ANY, z=ANY, yaw=st.floats(-7, 7)),
    use_wild=st.booleans(),
    row=st.integers(-5, 40),
    col=st.integers(-5, 40),
    angle=st.floats(-10, 10),
    peak=st.one_of(ANY, st.floats(0, 0.5)),
    drop=st.one_of(st.just(Drop()), st.builds(Drop, x=st.floats(-1, 1), y=st.floats(-1, 1), z=st.floats(-0.2, 1.0))),
)
def test_no_grasp_and_no_calibration_moves_the_arm_out_of_the_box(place, wild, use_wild, row, col, angle, peak, drop):
    height = np.zeros(WORKSPACE.shape, np.float32)
    height[10:20, 10:20] = np.float32(np.clip(peak, -1e30, 1e30)) if not math.isnan(peak) else np.nan
    config = CellConfig(workspace=WORKSPACE, workspace_in_base=wild if use_wild else place, drop=drop)
    notes = notes_from()
    cell = RobotCell(config, DryRunArm(notes), DryRunGripper(notes), FixedView(height), lambda text: None)
    try:
        cell.reset(0)
        outcome = cell.execute(PlanarGrasp(row, col, angle))
    except UserError:
        outcome = None  # refused in words
    obeys(notes, config.safe_box)
    if outcome is Outcome.SUCCESS:
        assert WORKSPACE.is_graspable(row, col)
        assert any(motion.kind == "descend" for motion in notes.motions)


LENS = Intrinsics(110.0, 110.0, 80.0, 60.0, 160, 120)


@settings(max_examples=40, deadline=None)
@given(
    shift=st.tuples(*[st.floats(-0.5, 0.5)] * 3),
    turn=st.tuples(*[st.floats(-0.6, 0.6)] * 3),
    row=st.integers(4, 31),
    col=st.integers(4, 31),
    angle=st.floats(0, 3.14),
)
def test_no_wrong_place_of_the_camera_moves_the_arm_out_of_the_box(shift, turn, row, col, angle):
    """The picture is true, the calibration is not: the blocks seem to lie anywhere, also deep under the table."""
    wrong = looking_down(0.7)
    wrong[:3, :3] = Rotation.from_rotvec(turn).as_matrix() @ wrong[:3, :3]
    wrong[:3, 3] += shift

    class Miscalibrated(SimulatedCamera):
        def read(self):
            return replace(super().read(), camera_to_world=wrong)

    height = np.zeros(WORKSPACE.shape, np.float32)
    height[10:20, 10:20] = 0.05
    scene = Heightmap(height, np.zeros((*WORKSPACE.shape, 3), np.uint8), WORKSPACE)
    camera = Miscalibrated(lambda: scene, LENS, looking_down(0.7))
    notes = notes_from()
    view = CameraView(camera, WORKSPACE, HeightmapRepairConfig())
    config = CellConfig(workspace=WORKSPACE)
    cell = RobotCell(config, DryRunArm(notes), DryRunGripper(notes), view, lambda text: None)
    with contextlib.suppress(UserError):  # refused in words
        cell.reset(0)
        cell.observe()
        cell.execute(PlanarGrasp(row, col, angle))
    obeys(notes, config.safe_box)


@settings(max_examples=200)
@given(values=st.tuples(ANY, ANY, ANY, ANY, ANY, ANY), speed=ANY, acceleration=ANY, force=ANY)
def test_the_gate_lets_no_bad_number_through(values, speed, acceleration, force):
    notes = notes_from()
    arm = GuardedArm(DryRunArm(notes), SafeBox())
    for command in (
        lambda: arm.move(ToolPose(*values), speed, acceleration),
        lambda: arm.descend(ToolPose(*values), speed, acceleration, force),
    ):
        try:
            command()
        except UnsafeMotion:
            continue
    obeys(notes, SafeBox())


@pytest.mark.parametrize(
    ("pose", "speed", "words"),
    [
        (tool_down(0.9, -0.45, 0.3, 0.0), 0.1, "outside the safe box"),
        (tool_down(0.0, -0.45, 0.004, 0.0), 0.1, "outside the safe box"),
        (tool_down(math.nan, -0.45, 0.3, 0.0), 0.1, "not finite"),
        (ToolPose(0.0, -0.45, 0.3, math.pi - 0.3, 0.0, 0.0), 0.1, "lean 17 degrees"),
        (tool_down(0.0, -0.45, 0.3, 0.0), 0.31, "speed"),
        (tool_down(0.0, -0.45, 0.3, 0.0), math.nan, "speed"),
        (tool_down(0.0, -0.45, 0.3, 0.0), 0.0, "speed"),
    ],
)
def test_what_is_refused_is_said_in_words(pose, speed, words):
    notes = notes_from()
    with pytest.raises(UnsafeMotion, match=words):
        GuardedArm(DryRunArm(notes), SafeBox()).move(pose, speed, 0.5)
    assert notes.motions == []


def test_an_arm_that_stands_outside_the_box_is_not_moved():
    notes = notes_from(tool_down(0.0, -0.1, 0.4, 0.0))
    with pytest.raises(UnsafeMotion, match="by hand"):
        GuardedArm(DryRunArm(notes), SafeBox()).move(tool_down(0.0, -0.45, 0.4, 0.0), 0.1, 0.5)
    assert notes.motions == []


@pytest.mark.parametrize("force", [0.0, -1.0, math.nan, 41.0])
def test_descents_with_a_senseless_force_are_refused(force):
    arm = GuardedArm(DryRunArm(notes_from()), SafeBox())
    with pytest.raises(UnsafeMotion, match="force"):
        arm.descend(tool_down(0.0, -0.45, 0.3, 0.0), 0.05, 0.5, force)


@pytest.mark.parametrize(
    "values", [{"low": (0.0, 0.0, 0.5), "high": (1.0, 1.0, 0.4)}, {"low": (math.nan, 0.0, 0.0)}, {"fastest": 2.0}]
)
def test_boxes_that_make_no_sense_are_refused(values):
    with pytest.raises(ValueError, match=r"box|speed"):
        SafeBox(**values)


@given(x=st.floats(-1, 1), y=st.floats(-1, 1), angle=st.floats(-20, 20))
def test_the_tool_points_down_with_its_fingers_along_the_angle(x, y, angle):
    pose = tool_down(x, y, 0.2, angle)
    assert pose.tilt == pytest.approx(0.0, abs=1e-6)
    assert angle_distance(finger_angle(pose), angle) < 1e-6


@given(
    st.builds(WorkspaceInBase, x=st.floats(-1, 1), y=st.floats(-1, 1), z=st.floats(-1, 1), yaw=st.floats(-9, 9)),
    st.floats(-0.3, 0.3),
    st.floats(-0.3, 0.3),
    st.floats(0, 0.5),
    st.floats(0, 3.14),
)
def test_world_to_tool_and_back_is_exact(place, x, y, z, angle):
    back = place.world_point(place.tool_pose(x, y, z, angle))
    np.testing.assert_allclose(back[:3], (x, y, z), atol=1e-9)
    assert angle_distance(back[3], angle) < 1e-9


def test_a_reset_with_one_waypoint_outside_the_box_moves_nothing():
    good, bad = Waypoint("lift"), Waypoint("through the wall", (0.0, 0.4, 0.3, math.pi, 0.0, 0.0))
    notes = notes_from()
    wide = replace(good, name="too wide", stroke_mm=100.0)
    wrong = check_waypoints([good, bad, replace(bad, pose=(math.nan,) * 6), wide], SafeBox(), 0.5, 85.0)
    assert len(wrong) == 3
    assert wrong[0].startswith("waypoint 2 'through the wall'")
    assert wrong[2] == "waypoint 4 'too wide': stroke is 100.0 mm; this gripper opens 0 to 85 mm"
    with pytest.raises(UserError, match="not begun"):
        replay(DryRunArm(notes), DryRunGripper(notes), [good, bad], SafeBox(), 0.5)
    assert notes.motions == []


def test_clearance_that_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="clearance"):
        CellConfig(gripper_geometry=GripperGeometry(clearance=0.0))
