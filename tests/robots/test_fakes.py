"""The fakes themselves: they must be as strict as the real machines, or the tests through them show nothing."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from grasping_student.fakes import rtde_wire
from grasping_student.fakes.straight_motion import StraightMotion
from grasping_student.fakes.ur_controller import PLAYING, PROTECTIVE_STOP, READY, STOPPED, FakeController

COORDINATE = st.floats(-0.5, 0.5)
POSE = st.tuples(COORDINATE, COORDINATE, COORDINATE, st.floats(-2, 2), st.floats(-2, 2), st.floats(-2, 2))


@settings(max_examples=15, deadline=None)
@given(start=POSE, end=POSE, speed=st.floats(0.1, 0.3), acceleration=st.floats(0.2, 2.0))
def test_a_move_is_straight_keeps_its_limits_and_ends_at_its_target(start, end, speed, acceleration):
    motion = StraightMotion(start)
    motion.go(end, speed, acceleration)
    way = np.subtract(end[:3], start[:3])
    before = 0.0
    for _ in range(20_000):
        if not motion.moving:
            break
        motion.advance(0.03)
        assert motion.speed <= speed + 1e-12
        assert motion.speed - before <= acceleration * 0.03 + 1e-12
        before = motion.speed
        off = motion.pose[:3] - start[:3]
        assert np.linalg.norm(np.cross(off, way)) <= 1e-9
    assert not motion.moving
    np.testing.assert_allclose(motion.pose[:3], end[:3], atol=1e-12)
    turned = Rotation.from_rotvec(motion.pose[3:]).inv() * Rotation.from_rotvec(end[3:])
    assert turned.magnitude() < 1e-6


@given(st.floats(0.0, 1.0))
def test_a_halted_move_ends_on_its_way_and_stays_there(share):
    motion = StraightMotion((0, 0, 0.4, math.pi, 0, 0))
    motion.go((0.3, 0, 0.4, math.pi, 0, 0), 0.2, 1.0)
    motion.advance(share * 1.5)
    motion.halt(5.0)
    for _ in range(100):
        motion.advance(0.01)
    rest = motion.pose
    motion.advance(10.0)
    np.testing.assert_array_equal(motion.pose, rest)
    assert 0.0 <= rest[0] <= 0.3


@given(st.lists(st.sampled_from(sorted(rtde_wire.VARIABLE_TYPES)), min_size=1, max_size=12, unique=True), st.data())
def test_what_is_packed_for_the_wire_comes_back(names, data):
    values = {}
    for name in names:
        kind = rtde_wire.type_of(name)
        one = st.floats(-1e6, 1e6) if kind in ("DOUBLE", "VECTOR6D", "VECTOR3D") else st.integers(0, 1)
        count = int(kind[6]) if kind.startswith("VECTOR") else 1
        drawn = data.draw(st.lists(one, min_size=count, max_size=count))
        values[name] = drawn if count > 1 else drawn[0]
    recipe = rtde_wire.Recipe(7, names)
    packed = recipe.pack(values)
    assert packed[0] == 7
    assert recipe.unpack(packed[1:]) == values


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("input_int_register_47", "INT32"),
        ("output_double_register_0", "DOUBLE"),
        ("input_int_register_48", "NOT_FOUND"),
        ("actual_mood", "NOT_FOUND"),
    ],
)
def test_variables_have_the_types_that_the_vendor_documents(name, kind):
    assert rtde_wire.type_of(name) == kind


def playing():
    arm = FakeController()
    arm.upload()
    assert arm.registers["output_int_register_0"] == READY
    return arm


def send(arm, command, *doubles, asynchronous=1):
    values = {"input_int_register_0": command, "input_int_register_1": asynchronous}
    values |= {f"input_double_register_{index}": float(value) for index, value in enumerate(doubles)}
    arm.write_inputs(values)
    arm.tick(0.008)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_number_that_is_not_finite_stops_the_arm_and_is_remembered(bad):
    arm = playing()
    send(arm, 3, bad, 0, 0.3, 0, 0, 0, 0.1, 1.0)
    assert arm.safety_mode == PROTECTIVE_STOP
    assert arm.black_box.violations
    assert not arm.black_box.moves


def test_a_command_that_the_program_does_not_know_ends_the_program():
    arm = playing()
    send(arm, 77)
    assert arm.runtime_state == STOPPED
    assert "unknown command 77" in arm.black_box.violations


def test_hitting_something_hard_is_a_protective_stop():
    arm = playing()
    arm.surface = lambda pose: 0.35
    send(arm, 3, 0, -0.45, 0.1, math.pi, 0, 0, 0.3, 1.0)
    for _ in range(200):
        arm.tick(0.008)
    assert arm.safety_mode == PROTECTIVE_STOP
    assert arm.motion.pose[2] > 0.3


def test_without_power_or_in_a_stop_no_program_starts():
    arm = FakeController()
    arm.emergency_stop()
    arm.upload()
    assert arm.runtime_state == STOPPED
    arm.release_emergency_stop()
    arm.upload()
    assert arm.runtime_state == STOPPED, "the arm has no power yet"
    arm.restart()
    arm.robot_mode = 7
    arm.upload()
    assert arm.runtime_state == PLAYING
